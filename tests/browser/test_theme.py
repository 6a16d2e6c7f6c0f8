"""The theme in a browser: what a reader does with the shell of every page, with and without scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser.serving import CHROMIUM, served

from deploybook import render

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

TEMPLATES = Path(__file__).parents[2] / "templates"
HOSTILE = '"><img src=x onerror=alert(1)> & Söhne'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three pages: every component, a page by hand, and one whose title is hostile."""
    folder = tmp_path_factory.mktemp("theme")
    docs = folder / "docs"
    (docs / "style").mkdir(parents=True)
    style = render.environment().get_template("style.md.jinja").render()
    (docs / "style" / "index.md").write_text(f"---\ntitle: Design\n---\n{style}", "utf-8")
    (docs / "index.md").write_text(
        "# By hand\n\nWords about stations.\n\n| a | b |\n|---|--:|\n| c | 1 |\n\n```yaml\na: 1\n```\n",
        "utf-8",
    )
    (docs / "hostile.md").write_text(f"---\ntitle: {json.dumps(HOSTILE)}\n---\nWords.\n", "utf-8")
    config = yaml.safe_load((TEMPLATES / "mkdocs.base.yml").read_text("utf-8"))
    config |= {"site_name": "Acme deploys", "docs_dir": str(docs), "site_dir": str(folder / "site")}
    config["theme"]["custom_dir"] = str(TEMPLATES / "theme")
    config["extra"]["simulated"] = True
    config["nav"] = [{"Shipped": ["index.md"]}, {"How we work": ["style/index.md", "hostile.md"]}]
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(config), "utf-8")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-f", str(folder / "mkdocs.yml")],
        check=True,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"},
    )
    (folder / "site" / "data").mkdir()
    (folder / "site" / "data" / "build.json").write_text('{"as_of": "2020-03-04T09:05:00Z"}', "utf-8")
    return folder / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])


@pytest.fixture(scope="module")
def root(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


def opened(
    browser: Browser, address: str, *, width: int = 1280, scheme: str = "light", scripts: bool = True
) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=scripts,
    )
    page = context.new_page()
    page.goto(address)
    return page


def paper(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


LIGHT, DARK = "rgb(253, 252, 250)", "rgb(22, 24, 28)"


def test_colours_follow_the_system_until_the_reader_chooses_and_then_stay(
    browser: Browser, root: str
) -> None:
    page = opened(browser, root, scheme="dark")
    assert paper(page) == DARK
    page.click(".db-palette__label:not([hidden])")
    assert paper(page) == LIGHT
    page.goto(f"{root}style/")
    assert paper(page) == LIGHT
    page.click(".db-palette__label:not([hidden])")
    assert paper(page) == DARK


@pytest.mark.parametrize(("scheme", "colour"), [("light", LIGHT), ("dark", DARK)])
def test_colours_follow_the_system_with_scripts_off(
    browser: Browser, root: str, scheme: str, colour: str
) -> None:
    page = opened(browser, root, scheme=scheme, scripts=False)
    assert page.locator("html.no-js").count() == 1
    assert paper(page) == colour


def test_the_first_stop_of_the_keyboard_leads_past_the_header(browser: Browser, root: str) -> None:
    page = opened(browser, root)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_search_opens_with_a_key_finds_a_page_and_closes_with_escape(browser: Browser, root: str) -> None:
    page = opened(browser, root)
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    page.keyboard.type("rollback")
    result = page.locator(".md-search-result__link").first
    result.wait_for(state="visible")
    assert "Design" in str(result.text_content())
    page.keyboard.press("Escape")
    result.wait_for(state="hidden")


def test_the_search_index_is_fetched_when_somebody_is_about_to_search(browser: Browser, root: str) -> None:
    page = opened(browser, root)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_load_state("networkidle")
    assert any(url.endswith("bundle.js") or "/bundle." in url for url in asked)
    assert not [url for url in asked if "search_index" in url]
    with page.expect_response("**/search/search_index.json"):
        page.locator(".md-search__input").focus()


def test_a_query_in_the_address_is_searched_at_once(browser: Browser, root: str) -> None:
    page = opened(browser, f"{root}?q=rollback")
    page.locator(".md-search-result__link").first.wait_for(state="attached")


def test_the_menu_of_a_phone_opens_by_keyboard_and_closes_with_escape(browser: Browser, root: str) -> None:
    page = opened(browser, root, width=390)
    menu = page.locator("#db-nav")
    assert not menu.is_visible()
    page.get_by_role("button", name="Menu").focus()
    page.keyboard.press("Enter")
    assert menu.is_visible()
    assert page.get_by_role("link", name="Design").is_visible()
    page.keyboard.press("Escape")
    assert not menu.is_visible()


def test_a_phone_never_scrolls_sideways(browser: Browser, root: str) -> None:
    page = opened(browser, f"{root}style/", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_rows_that_stack_are_seen_whole_on_a_phone_with_the_titles_of_their_numbers(
    browser: Browser, root: str
) -> None:
    page = opened(browser, f"{root}style/", width=390)
    table = page.get_by_role("region", name="Metrics of one codebase")
    assert table.evaluate("box => box.scrollWidth <= box.clientWidth")
    assert (
        table.evaluate("box => getComputedStyle(box.querySelector('td.n'), '::before').content")
        == '"This week"'
    )
    for part in table.locator("th[scope=row], td, svg").all():
        box = part.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    wide = opened(browser, f"{root}style/").get_by_role("region", name="Metrics of one codebase")
    assert wide.get_by_role("columnheader", name="This week").is_visible()


def test_as_of_is_filled_in_by_the_browser_and_reads_well_without_scripts(
    browser: Browser, root: str
) -> None:
    page = opened(browser, f"{root}style/")
    page.wait_for_selector("[data-db-asof] time")
    assert page.locator("[data-db-asof] time").get_attribute("datetime") == "2020-03-04T09:05:00Z"
    assert "4 Mar 2020" in str(page.locator("[data-db-asof]").text_content())
    quiet = opened(browser, f"{root}style/", scripts=False)
    assert quiet.locator("[data-db-asof]").text_content() == "As of the last build"


def test_a_title_from_outside_is_text_in_every_place_of_the_shell(browser: Browser, root: str) -> None:
    page = opened(browser, f"{root}hostile/")
    assert page.locator("img").count() == 0
    assert "& Söhne" in page.title()
    assert "& Söhne" in str(page.locator("#db-nav [aria-current]").text_content())


def test_no_page_holds_a_style_attribute_or_asks_another_host(site: Path) -> None:
    for path in site.rglob("*.html"):
        html = path.read_text("utf-8")
        assert not re.search(r"<[^>]*\sstyle=", html), path
        assert not re.search(r"\son[a-z]+=\"", html), path
        assert "<style" not in html, path
        loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?//[^"]*"', html)
        assert not [tag for tag in loaded if 'rel="canonical"' not in tag], path


def test_the_sitemap_says_no_day_so_that_two_builds_are_alike(site: Path) -> None:
    text = (site / "sitemap.xml").read_text("utf-8")
    assert "lastmod" not in text

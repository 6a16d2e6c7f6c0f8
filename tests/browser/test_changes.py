"""Where is my change: typed in a real browser, found in files, with no server that thinks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page, Route, sync_playwright
from tests.browser.serving import CHROMIUM, served
from tests.pages.support import SHOP, book, change, deployment

from deploybook import render
from deploybook.pages import changes, finder
from deploybook.pages.telling import Teller

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

TEMPLATES = Path(__file__).parents[2] / "templates"
HOSTILE = "<img src=x onerror=alert(1)> **bold** zebra"
REVISION = "89bdce271edac650d96c1c0c321c83cf68cfa689"
CONFIG = {**SHOP, "process": {"environments": ["staging", "production"]}}
RECORDS = [
    *(change(str(n), f"Row {n} of the plain ones", f"2026-11-{n:02}T09:00:00Z", author="Ana <ana@acme.test>")
      for n in range(1, 16)),
    change("41", "Pay with one tap", "2026-11-16T09:00:00Z", author="Bo Örtegård <bo@acme.test>",
           merge_revision=REVISION, revisions=["aaaaaaaaaaaaaaaa", REVISION],
           url="https://forge.test/shop/pull/41"),
    change("42", HOSTILE, "2026-11-17T09:00:00Z", author=HOSTILE, url="javascript:alert(1)"),
    change("43", "Still on its way", "2026-11-19T09:00:00Z", author="Bo"),
    deployment("s-1", "2026-11-17T11:00:00Z", ["41"], environment="staging"),
    deployment("p-1", "2026-11-17T12:00:00Z", ["41", "42"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("changes")
    told = book(RECORDS, CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finder, "LEAF", 300)
        patch.setattr(finder, "CAP", 12)
        parts = list(changes.pages(told, Teller(told)))
    render.write(render.environment(), [lambda: parts], None, folder / "docs")
    (folder / "docs" / "index.md").write_text("# Home\n", "utf-8")
    config = yaml.safe_load((TEMPLATES / "mkdocs.base.yml").read_text("utf-8"))
    config |= {
        "site_name": "Shop",
        "docs_dir": str(folder / "docs"),
        "site_dir": str(folder / "site"),
        "nav": ["index.md", "changes/index.md"],
    }
    config["theme"]["custom_dir"] = str(TEMPLATES / "theme")
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(config), "utf-8")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "-f", str(folder / "mkdocs.yml")],
        check=True,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"},
    )
    with served(folder / "site") as address:
        yield f"{address}changes/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])


def opened(browser: Browser, address: str, *, scripts: bool = True) -> Page:
    page = browser.new_context(java_script_enabled=scripts, viewport={"width": 390, "height": 800}).new_page()
    page.set_default_timeout(5_000)
    page.on("dialog", lambda _: pytest.fail("a script from outside ran"))
    page.goto(address)
    return page


@pytest.fixture(scope="module")
def page(browser: Browser, root: str) -> Page:
    """One tab for all that only ask."""
    return opened(browser, root)


def ask(page: Page, query: str) -> list[str]:
    """Type a query; the titles that come, once it is said how many."""
    page.evaluate("document.getElementById('find-says').textContent = '…'")
    page.fill("#find-q", query)
    page.wait_for_function("document.getElementById('find-says').textContent !== '…'")
    return page.locator(".db-found__words").all_text_contents()


@pytest.mark.parametrize(
    "query",
    [
        "41", "#41", "shop#41", "acme/shop#41", "shop 41", "https://forge.test/shop/pull/41/files",
        REVISION, REVISION[:7], REVISION.upper(), "aaaaaaaa", "one tap", "TAP", "ta", "ortegard tap",
    ],
)  # fmt: skip
def test_a_number_a_revision_words_or_a_name_lead_to_the_change(page: Page, query: str) -> None:
    assert ask(page, query) == ["Pay with one tap"]


def test_its_way_is_told_with_times_deployments_and_its_week(page: Page) -> None:
    ask(page, "41")
    stops = page.locator(".db-stop").all_text_contents()
    assert [" ".join(stop.split()) for stop in stops] == [
        "merged Mon 16 Nov 2026, 09:00",
        "staging Tue 17 Nov 2026, 11:00 by s-1",
        "production Tue 17 Nov 2026, 12:00 by p-1",
    ]
    week = page.get_by_role("link", name="week 47, 2026")
    assert str(week.get_attribute("href")).endswith("/book/shipped/2026-W47/")
    title = page.get_by_role("link", name="Pay with one tap")
    assert str(title.first.get_attribute("href")).endswith("/book/shipped/2026-W47/#shop-41")


def test_what_is_not_live_says_so_and_leads_to_what_waits(page: Page) -> None:
    assert ask(page, "still on") == ["Still on its way"]
    assert "merged, not yet live" in str(page.text_content(".db-found"))
    assert str(page.locator(".db-found__words a").get_attribute("href")).endswith("/shipped/waiting/#shop-43")


def test_text_from_outside_is_only_text(page: Page) -> None:
    assert ask(page, "zebra") == [HOSTILE]
    assert page.locator(".db-found img").count() == 0
    assert page.locator(".db-found [href^=javascript]").count() == 0


def test_the_query_stands_in_the_address_and_opens_from_it(browser: Browser, root: str) -> None:
    page = opened(browser, root)
    ask(page, "one tap")
    assert page.url.endswith("?change=one+tap")
    again = opened(browser, page.url)
    again.wait_for_selector(".db-found__item")
    assert again.input_value("#find-q") == "one tap"


def test_the_keyboard_goes_down_the_list_back_up_and_opens_one(browser: Browser, root: str) -> None:
    page = opened(browser, root)
    assert len(ask(page, "ana")) == 10
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.textContent").startswith("Row 15")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "find-q"
    ask(page, "41")
    page.keyboard.press("Enter")
    page.wait_for_url("**/shipped/2026-W47/#shop-41")


def test_ten_are_shown_then_more_and_a_word_too_common_is_said_to_be_cut(page: Page) -> None:
    ask(page, "plain")
    assert "the newest 10 shown" in str(page.text_content("#find-says"))
    page.click("#find-more")
    page.wait_for_function("document.querySelectorAll('.db-found__item').length === 12")
    assert "add a word" in str(page.text_content("#find-says"))


def test_a_common_word_with_a_rare_one_still_finds_an_old_change(page: Page) -> None:
    # "plain" keeps only its newest twelve, so row 2 is found by "2" and read to see that "plain" is in it.
    assert ask(page, "plain row 2") == ["Row 2 of the plain ones"]


def test_nothing_found_says_so_and_an_unreadable_index_too(page: Page, browser: Browser, root: str) -> None:
    assert ask(page, "no such words") == []
    assert "No change fits" in str(page.text_content("#find-says"))

    def refuse(route: Route) -> None:
        route.abort()

    broken = opened(browser, root)
    broken.route("**/index/**", refuse)
    ask(broken, "41")
    assert "could not be read" in str(broken.text_content("#find-says"))


def test_a_query_loads_few_files_and_none_before_it_is_typed(browser: Browser, root: str) -> None:
    page = browser.new_context().new_page()
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url) if "/index/" in request.url else None)
    page.goto(root)
    page.wait_for_load_state("networkidle")
    assert loaded == []
    ask(page, REVISION)
    assert 0 < len(loaded) <= 4


def test_with_scripts_off_the_newest_changes_and_the_way_to_the_others_are_there(
    browser: Browser, root: str
) -> None:
    page = opened(browser, root, scripts=False)
    assert not page.locator("#find").is_visible()
    assert page.get_by_text("this page needs scripts").is_visible()
    rows = page.locator("h2#newest ~ ul li")
    assert rows.count() == 18
    assert "Still on its way" in str(rows.first.text_content())

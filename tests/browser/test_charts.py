"""The pages of numbers in a browser: charts that answer, rows behind them, one side of paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from tests.browser.serving import CHROMIUM, served
from tests.support import small

from deploybook.example import EXAMPLE_AS_OF, make_example

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("charts"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example organisation, one year of it: as many codebases as fit on the page that is printed."""
    file = make_example(tmp_path_factory.mktemp("charts") / "book", years=1)
    assert small.build(file.parent, as_of=EXAMPLE_AS_OF.isoformat()) == 0
    return file.parent / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])


@pytest.fixture(scope="module")
def root(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


@pytest.fixture
def page(browser: Browser, root: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield opened(context.new_page(), root)
    context.close()


def opened(page: Page, root: str) -> Page:
    page.goto(f"{root}metrics/")
    page.wait_for_load_state("networkidle")
    return page


def frequency(page: Page) -> Locator:
    return page.locator("section[aria-labelledby=deployment-frequency] .db-svg:visible")


def place(mark: Locator) -> tuple[float, float]:
    box = mark.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_point_next_to_the_pointer_is_told_and_leads_to_its_rows(page: Page) -> None:
    chart = frequency(page)
    chart.scroll_into_view_if_needed()
    link = chart.locator("a[href*='-W46/']")
    x, y = place(link)
    page.mouse.move(x + 6, y + 9)
    tip = page.locator(".db-tip")
    expect(tip).to_have_text(re.compile(r"^Week 46:\s\d+\sdeployments?$"))
    assert chart.locator("title").count() == 0, "the browser's own tooltip would come on top"
    page.mouse.click(x + 6, y + 9)
    expect(page).to_have_url(re.compile(r"/shipped/2026-W46/$"))


def test_away_from_every_point_nothing_is_told(page: Page) -> None:
    chart = frequency(page)
    chart.scroll_into_view_if_needed()
    page.mouse.move(*place(chart.locator("a[href*='-W46/']")))
    expect(page.locator(".db-tip")).to_be_visible()
    page.mouse.move(3, 300)
    expect(page.locator(".db-tip")).to_be_hidden()


def test_the_keyboard_goes_from_point_to_point(page: Page) -> None:
    chart = frequency(page)
    chart.locator("a[tabindex='0']").focus()
    expect(page.locator(".db-tip")).to_have_text(re.compile(r"^Week 47: "))
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".db-tip")).to_have_text(re.compile(r"^Week 46: "))
    assert chart.locator("a[tabindex='0']").count() == 1
    page.keyboard.press("Home")
    expect(page.locator(".db-tip")).to_have_text(re.compile(r"^Week 22: "))
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/shipped/2026-W47/$"))


def test_a_finger_is_told_first_and_led_on_by_a_link(browser: Browser, root: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = opened(context.new_page(), root)
    chart = frequency(page)
    chart.scroll_into_view_if_needed()
    page.touchscreen.tap(*place(chart.locator("a[href*='-W46/']")))
    tip = page.locator(".db-tip")
    expect(tip).to_contain_text("Week 46: ")
    box = tip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    tip.locator("a").tap()
    expect(page).to_have_url(re.compile(r"/shipped/2026-W46/$"))
    context.close()


def test_every_chart_has_words_for_those_who_cannot_see_it_and_its_rows_in_a_table(
    page: Page, site: Path, root: str
) -> None:
    charts = 0
    for file in sorted((site / "metrics").rglob("index.html")):
        page.goto(f"{root}{file.parent.relative_to(site)}/")
        for figure in page.locator("figure.db-chart").all():
            charts += 1
            label = figure.locator(".db-svg").first.get_attribute("aria-label") or ""
            assert len(label.split()) > 4, file
            assert figure.locator("details.db-rows table tbody tr").count() > 0, label
    assert charts > 20


def test_the_page_that_management_prints_is_one_side_of_paper(browser: Browser, root: str) -> None:
    page = opened(browser.new_page(), root)
    for wanted in ("metrics/", "metrics/two-years/"):
        page.goto(root + wanted)
        page.wait_for_load_state("networkidle")
        paper = page.pdf(prefer_css_page_size=True)
        assert re.findall(rb"/Type\s*/Pages.*?/Count (\d+)", paper, re.DOTALL) == [b"1"], wanted
    page.close()

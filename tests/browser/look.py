"""Take pictures of a built site: `python -m tests.browser.look SITE OUT [PAGE …]`.

Each page wide and on a phone, light and dark, and as A4, to be looked at by a person beside those of
docs/contributing/design.md. Says where a page is wider than its window,
and what the browser complained about.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from tests.browser.serving import CHROMIUM, served


@dataclass(frozen=True)
class View:
    """How a page is looked at."""

    name: str
    width: int
    scheme: str


VIEWS = (
    View("1280-light", 1280, "light"),
    View("1280-dark", 1280, "dark"),
    View("390-light", 390, "light"),
    View("390-dark", 390, "dark"),
)


def main(site: Path, out: Path, pages: list[str]) -> None:
    """Write the pictures and say what was wrong."""
    out.mkdir(parents=True, exist_ok=True)
    with served(site) as root, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for page in pages:
            for view in VIEWS:
                _picture(
                    browser,
                    f"{root}{page}",
                    out / f"{page.strip('/').replace('/', '_') or 'home'}-{view.name}.png",
                    view,
                )
            _paper(browser, f"{root}{page}", out / f"{page.strip('/').replace('/', '_') or 'home'}-a4.pdf")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _picture(browser: Browser, address: str, target: Path, view: View) -> None:
    context = browser.new_context(
        viewport={"width": view.width, "height": 900},
        color_scheme="dark" if view.scheme == "dark" else "light",
        device_scale_factor=1.5 if view.width < 500 else 1,
    )
    tab = context.new_page()
    tab.on("console", lambda message: _say(f"{address}: {message.text}"))
    tab.on("pageerror", lambda error: _say(f"{address}: {error}"))
    tab.goto(address)
    tab.evaluate("document.fonts.ready")
    tab.wait_for_load_state("networkidle")
    wider = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wider > 0:
        _say(f"{address}: {wider} px wider than {view.width}")
    tab.screenshot(path=target, full_page=True)
    context.close()


def _paper(browser: Browser, address: str, target: Path) -> None:
    context = browser.new_context(color_scheme="dark")
    tab = context.new_page()
    tab.goto(address)
    tab.wait_for_load_state("networkidle")
    tab.pdf(path=target, prefer_css_page_size=True, print_background=False)
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:] or [""])

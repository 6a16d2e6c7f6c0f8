"""Every page of a built site in Chromium: `python -m tests.browser.every_page [SITE]`, after `make site`."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from tests.browser.serving import CHROMIUM, headers_of, served, watched


def addresses(site: Path) -> list[str]:
    """The pages of a site, without that for what is not there: it works where the site is at the root."""
    found = (path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return sorted(each.removesuffix("index.html") for each in found if each != "404.html")


def visit(browser: Browser, site: Path, *, with_headers: bool) -> tuple[int, list[str]]:
    """Open every page, and return how many there were and what the browser complained of.

    Args:
        browser: A browser.
        site: The site's folder.
        with_headers: Whether the server says the policy too, as `_headers` has it.
    """
    pages = addresses(site)
    with (
        served(site, headers_of(site) if with_headers else {}) as root,
        watched(browser, root) as (context, complaints),
    ):
        page = context.new_page()
        for address in pages:
            page.goto(f"{root}{address}", wait_until="load")
        return len(pages), complaints


def main() -> None:
    """Write what came of it, and end with 1 where there was a complaint."""
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "site")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        found = [visit(browser, site, with_headers=each) for each in (False, True)]
    for (pages, complaints), how in zip(found, ("as a meta tag", "as a server's headers too"), strict=True):
        said = [f"{pages} pages, the policy {how}: {len(complaints)} complaints", *complaints]
        sys.stdout.write("\n  ".join(said) + "\n")
    sys.exit(any(complaints for _, complaints in found))


if __name__ == "__main__":
    main()

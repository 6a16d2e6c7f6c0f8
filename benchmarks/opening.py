"""What a reader's browser is sent: the largest pages, the search and `changes/` of a built site, in Chromium.

    python -m benchmarks.opening SITE 1234        a number of a change that is known there

The site is served on the loopback, compressed as web servers do. Each page is opened anew without any cache,
and once more with what pages share in the cache: bytes as they come over the line, and the time until there
is something to read (first contentful paint).
"""

from __future__ import annotations

import gzip
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright
from tests.browser.serving import CHROMIUM

LARGEST = 3
_TEXT = {".html", ".css", ".js", ".json", ".svg", ".xml", ".csv"}
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_FOUND = "() => document.querySelectorAll('.md-search-result__item').length > 0"


class _Compressed(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Serve a file; text compressed."""
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        if path.suffix in _TEXT:
            body = gzip.compress(body, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def _served(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Compressed, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


class _Line:
    """What comes over the line to a page."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.bytes = 0
        session = context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._came)

    def _came(self, event: dict[str, float]) -> None:
        self.bytes += int(event["encodedDataLength"])

    def open(self, address: str) -> tuple[int, float]:
        """Bytes, and milliseconds until there is something to read."""
        before = self.bytes
        self.page.goto(address)
        self.page.wait_for_load_state("networkidle")
        return self.bytes - before, float(self.page.evaluate(_PAINTED) or 0)


def main(words: list[str]) -> int:
    """Open what a reader opens, and print."""
    site, number = Path(words[0]), words[1]
    pages = sorted(site.rglob("*.html"), key=lambda path: -path.stat().st_size)[:LARGEST]
    with _served(site) as root, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for path in [site / "index.html", *pages, site / "changes" / "index.html"]:
            name = path.parent.relative_to(site).as_posix()
            context = browser.new_context()
            line = _Line(context)
            cold, read = line.open(f"{root}{name}/")
            warm, again = line.open(f"{root}{name}/?again")
            size = path.stat().st_size
            print(f"{name:34} {size:9,} bytes", end="")
            print(f"   first {cold:9,} over the line, read at {read:5.0f} ms", end="")
            print(f"   then {warm:9,}, {again:5.0f} ms", flush=True)
            context.close()
        line = _Line(browser.new_context())
        line.open(f"{root}changes/")
        before = line.bytes
        line.page.locator("main input[type=search], article input[type=search]").first.fill(number)
        line.page.wait_for_load_state("networkidle")
        line.page.wait_for_timeout(1_500)
        print(f"changes/, {number} typed {line.bytes - before:,} over the line")
        line.page.goto(root)
        line.page.wait_for_load_state("networkidle")
        before = line.bytes
        line.page.locator(".md-search__input").click()
        line.page.keyboard.type("pipelines")
        line.page.wait_for_function(_FOUND, timeout=60_000)
        index = (site / "search" / "search_index.json").stat().st_size
        print(f"search, a word typed: {line.bytes - before:,} over the line, index of {index:,} bytes")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

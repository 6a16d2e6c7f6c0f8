"""What the browser tests share: where Chromium is, and a site served on loopback under a sub-path."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext

LISTEN = """addEventListener("securitypolicyviolation", (event) =>
  console.error("violation", event.violatedDirective, event.blockedURI))"""

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class _Quiet(SimpleHTTPRequestHandler):
    headers_of_all: Mapping[str, str] = {}

    def end_headers(self) -> None:
        """Add what the server says with every answer."""
        for name, value in self.headers_of_all.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing: the browser tells what failed."""

    def translate_path(self, path: str) -> str:
        """Serve the folder under /book/, as it may stand on a company's own server."""
        return super().translate_path(path.removeprefix("/book"))


@contextmanager
def served(site: Path, headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve a folder, each answer with the headers; gives its address, which ends in a slash."""
    handler = type("Handler", (_Quiet,), {"headers_of_all": headers or {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/book/"
    finally:
        server.shutdown()
        server.server_close()


def headers_of(site: Path) -> dict[str, str]:
    """What `_headers` says for every page."""
    lines = (site / "_headers").read_text().splitlines()
    assert lines[0] == "/*"
    return dict(line.strip().split(": ", 1) for line in lines[1:])


@contextmanager
def watched(browser: Browser, root: str, **options: object) -> Iterator[tuple[BrowserContext, list[str]]]:
    """A context that notes each violation, console error, failed request and request to another host."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    context.add_init_script(LISTEN)
    complaints: list[str] = []
    host = re.match(r"https?://[^/]+/", root)
    assert host is not None
    context.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    context.on("weberror", lambda e: complaints.append(str(e.error)))
    # What the browser itself gives up, since the test goes on to the next page, is no complaint.
    context.on(
        "requestfailed",
        lambda r: None if r.failure == "net::ERR_ABORTED" else complaints.append(f"{r.failure}: {r.url}"),
    )
    context.on(
        "request",
        lambda r: None if r.url.startswith((host[0], "data:")) else complaints.append(f"abroad: {r.url}"),
    )
    yield context, complaints
    context.close()

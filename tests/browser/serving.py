"""What the browser tests share: where Chromium is, and a site served on loopback under a sub-path."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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

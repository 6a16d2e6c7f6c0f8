"""What the browser tests share: where Chromium is, and a site served on loopback under a sub-path."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing: the browser tells what failed."""

    def translate_path(self, path: str) -> str:
        """Serve the folder under /book/, as it may stand on a company's own server."""
        return super().translate_path(path.removeprefix("/book"))


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a folder; gives its address, which ends in a slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/book/"
    finally:
        server.shutdown()
        server.server_close()

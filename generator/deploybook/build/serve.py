"""Build, serve on loopback, and build again when something that the site is made from changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from deploybook.build import site
from deploybook.build.compose import build
from deploybook.build.progress import Progress
from deploybook.config import Config
from deploybook.errors import DeploybookError, UsageError

_LOOK_EVERY_SECONDS = 0.5


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files without a line for each request, and without letting the browser keep old pages."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def end_headers(self) -> None:
        """Ask the browser to look again each time."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


def watched(config: Config) -> dict[Path, int]:
    """Files that people write and the site is made from, with their times in nanoseconds."""
    roots = [path for path in (config.file, config.root / "mkdocs.yml") if path]
    for folder in (config.by_hand, config.root / "notes"):
        roots.extend(path for path in folder.rglob("*") if path.is_file())
    seen = {}
    for path in roots:
        with suppress(FileNotFoundError):  # an editor's own file may be gone since it was listed
            seen[path] = path.stat().st_mtime_ns
    return seen


def settled(look: Callable[[], object], stops: Callable[[], bool]) -> Iterator[None]:
    """Tell each time that what is looked at has become another, once two looks find the same.

    A file that is being written is empty or half there for a moment, and an empty configuration is a good
    one: it would be built, and published over the site that is wanted.

    Args:
        look: Gives what there is now, which can be compared.
        stops: Waits until it is time for another look; true where there is none.
    """
    seen = before = look()
    while not stops():
        now = look()
        if now == before != seen:
            seen = now
            yield
        before = now


def serve(
    read_config: Callable[[], Config],
    clock: Callable[[], datetime],
    *,
    port: int,
    say: Callable[[str], None],
    progress: Progress,
) -> None:
    """Serve until interrupted; a build that fails is told, and the last good site stays.

    Raises:
        UsageError: The port is taken.
        DeploybookError: The first build failed.
    """
    config = read_config()
    say(build(config, clock(), progress=progress).says)
    own = site.read_settings(config.root / "mkdocs.yml") if config.file is not None else {}
    folder = site.site_folder(config.root, own)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(folder)))
    except OSError as error:
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}", where="--port", next_step="name another"
        ) from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(f"serving on http://127.0.0.1:{server.server_address[1]}/ — Ctrl-C ends it")

    def look() -> dict[Path, int]:
        return watched(config)

    stop = threading.Event()
    try:
        for _ in settled(look, lambda: stop.wait(_LOOK_EVERY_SECONDS)):
            try:
                config = read_config()
                say(build(config, clock(), progress=progress).says)
            except DeploybookError as error:
                say(f"{error}\nthe last good site stays")
    finally:
        server.shutdown()

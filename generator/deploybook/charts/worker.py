"""Draws charts in processes beside the one that writes pages: a chart takes as long as ten pages.

What passes is pickled frames on a worker's standard input: where to keep a chart, and its data. A worker ends
when its input does. It says nothing back: what it drew is in the folder of kept charts.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import IO

from deploybook.charts.model import Data
from deploybook.lean import absent

_MOST = 4
"""More workers than this have nothing to do: pages are not made that fast."""
_WORTH = 12
"""So many charts take as long to draw as another worker takes to load what it draws with."""


class Workers:
    """Some processes that draw, started as charts come or before them."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self, charts: int) -> None:
        """Start processes for so many charts: loading what they draw with takes them longer than drawing."""
        most = max(1, min(_MOST, (os.cpu_count() or 1) - 1))
        for _ in range(len(self._threads), min(most, 1 + charts // _WORTH)):
            self._threads.append(threading.Thread(target=self._feed, daemon=True))
            self._threads[-1].start()

    def draw(self, path: Path, data: Data) -> None:
        """Have a chart drawn and kept at `path`; returns at once."""
        self._queue.put(pickle.dumps((path, data)))
        self.start(self._queue.qsize())

    def finish(self) -> None:
        """Wait until everything is drawn. What a worker could not draw is not there."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _feed(self) -> None:
        """One worker's life: a frame is handed over when the worker has read the one before it."""
        process = subprocess.Popen(
            [sys.executable, "-m", "deploybook.charts.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        assert process.stdin is not None
        try:
            while (frame := self._queue.get()) is not None:
                process.stdin.write(len(frame).to_bytes(8, "big") + frame)
                process.stdin.flush()
            process.stdin.close()
        except OSError:  # it died: the rest is drawn by who asked
            pass
        process.wait()


def _drawing() -> ModuleType:
    """What draws: a second of imports, needed for new charts only."""
    # Altair's schemas never check addresses or durations: what would takes longer to load than Altair itself.
    with absent("rfc3987_syntax", "rfc3986_validator", "isoduration"):
        from deploybook.charts import drawing  # noqa: PLC0415

    return drawing


def keep(path: Path, data: Data) -> tuple[str, str]:
    """Draw a chart in both widths, and keep it whole or not at all."""
    draws = _drawing()
    wide, narrow = (draws.picture(data, narrow=small) for small in (False, True))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps([wide, narrow]), encoding="utf-8")
    fresh.replace(path)
    return wide, narrow


def serve(frames: IO[bytes]) -> None:
    """Draw what comes, until nothing more does; a chart that cannot be drawn is left out."""
    _drawing().warm()
    while len(head := frames.read(8)) == 8:
        path, data = pickle.loads(frames.read(int.from_bytes(head, "big")))  # noqa: S301 — our own, by a pipe
        with suppress(Exception):  # who asked draws it again, and then hears what is wrong
            keep(path, data)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends who asked, and with that our input
    gc.disable()  # looking for garbage takes a seventh of loading Altair, and charts leave next to none
    serve(sys.stdin.buffer)

"""Progress on long work: one moving line on a terminal, plain lines otherwise, nothing when quiet."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TextIO


class Progress:
    """Tells what is being done.

    Args:
        quiet: Say nothing.
        verbose: Say each step on a line of its own, on a terminal too.
        out: Where to; standard error unless given.
    """

    def __init__(self, *, quiet: bool, verbose: bool, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._quiet = quiet
        self._moving = not verbose and self._out.isatty()
        self._width = 0
        self._told: dict[str, int] = {}

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._moving and self._width:
            self._out.write("\r" + " " * self._width + "\r")
            self._out.flush()

    def step(self, text: str) -> None:
        """A new step begins."""
        self._say(text)

    def note(self, text: str) -> None:
        """A line that stays, on a terminal too."""
        if self._quiet:
            return
        if self._moving and self._width:
            self._out.write("\r" + " " * self._width + "\r")
            self._width = 0
        print(text, file=self._out, flush=True)

    def count(self, what: str, done: int, total: int | None) -> None:
        """So much of `what` is done; plain lines come only at each tenth of it."""
        if not self._moving:
            tenth = done * 10 // total if total else 0
            if self._told.get(what) == tenth:
                return
            self._told[what] = tenth
        of = f" of {total:,}" if total else ""
        self._say(f"{what}: {done:,}{of}" if done else what)

    def _say(self, text: str) -> None:
        if self._quiet:
            return
        if not self._moving:
            print(text, file=self._out, flush=True)
            return
        line = text[:100]
        self._out.write("\r" + line.ljust(self._width))
        self._out.flush()
        self._width = len(line)

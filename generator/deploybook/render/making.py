"""One process's part of a rendering: makes pages, writes them, and knows afterwards what it did."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment

from deploybook.charts.studio import Studio
from deploybook.pages.page import File, Page, Share
from deploybook.render.files import write_if_changed
from deploybook.render.remembered import Mark, Remembered, print_of
from deploybook.render.templates import page_markdown, source_path


@dataclass
class Made:
    """What was made: plain, so that another process can be told."""

    pages: int = 0
    changed: int = 0
    wanted: dict[str, int] = field(default_factory=dict)
    """Each file, and the last share that has it."""
    disputed: set[str] = field(default_factory=set)
    """Files of shares that were made in several processes: whichever was last may stand."""
    waiting: dict[str, str] = field(default_factory=dict)
    """Pages that wait for a chart, by their addresses."""
    marks: Mapping[str, Mark] = field(default_factory=dict)
    charts: frozenset[str] = frozenset()

    def add(self, other: Made) -> None:
        """What another process made, too."""
        self.pages += other.pages
        self.changed += other.changed
        self.waiting |= other.waiting
        self.disputed |= other.disputed | (self.wanted.keys() & other.wanted.keys())
        for path, number in other.wanted.items():
            self.wanted[path] = max(number, self.wanted.get(path, number))


class Maker:
    """Makes parts of the site and writes them to a folder, where they are not there yet."""

    def __init__(
        self, jinja: Environment, out: Path, studio: Studio | None, remembered: Remembered | None
    ) -> None:
        self._jinja = jinja
        self._out = out
        self._studio = studio
        self._remembered = remembered
        self._made = Made()

    def make(self, shares: Sequence[Share], numbers: Iterable[int]) -> Made:
        """Make the shares of these numbers."""
        for number in numbers:
            for part in shares[number]():
                self._one(part, number)
        if self._remembered is not None:
            self._made.marks = self._remembered.marks
        if self._studio is not None:
            self._made.charts = self._studio.used
        return self._made

    def settle(self, shares: Sequence[Share], made: Made) -> None:
        """Make disputed files again: the last share that has one is right, as where one process makes all."""
        for number in sorted({made.wanted[path] for path in made.disputed}):
            for part in shares[number]():
                path = part.path if isinstance(part, File) else source_path(part.path)
                if path in made.disputed and made.wanted[path] == number:
                    made.waiting.pop(part.path, None)
                    self._one(part, number)
        made.changed += self._made.changed
        made.waiting |= self._made.waiting

    def _one(self, part: Page | File, number: int) -> None:
        made, remembered = self._made, self._remembered
        if isinstance(part, File):
            self._put(part.path, part.content, number)
            return
        made.pages += 1
        made.waiting.pop(part.path, None)
        path = source_path(part.path)
        target = self._out / path
        print_ = print_of(part) if remembered is not None else ""
        if remembered is not None and remembered.stands(target, print_):
            made.wanted[path] = number
            return
        text_ = page_markdown(self._jinja, part)
        if self._studio is not None and self._studio.waits(text_):
            made.wanted[path] = number
            made.waiting[part.path] = text_
            return
        self._put(path, text_.encode("utf-8", "replace"), number)
        if remembered is not None:
            remembered.keep(target, print_)

    def _put(self, path: str, content: bytes, number: int) -> None:
        self._made.wanted[path] = number
        self._made.changed += write_if_changed(self._out / path, content, own=f"{os.getpid()}.")

"""Draws charts, and draws none twice: what was drawn is kept by its content.

The key is the chart's data together with the code and the exporter that draw it, so a kept picture is
always the one that would be drawn again. Altair and the exporter are only loaded when one is missing.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Self

from markupsafe import Markup

from deploybook.charts import rows
from deploybook.charts.model import Chart, Data
from deploybook.charts.worker import Workers, keep

_PLACE = re.compile(r"<!--chart ([0-9a-f]{32}) ([01])-->")


class Studio:
    """Draws charts into a folder of kept ones.

    Args:
        folder: Where drawn charts are kept; made if it is not there.
        beside: Draw new charts in other processes. Such a chart is a mark until `fill` puts it there.
        charts: How many there may be, where none is kept yet.
    """

    def __init__(self, folder: Path, *, beside: bool = False, charts: int = 1) -> None:
        self._folder = folder
        self._used: set[str] = set()
        self._workers = Workers() if beside else None
        self._ask: Callable[[str, Data], None] | None = None
        self._asked: dict[str, Data] = {}
        self._asking = threading.Lock()
        self._drawn: dict[str, tuple[str, str]] = {}
        if self._workers is not None and not folder.is_dir():
            self._workers.start(charts)  # all is to be drawn: they are ready when the first chart comes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes that draw."""
        if self._workers is not None:
            self._workers.finish()

    @property
    def used(self) -> frozenset[str]:
        """The names of the charts that are in use."""
        return frozenset(self._used)

    def lend(self, ask: Callable[[str, Data], None]) -> None:
        """In a process forked from this studio's: charts that are not kept are asked for, there, by `ask`."""
        self._ask = ask

    def asked(self, name: str, data: Data) -> None:
        """Draw a chart that a lent studio asks for; returns at once."""
        with self._asking:
            if name not in self._asked:
                self._asked[name] = data
                if self._workers is not None:
                    self._workers.draw(self._path(name), data)

    def took(self, used: Iterable[str]) -> None:
        """What a lent studio has used is in use."""
        self._used.update(used)

    def draw(self, data: Data) -> Chart | None:
        """Draw a chart in both widths; none where nothing is to be drawn and the page writes words."""
        if not rows.drawable(data):
            return None
        wide, narrow = self._pictures(data)
        columns, cells = rows.table(data)
        return Chart(data.caption, wide, narrow, columns, cells)

    def fill(self, text: str) -> str:
        """Put the drawings where the marks are; waits for those that are not drawn yet."""
        return _PLACE.sub(lambda found: self._finished(found[1])[int(found[2])], text)

    @staticmethod
    def waits(text: str) -> bool:
        """Whether a text holds a mark for a drawing."""
        return "<!--chart " in text

    def prune(self) -> int:
        """Delete what this studio did not use; gives how many."""
        stale = [path for path in self._folder.glob("*/*.json") if path.stem not in self._used]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _pictures(self, data: Data) -> tuple[Markup, Markup]:
        name = hashlib.sha256(f"{_edition()}\n{data!r}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._used.add(name)
        if (kept := self._kept(name)) is not None:
            wide, narrow = kept
        elif self._ask is not None or self._workers is not None:
            (self._ask or self.asked)(name, data)
            wide, narrow = f"<!--chart {name} 0-->", f"<!--chart {name} 1-->"
        else:
            wide, narrow = keep(self._path(name), data)
        return Markup(wide), Markup(narrow)  # noqa: S704 — both were written by `svg.finish`, or are our marks

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / f"{name}.json"

    def _kept(self, name: str) -> tuple[str, str] | None:
        try:
            wide, narrow = json.loads(self._path(name).read_bytes())
        except (OSError, ValueError):
            return None
        return wide, narrow

    def _finished(self, name: str) -> tuple[str, str]:
        if self._workers is not None:
            self._workers.finish()
        if name not in self._drawn:
            self._drawn[name] = self._kept(name) or keep(self._path(name), self._asked[name])
        return self._drawn[name]


@cache
def _edition() -> str:
    """Name the code that draws: its own text, and the versions of what it draws with."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    return f"{code.hexdigest()} {version('altair')} {version('vl-convert-python')}"

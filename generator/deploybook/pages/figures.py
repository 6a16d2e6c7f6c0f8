"""The long table of figures as pages ask for it: series by series, each read when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

Key = tuple[str, str, str, str]
_KEY = ("scope", "name", "period", "metric")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one period with what it was made from."""

    start: date
    value: float | None
    numerator: float | None
    denominator: float | None
    missing: int
    unit: str


class Figures:
    """The long table of metrics, found by scope, name, period and metric."""

    _rows: pa.Table
    _places: dict[Key, tuple[int, int]]

    def __init__(self, table: pa.Table | None = None) -> None:
        self._read: dict[Key, list[Figure]] = {}
        if table is not None:
            self.fill(table)

    def fill(self, table: pa.Table) -> None:
        """Take what was counted; who asks before it was gets an `AttributeError`."""
        order = [(name, "ascending") for name in (*_KEY, "period_start")]
        self._rows = table.combine_chunks().sort_by(order)
        self._places = _places(self._rows)

    def series(self, scope: str, name: str, period: str, metric: str) -> list[Figure]:
        """All periods of a metric, oldest first; empty where it was never counted."""
        key = (scope, name, period, metric)
        if key not in self._read:
            self._read[key] = self._series(*self._places.get(key, (0, 0)))
        return self._read[key]

    def one(self, scope: str, name: str, period: str, metric: str, start: date) -> Figure | None:
        """The figure of the period that begins on the local date `start`."""
        return next((f for f in self.series(scope, name, period, metric) if f.start == start), None)

    def _series(self, first: int, end: int) -> list[Figure]:
        rows = self._rows.slice(first, end - first)
        names = ("period_start", "value", "numerator", "denominator", "missing", "unit")
        return [
            Figure(start, value, numerator, denominator, missing or 0, unit)
            for start, value, numerator, denominator, missing, unit in zip(
                *(rows.column(name).to_pylist() for name in names), strict=True
            )
        ]


def _places(rows: pa.Table) -> dict[Key, tuple[int, int]]:
    """Where each series begins in rows that are in its order, and where it ends."""
    if not rows.num_rows:
        return {}
    others = (
        pc.not_equal(rows.column(name).slice(1), rows.column(name).slice(0, rows.num_rows - 1))
        for name in _KEY
    )
    firsts = [0, *(place + 1 for place in pc.indices_nonzero(reduce(pc.or_, others)).to_pylist())]
    keys = rows.select(_KEY).take(pa.array(firsts))
    columns = (keys.column(name).to_pylist() for name in _KEY)
    return dict(
        zip(zip(*columns, strict=True), zip(firsts, [*firsts[1:], rows.num_rows], strict=True), strict=True)
    )

"""Expressions on any engine that Ibis speaks to: what is counted is brought there, results come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ibis
import pyarrow as pa

from deploybook.metrics.daily import Daily
from deploybook.metrics.model import INPUTS, PREFIX, Settings, arrow_schema
from deploybook.metrics.reference import REFERENCE, reference


class IbisEngine:
    """Runs expressions on a connection of Ibis; `metrics.Runs`.

    Args:
        rows: The inputs by name, as Arrow tables or streams. One left out is empty.
        connection: Ibis's. Tables that begin with `counted_` are made there.
    """

    def __init__(self, rows: Mapping[str, Any], connection: Any) -> None:
        self._ibis = connection
        self._filled = set()
        for name in INPUTS:
            found = rows.get(name)
            if found is None:
                found = arrow_schema(INPUTS[name]).empty_table()
            if self._lay(name, found.read_all() if isinstance(found, pa.RecordBatchReader) else found):
                self._filled.add(name)

    def _lay(self, name: str, rows: pa.Table) -> int:
        columns = {**INPUTS, **REFERENCE}[name]
        schema = ibis.Schema.from_tuples(columns.items())
        chosen = rows.select(list(columns)).cast(schema.to_pyarrow())
        self._drop(name)
        self._ibis.create_table(PREFIX + name, chosen, schema=schema)
        return int(rows.num_rows)

    def settle(self, settings: Settings) -> None:
        """Lay down the small tables of the settings: what runs from now on is by them."""
        for name, rows in reference(settings).items():
            self._lay(name, rows)

    def filled(self, name: str) -> bool:
        """Whether an input has a row."""
        return name in self._filled

    def run(self, name: str, expression: Callable[[], Any], apart: str | None = None) -> pa.Table:
        """The rows of an expression, compiled anew; memory is the engine's own care."""
        del name, apart
        return self._ibis.to_pyarrow(expression())

    def run_daily(self, name: str, daily: Callable[[], Daily]) -> pa.Table:
        """The rows of a figure that is made of steps from day to day, all of them counted."""
        return self.run(name, lambda: daily().whole())

    def _drop(self, name: str) -> None:
        """By a statement of our own: SQL that Ibis 12 makes for it lacks the name with a later sqlglot."""
        found = self._ibis.raw_sql(f"DROP TABLE IF EXISTS {PREFIX}{name}")
        if hasattr(found, "close"):
            found.close()

    def close(self) -> None:
        """Drop what was laid down."""
        for name in (*INPUTS, *REFERENCE):
            self._drop(name)
        self._ibis.disconnect()

"""Expressions on Spark: what is counted lies as Parquet where its machines read it; results come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from ibis.expr import operations

from deploybook.metrics.daily import Daily
from deploybook.metrics.model import INPUTS, PREFIX, Settings, arrow_schema
from deploybook.metrics.reference import REFERENCE, reference
from deploybook.metrics.running import Compiled


class SparkEngine:
    """Runs expressions on a Spark session; `metrics.Runs`.

    Args:
        rows: The inputs by name: Arrow tables, or Ibis tables of `connection`. One left out is empty.
        connection: Ibis's connection to the session.
        put: Writes a table of that name to where all machines read, and says the address.
        cache: A folder for compiled SQL.
    """

    def __init__(
        self,
        rows: Mapping[str, Any],
        connection: Any,
        put: Callable[[str, pa.Table], str],
        cache: Path | None = None,
    ) -> None:
        self._ibis = connection
        self._spark = connection._session
        self._put = put
        self._compiled = Compiled(connection.compile, cache)
        self._filled = set()
        for name in INPUTS:
            found = rows.get(name)
            if found is None:
                found = arrow_schema(INPUTS[name]).empty_table()
            self._lay(name, found)
            some = found.num_rows if isinstance(found, pa.Table) else len(self._view(name).take(1))
            if some:
                self._filled.add(name)

    def _view(self, name: str) -> Any:
        return self._spark.table(PREFIX + name)

    def _lay(self, name: str, rows: Any) -> None:
        columns = list({**INPUTS, **REFERENCE}[name])
        if isinstance(rows, pa.Table):
            frame = self._spark.read.parquet(self._put(name, rows.select(columns)))
        else:
            frame = self._spark.sql(self._ibis.compile(rows.select(columns)))
            if rows.op().find(operations.JoinChain):
                frame = frame.persist()  # merged from several sources: once, not for every figure
        frame.createOrReplaceTempView(PREFIX + name)

    def settle(self, settings: Settings) -> None:
        """Lay down the small tables of the settings: what runs from now on is by them."""
        for name, rows in reference(settings).items():
            self._lay(name, rows)

    def filled(self, name: str) -> bool:
        """Whether an input has a row."""
        return name in self._filled

    def run(self, name: str, expression: Callable[[], Any], apart: str | None = None) -> pa.Table:
        """The rows of an expression, made and compiled where it was not before; Spark spills of itself."""
        del apart
        rows = self._spark.sql(self._compiled.sql(name, expression)).toArrow()
        # That a column cannot be null is said here alone: tables are to be the same from every engine.
        return rows.cast(pa.schema([pa.field(field.name, field.type) for field in rows.schema]))

    def run_daily(self, name: str, daily: Callable[[], Daily]) -> pa.Table:
        """The rows of a figure that is made of steps from day to day, all of them counted."""
        return self.run(name, lambda: daily().whole())

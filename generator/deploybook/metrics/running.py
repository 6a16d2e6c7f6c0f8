"""Where expressions run: a DuckDB connection with the inputs under fixed names, and SQL compiled before."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from deploybook.metrics import ready
from deploybook.metrics.daily import (
    CASES,
    Daily,
    KeptDays,
    asked,
    changed,
    joined,
    print_sql,
    prints_of,
    shares,
    since_table,
)
from deploybook.metrics.model import INPUTS, PREFIX, Settings, arrow_schema
from deploybook.metrics.reference import REFERENCE, reference
from deploybook.periods import KINDS

TOGETHER = 3_000_000
"""Rows whose steps from day to day are worked out together: as many take two gigabytes, of any history."""
LARGE = 100_000
"""An input with so many rows is counted with an eye on memory."""


class Runs(Protocol):
    """What counts: expressions are run over inputs that were laid down."""

    def settle(self, settings: Settings) -> None:
        """Lay down the small tables of the settings: what runs from now on is by them."""
        ...

    def filled(self, name: str) -> bool:
        """Whether an input has a row."""
        ...

    def run(self, name: str, expression: Callable[[], Any], apart: str | None = None) -> pa.Table:
        """The rows of an expression.

        Args:
            name: Tells it from all others, with all that it depends on besides this package's source.
            expression: Makes it.
            apart: An input. Where it is large, weeks, months and quarters may be counted one after the other:
                each row counts in each, and what percentiles hold in memory is a third.
        """
        ...

    def run_daily(self, name: str, daily: Callable[[], Daily]) -> pa.Table:
        """The rows of a figure that is made of steps from day to day, as `run` names it."""
        ...


class Compiled:
    """SQL of expressions, kept in a folder: compiling takes longer than counting, and is the same every day.

    Two processes may compile the same at the same time.

    Args:
        compile: Makes SQL of an expression.
        cache: The folder; none: nothing is kept.
    """

    def __init__(self, compile: Callable[[Any], Any], cache: Path | None) -> None:
        self._compile = compile
        self.folder = _folder(cache) if cache else None

    def sql(self, name: str, expression: Callable[[], Any]) -> str:
        """The SQL of the expression of that name, compiled where it was not before."""
        if self.folder is None:
            return str(self._compile(expression()))
        file = self.folder / f"{_short(name)}.sql"
        if file.is_file():
            return file.read_text("utf-8")
        text = str(self._compile(expression()))
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(text, "utf-8")
        new.replace(file)
        return text


class Backend(Protocol):
    """What an engine asks of the connection that its inputs lie on."""

    @property
    def con(self) -> Any:
        """DuckDB's connection."""
        ...

    def compile(self, expression: Any) -> Any:
        """SQL of an expression."""
        ...


class _Memory:
    """A connection of its own; Ibis is loaded where something has to be compiled."""

    def __init__(self) -> None:
        self.con = duckdb.connect()

    def compile(self, expression: Any) -> Any:
        import ibis  # noqa: PLC0415

        return ibis.duckdb.from_connection(self.con).compile(expression)


class Engine:
    """Runs expressions over what was laid down, in DuckDB; `Runs`.

    Args:
        rows: The inputs by name: Arrow tables or streams, or SQL. One left out is empty.
        backend: The connection that SQL belongs to; one in memory unless given.
        cache: A folder for compiled SQL.
    """

    def __init__(
        self, rows: Mapping[str, Any], backend: Backend | None = None, cache: Path | None = None
    ) -> None:
        backend = backend or _Memory()
        self._db = backend.con
        self._db.execute("SET TimeZone = 'UTC'")
        self._settled: Settings | None = None
        self._filled: set[str] = set()
        self._large: set[str] = set()
        self._compiled = Compiled(backend.compile, cache)
        self._rows = dict(rows)
        for name in INPUTS:
            found = rows.get(name)
            if found is None:
                found = arrow_schema(INPUTS[name]).empty_table()
            self._lay(name, found)
            some = self._db.sql(f"SELECT 1 FROM {PREFIX}{name} LIMIT {LARGE}").to_arrow_table().num_rows  # noqa: S608
            self._filled |= {name} if some else set()
            self._large |= {name} if some == LARGE else set()

    def _lay(self, name: str, rows: Any) -> None:
        columns = list({**INPUTS, **REFERENCE}[name])
        if isinstance(rows, str):
            listed = ", ".join(f'"{column}"' for column in columns)
            self._db.execute(
                f"CREATE OR REPLACE TEMP VIEW {PREFIX}{name} AS SELECT {listed} FROM ({rows}) AS kept"  # noqa: S608
            )
        elif isinstance(rows, pa.Table):
            self._db.register(PREFIX + name, rows.select(columns))
        else:
            # A stream can be read once; DuckDB keeps it compressed, and on disk where memory is short.
            self._db.register(PREFIX + "stream", rows)
            listed = ", ".join(f'"{column}"' for column in columns)
            self._db.execute(f"CREATE TEMP TABLE {PREFIX}{name} AS SELECT {listed} FROM {PREFIX}stream")  # noqa: S608
            self._db.unregister(PREFIX + "stream")

    def settle(self, settings: Settings) -> None:
        """Lay down the small tables of the settings: what runs from now on is by them."""
        if settings is self._settled:
            return
        tables = reference(settings)
        for name, rows in tables.items():
            self._lay(name, rows)
        self._places, self._days = tables["places"], tables["days"]
        self._settled = settings

    def filled(self, name: str) -> bool:
        """Whether an input has a row."""
        return name in self._filled

    def run(self, name: str, expression: Callable[[], Any], apart: str | None = None) -> pa.Table:
        """The rows of an expression, made and compiled where it was not before; see `Runs`."""
        sql = self._sql(name, expression)
        with self._as_written():
            if apart not in self._large:
                return self._db.sql(sql).to_arrow_table()
            found = []
            for kind in KINDS:
                self._lay("places", self._places.filter(pc.field("period") == kind))
                found.append(self._db.sql(sql).to_arrow_table())
            self._lay("places", self._places)
            return pa.concat_tables(found)

    @contextmanager
    def _as_written(self) -> Iterator[None]:
        """Keep the sides of joins: in what is written here the right one is the small one.

        Where filters stand on filters DuckDB expects no rows, and holds ten million in memory for a join.
        """
        self._db.execute("SET disabled_optimizers = 'build_side_probe_side'")
        try:
            yield
        finally:
            self._db.execute("RESET disabled_optimizers")

    def run_daily(self, name: str, daily: Callable[[], Daily]) -> pa.Table:
        """The rows of a figure that is made of steps from day to day, of which those that are kept stand."""
        if self._compiled.folder is None:
            return self.run(f"{name} whole", lambda: daily().whole())
        kept = KeptDays(self._compiled.folder / f"{_short(name)}.parquet", self._days)
        steps, before = kept.read()
        rows = self._sql(*asked(name, daily)["rows"])
        now = prints_of(self._db.sql(print_sql(rows)).to_arrow_table())
        if since := changed(before, now):
            fresh = [self._steps(name, daily, share) for share in shares(since, now, TOGETHER)]
            steps = joined(steps, pa.concat_tables(fresh), since)
            kept.write(steps, now)
        self._db.register(PREFIX + "steps", steps)
        return self.run(*asked(name, daily)["of steps"])

    def _steps(self, name: str, daily: Callable[[], Daily], since: Mapping[str, date]) -> pa.Table:
        # Tables are made of what is looked at: where one statement asks for it more than once, DuckDB holds
        # in memory all that it is found in.
        self._db.register(PREFIX + "since", since_table(since))
        expressions = asked(name, daily)
        for each in ("late", "told"):
            self._make(each, self._sql(*expressions[each]))
        try:
            return self.run(*expressions["steps since"])
        finally:
            self._db.execute(f"DROP TABLE {PREFIX}late; DROP TABLE {PREFIX}told")

    def _sql(self, name: str, expression: Callable[[], Any]) -> str:
        return ready.sql(name) or self._compiled.sql(name, expression)

    def _make(self, name: str, sql: str) -> None:
        listed = ", ".join(f'"{column}"' for column in CASES)
        select = f"SELECT {listed} FROM ({sql}) AS found"  # noqa: S608
        with self._as_written():
            self._db.execute(f"CREATE OR REPLACE TEMP TABLE {PREFIX}{name} AS {select}")


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:24]


@cache
def _version() -> str:
    """What compiled SQL depends on besides the settings: this package's source, and who compiles it."""
    by = (version("ibis-framework"), version("sqlglot"), duckdb.__version__)
    return hashlib.sha256("\0".join((*by, ready.source())).encode()).hexdigest()[:24]


def _folder(cache: Path) -> Path:
    """This version's folder in the cache; that of another version is removed."""
    folder = cache / _version()
    if not folder.is_dir():
        shutil.rmtree(cache, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    return folder

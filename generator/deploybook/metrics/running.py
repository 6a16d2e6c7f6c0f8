"""Where expressions run: a DuckDB connection with the inputs under fixed names, and SQL compiled before."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import duckdb
import ibis
import pyarrow as pa
from ibis import util
from ibis.expr import operations

from deploybook.metrics.grain import Grain
from deploybook.metrics.model import INPUTS, Settings, Shape, Tables
from deploybook.metrics.reference import REFERENCE, reference

PREFIX = "counted_"
"""Before the names of what is laid down, that they hide nothing of a history on the same connection."""


def unbound(name: str) -> Any:
    """An input or a small table as expressions name it."""
    return ibis.table({**INPUTS, **REFERENCE}[name], name=PREFIX + name)


def inputs() -> Tables:
    """All inputs."""
    return Tables(**{name: unbound(name) for name in INPUTS})


def grain_of(shape: Shape) -> Grain:
    """The small tables."""
    return Grain(shape, **{name: unbound(name) for name in REFERENCE})


class Runs(Protocol):
    """What counts: expressions are run over inputs that were laid down."""

    def settle(self, settings: Settings) -> None:
        """Lay down the small tables of the settings: what runs from now on is by them."""
        ...

    def filled(self, name: str) -> bool:
        """Whether an input has a row."""
        ...

    def run(self, name: str, expression: Callable[[], Any]) -> pa.Table:
        """The rows of an expression.

        Args:
            name: Tells it from all others, with all that it depends on besides this package's source.
            expression: Makes it.
        """
        ...


class Compiled:
    """SQL of expressions, kept in a folder: compiling takes longer than counting, and is the same every day.

    Args:
        compile: Makes SQL of an expression.
        cache: The folder; none: nothing is kept.
    """

    def __init__(self, compile: Callable[[Any], Any], cache: Path | None) -> None:
        self._compile = compile
        self._kept = _folder(cache) if cache else None

    def sql(self, name: str, expression: Callable[[], Any]) -> str:
        """The SQL of the expression of that name, compiled where it was not before."""
        if self._kept is None:
            return str(self._compile(expression()))
        file = self._kept / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.sql"
        if file.is_file():
            return file.read_text("utf-8")
        text = str(self._compile(expression()))
        new = file.with_suffix(".new")
        new.write_text(text, "utf-8")
        new.replace(file)
        return text


class Engine:
    """Runs expressions over what was laid down, in DuckDB; `Runs`.

    Args:
        rows: The inputs by name: Arrow tables or streams, or Ibis tables of `backend`. One left out is empty.
        backend: The Ibis connection that the Ibis tables belong to; one in memory unless given.
        cache: A folder for compiled SQL.
    """

    def __init__(self, rows: Mapping[str, Any], backend: Any = None, cache: Path | None = None) -> None:
        self._ibis = backend or ibis.duckdb.connect()
        self._db = self._ibis.con
        self._db.execute("SET TimeZone = 'UTC'")
        self._filled = set()
        self._compiled = Compiled(self._ibis.compile, cache)
        self._rows = dict(rows)
        for name in INPUTS:
            found = rows.get(name)
            if found is None:
                found = ibis.Schema.from_tuples(INPUTS[name].items()).to_pyarrow().empty_table()
            self._lay(name, found)
            if self._db.table(PREFIX + name).limit(1).to_arrow_table().num_rows:
                self._filled.add(name)

    def _lay(self, name: str, rows: Any) -> None:
        columns = list({**INPUTS, **REFERENCE}[name])
        if isinstance(rows, pa.Table):
            self._db.register(PREFIX + name, rows.select(columns))
        elif isinstance(rows, pa.RecordBatchReader):
            # A stream can be read once; DuckDB keeps it compressed, and on disk where memory is short.
            self._db.register(PREFIX + "stream", rows)
            listed = ", ".join(f'"{column}"' for column in columns)
            self._db.execute(f"CREATE TEMP TABLE {PREFIX}{name} AS SELECT {listed} FROM {PREFIX}stream")  # noqa: S608
            self._db.unregister(PREFIX + "stream")
        else:
            if rows.op().find(operations.JoinChain):
                # Merged from several sources: once, not for every figure. Under a name of its own, because
                # Ibis replaces a table by a statement that newer sqlglot writes without the table's name.
                rows = self._ibis.create_table(util.gen_name("merged"), rows.select(columns), temp=True)
            select = self._ibis.compile(rows.select(columns))
            self._db.execute(f"CREATE OR REPLACE TEMP VIEW {PREFIX}{name} AS {select}")

    def settle(self, settings: Settings) -> None:
        """Lay down the small tables of the settings: what runs from now on is by them."""
        for name, rows in reference(settings).items():
            self._lay(name, rows)

    def filled(self, name: str) -> bool:
        """Whether an input has a row."""
        return name in self._filled

    def run(self, name: str, expression: Callable[[], Any]) -> pa.Table:
        """The rows of an expression, made and compiled where it was not before.

        Args:
            name: Tells it from all others, with all that it depends on besides this package's source.
            expression: Makes it.
        """
        return self._db.sql(self._compiled.sql(name, expression)).to_arrow_table()


@cache
def _version() -> str:
    """What compiled SQL depends on besides the settings: this package's source, and who compiles it."""
    digest = hashlib.sha256("\0".join((ibis.__version__, version("sqlglot"), duckdb.__version__)).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def _folder(cache: Path) -> Path:
    """This version's folder in the cache; that of another version is removed."""
    folder = cache / _version()
    if not folder.is_dir():
        shutil.rmtree(cache, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    return folder

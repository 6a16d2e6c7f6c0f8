"""The store in a file of DuckDB: one program writes at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from deploybook.errors import NoHistoryError, StoreError
from deploybook.history import merging, ready
from deploybook.history.columns import TABLES, Layout
from deploybook.history.database import Merged
from deploybook.history.sql import Sql, name, names, staged, staged_name
from deploybook.history.wording import first_line

if TYPE_CHECKING:
    import ibis

ROWS = 20_000
"""Rows in memory at once when rows are streamed."""

HELD = 64 << 20
"""Bytes of staged rows that stay where they lie in memory: what is more goes into tables, and so to disk."""

LEAST = {"saving": 0.5, "counting": 1.0}
"""GiB that the engine may use in any case."""
SHARE = {"saving": 10, "counting": 25}
"""Of a hundred parts of the memory of the machine or container, those that it may use. Then it goes to disk,
and takes more only where that fails: our own rows need room beside it, and so do others."""
_GIB = {"KiB": 2**-20, "MiB": 2**-10, "GiB": 1.0, "TiB": 2**10}


class Duck:
    """A `Database` in a file.

    Args:
        path: The file.
        read_only: Change nothing; many may read at once, though none beside a writer.

    Raises:
        StoreError: The file is missing, in use, or not readable.
    """

    elsewhere = "move the file away, or give `history:` the path of another file"
    cramped: tuple[type[Exception], ...] = (duckdb.OutOfMemoryException,)

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.where = str(path)
        self.sql = Sql()
        self._db = _connect(path, read_only=read_only)
        self._held: dict[str, list[pa.Table]] = {}
        self._poured: set[str] = set()

    @cached_property
    def _ibis(self) -> Any:
        """Ibis on the same connection; loading it takes most of a second, and most builds do not ask."""
        import ibis  # noqa: PLC0415

        return ibis.duckdb.from_connection(self._db)

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows."""
        return self._db.execute(statement, list(parameters)).fetchall()  # type: ignore[no-any-return]

    def run(self, statements: Sequence[str]) -> None:
        """Run statements in their order."""
        for each in statements:
            self._db.execute(each)

    def stage(self, layout: Layout) -> None:
        """Hold nothing yet."""
        self.unstage(layout)
        self._held[layout.table] = []

    def append(self, layout: Layout, rows: pa.Table) -> None:
        """Hold rows where they lie in memory; put them into a temporary table where they are many."""
        self._held[layout.table].append(rows)
        held = sum(each.nbytes for tables in self._held.values() for each in tables)
        if layout.table in self._poured or held > HELD:
            self._pour(layout)

    def _pour(self, layout: Layout) -> None:
        if layout.table not in self._poured:
            self.run(self.sql.stage(layout))
            self._poured.add(layout.table)
        rows = pa.concat_tables(self._held[layout.table])
        self._held[layout.table] = []
        columns = names(rows.column_names)
        self._db.register("batch", rows)
        self._db.execute(f"INSERT INTO {staged(layout)} ({columns}) SELECT {columns} FROM batch")  # noqa: S608
        self._db.unregister("batch")

    def ready(self, layout: Layout) -> None:
        """Leave the last row of each key; what is held in memory gets the name of the temporary table."""
        if layout.table in self._poured:
            self.execute(self.sql.leave_last(layout))
            return
        rows = pa.concat_tables(self._held[layout.table])
        last = rows.group_by(list(layout.key), use_threads=False).aggregate([("seq", "max")])["seq_max"]
        if len(last) < rows.num_rows:
            rows = rows.filter(pc.is_in(rows["seq"], last))
        self._db.register(staged_name(layout), rows)

    def unstage(self, layout: Layout) -> None:
        """Let go of what is held, or drop the temporary table."""
        self._held.pop(layout.table, None)
        if layout.table in self._poured:
            self._poured.remove(layout.table)
            self.run(self.sql.unstage(layout))
        else:
            self._db.unregister(staged_name(layout))

    def read(self, laid: Layout | Merged, order: Sequence[str] = ()) -> pa.Table:
        """All rows of a table of the store, by these columns."""
        by = f" ORDER BY {names(order)}" if order else ""
        layout = laid.kind.stored if isinstance(laid, Merged) else laid
        rows = self._rows(laid)
        if rows is None:
            return self.table(laid).order_by(list(order)).to_pyarrow()
        return self._db.sql(f"FROM ({rows}) AS told{by}").to_arrow_table().cast(layout.schema)

    def late_cases(self, cases: Layout | Merged, runs: Layout | Merged, instant: datetime) -> pa.Table:
        """The test case runs later than an instant, as `merging.late_cases` finds them."""
        sql = ready.sql(ready.CASES)
        if sql is None:
            return merging.late_cases(self.table(cases), self.table(runs), instant).to_pyarrow()
        for table, laid in (("test_case_runs", cases), ("pipeline_runs", runs)):
            self._db.execute(f"CREATE OR REPLACE TEMP VIEW {merging.NOW}{table} AS {self._rows(laid)}")
        after = pa.table({"instant": pa.array([instant], pa.timestamp("us", tz="UTC"))})
        self._db.register(merging.AFTER, after)
        return self._db.sql(sql).to_arrow_table().cast(TABLES["test_case_runs"].stored.schema)

    def _rows(self, laid: Layout | Merged) -> str | None:
        """SQL of a table with what it needs laid down; `None` where Ibis has to be asked."""
        if isinstance(laid, Layout):
            return _select(laid, laid.names)
        self._db.register(merging.PLACES + laid.kind.table, merging.places(laid.order))
        return ready.sql(laid.kind.table)

    def table(self, laid: Layout | Merged) -> ibis.Table:
        """A table of the store for Ibis."""
        if isinstance(laid, Merged):
            return merging.combined(self.table(laid.kind.stored), laid.kind.key, laid.order)
        return self._ibis.table(laid.table).select(*laid.names)

    def batches(self, rows: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Stream rows through a temporary table, which may go to disk.

        Ibis 12 streams through a method that DuckDB 2 no longer has.
        """
        self._ibis.create_table("streamed", rows, temp=True)
        yield from self._db.execute("SELECT * FROM streamed").to_arrow_reader(ROWS)
        self._db.execute("DROP TABLE streamed")

    def counting(
        self, rows: Mapping[str, tuple[ibis.Table | Layout | Merged, Sequence[str]]]
    ) -> tuple[dict[str, Any], Any]:
        """Count where the rows lie; what is merged or narrowed is so once, not for every figure."""
        self._room("counting")
        found: dict[str, Any] = {}
        for each, (laid, columns) in rows.items():
            if isinstance(laid, Layout):
                found[each] = _select(laid, columns)
                continue
            together = f"counted_together_{each}"
            told = self._rows(laid) if isinstance(laid, Merged) else None
            if told is not None:
                select = f"SELECT {names(columns)} FROM ({told}) AS told"  # noqa: S608
                self._db.execute(f"CREATE OR REPLACE TEMP TABLE {together} AS {select}")
            else:
                table = self.table(laid) if isinstance(laid, Merged) else laid
                self._ibis.create_table(together, table.select(*columns), temp=True)
            found[each] = f"FROM {together}"
        return found, self

    @property
    def con(self) -> Any:
        """DuckDB's connection."""
        return self._db

    def compile(self, expression: Any) -> str:
        """SQL of an expression."""
        return str(self._ibis.compile(expression))

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Keep memory low."""
        self._room("saving")
        try:
            yield
        finally:
            self.roomier()

    def _room(self, task: str) -> None:
        """Let the engine use its share of the memory."""
        self._db.execute(f"SET memory_limit = '{SHARE[task]}%'")
        ((has,),) = self.execute("SELECT current_setting('memory_limit')")
        number, unit = str(has).split()
        if float(number) * _GIB.get(unit, 0.0) < LEAST[task]:
            self._db.execute(f"SET memory_limit = '{LEAST[task]}GiB'")

    def roomier(self) -> None:
        """Take what the machine has."""
        self._db.execute("RESET memory_limit")

    @contextmanager
    def claim(self, name: str) -> Iterator[bool]:  # noqa: ARG002 — the file is held already
        """Whoever has the file open has every feed."""
        yield True

    def alone(self) -> None:
        """Whoever has the file open is alone."""

    @contextmanager
    def told(self) -> Iterator[None]:
        """DuckDB's errors as ours."""
        try:
            yield
        except duckdb.Error as error:
            raise StoreError(
                f"the history cannot be read or written: {first_line(error)}",
                where=self.where,
                next_step="free disk space or mend the file's permissions; if the file is damaged, move it "
                "away and sync again: sources are read anew",
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _select(layout: Layout, columns: Sequence[str]) -> str:
    return f"SELECT {names(columns)} FROM {name(layout.table)}"  # noqa: S608


def _connect(path: Path, *, read_only: bool) -> Any:
    """A connection to the file, in UTC."""
    if read_only and not path.exists():
        raise NoHistoryError("there is no history yet", where=str(path), next_step="run `deploybook sync`")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(path), read_only=read_only)
        connection.execute("SET TimeZone = 'UTC'")
    except (duckdb.Error, OSError) as error:
        says = first_line(error)
        if "set lock" in says.lower():  # a damaged file speaks of a block
            raise StoreError(
                f"another process is using the history: {says}",
                where=str(path),
                next_step="wait until it has ended and try again",
            ) from error
        raise StoreError(
            f"the history cannot be opened: {says}",
            where=str(path),
            next_step="if the file is damaged or no history, move it away and sync again: sources are read "
            "anew",
        ) from error
    return connection

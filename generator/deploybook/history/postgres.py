"""The store in PostgreSQL: many programs write at once.

Everything goes through one ADBC connection, as Arrow and by COPY both ways; Ibis says the SQL. A feed
is kept to one program at a time by an advisory lock, which ends with its connection, however that ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import ibis
import pyarrow as pa

from deploybook.errors import StoreError
from deploybook.history import merging
from deploybook.history.address import Address
from deploybook.history.columns import Layout
from deploybook.history.database import Merged
from deploybook.history.sql import DIGEST, PostgresSql, Sql, name, staged_name
from deploybook.history.wording import first_line

OLDEST = 15
"""The oldest version that the tests run on."""

_OURS = "hashtextextended('deploybook ' || current_schema() || ' ' || $1, 0)"
"""The number of an advisory lock; such locks are the database's, so the schema is in it."""


class Postgres:
    """A `Database` in a schema of PostgreSQL.

    Args:
        url: `postgres://user@host:port/database/schema`, or without the schema.
        read_only: Make no schema.

    Raises:
        StoreError: No driver is installed, or the server is not reached, refuses the user, or is too old.
    """

    elsewhere = "name an empty database or schema, as postgres://user@host/database/schema"
    cramped: tuple[type[Exception], ...] = ()

    def __init__(self, url: str, *, read_only: bool) -> None:
        address = Address.of(url)
        self.where = address.shown
        self._sql = PostgresSql()
        self.sql: Sql = self._sql
        self._address = address
        self._driver = _driver(self.where)
        try:
            self._db = self._driver.connect(address.libpq, autocommit=True)
        except self._driver.Error as error:
            raise self._refused(error) from error
        try:
            with self.told():
                self._settle(address.schema, read_only=read_only)
        except BaseException:
            self.close()
            raise
        self._ibis = _speaker(self)

    def _settle(self, schema: str | None, *, read_only: bool) -> None:
        """Look at what we talk to, and go to our schema, in UTC."""
        ((version, encoding),) = self.execute(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
        )
        fit(version, encoding, self.where)
        self.execute("SET TIME ZONE 'UTC'")
        self.execute("SET client_min_messages = 'warning'")
        if schema is not None:
            self.execute("SELECT set_config('search_path', quote_ident($1), false)", [schema])
            ((there,),) = self.execute("SELECT count(*) FROM pg_namespace WHERE nspname = $1", [schema])
            if not there and not read_only:
                self.execute("BEGIN")
                self.execute("SELECT pg_advisory_xact_lock(hashtextextended('deploybook schema', 0))")
                self.execute(f"CREATE SCHEMA IF NOT EXISTS {name(schema)}")
                self.execute("COMMIT")

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows. In text the character of code 0 is replaced."""
        with closing(self._db.cursor()) as cursor:
            clean = [each.replace("\0", "\ufffd") if isinstance(each, str) else each for each in parameters]
            cursor.execute(statement, clean or None)
            return cursor.fetchall() if cursor.description else []

    def run(self, statements: Sequence[str]) -> None:
        """Run statements in their order."""
        for each in statements:
            self.execute(each)

    def stage(self, layout: Layout) -> None:
        """Make the temporary table."""
        self.run(self.sql.stage(layout))

    def append(self, layout: Layout, rows: pa.Table) -> None:
        """Append rows to the staged table by COPY."""
        with closing(self._db.cursor()) as cursor:
            cursor.adbc_ingest(staged_name(layout), rows, mode="append", temporary=True)

    def ready(self, layout: Layout) -> None:
        """Give each row its key, and leave the last of each."""
        self.run(self._sql.ready(layout))

    def unstage(self, layout: Layout) -> None:
        """Drop the temporary tables."""
        self.run(self.sql.unstage(layout))

    def put(self, name: str, rows: pa.Table) -> None:
        """Make a temporary table of these rows."""
        with closing(self._db.cursor()) as cursor:
            cursor.adbc_ingest(name, rows, mode="create", temporary=True)

    def stream(self, select: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Rows of a query by COPY, a few megabytes at a time, in the types that are asked for."""
        with closing(self._db.cursor()) as cursor:
            cursor.execute(select)
            for batch in cursor.fetch_record_batch():
                yield _cast(batch, schema)

    def read(self, laid: Layout | Merged, order: Sequence[str] = ()) -> pa.Table:
        """All rows of a table of the store, by these columns."""
        rows = self.table(laid)
        return (rows.order_by(list(order)) if order else rows).to_pyarrow()

    def late_cases(self, cases: Layout | Merged, runs: Layout | Merged, instant: datetime) -> pa.Table:
        """The test case runs later than an instant, as `merging.late_cases` finds them."""
        return merging.late_cases(self.table(cases), self.table(runs), instant).to_pyarrow()

    def table(self, laid: Layout | Merged) -> ibis.Table:
        """A table of the store for Ibis."""
        if isinstance(laid, Merged):
            return merging.combined(self.table(laid.kind.stored), laid.kind.key, laid.order)
        schema = dict(ibis.Schema.from_pyarrow(laid.schema))
        if not laid.one_by_one:
            schema[DIGEST] = "uuid"  # said, for what is not known would come along with `SELECT *`
        return self._ibis.known(laid.table, ibis.schema(schema)).select(*laid.names)

    def batches(self, rows: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Run an expression and stream its rows."""
        with self._ibis.to_pyarrow_batches(rows) as reader:
            yield from reader

    def counting(
        self, rows: Mapping[str, tuple[ibis.Table | Layout | Merged, Sequence[str]]]
    ) -> tuple[dict[str, Any], Any]:
        """Stream what is looked at to where it is counted: a store of rows is no engine for columns."""
        return {
            name: self._ibis.to_pyarrow_batches(
                (self.table(table) if isinstance(table, Layout | Merged) else table).select(*columns)
            )
            for name, (table, columns) in rows.items()
        }, None

    @contextmanager
    def saving(self) -> Iterator[None]:
        """The server's settings are its keeper's."""
        yield

    def roomier(self) -> None:
        """The server's settings are its keeper's."""

    @contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """Hold the feed's advisory lock, or say that another program does."""
        ((ours,),) = self.execute(f"SELECT pg_try_advisory_lock({_OURS})", [name])
        try:
            yield ours
        finally:
            if ours:
                self.execute(f"SELECT pg_advisory_unlock({_OURS})", [name])

    def alone(self) -> None:
        """Wait for others who make or migrate tables, until the transaction ends."""
        self.execute(f"SELECT pg_advisory_xact_lock({_OURS})", ["tables"])

    @contextmanager
    def told(self) -> Iterator[None]:
        """PostgreSQL's errors as ours."""
        try:
            yield
        except self._driver.Error as error:
            raise StoreError(
                f"the history cannot be read or written: {self._says(error)}",
                where=self.where,
                next_step="see that the server is up, has room on its disk, and lets this user write; "
                "what was not saved is read again by the next sync",
            ) from error

    def _refused(self, error: Exception) -> StoreError:
        says = self._says(error)
        step = "see that the server runs there, and mend host and port in `history:`"
        if "password" in says or "no pg_hba.conf entry" in says:
            step = (
                "give the password in PGPASSWORD or ~/.pgpass, or the whole address in a variable, with "
                "`history: env:NAME`"
            )
        elif "does not exist" in says:
            step = "make it (createuser, createdb), or mend the address in `history:`"
        return StoreError(f"PostgreSQL does not let us in: {says}", where=self.where, next_step=step)

    def _says(self, error: Exception) -> str:
        """The server's words without the driver's and without the password."""
        line = first_line(error)
        for prefix in ("FATAL:", "ERROR:"):
            line = line.rpartition(prefix)[2].strip()
        line = line.rpartition("[libpq] Failed to connect: ")[2]
        return self._address.hide(line)

    def close(self) -> None:
        """Close the connection, and with it all locks and temporary tables."""
        self._db.close()


def fit(version: int, encoding: str, where: str) -> None:
    """Refuse a server that cannot keep a history.

    Args:
        version: As `server_version_num`: 150018.
        encoding: Of the database, as `UTF8`.
        where: The address.

    Raises:
        StoreError: It is too old, or its text is not Unicode.
    """
    if version < OLDEST * 10_000:
        raise StoreError(
            f"PostgreSQL {version // 10_000} is too old",
            where=where,
            next_step=f"take version {OLDEST} or a later one",
        )
    if encoding != "UTF8":
        raise StoreError(
            f"the database keeps text as {encoding}",
            where=where,
            next_step="make one that keeps UTF-8: createdb --encoding UTF8 --template template0 NAME",
        )


def _driver(where: str) -> Any:
    try:
        import adbc_driver_postgresql.dbapi as driver  # noqa: PLC0415 — an extra, and slow to load
        import psycopg  # noqa: F401, PLC0415 — Ibis asks for it
    except ImportError as error:
        raise StoreError(
            "what talks to PostgreSQL is not installed",
            where=where,
            next_step="pip install 'deploybook[postgres]'",
        ) from error
    return driver


def _speaker(db: Postgres) -> Any:
    """Ibis's words for PostgreSQL, over our connection and as Arrow: its own is by rows of Python."""
    from ibis.backends.postgres import Backend  # noqa: PLC0415 — needs the extra
    from ibis.expr import operations  # noqa: PLC0415

    class Speaker(Backend):  # type: ignore[misc]
        """Ibis's backend without a connection of its own."""

        def do_connect(self) -> None:
            """Nothing to connect: we are."""

        def known(self, name: str, schema: ibis.Schema) -> ibis.Table:
            """A table with columns that we know."""
            return operations.DatabaseTable(name, schema=schema, source=self).to_expr()

        def to_pyarrow_batches(self, expr: Any, /, **options: Any) -> pa.RecordBatchReader:
            """Run and stream."""
            self._run_pre_execute_hooks(expr)
            schema = expr.as_table().schema().to_pyarrow()
            options.pop("chunk_size", None)
            select = self.compile(expr.as_table(), **options)
            return pa.RecordBatchReader.from_batches(schema, db.stream(select, schema))

        def _register_in_memory_table(self, op: Any) -> None:
            db.put(op.name, op.data.to_pyarrow(op.schema))

        def _make_memtable_finalizer(self, name: str) -> None:
            """Temporary tables end with the connection."""

    speaker = Speaker()
    speaker.reconnect()
    return speaker


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The types of the schema: a sum comes as a decimal number in text."""
    columns = [
        (column.storage if isinstance(column, pa.ExtensionArray) else column).cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)

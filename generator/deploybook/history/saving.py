"""What a feed yields, staged in bulk and saved in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property

import pyarrow as pa

from deploybook.feed import Feed, Rejected
from deploybook.history import sql
from deploybook.history.columns import (
    TABLES,
    Kind,
    Layout,
    UnfitError,
    kind_of,
    layout,
    to_arrow,
    without_zeros,
)
from deploybook.history.database import Database
from deploybook.records import Record, dump

BATCH = 25_000
"""Records turned into columns at once: enough for speed, few enough for memory where bodies are long."""

REJECTED = layout(
    "rejected", ("source", "where", "reason"), source="text", where="text", reason="text", text="text"
)

LONGEST = 500
"""Characters kept of a line that was set aside."""


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """All or nothing: what fails inside leaves the store as it was."""
    db.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        with suppress(
            Exception
        ):  # a lost connection has rolled back already; what is told is why it was lost
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def stage(db: Database, into: Layout, rows: pa.Table, first: int = 0) -> None:
    """Stage more rows of a table; `first` is the place of the first of them."""
    db.append(into, rows.append_column("seq", pa.array(range(first, first + rows.num_rows), pa.int64())))


def replace(db: Database, into: Layout, rows: pa.Table) -> None:
    """Save rows of a table that is not of records, replacing those with the same key."""
    known = {
        column.name: rows[column.name].cast(column.arrow)
        if column.name in rows.column_names
        else pa.nulls(rows.num_rows, column.arrow)
        for column in into.columns
    }
    db.stage(into)
    stage(db, into, pa.table(known))
    with transaction(db):
        db.ready(into)
        db.execute(db.sql.merge(into))
    db.unstage(into)


class Staging:
    """Rows on their way from one feed into the store, in temporary tables.

    Args:
        db: The store's engine.
        feed: Whose rows they are.
    """

    def __init__(self, db: Database, feed: Feed) -> None:
        self._db = db
        self._feed = feed
        self._waiting: dict[type[Record], list[Record]] = {}
        self._aside: list[Rejected] = []
        self._staged: dict[str, Layout] = {}
        self._seq = 0
        self.rows = 0
        """Records since the last save."""

    def add(self, record: Record) -> None:
        """Take a record."""
        waiting = self._waiting.setdefault(type(record), [])
        waiting.append(record)
        self.rows += 1
        if len(waiting) >= BATCH:
            self._flush(type(record))

    def reject(self, rejected: Rejected) -> None:
        """Take a line that was set aside."""
        self._aside.append(rejected)
        if len(self._aside) >= BATCH:
            self._flush_rejected()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to save."""
        return not (self.rows or self._aside or self._staged)

    def save(self, *, all_there_is: bool, afresh: bool) -> dict[str, int]:
        """Write what is staged into the store, within the caller's transaction; `clear` starts anew.

        Args:
            all_there_is: What the source said before and is not staged again is forgotten.
            afresh: Lines that were set aside before are forgotten.

        Returns:
            What `kept` is, once the transaction is over.
        """
        for record in list(self._waiting):
            self._flush(record)
        self._flush_rejected()
        if afresh and self.kept[REJECTED.table]:
            self._db.execute(sql.forget(REJECTED.table), [self._feed.name])
        kept, say = self.kept, self._db.sql
        for kind in TABLES.values():
            if kind.table in self._staged:
                self._db.ready(kind.stored)
                self._db.execute((say.merge if kept[kind.table] else say.insert)(kind.stored))
                if all_there_is and kept[kind.table]:
                    self._db.execute(say.forget_unstaged(kind.stored), [self._feed.name])
            elif all_there_is and kept[kind.table]:
                self._db.execute(sql.forget(kind.table), [self._feed.name])
        if REJECTED.table in self._staged:
            self._db.ready(REJECTED)
            self._db.execute(say.merge(REJECTED))
        touched = {*self._staged, *(table for table, rows in kept.items() if rows)}
        return kept | self._count(touched)

    @cached_property
    def kept(self) -> dict[str, int]:
        """How many rows of the feed each table keeps, as it was last saved."""
        tables = [*TABLES, REJECTED.table]
        known = self._db.execute("SELECT 1 FROM sources WHERE name = $1", [self._feed.name])
        return self._count(tables) if known else dict.fromkeys(tables, 0)

    def _count(self, tables: Collection[str]) -> dict[str, int]:
        return dict(self._db.execute(sql.count(tables), [self._feed.name])) if tables else {}

    def clear(self) -> None:
        """Drop what is staged."""
        for each in self._staged.values():
            self._db.unstage(each)
        self._staged.clear()
        self._waiting.clear()
        self._aside.clear()
        self.rows = 0

    def _flush(self, record: type[Record]) -> None:
        kind = kind_of(record)
        records = self._waiting.pop(record)
        for part in self._fitting(kind, records):
            source = pa.repeat(pa.scalar(self._feed.name), part.num_rows)
            rank = pa.repeat(pa.scalar(self._feed.rank), part.num_rows)
            self._stage(kind.stored, part.append_column("source", source).append_column("rank", rank))

    def _fitting(self, kind: Kind, records: Sequence[Record]) -> Iterator[pa.Table]:
        """The records as columns, without those that no column can keep: these are set aside."""
        try:
            yield to_arrow(kind, records)
        except UnfitError as error:
            if len(records) == 1:
                where = ", ".join(
                    str(getattr(records[0], each.field)) for each in kind.columns if each.name in kind.key
                )
                self.reject(Rejected(f"{kind.tag} {where}", str(error), dump(records[0]).decode()))
                return
            middle = len(records) // 2
            yield from self._fitting(kind, records[:middle])
            yield from self._fitting(kind, records[middle:])

    def _flush_rejected(self) -> None:
        if not self._aside:
            return
        rows = [
            {
                "source": self._feed.name,
                "where": each.where,
                "reason": each.reason,
                "text": each.text[:LONGEST],
            }
            for each in self._aside
        ]
        self._aside = []
        table = pa.Table.from_pylist(rows, schema=REJECTED.schema)
        self._stage(
            REJECTED,
            pa.table([without_zeros(each.combine_chunks()) for each in table], schema=REJECTED.schema),
        )

    def _stage(self, into: Layout, rows: pa.Table) -> None:
        if into.table not in self._staged:
            self._db.stage(into)
            self._staged[into.table] = into
        stage(self._db, into, rows, self._seq)
        self._seq += rows.num_rows

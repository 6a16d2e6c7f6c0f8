"""The store: opened, filled and read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import pyarrow as pa

from deploybook.errors import NoHistoryError, SourceError
from deploybook.feed import Added, Afresh, Ask, Cursor, Feed, Rejected
from deploybook.history import schema, sql
from deploybook.history.columns import TABLES, Layout
from deploybook.history.database import Database, Merged
from deploybook.history.exporting import Format, export
from deploybook.history.merging import combined, late_cases, standing
from deploybook.history.opening import database
from deploybook.history.saving import REJECTED, Staging, replace, transaction
from deploybook.history.wording import written
from deploybook.records import Record

if TYPE_CHECKING:
    import ibis

SAVE_AT = 1_000
"""Records that must wait before a cursor saves them: fewer are not worth a transaction of their own."""


FEW = 20
"""Records whose loss is no reason to suspect a snapshot."""


@dataclass(frozen=True)
class SyncReport:
    """What one pull of one feed brought."""

    rows: int
    """Records yielded; 0 after an error, where what could be saved is saved nevertheless."""
    rejected: int
    """Lines set aside."""
    unchanged: bool
    """The feed said that there is nothing new."""
    error: SourceError | None
    busy: bool = False
    """Another program is reading this feed: it was left to it."""


@dataclass(frozen=True)
class SourceState:
    """A source as it stands."""

    name: str
    rank: int
    cursor: str | None
    last_read: datetime | None
    """UTC; the last time that it could be read."""
    rows: int
    rejected: int
    error: str | None
    """Of the last attempt; `None` where that went well."""
    error_at: datetime | None


class History:
    """All that the sources said. A context manager; make one with `History.open`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._orders: dict[str, dict[str, int]] = {}
        self._only: tuple[str, ...] = ()

    @classmethod
    def open(cls, url: str, *, root: Path, read_only: bool = False) -> Self:
        """Open the store, making or migrating it first where it may be written.

        Args:
            url: As `history:` in the configuration: `duckdb://build/history.duckdb`, or
                `postgres://user@host/database`.
            root: The folder that a relative path in the URL starts from.
            read_only: Change nothing; of a file, many may read at once, though none beside a writer.

        Raises:
            StoreError: The store is in use, is no history, is newer than this program, or cannot be written.
        """
        db = database(url, root, read_only=read_only)
        try:
            with db.told():
                schema.prepare(db, read_only=read_only)
        except BaseException:
            db.close()
            raise
        return cls(db)

    @classmethod
    def open_existing(cls, url: str, *, root: Path) -> Self | None:
        """Open the store to read it; `None` where there is none yet.

        Raises:
            StoreError: As `open`.
        """
        try:
            return cls.open(url, root=root, read_only=True)
        except NoHistoryError:
            return None

    def close(self) -> None:
        """Close the store; tables taken from it can no longer be read."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def sync(self, feed: Feed, ask: Ask, *, believe: bool = False) -> SyncReport:
        """Pull a feed and save what it yields, whole or not at all.

        A later record replaces an earlier one with the same key from the same feed. Of a snapshot that does
        not say `Added`, or of a pull that says `Afresh`, what is not yielded again is forgotten. Another feed
        that yields several cursors is saved in steps, each with its cursor. A `SourceError` is kept with the
        source and returned; what was saved before stands. So it is where all there is is less than half of
        what there was, and many records less: that is more often a fault of the source than the truth.

        Args:
            feed: What to read.
            ask: Handed to the feed; its `as_of` is the time that the source is said to be read at.
            believe: Save all there is, however little it is.

        Raises:
            StoreError: The store cannot be written; it is as it was.
        """
        with self._db.told(), self._db.claim(feed.name) as ours, self._db.saving():
            if not ours:
                return SyncReport(0, 0, True, None, busy=True)
            self._orders.clear()
            staging = Staging(self._db, feed)
            try:
                return self._pull(feed, ask, staging, believe)
            except SourceError as error:
                self._note(feed, error=str(error), error_at=ask.as_of)
                return SyncReport(0, 0, False, error)
            finally:
                staging.clear()

    @contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """Keep a feed to this program while its cursor is read and it is pulled; false where another has it.

        Raises:
            StoreError: The store cannot be reached.
        """
        with self._db.told(), self._db.claim(name) as ours:
            yield ours

    def _pull(self, feed: Feed, ask: Ask, staging: Staging, believe: bool) -> SyncReport:
        rows = rejected = 0
        unchanged = False
        whole = feed.snapshot
        cursor = ask.cursor
        afresh = feed.snapshot or (ask.cursor is None and ask.since is None)
        for item in feed.pull(ask):
            if isinstance(item, Record):
                rows += 1
                staging.add(item)
            elif isinstance(item, Rejected):
                rejected += 1
                staging.reject(item)
            elif isinstance(item, Cursor):
                cursor = item.text
                if not whole and staging.rows >= SAVE_AT:
                    self._save(feed, ask, staging, cursor, all_there_is=False, afresh=afresh)
                    afresh = False
            elif isinstance(item, Afresh):
                whole = True
            elif isinstance(item, Added):
                whole = afresh = False
            else:
                unchanged = True
        if whole and not unchanged and not believe:
            self._suspect(feed, staging)
        self._save(
            feed, ask, staging, cursor,
            all_there_is=whole and not unchanged, afresh=afresh and not unchanged,
        )  # fmt: skip
        return SyncReport(rows, rejected, unchanged, None)

    def _suspect(self, feed: Feed, staging: Staging) -> None:
        """Raise `SourceError` where all there is is much less than is kept of it.

        A repository that holds nothing at all was emptied or is another one: no rewriting ends so.
        """
        before, now = sum(staging.kept.values()) - staging.kept[REJECTED.table], staging.rows
        emptied = before > 0 and now == 0 and not feed.snapshot
        if emptied or (before - now > FEW and now * 2 < before):
            raise SourceError(
                f"it says {now:,} records where it said {before:,}, so it is not believed; the old stand",
                next_step=f"see what became of the rest; where it is right so, add `--believe {feed.name}`",
            )

    def _save(
        self, feed: Feed, ask: Ask, staging: Staging, cursor: str | None, *, all_there_is: bool, afresh: bool
    ) -> None:
        try:
            self._write(feed, ask, staging, cursor, all_there_is=all_there_is, afresh=afresh)
        except self._db.cramped:
            self._db.roomier()
            self._write(feed, ask, staging, cursor, all_there_is=all_there_is, afresh=afresh)
        staging.clear()

    def _write(
        self, feed: Feed, ask: Ask, staging: Staging, cursor: str | None, *, all_there_is: bool, afresh: bool
    ) -> None:
        read: dict[str, object] = {"last_read": ask.as_of, "error": None, "error_at": None}
        if cursor is not None:  # a feed that says none keeps the one it has
            read["cursor"] = cursor
        if staging.empty and not (all_there_is or afresh):
            self._note(feed, **read)  # as most reads of an hour end: what is kept need not be counted
            return
        with transaction(self._db):
            kept = staging.save(all_there_is=all_there_is, afresh=afresh)
            rejected = kept[REJECTED.table]
            changed: dict[str, object] = {"state": uuid4().hex} if staging.rows or all_there_is else {}
            self._note(feed, **changed, **read, rows=sum(kept.values()) - rejected, rejected=rejected)
        staging.kept = kept

    def _note(self, feed: Feed, **facts: object) -> None:
        """Keep facts about a source, in the transaction that is open or in one of its own."""
        facts["rank"] = feed.rank
        if not self._db.execute(sql.note(facts), [feed.name, *facts.values()]):
            first = {"name": feed.name, "rows": 0, "rejected": 0, **facts}
            self._db.execute(sql.first_note(first), list(first.values()))

    def table(self, name: str) -> ibis.Table:
        """A record type as an Ibis table, merged over the sources, with `source` and `rank`.

        Args:
            name: As `pipeline_runs`.

        Raises:
            KeyError: There is no such table.
        """
        kind = TABLES[name]
        with self._db.told():
            order = self._order(name)
        kept = self.narrowed(self._db.table(kind.stored))
        return combined(kept, kind.key, order) if order else kept

    def only(self, codebases: Iterable[str]) -> None:
        """From now on tables are of these codebases, and of what is of none."""
        self._only = tuple(codebases)

    def narrowed(self, rows: ibis.Table) -> ibis.Table:
        """The rows of a table that are of what `only` named."""
        if not self._only or "codebase" not in rows.columns:
            return rows
        return rows.filter(rows.codebase.isin(self._only) | rows.codebase.isnull())

    def _order(self, name: str) -> dict[str, int]:
        """The sources of a table, numbered by standing; empty where no two speak of the same thing."""
        if name not in self._orders:
            kind = TABLES[name]
            ranks: dict[str, int] = dict(self._db.execute(sql.ranks(kind.table)))
            alone = len(ranks) < 2 or not self._db.execute(sql.overlap(kind.table, kind.key[0]))
            self._orders[name] = {} if alone else standing(ranks)
        return self._orders[name]

    def _laid(self, name: str) -> Layout | Merged | ibis.Table:
        """A table as an engine may read it in its own way; for Ibis where it is narrowed."""
        if self._only:
            return self.table(name)
        kind, order = TABLES[name], self._order(name)
        return Merged(kind, order) if order else kind.stored

    def read(self, name: str) -> pa.Table:
        """The same as `table`, as Arrow, in the order of the key.

        Raises:
            KeyError: There is no such table.
        """
        kind = TABLES[name]
        with self._db.told():
            laid = self._laid(name)
            if isinstance(laid, Layout | Merged):
                return self._db.read(laid, kind.key)
            return laid.order_by(list(kind.key)).to_pyarrow()

    def cases_after(self, instant: datetime) -> pa.Table:
        """The test case runs later than an instant: all of them may be too many to hold.

        One that does not say when it began stands at the end of its pipeline run, as the figures count it.
        """
        kind = TABLES["test_case_runs"]
        with self._db.told():
            if not self._db.execute(sql.some(kind.table)):
                return kind.stored.schema.empty_table()
            cases, runs = self._laid("test_case_runs"), self._laid("pipeline_runs")
            if isinstance(cases, Layout | Merged) and isinstance(runs, Layout | Merged):
                return self._db.late_cases(cases, runs, instant)
            return late_cases(self.table("test_case_runs"), self.table("pipeline_runs"), instant).to_pyarrow()

    def codebases(self, name: str) -> frozenset[str]:
        """Which codebases a table speaks of.

        Raises:
            KeyError: There is no such table, or it is not of codebases.
        """
        with self._db.told():
            return frozenset(codebase for (codebase,) in self._db.execute(sql.codebases(name)))

    def tables(self) -> list[str]:
        """Names of the record tables."""
        return list(TABLES)

    def cursor(self, name: str) -> str | None:
        """The cursor of a source as last saved, `None` where there is none."""
        with self._db.told():
            found = self._db.execute("SELECT cursor FROM sources WHERE name = $1", [name])
        return found[0][0] if found else None

    def sources(self) -> list[SourceState]:
        """Every source that was ever read or tried, by name."""
        with self._db.told():
            rows = self._db.read(schema.SOURCES, ["name"]).to_pylist()
        return [SourceState(**{each: row[each] for each in SourceState.__dataclass_fields__}) for row in rows]

    def states(self) -> dict[str, tuple[int, str]]:
        """Of every source its rank, and a word that is another after each save that may have changed rows."""
        with self._db.told():
            known = self._db.execute("SELECT name, rank, state FROM sources ORDER BY name")
        return {name: (rank, state or "first") for name, rank, state in known}

    def kept_of(self, name: str, source: str) -> Iterator[pa.RecordBatch]:
        """What one source said of a record type, as it is kept, streamed.

        Raises:
            KeyError: There is no such table.
        """
        rows = self._db.table(TABLES[name].stored)
        with self._db.told():
            yield from self._db.batches(rows.filter(rows.source == source))

    def rejected(self) -> pa.Table:
        """What was set aside: source, where, reason, text (at most 500 characters)."""
        with self._db.told():
            return self._db.read(REJECTED, REJECTED.key)

    def export(self, out: Path, form: Format) -> list[Path]:
        """Write every record table that is not empty, merged, into a folder (made where it is missing).

        Args:
            out: The folder; files of the same name are replaced.
            form: `jsonl` (records again, so that a records source reads the same history from it), `csv`
                (`'` before what a spreadsheet takes for a formula) or `parquet`.

        Returns:
            The files written, as `changes.jsonl`.

        Raises:
            StoreError: The history cannot be read or a file cannot be written.
        """
        with self._db.told(), written(out):
            out.mkdir(parents=True, exist_ok=True)
            tables = ((TABLES[name], self.table(name)) for name in TABLES)
            filled = ((kind, rows) for kind, rows in tables if rows.limit(1).to_pyarrow().num_rows)
            return [export(kind, rows, self._db.batches, out, form) for kind, rows in filled]

    def counting(self, wanted: Mapping[str, Iterable[str]]) -> tuple[dict[str, Any], Any]:
        """Tables as metrics count them: where they lie, or streamed from there.

        Args:
            wanted: Names of tables, with the columns that are looked at.

        Returns:
            SQL by name and the connection that it belongs to; or Arrow streams, and `None`.
        """
        return self._db.counting(
            {name: (self._laid(name), list(columns)) for name, columns in wanted.items()}
        )

    @property
    def database(self) -> Database:
        """The engine that keeps it, for upkeep."""
        return self._db

    def keep(self, name: str, rows: pa.Table) -> None:
        """Keep rows of `published`, `notices` or `answers`; those with the same key are replaced.

        Args:
            name: Which of them.
            rows: Columns as in `schema.KEPT`; what is missing is unknown.

        Raises:
            StoreError: The store cannot be written; it is as it was.
        """
        with self._db.told():
            replace(self._db, schema.KEPT[name], rows)

    def kept(self, name: str) -> ibis.Table:
        """What `keep` kept, as an Ibis table."""
        return self._db.table(schema.KEPT[name])

    def read_kept(self, name: str) -> pa.Table:
        """The same, as Arrow."""
        with self._db.told():
            return self._db.read(schema.KEPT[name])

    def keeps(self, name: str) -> bool:
        """Whether `keep` kept any of these."""
        with self._db.told():
            return bool(self._db.execute(sql.some(schema.KEPT[name].table)))

    def forget(self, name: str) -> None:
        """Drop a source with all that it said, as when it is no longer in the configuration.

        One that another program is reading just now is left to it.

        Raises:
            StoreError: The store cannot be written; it is as it was.
        """
        with self._db.told(), self._db.claim(name) as ours:
            self._orders.clear()
            if not ours:
                return
            with transaction(self._db):
                for table in (*TABLES, REJECTED.table):
                    self._db.execute(sql.forget(table), [name])
                self._db.execute("DELETE FROM sources WHERE name = $1", [name])

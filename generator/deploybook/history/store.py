"""The store: opened, filled and read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import ibis
import pyarrow as pa

from deploybook.errors import SourceError, StoreError
from deploybook.feed import Ask, Cursor, Feed, Rejected, Unchanged
from deploybook.history import schema, sql
from deploybook.history.columns import TABLES
from deploybook.history.merging import merged, overlaps
from deploybook.history.saving import REJECTED, Staging, transaction

SAVE_AT = 1_000
"""Records that must wait before a cursor saves them: fewer are not worth a transaction of their own."""


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

    def __init__(self, connection: Any, where: str) -> None:
        self._ibis = connection
        self._db = connection.con
        self._where = where
        self._orders: dict[str, dict[str, int]] = {}

    @classmethod
    def open(cls, url: str, *, root: Path, read_only: bool = False) -> Self:
        """Open the store, making or migrating it first where it may be written.

        Args:
            url: As `history:` in the configuration: `duckdb://build/history.duckdb`.
            root: The folder that a relative path in the URL starts from.
            read_only: Change nothing; many may read at once, though none beside a writer.

        Raises:
            StoreError: The file is in use, is no history, is newer than this program, or cannot be written.
        """
        path = _path(url, root)
        connection = _connect(path, read_only=read_only)
        history = cls(connection, str(path))
        try:
            with history._told():
                schema.prepare(history._db, str(path), read_only=read_only)
        except BaseException:
            history.close()
            raise
        return history

    def close(self) -> None:
        """Close the store; tables taken from it can no longer be read."""
        self._ibis.disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def sync(self, feed: Feed, ask: Ask) -> SyncReport:
        """Pull a feed and save what it yields, whole or not at all.

        A later record replaces an earlier one with the same key from the same feed. Of a snapshot, what is
        not yielded again is forgotten. A feed that yields several cursors is saved in steps, each with its
        cursor. A `SourceError` is kept with the source and returned; what was saved before stands.

        Args:
            feed: What to read.
            ask: Handed to the feed; its `as_of` is the time that the source is said to be read at.

        Raises:
            StoreError: The store cannot be written; it is as it was.
        """
        with self._told():
            self._orders.clear()
            staging = Staging(self._db, feed)
            try:
                return self._pull(feed, ask, staging)
            except SourceError as error:
                self._note(feed, error=str(error), error_at=ask.as_of)
                return SyncReport(0, 0, False, error)
            finally:
                staging.clear()

    def _pull(self, feed: Feed, ask: Ask, staging: Staging) -> SyncReport:
        rows = rejected = 0
        unchanged = False
        cursor = ask.cursor if ask.cursor is not None else self.cursor(feed.name)
        afresh = feed.snapshot or (ask.cursor is None and ask.since is None)
        for item in feed.pull(ask):
            if isinstance(item, Rejected):
                rejected += 1
                staging.reject(item)
            elif isinstance(item, Cursor):
                cursor = item.text
                if not feed.snapshot and staging.rows >= SAVE_AT:
                    self._save(feed, ask, staging, cursor, all_there_is=False, afresh=afresh)
                    afresh = False
            elif isinstance(item, Unchanged):
                unchanged = True
            else:
                rows += 1
                staging.add(item)
        self._save(
            feed, ask, staging, cursor,
            all_there_is=feed.snapshot and not unchanged, afresh=afresh and not unchanged,
        )  # fmt: skip
        return SyncReport(rows, rejected, unchanged, None)

    def _save(
        self, feed: Feed, ask: Ask, staging: Staging, cursor: str | None, *, all_there_is: bool, afresh: bool
    ) -> None:
        with transaction(self._db):
            staging.save(all_there_is=all_there_is, afresh=afresh)
            kept = staging.kept()
            rejected = kept.pop(REJECTED.table)
            self._note(
                feed, cursor=cursor, last_read=ask.as_of, rows=sum(kept.values()), rejected=rejected,
                error=None, error_at=None,
            )  # fmt: skip

    def _note(self, feed: Feed, **facts: object) -> None:
        """Keep facts about a source, in the transaction that is open or in one of its own."""
        known = self._db.execute("SELECT 1 FROM sources WHERE name = ?", [feed.name]).fetchone()
        if known is None:
            self._db.execute("INSERT INTO sources (name, rows, rejected) VALUES (?, 0, 0)", [feed.name])
        facts["rank"] = feed.rank
        assign = ", ".join(f"{sql.name(each)} = ?" for each in facts)
        self._db.execute(f"UPDATE sources SET {assign} WHERE name = ?", [*facts.values(), feed.name])  # noqa: S608

    def table(self, name: str) -> ibis.Table:
        """A record type as an Ibis table, merged over the sources, with `source` and `rank`.

        Args:
            name: As `pipeline_runs`.

        Raises:
            KeyError: There is no such table.
        """
        kind = TABLES[name]
        kept = self._ibis.table(name).select(*kind.stored.names)
        with self._told():
            order = self._order(name, kept)
        return merged(kept, kind.key, order) if order else kept

    def _order(self, name: str, kept: ibis.Table) -> dict[str, int]:
        """The sources of a table, numbered by standing; empty where no two speak of the same thing."""
        if name not in self._orders:
            found = kept.select("source", "rank").distinct().to_pyarrow().to_pylist()
            ranks: dict[str, int] = {}
            for each in found:
                ranks[each["source"]] = max(each["rank"], ranks.get(each["source"], 0))
            alone = len(ranks) < 2 or overlaps(kept, TABLES[name].key[0]).limit(1).to_pyarrow().num_rows == 0
            lowest_first = sorted(sorted(ranks, reverse=True), key=lambda each: ranks[each])
            self._orders[name] = {} if alone else {each: place for place, each in enumerate(lowest_first)}
        return self._orders[name]

    def read(self, name: str) -> pa.Table:
        """The same as `table`, as Arrow, in the order of the key.

        Raises:
            KeyError: There is no such table.
        """
        with self._told():
            return self.table(name).order_by(list(TABLES[name].key)).to_pyarrow()

    def tables(self) -> list[str]:
        """Names of the record tables."""
        return list(TABLES)

    def cursor(self, name: str) -> str | None:
        """The cursor of a source as last saved, `None` where there is none."""
        with self._told():
            found = self._db.execute("SELECT cursor FROM sources WHERE name = ?", [name]).fetchone()
        return found[0] if found else None

    def sources(self) -> list[SourceState]:
        """Every source that was ever read or tried, by name."""
        with self._told():
            rows = self._ibis.table("sources").order_by("name").to_pyarrow().to_pylist()
        return [SourceState(**{each: row[each] for each in SourceState.__dataclass_fields__}) for row in rows]

    def rejected(self) -> pa.Table:
        """What was set aside: source, where, reason, text (at most 500 characters)."""
        with self._told():
            return self._ibis.table(REJECTED.table).order_by(list(REJECTED.key)).to_pyarrow()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The engine's errors as ours."""
        try:
            yield
        except duckdb.Error as error:
            raise StoreError(
                f"the history cannot be read or written: {_first_line(error)}",
                where=self._where,
                next_step="free disk space or mend the file's permissions; if the file is damaged, move it "
                "away and sync again: sources are read anew",
            ) from error


def _path(url: str, root: Path) -> Path:
    scheme, found, rest = url.partition("://")
    if not found or scheme != "duckdb" or not rest:
        raise StoreError(
            "this is no history that can be opened",
            where=url,
            next_step="write `history: duckdb://build/history.duckdb` with the path of a file",
        )
    return (root / rest).resolve()


def _connect(path: Path, *, read_only: bool) -> Any:
    if read_only and not path.exists():
        raise StoreError("there is no history yet", where=str(path), next_step="run `deploybook sync`")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = ibis.duckdb.connect(path, read_only=read_only)
        connection.con.execute("SET TimeZone = 'UTC'")
    except (duckdb.Error, OSError) as error:
        says = _first_line(error)
        if "lock" in says.lower():
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


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

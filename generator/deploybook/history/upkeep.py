"""Upkeep of the store: compacting its file, dropping what is older than is wanted, forgetting a person."""

# ruff: noqa: S608 — only names of our own tables and columns are put into statements

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from deploybook.errors import StoreError
from deploybook.history import sql
from deploybook.history.columns import TABLES, Column
from deploybook.history.opening import path_of
from deploybook.history.saving import REJECTED, transaction
from deploybook.history.schema import NOTICES
from deploybook.history.store import History
from deploybook.history.wording import first_line

TIMES: Mapping[str, tuple[str, ...]] = {
    "pipeline_runs": ("finished_at", "started_at", "queued_at"),
    "test_case_runs": ("started_at",),
    "coverage": ("measured_at",),
    "availability": ("to",),
    "flag_changes": ("changed_at",),
}
"""Tables that a retention may be set for, with the columns that say how old a row is; the first known counts.

What shipped, and how it went, is not among them: pages of every week are made from it.
"""

TOLD = frozenset({
    "author", "by", "holder", "person", "title", "body", "message", "branch", "notes", "labels", "url",
    "text", "reason", "override", "forced", "reasons", "issues", "milestone", "trigger", "where", "to",
    "reviewers", "exempt", "run", "key",
})  # fmt: skip
"""Columns that hold people, or what people wrote; the others are names of systems, numbers and times."""

Clean = Callable[[str], str]
"""A text without a person: the same where the person is not in it."""


@dataclass(frozen=True)
class Compacted:
    """Bytes of the file before and after."""

    before: int
    after: int


def compact(url: str, root: Path) -> Compacted:
    """Write the store into a new file without the room that is no longer used, and put it in place at once.

    Args:
        url: As `history:` in the configuration.
        root: The folder that a relative path in it starts from.

    Raises:
        StoreError: It is no file, is in use, or there is no room for the second one; it is as it was.
    """
    if not url.startswith("duckdb:"):
        raise StoreError(
            "only a store in a file is compacted here", where="history:",
            next_step="a PostgreSQL server does it by itself (autovacuum), or by VACUUM FULL",
        )  # fmt: skip
    path = path_of(url, root)
    new = path.with_name(f"{path.name}.compact")
    new.unlink(missing_ok=True)
    with History.open(url, root=root) as history, history.database.told():
        history.database.execute("CHECKPOINT")
    before = path.stat().st_size
    try:
        with duckdb.connect() as db:
            db.execute(f"ATTACH '{_quoted(path)}' AS old (READ_ONLY)")
            db.execute(f"ATTACH '{_quoted(new)}' AS new")
            db.execute("COPY FROM DATABASE old TO new")
        new.replace(path)
    except duckdb.Error as error:
        raise StoreError(
            f"the history could not be compacted: {first_line(error)}", where=str(path),
            next_step="free disk space, as much as the file has; nothing was changed",
        ) from error  # fmt: skip
    finally:
        new.unlink(missing_ok=True)
    return Compacted(before, path.stat().st_size)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def drop_older(history: History, keep: Mapping[Any, timedelta], as_of: datetime) -> int:
    """Drop rows older than is to be kept; returns how many.

    Args:
        history: Open for writing.
        keep: How long, by the name of a table of `TIMES`.
        as_of: The age is counted back from then.

    Raises:
        StoreError: The store cannot be written; it is as it was.
    """
    dropped = 0
    db = history.database
    with db.told(), transaction(db):
        for table, age in keep.items():
            old = f"coalesce({sql.names(TIMES[table])}) < $1"
            of_source = f"SELECT source, count(*) FROM {sql.name(table)} WHERE {old} GROUP BY source"
            gone = db.execute(of_source, [as_of - age])
            if gone:
                db.execute(f"DELETE FROM {sql.name(table)} WHERE {old}", [as_of - age])
            for source, rows in gone:
                db.execute("UPDATE sources SET rows = rows - $1 WHERE name = $2", [rows, source])
                dropped += rows
        if dropped:
            db.execute(*sql.changed())
    return dropped


def rewrite(history: History, clean: Clean) -> int:
    """Take a person out of everything that the store holds; returns how many cells changed.

    Raises:
        StoreError: The store cannot be written; it is as it was.
    """
    layouts = [*(kind.stored for kind in TABLES.values()), REJECTED, NOTICES]
    db = history.database
    changed = 0
    with db.told(), transaction(db):
        for layout in layouts:
            before = changed
            written = (each for each in layout.columns if each.shape in ("text", "words", "json"))
            for column in (each for each in written if each.name in TOLD):
                place, cell = sql.name(layout.table), sql.name(column.name)
                for (value,) in db.execute(f"SELECT DISTINCT {cell} FROM {place} WHERE {cell} IS NOT NULL"):
                    new = _cleaned(column, value, clean)
                    if new != value:
                        db.execute(f"UPDATE {place} SET {cell} = $1 WHERE {cell} = $2", [new, value])
                        changed += 1
            if changed > before:
                db.run(db.sql.rekey(layout))
        if changed:
            db.execute(*sql.changed())
    return changed


def _cleaned(column: Column, value: str | list[str], clean: Clean) -> str | list[str]:
    if isinstance(value, list):
        return [clean(each) for each in value]
    if column.name == "key":
        return "|".join(clean(part) for part in value.split("|"))
    if column.shape == "json":
        return msgspec.json.encode(cleaned(msgspec.json.decode(value), clean)).decode()
    return clean(value)


def cleaned(value: object, clean: Clean) -> object:
    """A value as JSON has it, with every text in it cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(each, clean) for each in value]
    if isinstance(value, dict):
        return {key: cleaned(each, clean) for key, each in value.items()}
    return value

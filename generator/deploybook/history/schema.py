"""The store's own tables, its version, and how an older one becomes today's.

A record type that gains a field needs no migration: missing tables and columns are added when the store is
opened. What changes meaning or form is a function at the end of `MIGRATIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deploybook.errors import StoreError
from deploybook.history import sql
from deploybook.history.columns import TABLES, Layout, layout
from deploybook.history.saving import REJECTED, transaction

SOURCES = layout(
    "sources", ("name",), name="text", rank="integer", cursor="text", last_read="instant", rows="integer",
    rejected="integer", error="text", error_at="instant",
)  # fmt: skip
PUBLISHED = layout(
    "published", ("scope", "name", "period", "period_start", "metric", "published_at"),
    scope="text", name="text", period="text", period_start="date", metric="text", value="real", unit="text",
    numerator="real", denominator="real", missing="integer", published_at="instant",
)  # fmt: skip
NOTICES = layout("notices", ("key",), key="text", sent_at="instant", to="text", text="text")
VERSION = layout("schema_version", ("version",), version="integer")

KEPT = {each.table: each for each in (PUBLISHED, NOTICES)}
"""What the program keeps of its own doings: figures as they were published, and notices that were sent."""

MIGRATIONS: tuple[Callable[[Any], None], ...] = ()
"""The first turns version 1 into 2, and so on; each is handed the connection, within a transaction."""


def known_version() -> int:
    """The version that this program writes."""
    return 1 + len(MIGRATIONS)


def layouts() -> list[Layout]:
    """Every table of the store."""
    return [*(kind.stored for kind in TABLES.values()), SOURCES, REJECTED, *KEPT.values(), VERSION]


def prepare(db: Any, where: str, *, read_only: bool) -> None:
    """Make the store's tables, or bring them to this program's version.

    Raises:
        StoreError: The store is newer than the program, or older and may not be written.
    """
    columns = _columns(db)
    version = _version(db) if VERSION.table in columns else None
    known = known_version()
    if version is not None and version > known:
        raise StoreError(
            f"the history has version {version}, this program knows {known}",
            where=where,
            next_step="install the newer Deploybook that wrote it, or move the file away and sync again",
        )
    missing = [each for each in layouts() if not set(each.names) <= columns.get(each.table, set())]
    if version == known and not missing:
        return
    if read_only:
        raise StoreError(
            "the history is of an older version",
            where=where,
            next_step="run `deploybook sync`, which brings it up",
        )
    if version is None and columns:
        raise StoreError(
            "this DuckDB file is not a history of Deploybook",
            where=where,
            next_step="give `history:` the path of another file",
        )
    with transaction(db):
        if version is not None:
            for migrate in MIGRATIONS[version - 1 :]:
                migrate(db)
        columns = _columns(db)
        for each in layouts():
            if each.table not in columns:
                db.execute(sql.create(each))
            for column in each.columns:
                if column.name not in columns.get(each.table, set(each.names)):
                    db.execute(sql.add_column(each.table, column))
        db.execute("DELETE FROM schema_version")
        db.execute("INSERT INTO schema_version (version) VALUES (?)", [known])


def _version(db: Any) -> int | None:
    ((version,),) = db.execute("SELECT max(version) FROM schema_version").fetchall()
    return version  # type: ignore[no-any-return]


def _columns(db: Any) -> dict[str, set[str]]:
    """The columns of every table that is there."""
    found: dict[str, set[str]] = {}
    rows = db.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'main' "
        "AND table_catalog = current_database()"
    ).fetchall()
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found

"""The store's own tables, its version, and how an older one becomes today's.

A record type that gains a field needs no migration: missing tables and columns are added when the store is
opened. What changes meaning or form is a function at the end of `MIGRATIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from deploybook.errors import NoHistoryError, StoreError
from deploybook.history import sql
from deploybook.history.columns import TABLES, Layout, layout
from deploybook.history.database import Database
from deploybook.history.saving import REJECTED, transaction

SOURCES = layout(
    "sources", ("name",), one_by_one=True, name="text", rank="integer", cursor="text", last_read="instant",
    rows="integer", rejected="integer", error="text", error_at="instant", state="text",
)  # fmt: skip
PUBLISHED = layout(
    "published", ("scope", "name", "period", "period_start", "metric", "published_at"),
    scope="text", name="text", period="text", period_start="date", metric="text", value="real", unit="text",
    numerator="real", denominator="real", missing="integer", published_at="instant",
)  # fmt: skip
NOTICES = layout("notices", ("key",), key="text", sent_at="instant", to="text", text="text")
ANSWERS = layout(
    "answers", ("codebase", "practice", "stage", "since"),
    codebase="text", practice="text", stage="text", status="text", since="instant",
)  # fmt: skip
VERSION = layout("schema_version", ("version",), one_by_one=True, version="integer")

KEPT = {each.table: each for each in (PUBLISHED, NOTICES, ANSWERS)}
"""What the program keeps of its own doings: figures as they were published, notices that were sent, and since
when each practice has had its answer."""

MIGRATIONS: tuple[Callable[[Database], None], ...] = ()
"""The first turns version 1 into 2, and so on; each is handed the connection, within a transaction."""


def known_version() -> int:
    """The version that this program writes."""
    return 1 + len(MIGRATIONS)


def layouts() -> list[Layout]:
    """Every table of the store."""
    return [*(kind.stored for kind in TABLES.values()), SOURCES, REJECTED, *KEPT.values(), VERSION]


def prepare(db: Database, *, read_only: bool) -> None:
    """Make the store's tables, or bring them to this program's version; of several programs, one does.

    Raises:
        StoreError: The store is newer than the program, or there is none, or an older one, and it may not be
            written.
    """
    if not _due(db, read_only=read_only):
        return
    with transaction(db):
        db.alone()
        if not _due(db, read_only=read_only):
            return
        columns = _columns(db)
        if columns:
            for migrate in MIGRATIONS[(_version(db) or 0) - 1 :]:
                migrate(db)
            columns = _columns(db)
        for each in layouts():
            if each.table not in columns:
                db.run(db.sql.create(each))
            for column in each.columns:
                if column.name not in columns.get(each.table, set(each.names)):
                    db.execute(db.sql.add_column(each.table, column))
        db.execute(*sql.changed())
        db.execute("DELETE FROM schema_version")
        db.execute("INSERT INTO schema_version (version) VALUES ($1)", [known_version()])


def _due(db: Database, *, read_only: bool) -> bool:
    """Whether there is something to make or to bring up.

    Raises:
        StoreError: As `prepare` does.
    """
    columns = _columns(db)
    version = _version(db) if VERSION.table in columns else None
    known = known_version()
    if version is not None and version > known:
        raise StoreError(
            f"the history has version {version}, this program knows {known}",
            where=db.where,
            next_step=f"install the newer Deploybook that wrote it, or {db.elsewhere} and sync again",
        )
    missing = [each for each in layouts() if not set(each.names) <= columns.get(each.table, set())]
    if version == known and not missing:
        return False
    if read_only and not columns:
        raise NoHistoryError("there is no history yet", where=db.where, next_step="run `deploybook sync`")
    if read_only:
        raise StoreError(
            "the history is of an older version",
            where=db.where,
            next_step="run `deploybook sync`, which brings it up",
        )
    if version is None and columns:
        raise StoreError(
            f"what is there is not a history of Deploybook: it holds {_some(columns)}",
            where=db.where,
            next_step=db.elsewhere,
        )
    return True


def _some(tables: Iterable[str]) -> str:
    few = sorted(tables)
    return ", ".join(few[:3]) + (f" and {len(few) - 3} more" if len(few) > 3 else "")


def _version(db: Database) -> int | None:
    ((version,),) = db.execute("SELECT max(version) FROM schema_version")
    return version  # type: ignore[no-any-return]


def _columns(db: Database) -> dict[str, set[str]]:
    """The columns of every table that is there."""
    found: dict[str, set[str]] = {}
    for table, column in db.execute(sql.COLUMNS):
        found.setdefault(table, set()).add(column)
    return found

"""The few statements that Ibis has no words for: DDL, and saving a staged batch. The one place of dialect.

Names are the program's own; every value from outside is a parameter. `Sql` is what all engines share, with
DuckDB's way where they differ; `PostgresSql` is what PostgreSQL says otherwise.
"""

# ruff: noqa: S608 — only names of our own tables and columns are put into statements

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import uuid4

from deploybook.history.columns import Column, Layout, Shape


def name(identifier: str) -> str:
    """An identifier in quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def names(identifiers: Iterable[str], prefix: str = "") -> str:
    """Identifiers in quotes, separated by commas."""
    return ", ".join(prefix + name(each) for each in identifiers)


def staged_name(layout: Layout) -> str:
    """The temporary table that holds what is to be saved, without quotes."""
    return f"staged_{layout.table}"


def staged(layout: Layout) -> str:
    """The same in quotes."""
    return name(staged_name(layout))


def forget(table: str) -> str:
    """Drop all that is kept of a source (parameter 1)."""
    return f"DELETE FROM {name(table)} WHERE source = $1"


def count(tables: Iterable[str]) -> str:
    """How many rows the tables keep of a source (parameter 1), one row a table."""
    return " UNION ALL ".join(
        f"SELECT '{each}' AS kept, count(*) AS n FROM {name(each)} WHERE source = $1" for each in tables
    )


def note(facts: Iterable[str]) -> str:
    """Set facts (parameters 2 and on) of a source (parameter 1); a row where it is known."""
    assign = ", ".join(f"{name(each)} = ${place}" for place, each in enumerate(facts, 2))
    return f"UPDATE sources SET {assign} WHERE name = $1 RETURNING 1"


def first_note(facts: Collection[str]) -> str:
    """Make a source known by facts (parameters 1 and on)."""
    values = ", ".join(f"${place}" for place in range(1, len(facts) + 1))
    return f"INSERT INTO sources ({names(facts)}) VALUES ({values})"


def ranks(table: str) -> str:
    """The sources of a table, each with its rank."""
    return f"SELECT source, max(rank) FROM {name(table)} GROUP BY source"


def overlap(table: str, key: str) -> str:
    """A row where more than one source speaks of the same."""
    rows = f"SELECT 1 FROM {name(table)} GROUP BY {name(key)}"
    return f"{rows} HAVING count(DISTINCT source) > 1 LIMIT 1"


def some(table: str) -> str:
    """A row where there is one."""
    return f"SELECT 1 FROM {name(table)} LIMIT 1"


def codebases(table: str) -> str:
    """Which codebases a table speaks of."""
    return f"SELECT DISTINCT codebase FROM {name(table)}"


def changed() -> tuple[str, list[object]]:
    """Say that rows of every source may have changed: what was copied from the store is no longer true."""
    return "UPDATE sources SET state = $1", [uuid4().hex]


COLUMNS = (
    "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND table_catalog = current_database()"
)
"""Every table that is there with its columns, one row a column."""


class Sql:
    """DuckDB's statements."""

    types: dict[Shape, str] = {  # noqa: RUF012 — a constant of the class
        "text": "VARCHAR",
        "words": "VARCHAR[]",
        "json": "VARCHAR",
        "instant": "TIMESTAMPTZ",
        "date": "DATE",
        "integer": "BIGINT",
        "real": "DOUBLE",
        "flag": "BOOLEAN",
        "share": "VARCHAR",
    }

    def column(self, column: Column) -> str:
        """A column as it is declared."""
        return f"{name(column.name)} {self.types[column.shape]}"

    def columns(self, layout: Layout) -> str:
        """All columns as they are declared."""
        return ", ".join(map(self.column, layout.columns))

    def create(self, layout: Layout) -> list[str]:
        """Make the table unless it is there."""
        return [f"CREATE TABLE IF NOT EXISTS {name(layout.table)} ({self.columns(layout)})"]

    def add_column(self, table: str, column: Column) -> str:
        """Add a column, unknown in every row that is there."""
        return f"ALTER TABLE {name(table)} ADD COLUMN {self.column(column)}"

    def stage(self, layout: Layout) -> list[str]:
        """Make the temporary table, empty; `seq` is the order in which rows came."""
        create = f"CREATE TEMP TABLE {staged(layout)} ({self.columns(layout)}, seq BIGINT)"
        return [*self.unstage(layout), create]

    def unstage(self, layout: Layout) -> list[str]:
        """Drop the temporary table."""
        return [f"DROP TABLE IF EXISTS {staged(layout)}"]

    def leave_last(self, layout: Layout) -> str:
        """Of staged rows with the same key, leave the last."""
        last = f"SELECT max(seq) FROM {staged(layout)} GROUP BY {names(layout.key)}"
        return f"DELETE FROM {staged(layout)} WHERE seq NOT IN ({last})"

    def insert(self, layout: Layout) -> str:
        """Save what is staged where nothing of its source is kept yet."""
        columns = names(layout.names)
        return f"INSERT INTO {name(layout.table)} ({columns}) SELECT {columns} FROM {staged(layout)}"

    def merge(self, layout: Layout) -> str:
        """Save what is staged: the new goes in, what says something else replaces, the rest stays."""
        rest = [each for each in layout.names if each not in layout.key]
        differs = " OR ".join(f"kept.{name(each)} IS DISTINCT FROM fresh.{name(each)}" for each in rest)
        assign = ", ".join(f"{name(each)} = fresh.{name(each)}" for each in rest)
        matched = f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {assign} " if rest else ""
        return (
            f"MERGE INTO {name(layout.table)} AS kept USING {staged(layout)} AS fresh "
            f"ON {self._same(layout)} {matched}"
            f"WHEN NOT MATCHED THEN INSERT ({names(layout.names)}) VALUES ({names(layout.names, 'fresh.')})"
        )

    def forget_unstaged(self, layout: Layout) -> str:
        """Drop what is kept of a source (parameter 1) and not staged again."""
        return (
            f"DELETE FROM {name(layout.table)} AS kept WHERE source = $1 AND NOT EXISTS "
            f"(SELECT 1 FROM {staged(layout)} AS fresh WHERE {self._same(layout)})"
        )

    def rekey(self, layout: Layout) -> list[str]:  # noqa: ARG002 — others have something to do
        """What is due after columns of the key were written to."""
        return []

    def _same(self, layout: Layout) -> str:
        return " AND ".join(
            f"kept.{name(each)} IS NOT DISTINCT FROM fresh.{name(each)}" for each in layout.key
        )


DIGEST = "key_digest"
"""PostgreSQL's key of a row: 128 bits of the SHA-256 of the key's columns.

Its indexes hold no more than 2,700 bytes, which the name of a test may exceed; it joins by equality, not
by `IS NOT DISTINCT FROM`. A digest is short, and null equals null in it.
"""


class PostgresSql(Sql):
    """PostgreSQL's statements. Text is compared by its bytes, as in DuckDB, whatever the locale."""

    types = {  # noqa: RUF012 — a constant of the class
        **dict.fromkeys(("text", "json", "share"), 'TEXT COLLATE "C"'),
        "words": "TEXT[]",
        "instant": "TIMESTAMPTZ",
        "date": "DATE",
        "integer": "BIGINT",
        "real": "DOUBLE PRECISION",
        "flag": "BOOLEAN",
    }

    def create(self, layout: Layout) -> list[str]:
        """Make the table with its key, and for what sources say an index by source."""
        plain = self.columns(layout)
        if layout.one_by_one:
            plain += f", PRIMARY KEY ({names(layout.key)})"
            return [f"CREATE TABLE IF NOT EXISTS {name(layout.table)} ({plain})"]
        create = f"CREATE TABLE IF NOT EXISTS {name(layout.table)} ({plain}, {DIGEST} UUID PRIMARY KEY)"
        by_source = (
            f"CREATE INDEX IF NOT EXISTS {name(f'{layout.table}_by_source')} ON {name(layout.table)} (source)"
        )
        return [create, by_source] if layout.key[0] == "source" else [create]

    def unstage(self, layout: Layout) -> list[str]:
        """Drop the temporary tables."""
        return [f"DROP TABLE IF EXISTS {staged(layout)}", f"DROP TABLE IF EXISTS {self._fresh(layout)}"]

    def rekey(self, layout: Layout) -> list[str]:
        """Give each key its digest again; of rows that have become the same one is left."""
        place, digest = name(layout.table), self._digest(layout)
        twins = f"row_number() OVER (PARTITION BY {digest} ORDER BY {DIGEST}) AS nth"
        return [
            f"DELETE FROM {place} WHERE {DIGEST} IN (SELECT {DIGEST} FROM "
            f"(SELECT {DIGEST}, {twins} FROM {place}) AS every WHERE nth > 1)",
            f"UPDATE {place} SET {DIGEST} = {digest} WHERE {DIGEST} <> {digest}",
        ]

    def _digest(self, layout: Layout) -> str:
        key = f"json_build_array({names(layout.key)})::text"
        return f"encode(substring(sha256(convert_to({key}, 'UTF8')) for 16), 'hex')::uuid"

    def ready(self, layout: Layout) -> list[str]:
        """Give each key its digest, and leave the last row of each."""
        digest = self._digest(layout)
        latest = (
            f"SELECT DISTINCT ON ({DIGEST}) * FROM "
            f"(SELECT *, {digest} AS {DIGEST} FROM {staged(layout)}) AS every ORDER BY {DIGEST}, seq DESC"
        )
        return [f"CREATE TEMP TABLE {self._fresh(layout)} AS {latest}", f"ANALYZE {self._fresh(layout)}"]

    def insert(self, layout: Layout) -> str:
        """As `merge`: another writer may have been quicker, and a key that is there costs nothing here."""
        return self.merge(layout)

    def merge(self, layout: Layout) -> str:
        """Save what is staged, in the key's order, so that two writers do not lock each other out."""
        rest = [each for each in layout.names if each not in layout.key]
        assign = ", ".join(f"{name(each)} = excluded.{name(each)}" for each in rest)
        old, new = names(rest, "kept."), names(rest, "excluded.")
        columns = f"{names(layout.names)}, {DIGEST}"
        return (
            f"INSERT INTO {name(layout.table)} AS kept ({columns}) "
            f"SELECT {columns} FROM {self._fresh(layout)} ORDER BY {DIGEST} ON CONFLICT ({DIGEST}) DO "
            + (f"UPDATE SET {assign} WHERE ({old}) IS DISTINCT FROM ({new})" if rest else "NOTHING")
        )

    def forget_unstaged(self, layout: Layout) -> str:
        """Drop what is kept of a source (parameter 1) and not staged again."""
        return (
            f"DELETE FROM {name(layout.table)} AS kept WHERE source = $1 AND NOT EXISTS "
            f"(SELECT 1 FROM {self._fresh(layout)} AS fresh WHERE kept.{DIGEST} = fresh.{DIGEST})"
        )

    def _fresh(self, layout: Layout) -> str:
        return name(f"fresh_{layout.table}")

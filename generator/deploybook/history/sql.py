"""The few statements that Ibis has no words for: DDL, and saving a staged batch. DuckDB's dialect.

Names are the program's own; every value from outside is a parameter.
"""

# ruff: noqa: S608 — only names of our own tables and columns are put into statements

from __future__ import annotations

from collections.abc import Iterable

from deploybook.history.columns import Column, Layout, Shape

TYPES: dict[Shape, str] = {
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


def name(identifier: str) -> str:
    """An identifier in quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def names(identifiers: Iterable[str], prefix: str = "") -> str:
    """Identifiers in quotes, separated by commas."""
    return ", ".join(prefix + name(each) for each in identifiers)


def create(layout: Layout) -> str:
    """Make the table unless it is there."""
    columns = ", ".join(map(_column, layout.columns))
    return f"CREATE TABLE IF NOT EXISTS {name(layout.table)} ({columns})"


def add_column(table: str, column: Column) -> str:
    """Add a column, unknown in every row that is there."""
    return f"ALTER TABLE {name(table)} ADD COLUMN {_column(column)}"


def _column(column: Column) -> str:
    return f"{name(column.name)} {TYPES[column.shape]}"


def staged(layout: Layout) -> str:
    """Name of the temporary table that holds what is to be saved."""
    return name(f"staged_{layout.table}")


def stage(layout: Layout) -> str:
    """Make the temporary table, empty; `seq` is the order in which rows came."""
    columns = ", ".join(map(_column, layout.columns))
    return f"CREATE OR REPLACE TEMP TABLE {staged(layout)} ({columns}, seq BIGINT)"


def fill(layout: Layout, batch: str) -> str:
    """Append a registered Arrow batch."""
    return f"INSERT INTO {staged(layout)} BY NAME SELECT * FROM {name(batch)}"


def unstage(layout: Layout) -> str:
    """Drop the temporary table."""
    return f"DROP TABLE IF EXISTS {staged(layout)}"


def _latest(layout: Layout) -> str:
    """Of staged rows with the same key, the last."""
    return (
        f"SELECT {names(layout.names)} FROM {staged(layout)} WHERE seq IN "
        f"(SELECT max(seq) FROM {staged(layout)} GROUP BY {names(layout.key)})"
    )


def insert(layout: Layout) -> str:
    """Save what is staged where nothing of its source is kept yet."""
    return f"INSERT INTO {name(layout.table)} ({names(layout.names)}) {_latest(layout)}"


def merge(layout: Layout) -> str:
    """Save what is staged: the new goes in, what says something else replaces, the rest is not touched."""
    rest = [each for each in layout.names if each not in layout.key]
    differs = " OR ".join(f"kept.{name(each)} IS DISTINCT FROM fresh.{name(each)}" for each in rest)
    assign = ", ".join(f"{name(each)} = fresh.{name(each)}" for each in rest)
    return (
        f"MERGE INTO {name(layout.table)} AS kept USING ({_latest(layout)}) AS fresh ON {_same(layout)} "
        f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {assign} "
        f"WHEN NOT MATCHED THEN INSERT ({names(layout.names)}) VALUES ({names(layout.names, 'fresh.')})"
    )


def forget_unstaged(layout: Layout) -> str:
    """Drop what is kept of a source (parameter 1) and not staged again."""
    return (
        f"DELETE FROM {name(layout.table)} AS kept WHERE source = ? AND NOT EXISTS "
        f"(SELECT 1 FROM {staged(layout)} AS fresh WHERE {_same(layout)})"
    )


def _same(layout: Layout) -> str:
    return " AND ".join(f"kept.{name(each)} IS NOT DISTINCT FROM fresh.{name(each)}" for each in layout.key)


def forget(table: str) -> str:
    """Drop all that is kept of a source (parameter 1)."""
    return f"DELETE FROM {name(table)} WHERE source = ?"


def count(tables: Iterable[str]) -> str:
    """How many rows the tables keep of a source (parameter 1), one row a table."""
    return " UNION ALL ".join(
        f"SELECT '{each}' AS kept, count(*) AS n FROM {name(each)} WHERE source = $1" for each in tables
    )

"""A store to try things on, and feeds that say what a test wants said."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa

from deploybook.feed import RECORDS, Ask, Feed, Item
from deploybook.history import History
from deploybook.records import Change, Coverage, Deployment, PipelineRun, Record

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def address(folder: Path) -> str:
    """The store of a folder: a file in it, or a schema of the server that the environment names."""
    server = os.environ.get("HISTORY_SERVER")
    if server is None:
        return "duckdb://h/history.duckdb"
    schema = f"s{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    return server.replace("?", f"/{schema}?")


def opened(folder: Path, *, read_only: bool = False) -> History:
    """The store of the folder."""
    return History.open(address(folder), root=folder, read_only=read_only)


def feed(*items: Item, name: str = "records:a", rank: int = RECORDS, snapshot: bool = False) -> Feed:
    """A feed that yields these."""
    return Feed(name=name, rank=rank, pull=lambda _ask: iter(items), snapshot=snapshot)


def ask(cursor: str | None = None, at: datetime = NOON) -> Ask:
    """A pull at noon."""
    return Ask(as_of=at, cursor=cursor)


def change(id: str = "1", **fields: object) -> Change:
    """A change of codebase shop."""
    return msgspec.convert(
        {"type": "change", "codebase": "shop", "id": id, "title": f"Title {id}", "merged_at": NOON, **fields},
        Change,
    )


def run(id: int, outcome: str = "success") -> PipelineRun:
    """A pipeline run of codebase shop."""
    return PipelineRun(codebase="shop", id=str(id), pipeline="ci", outcome=outcome, started_at=NOON)


def coverage(covered: int, **fields: object) -> Coverage:
    """A coverage report of codebase shop, with no revision and no unit unless given."""
    return msgspec.convert(
        {
            "type": "coverage",
            "codebase": "shop",
            "measured_at": NOON,
            "covered": covered,
            "total": 100,
            **fields,
        },
        Coverage,
    )


def deployment(id: str, **fields: object) -> Deployment:
    """A deployment of codebase shop to production."""
    return msgspec.convert(
        {"type": "deployment", "codebase": "shop", "environment": "production", "id": id, **fields},
        Deployment,
    )


def said(history: History, table: str, *columns: str) -> list[tuple[object, ...]]:
    """Rows of a table, as tuples of the columns."""
    return [tuple(row[each] for each in columns) for row in history.read(table).to_pylist()]


def everything(history: History) -> dict[str, pa.Table]:
    """Every table that is not empty, in the order of its key."""
    tables = {name: history.read(name) for name in history.tables()}
    return {name: table for name, table in tables.items() if table.num_rows}


def synced(history: History, records: Iterable[Record], **about: object) -> None:
    """Save the records as one feed."""
    history.sync(feed(*records, **about), ask())  # type: ignore[arg-type]

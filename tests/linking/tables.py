"""Records as the history's tables, and linked tables as plain rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa

from deploybook.config import Config
from deploybook.linking import Linked, link

TABLES = {
    "commit": "commits",
    "change": "changes",
    "deployment": "deployments",
    "incident": "incidents",
    "patch_id": "patch_ids",
    "head": "heads",
}
NESTED = ("caused_by", "issues")


def history(records: Iterable[dict[str, Any]]) -> dict[str, pa.Table]:
    """Records, as JSON has them, as the history hands them to linking."""
    found: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        row = {name: _cell(name, value) for name, value in record.items() if name != "type"}
        found.setdefault(TABLES[record["type"]], []).append(row)
    tables = {}
    for name, rows in found.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        tables[name] = pa.Table.from_pylist([{column: row.get(column) for column in columns} for row in rows])
    return tables


def linked(
    records: Iterable[dict[str, Any]], config: Config, as_of: datetime
) -> dict[str, list[dict[str, Any]]]:
    """Link records; rows by table, instants as JSON has them."""
    return plain(link(history(records), config, as_of))


def plain(found: Linked) -> dict[str, list[dict[str, Any]]]:
    """Rows by table, instants as JSON has them."""
    return {
        field.name: [
            {name: _plain(value) for name, value in row.items()}
            for row in getattr(found, field.name).to_pylist()
        ]
        for field in fields(found)
    }


def _cell(name: str, value: Any) -> Any:
    if name in NESTED and value is not None:
        return msgspec.json.encode(value).decode()
    return datetime.fromisoformat(value) if name.endswith("_at") and value else value


def _plain(value: Any) -> Any:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value

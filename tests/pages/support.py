"""A `Book` from records, with neither store nor git: what page tests read and change by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from tests.linking import tables

from deploybook.config import Config
from deploybook.history.columns import TABLES
from deploybook.linking import link
from deploybook.linking.model import (
    BranchCommit,
    Delivery,
    LinkedChange,
    LinkedDeployment,
    LinkedIncident,
    from_table,
)
from deploybook.metrics.model import SCHEMA
from deploybook.pages.book import Book
from deploybook.pages.figures import Figures

AS_OF = datetime.fromisoformat("2026-11-20T15:00:00+00:00")
SHOP: dict[str, Any] = {
    "site": {"name": "Shop deploys", "url": "https://deploys.acme.test/", "timezone": "UTC"},
    "codebases": {"shop": {"deployments": {"from": "records"}}},
}
"""One codebase that records say everything about, in UTC."""

_OTHERS = {
    "availability": "availability",
    "flag_change": "flag_changes",
    "issue": "issues",
    "pipeline_run": "pipeline_runs",
    "lock": "locks",
    "verdict": "verdicts",
    "branch_rule": "branch_rules",
    "environment_rule": "environment_rules",
}


def book(
    records: Iterable[Mapping[str, Any]],
    config: Mapping[str, Any] = SHOP,
    *,
    as_of: datetime = AS_OF,
    root: Path | None = None,
) -> Book:
    """The book of some records, as JSON has them; no figures."""
    settings = Config.of(config, root=root or Path(), file=root / "deploybook.yml" if root else None)
    rows = [dict(record) for record in records]
    found = tables.history(row for row in rows if row["type"] in tables.TABLES)
    held = {name: _whole(name, found.get(name)) for name in TABLES}
    for kind, name in _OTHERS.items():
        held[name] = _of(name, [row for row in rows if row["type"] == kind])
    linked = link(found | {"issues": held["issues"]}, settings, as_of)
    return Book(
        config=settings,
        as_of=as_of,
        changes=from_table(LinkedChange, linked.changes),
        deliveries=from_table(Delivery, linked.deliveries),
        deployments=from_table(LinkedDeployment, linked.deployments),
        incidents=from_table(LinkedIncident, linked.incidents),
        branch_commits=from_table(BranchCommit, linked.branch_commits),
        figures=Figures(pa.table([pa.array([], field.type) for field in SCHEMA], schema=SCHEMA)),
        tables={},
        history=held,
        sources=[],
        rejected=[],
    )


def change(id_: str, title: str, merged_at: str, **fields: Any) -> dict[str, Any]:
    """A change of `shop`."""
    return {"type": "change", "codebase": "shop", "id": id_, "title": title, "merged_at": merged_at} | fields


def deployment(
    id_: str, finished_at: str, changes: Iterable[str] | None = (), **fields: Any
) -> dict[str, Any]:
    """A deployment of `shop` to production that names its changes."""
    return {
        "type": "deployment", "codebase": "shop", "environment": "production", "id": id_,
        "finished_at": finished_at, "outcome": "success",
        "changes": None if changes is None else list(changes),
    } | fields  # fmt: skip


def _whole(name: str, found: pa.Table | None) -> pa.Table:
    """The table with every column that records of its type have."""
    schema = TABLES[name].schema
    if found is None:
        return schema.empty_table()
    return pa.table(
        {
            field.name: found.column(field.name).cast(field.type)
            if field.name in found.column_names
            else pa.nulls(found.num_rows, field.type)
            for field in schema
        }
    )


def _of(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = TABLES[name].schema
    cells = [
        {
            key: datetime.fromisoformat(value)
            if (key.endswith("_at") or key in ("from", "to")) and value
            else value
            for key, value in row.items()
            if key in schema.names
        }
        for row in rows
    ]
    return pa.Table.from_pylist(cells, schema=schema)

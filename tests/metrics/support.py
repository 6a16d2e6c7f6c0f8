"""Rows for metric tests, made short."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa

from deploybook.linking.model import (
    BranchCommit,
    LinkedChange,
    LinkedDeployment,
    LinkedIncident,
    to_table,
)
from deploybook.metrics import INPUTS, Engine, Settings, compute_arrow, ready

LINKED: dict[str, Any] = {
    "changes": LinkedChange,
    "deployments": LinkedDeployment,
    "incidents": LinkedIncident,
    "branch_commits": BranchCommit,
}


def at(text: str) -> datetime:
    """An instant from `2026-11-16 10:00`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def deployment(**fields: Any) -> LinkedDeployment:
    """A counted, successful, planned deployment of `shop` to production."""
    defaults: dict[str, Any] = {
        "codebase": "shop", "environment": "production", "live": True, "counted": True, "outcome": "success",
        "reached": True, "kind": "planned", "matched": True,
    }  # fmt: skip
    fields.setdefault("finished_at", fields.get("at"))
    return LinkedDeployment(**{**defaults, **fields})


def change(**fields: Any) -> LinkedChange:
    """A live change of `shop`."""
    defaults: dict[str, Any] = {
        "codebase": "shop", "title": "A change", "by_pull_request": True, "state": "live",
        "environment": "production", "merged_at": at("2026-11-01 00:00"),
    }  # fmt: skip
    return LinkedChange(**{**defaults, **fields})


def incident(**fields: Any) -> LinkedIncident:
    """An incident of `shop`."""
    return LinkedIncident(**{"codebase": "shop", **fields})


def run(**fields: Any) -> dict[str, Any]:
    """A successful first attempt of `ci` on main of `shop`."""
    defaults = {"codebase": "shop", "pipeline": "ci", "outcome": "success", "branch": "main", "attempt": 1}
    return {**defaults, **fields}


def tables(**rows: list[Any]) -> dict[str, pa.Table]:
    """Tables of these rows; the others are empty."""
    made = {}
    for name, found in rows.items():
        if name in LINKED:
            made[name] = to_table(LINKED[name], found)
        else:
            made[name] = pa.Table.from_pylist(found, schema=ibis.Schema(INPUTS[name]).to_pyarrow())
    return made


def settings(**fields: Any) -> Settings:
    """UTC, Monday 23 November 2026 at midnight, one codebase `shop` of the team `web`."""
    defaults: dict[str, Any] = {
        "zone": ZoneInfo("UTC"), "as_of": at("2026-11-23 00:00"), "codebases": ("shop",),
        "teams": {"shop": "web"}, "branches": {"shop": "main"},
    }  # fmt: skip
    return Settings(**{**defaults, **fields})


@cache
def _backend() -> tuple[Any, TemporaryDirectory[str]]:
    """A connection and a cache of compiled SQL for all tests of a run: compiling is what takes long."""
    return ibis.duckdb.connect(), TemporaryDirectory()


def engine(made: dict[str, pa.Table]) -> Engine:
    """An engine with these tables."""
    backend, folder = _backend()
    return Engine(made, backend, Path(folder.name) / "sql")


def figures(
    made: dict[str, pa.Table], chosen: Settings | None = None, metric: str | None = None
) -> dict[tuple[str, str, str, str, str], Any]:
    """Rows by scope, name, period, first day and metric: all, or those that one metric needs."""
    given = chosen or settings()
    only = None
    if metric is not None:
        (part,) = [part for part in ready.parts() if metric in {each.metric for each in part.figures}]
        # Those that open the history of a scope: without an event of it there would be no periods.
        only = {part.name, *({"deployments"} & set(made)), *(() if part.opens else ("flaky_runs",))}
    return {
        (row["scope"], row["name"], row["period"], str(row["period_start"]), row["metric"]): row
        for row in compute_arrow(engine(made), given, only).to_pylist()
    }

"""Rows for metric tests, made short."""

from __future__ import annotations

from datetime import UTC, datetime
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
from deploybook.metrics import Settings, Tables, compute_arrow
from deploybook.metrics.compute import FAMILIES

TEXT, INSTANT, COUNT = pa.string(), pa.timestamp("us", tz="UTC"), pa.int64()
RAW: dict[str, pa.Schema] = {
    "pipeline_runs": pa.schema(
        [
            *((name, TEXT) for name in ("codebase", "id", "pipeline", "outcome", "revision", "branch")),
            *((name, TEXT) for name in ("trigger", "job", "deploys_to")),
            ("attempt", COUNT),
            *((name, INSTANT) for name in ("queued_at", "started_at", "finished_at")),
        ]
    ),
    "test_case_runs": pa.schema(
        [
            *((name, TEXT) for name in ("codebase", "name", "outcome", "suite", "revision", "run", "job")),
            ("attempt", COUNT),
            ("started_at", INSTANT),
            ("duration_seconds", pa.float64()),
        ]
    ),
    "coverage": pa.schema(
        [
            *((name, TEXT) for name in ("codebase", "revision", "unit")),
            ("measured_at", INSTANT),
            ("covered", COUNT),
            ("total", COUNT),
        ]
    ),
    "flag_changes": pa.schema(
        [
            *((name, TEXT) for name in ("flag", "environment", "state")),
            ("changed_at", INSTANT),
            ("codebases", pa.list_(TEXT)),
        ]
    ),
    "availability": pa.schema(
        [*((name, TEXT) for name in ("codebase", "monitor", "state")), ("from", INSTANT), ("to", INSTANT)]
    ),
    "verdicts": pa.schema(
        [
            *((name, TEXT) for name in ("environment", "revision", "verdict", "codebase")),
            ("judged_at", INSTANT),
        ]
    ),
}
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


def tables(**rows: list[Any]) -> Tables:
    """Tables of these rows; the others empty."""
    made = {}
    for name, row in LINKED.items():
        made[name] = ibis.memtable(to_table(row, rows.pop(name, [])))
    for name, fields in RAW.items():
        made[name] = ibis.memtable(pa.Table.from_pylist(rows.pop(name, []), schema=fields))
    assert not rows
    return Tables(**made)


def settings(**fields: Any) -> Settings:
    """UTC, Monday 23 November 2026 at midnight, one codebase `shop` of the team `web`."""
    defaults: dict[str, Any] = {
        "zone": ZoneInfo("UTC"), "as_of": at("2026-11-23 00:00"), "codebases": ("shop",),
        "teams": {"shop": "web"}, "branches": {"shop": "main"},
    }  # fmt: skip
    return Settings(**{**defaults, **fields})


FAMILY_OF = {
    "deployment_days": ["deployment_days"],
    "failed_deployment_recovery": ["recoveries", "deployments"],
    "time_to_restore": ["restored"],
    "time_to_detect": ["detected"],
    "stopped": ["stopped"],
    "green": ["green"],
    "break": ["breaks"],
    "tested": ["tested", "flaky_runs"],
    "flaky_share": ["flaky"],
    "flaky_run": ["flaky_runs"],
    "coverage": ["coverage"],
    "uptime": ["uptime"],
    "flag_switch": ["switches"],
    "flag_recovery": ["switches"],
    "flag_time": ["time_to_on"],
    "change_fail_rate_without": ["without", "deployments"],
    "change_lead": ["changes"],
    "batch_lines": ["changes"],
    "reviewed": ["changes"],
}
"""The families that a metric needs, by how its name begins; all others are of the deployments."""


def figures(
    made: Tables, chosen: Settings | None = None, metric: str | None = None
) -> dict[tuple[str, str, str, str, str], Any]:
    """Rows by scope, name, period, first day and metric: all, or those that one metric needs."""
    families = list(FAMILIES.values())
    if metric:
        names = next((FAMILY_OF[start] for start in FAMILY_OF if metric.startswith(start)), ["deployments"])
        families = [FAMILIES[name] for name in names]
    return {
        (row["scope"], row["name"], row["period"], str(row["period_start"]), row["metric"]): row
        for row in compute_arrow(made, chosen or settings(), families).to_pylist()
    }

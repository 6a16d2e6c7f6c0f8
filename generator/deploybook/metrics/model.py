"""What metrics are made from: the tables, and the choices of the site as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

INSTANT = "timestamp('UTC', 6)"
PREFIX = "counted_"
"""Before the names of what is laid down, that they hide nothing of a history on the same connection."""
STAGES = ("coding", "pickup", "review", "waiting")


INPUTS: dict[str, dict[str, str]] = {
    "changes": {
        **dict.fromkeys(("codebase", "id", "state", "environment", "original", "deployment"), "string"),
        **dict.fromkeys((f"{each}_seconds" for each in ("lead_time", *STAGES)), "int64"),
        "flags": "array<string>", "deployed_at": INSTANT, "approved": "boolean",
        "additions": "int64", "deletions": "int64",
    },
    "deployments": {
        **dict.fromkeys(("codebase", "id", "environment", "outcome", "kind", "corrected"), "string"),
        **dict.fromkeys(("counted", "reached", "matched", "baseline", "needed_intervention"), "boolean"),
        **dict.fromkeys(("at", "finished_at", "recovered_at"), INSTANT),
        **dict.fromkeys(("duration_seconds", "rollback_seconds", "recovery_seconds", "changes"), "int64"),
        "evidence": "array<string>", "pipeline_run": "string",
    },
    "incidents": {
        **dict.fromkeys(("id", "codebase", "environment", "deployment", "matched_by", "flag"), "string"),
        **dict.fromkeys(("started_at", "detected_at", "resolved_at"), INSTANT),
        **dict.fromkeys(("time_to_restore_seconds", "time_to_detect_seconds"), "int64"),
        "down": "boolean",
    },
    "branch_commits": {"codebase": "string", "revision": "string", "committed_at": INSTANT},
    "pipeline_runs": {
        **dict.fromkeys(("codebase", "id", "pipeline", "job", "trigger", "branch", "revision"), "string"),
        **dict.fromkeys(("outcome", "deploys_to"), "string"),
        "attempt": "int64", "started_at": INSTANT, "finished_at": INSTANT,
    },
    "test_case_runs": {
        **dict.fromkeys(("codebase", "suite", "name", "revision", "run", "job", "outcome"), "string"),
        "started_at": INSTANT,
    },
    "coverage": {
        **dict.fromkeys(("codebase", "revision", "unit"), "string"),
        "measured_at": INSTANT, "covered": "int64", "total": "int64",
    },
    "flag_changes": {
        **dict.fromkeys(("flag", "environment", "state"), "string"),
        "changed_at": INSTANT, "codebases": "array<string>",
    },
    "availability": {"codebase": "string", "state": "string", "from": INSTANT, "to": INSTANT},
    "verdicts": {
        **dict.fromkeys(("codebase", "environment", "revision", "verdict"), "string"), "judged_at": INSTANT,
    },
}  # fmt: skip
"""What is counted, and the columns that are looked at: of `linking.model`, and of the history's records."""


_ARROW: dict[str, pa.DataType] = {
    "string": pa.string(),
    "date": pa.date32(),
    "int64": pa.int64(),
    "boolean": pa.bool_(),
    "array<string>": pa.list_(pa.string()),
    INSTANT: pa.timestamp("us", tz="UTC"),
}


def arrow_schema(columns: Mapping[str, str]) -> pa.Schema:
    """The same columns for Arrow."""
    return pa.schema([(name, _ARROW[kind]) for name, kind in columns.items()])


@dataclass(frozen=True)
class Tables:
    """The inputs as Ibis tables, by `INPUTS`. Instants are UTC."""

    changes: Any
    deployments: Any
    incidents: Any
    branch_commits: Any
    pipeline_runs: Any
    test_case_runs: Any
    coverage: Any
    flag_changes: Any
    availability: Any
    verdicts: Any


@dataclass(frozen=True)
class Settings:
    """The choices that figures depend on.

    Args:
        zone: The site's time zone: days, weeks and months are its.
        as_of: The clock; what is later does not count.
        live: Names of the environments where users are.
        teams: The team of each codebase that has one; every configured codebase may be named in `codebases`.
        codebases: Configured codebases: each has its figures, events or none.
        flags: Configured flags, likewise.
        holidays: Days that are no working days, though Mondays to Fridays.
        repositories: The repository of each codebase: a change of several in one counts once together.
        required: Pipelines that must be green, by codebase; of one absent, all that run on its branch.
        branches: The release branch by codebase.
        lead_time_limit_seconds: The target that `change_lead_time_within_target` counts by.
        recovery_limit_seconds: The same for `failed_deployment_recovery_within_target`.
        near_hours: How long after a switch an incident without a cause is held to be its.
    """

    zone: ZoneInfo
    as_of: datetime
    live: tuple[str, ...] = ("production",)
    teams: Mapping[str, str] = field(default_factory=dict)
    codebases: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    holidays: frozenset[date] = frozenset()
    repositories: Mapping[str, str] = field(default_factory=dict)
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    branches: Mapping[str, str] = field(default_factory=dict)
    lead_time_limit_seconds: int | None = None
    recovery_limit_seconds: int | None = None
    near_hours: float = 24

    @property
    def shared_repositories(self) -> bool:
        """Whether a repository holds several codebases, so that a change may be told more than once."""
        return len(set(self.repositories.values())) < len(self.repositories)


KEYS = ("scope", "name", "period", "period_start")
"""Whose figure it is, and when."""

SCHEMA = pa.schema(
    [
        ("scope", pa.string()),
        ("name", pa.string()),
        ("period", pa.string()),
        ("period_start", pa.date32()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("unit", pa.string()),
        ("numerator", pa.int64()),
        ("denominator", pa.int64()),
        ("missing", pa.int64()),
    ]
)
"""The long table of figures; the site's name is empty."""

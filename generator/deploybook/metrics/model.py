"""What metrics are made from: the tables, and the choices of the site as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa


@dataclass(frozen=True)
class Tables:
    """Ibis tables: those of `linking.model`, and those of the history with the records' fields as columns.

    All of one backend, or in memory. Instants are UTC.
    """

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

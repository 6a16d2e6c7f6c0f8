"""Restatement: where a figure that was published, and settled, is another one today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from deploybook.periods import Period

FAILURE_METRICS = frozenset(
    {
        "change_fail_rate",
        "change_fail_rate_said",
        "change_fail_rate_near",
        "change_fail_rate_without",
        "deployment_rework_rate",
        "failed_deployment_recovery_time_p50",
        "failed_deployment_recovery_time_p90",
        "failed_deployment_recovery_within_target",
        "flag_switch_fail_rate",
        "flag_recovery_time_p50",
    }
)
"""Figures that are provisional for 30 days: what happens until then may make a deployment a failed one."""
_PARTS = ("value", "numerator", "denominator", "missing")

Key = tuple[str, str, str, date, str]


@dataclass(frozen=True)
class Restatement:
    """A settled figure that changed. Numbers as in the table of figures; `None` is unknown."""

    scope: str
    name: str
    period: str
    period_start: date
    metric: str
    old: float | None
    new: float | None
    old_parts: tuple[int | None, int | None]
    """Numerator and denominator as published."""
    new_parts: tuple[int | None, int | None]
    settled_at: datetime
    """From when on the figure was held to be final."""
    published_at: datetime
    """When the old one was published: the last time before today."""
    cause: str | None
    """What is known to have changed since, or `None`."""


def is_settled(period: Period, metric: str, as_of: datetime, zone: ZoneInfo) -> bool:
    """Whether a figure is provisional no more."""
    return period.settled_at(zone, failures=metric in FAILURE_METRICS) <= as_of


def restatements(
    published: Iterable[Mapping[str, Any]],
    current: Iterable[Mapping[str, Any]],
    published_at: datetime,
    zone: ZoneInfo,
    causes: Mapping[tuple[str, str], str] | None = None,
) -> list[Restatement]:
    """Figures that were settled when they were published and differ today.

    Args:
        published: Rows of the table of figures as they were.
        current: The same today. A row that is gone was restated to unknown.
        published_at: The clock of the published figures: those of periods not settled then were provisional.
        zone: The site's time zone.
        causes: What changed since, by scope and name, as a sentence: a correction, a rule, late data. That of
            `("site", "")` stands where a scope has none of its own.
    """
    now = {_key(row): row for row in current}
    found = []
    for row in published:
        period = Period(row["period"], row["period_start"])
        if not is_settled(period, row["metric"], published_at, zone):
            continue
        key = _key(row)
        new = now.get(key) or dict.fromkeys(_PARTS)
        if _same(row["value"], new["value"]) and _parts(row) == _parts(new):
            continue
        told = causes or {}
        found.append(
            Restatement(
                *key,
                old=row["value"],
                new=new["value"],
                old_parts=_parts(row),
                new_parts=_parts(new),
                settled_at=period.settled_at(zone, failures=row["metric"] in FAILURE_METRICS),
                published_at=published_at,
                cause=told.get((row["scope"], row["name"])) or told.get(("site", "")),
            )
        )
    return sorted(
        found, key=lambda each: (each.period_start, each.scope, each.name, each.metric, each.period)
    )


def _key(row: Mapping[str, Any]) -> Key:
    return row["scope"], row["name"], row["period"], row["period_start"], row["metric"]


def _parts(row: Mapping[str, Any]) -> tuple[int | None, int | None]:
    return row["numerator"], row["denominator"]


def _same(old: float | None, new: float | None) -> bool:
    if old is None or new is None:
        return old is new
    # Engines sum in different orders: the last bits are no restatement.
    return abs(old - new) <= 1e-9 * max(abs(old), abs(new))

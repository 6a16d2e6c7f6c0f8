"""What was published and is no longer so."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from deploybook.metrics import restatements

ZONE = ZoneInfo("UTC")
LATER = datetime(2027, 3, 1, tzinfo=UTC)


def row(
    metric: str, value: float | None, numerator: int | None = 1, start: date = date(2026, 11, 16)
) -> dict[str, Any]:
    return {
        "scope": "codebase", "name": "shop", "period": "week", "period_start": start, "metric": metric,
        "value": value, "numerator": numerator, "denominator": 2, "missing": 0,
    }  # fmt: skip


def test_a_settled_figure_that_changed_is_told_with_old_new_and_cause() -> None:
    (found,) = restatements(
        [row("deployment_frequency", 3)],
        [row("deployment_frequency", 4, 2)],
        LATER,
        ZONE,
        {("codebase", "shop"): "late data"},
    )
    assert (found.old, found.new, found.cause) == (3, 4, "late data")
    assert (found.old_parts, found.new_parts) == ((1, 2), (2, 2))
    assert found.settled_at == datetime(2026, 11, 26, tzinfo=UTC)


def test_a_provisional_figure_may_change_and_failures_stay_provisional_for_30_days() -> None:
    old = [row("deployment_frequency", 3), row("change_fail_rate", 0.5)]
    new = [row("deployment_frequency", 4), row("change_fail_rate", 0.25)]
    at = {day: datetime(2026, 11, day, tzinfo=UTC) for day in (25, 26)}
    assert restatements(old, new, at[25], ZONE) == []
    assert [each.metric for each in restatements(old, new, at[26], ZONE)] == ["deployment_frequency"]
    assert len(restatements(old, new, datetime(2026, 12, 23, tzinfo=UTC), ZONE)) == 2


def test_the_same_is_not_restated_and_what_is_gone_became_unknown() -> None:
    same = [row("uptime", 0.1 + 0.2), row("coverage", None)]
    assert restatements(same, [row("uptime", 0.3), row("coverage", None)], LATER, ZONE) == []
    assert [each.new for each in restatements(same[:1], [], LATER, ZONE)] == [None]

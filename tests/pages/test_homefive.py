from __future__ import annotations

from typing import Any

from tests.pages.support import SHOP, book, change, deployment

from deploybook.pages.homefive import MetricRow, five_small

WITHIN_FOUR_HOURS = SHOP | {"targets": {"failed_deployment_recovery_time_p50": {"at_most": "4h"}}}


def rows(records: list[dict[str, Any]], config: dict[str, Any] | Any = SHOP) -> dict[str, MetricRow]:
    return {row.name: row for row in five_small(book(records, config))}


def failed_and_mended(at: str, mended: str, number: int) -> list[dict[str, Any]]:
    return [
        deployment(f"{number}", at, changes=[f"{number}"]),
        deployment(f"{number}-mend", mended, changes=[f"{number}-mend"], mends=[f"{number}"]),
    ]


TWO_FAILURES = [
    *failed_and_mended("2026-10-06T10:00:00+00:00", "2026-10-07T10:00:00+00:00", 1),  # 24 hours
    *failed_and_mended("2026-11-17T10:00:00+00:00", "2026-11-17T11:00:00+00:00", 2),  # 1 hour, this week
]


def test_recoveries_are_dots_by_time_and_length_with_the_target_between_them() -> None:
    recovery = rows(TWO_FAILURES, WITHIN_FOUR_HOURS)["Recovery"]
    assert (recovery.number, recovery.words) == ("1 of 1", "within 4\N{NO-BREAK SPACE}h")
    assert recovery.dots is not None
    (long_ago, longest), (lately, shortest) = recovery.dots.points
    assert 0 < long_ago < lately < 1
    assert (longest, shortest) == (1, 0)
    # log(4 h / 1 h) / log(24 h / 1 h)
    assert recovery.dots.target is not None
    assert abs(recovery.dots.target - 0.436) < 0.001
    assert recovery.dots.label.endswith("2 in 26 weeks, 1 of them within 4\N{NO-BREAK SPACE}h")


def test_without_a_target_recoveries_are_counted() -> None:
    recovery = rows(TWO_FAILURES)["Recovery"]
    assert (recovery.number, recovery.words) == ("1", "recovered")
    assert recovery.dots is not None
    assert recovery.dots.target is None


def test_without_a_target_lead_times_are_dots_and_the_row_says_that_none_is_set() -> None:
    lead = rows(
        [
            change("7", "Pay", "2026-11-17T09:00:00+00:00", first_commit_at="2026-11-16T10:00:00+00:00"),
            deployment("1", "2026-11-10T10:00:00+00:00"),
            deployment("2", "2026-11-17T10:00:00+00:00", changes=["7"]),
        ]
    )["Lead time"]
    assert (lead.number, lead.words, lead.note) == ("1", "with a lead time", "no target is set")
    assert lead.dots is not None
    assert len(lead.dots.points) == 1


def test_where_nothing_is_known_there_is_a_dash_and_no_dot() -> None:
    found = rows([deployment("1", "2026-11-17T10:00:00+00:00")])
    for name in ("Lead time", "Recovery"):
        assert (found[name].number, found[name].words, found[name].dots) == ("–", "none this week", None)

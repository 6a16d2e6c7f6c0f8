"""Limits and signals by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from deploybook.metrics import Point, Signal, limits, signals

START = date(2026, 1, 5)


def series(*values: float | None) -> list[Point]:
    return [Point(START + timedelta(weeks=n), value) for n, value in enumerate(values)]


CALM = (10.0, 12.0) * 6


def test_limits_are_the_median_and_3_145_times_the_median_moving_range() -> None:
    (segment,) = limits(series(*CALM))
    assert [segment.centre, segment.lower, segment.upper] == pytest.approx([11, 4.71, 17.29])


def test_eleven_points_or_a_range_of_0_have_no_limits() -> None:
    assert limits(series(*CALM[:11]))[0].centre is None
    assert limits(series(*[5.0] * 20))[0].centre is None
    assert limits([]) == []


def test_a_share_has_no_limit_below_0_or_above_1() -> None:
    (segment,) = limits(series(*(0.1, 0.9) * 8), most=1)
    assert (segment.lower, segment.upper) == (0, 1)


def test_a_point_outside_is_a_signal() -> None:
    points = series(*CALM, 18.0, None, 4.0)
    assert signals(points, limits(points)) == [
        Signal(points[12].start, "above"),
        Signal(points[14].start, "below"),
    ]


def test_eight_on_one_side_are_a_signal_and_seven_are_not() -> None:
    points = series(*(10.0, 12.0) * 10, *[11.5] * 7)
    segments = limits(points[:20])
    wide = [type(segments[0])(START, points[-1].start, 27, 11.0, 4.7, 17.3)]
    # The last of the calm points is 12: with it the seven are eight.
    assert [signal.start for signal in signals(points, wide)] == [point.start for point in points[19:]]
    assert signals(points[:-1], wide) == []


def test_a_baseline_shifts_where_the_cadence_did() -> None:
    points = series(*CALM, *(1.0, 3.0) * 6)
    before, after = limits(points, [points[12].start - timedelta(days=2)])
    assert (before.centre, after.centre) == (11, 2)
    assert signals(points, [before, after]) == []

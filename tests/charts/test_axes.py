"""Ticks are round, few, and never on top of each other."""

from __future__ import annotations

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploybook.charts import axes


@pytest.mark.parametrize(
    ("top", "labels"),
    [(9, ["0", "5", "10"]), (0, ["0", "1"]), (3, ["0", "1", "2", "3"]), (2000, ["0", "1,000", "2,000"])],
)
def test_counts_begin_at_zero_and_end_round(top: float, labels: list[str]) -> None:
    assert [tick.label for tick in axes.counts(top).ticks] == labels


@given(st.floats(0, 1e6))
def test_an_axis_of_counts_holds_its_value_with_few_whole_ticks(top: float) -> None:
    scale = axes.counts(top)
    assert scale.low == 0
    assert scale.high >= top
    assert 2 <= len(scale.ticks) <= 5
    assert all(tick.at == int(tick.at) for tick in scale.ticks)


@given(st.floats(0, 1))
def test_an_axis_of_shares_never_passes_one(top: float) -> None:
    scale = axes.shares(top)
    assert top <= scale.high <= 1
    assert len(scale.ticks) <= 5


@given(st.lists(st.floats(0, 1e8), min_size=1), st.floats(60, 400))
def test_a_time_axis_holds_every_value_and_keeps_its_labels_apart(values: list[float], pixels: float) -> None:
    scale = axes.times(values, pixels)
    places = [scale.share(tick.at) * pixels for tick in scale.ticks]
    assert all(later - sooner >= 18 - 1e-6 for sooner, later in itertools.pairwise(places))
    assert all(-1e-9 <= scale.share(value) <= 1 + 1e-9 for value in values)


def test_days_and_weeks_go_before_what_nobody_asks_for() -> None:
    labels = [tick.label for tick in axes.times([3600 * 6, 86400 * 40], 92).ticks]
    assert labels == ["1\u00a0day", "7\u00a0days", "30\u00a0days"]


def test_months_lie_at_their_first_day() -> None:
    ticks = axes.months(date(2026, 5, 25), 26, 494)
    assert [tick.label for tick in ticks] == ["Jun 2026", "Jul", "Aug", "Sep", "Oct", "Nov"]
    assert ticks[0].at == 1, "1 June is a Monday, a week after 25 May"


@given(
    st.dates(date(2015, 1, 1), date(2035, 1, 1)), st.sampled_from([4, 26, 104]), st.sampled_from([224, 494])
)
def test_months_never_run_into_each_other(first: date, weeks: int, pixels: int) -> None:
    ticks = axes.months(first, weeks, pixels)
    for left, right in itertools.pairwise(ticks):
        assert (right.at - left.at) * pixels / weeks >= axes.text_width(left.label)


@given(st.lists(st.floats(0, 100), max_size=6))
def test_labels_move_apart_and_keep_their_order(wanted: list[float]) -> None:
    placed = axes.spread(wanted, 14, 0, 100)
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    assert all(placed[b] - placed[a] >= 14 - 1e-9 for a, b in itertools.pairwise(order))

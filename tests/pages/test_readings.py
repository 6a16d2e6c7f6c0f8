"""A signal is more than chance explains; everything else is told as what it is."""

from __future__ import annotations

from datetime import date, timedelta

from tests.pages import support

from deploybook.pages.figures import Figure
from deploybook.pages.readings import Reading, band, finding, read_series

MONDAY = date(2026, 6, 1)
BOOK = support.book([])
LAST = BOOK.this_week.start


def counts(*values: int) -> list[Figure]:
    """Weeks up to the one that is running, oldest first."""
    first = LAST - timedelta(weeks=len(values) - 1)
    return [
        Figure(first + timedelta(weeks=n), value, value, None, 0, "deployments")
        for n, value in enumerate(values)
    ]


def rates(*pairs: tuple[int, int]) -> list[Figure]:
    first = LAST - timedelta(weeks=len(pairs) - 1)
    return [
        Figure(
            first + timedelta(weeks=n),
            part / of if of else None,
            part,
            of,
            0,
            "share",
        )
        for n, (part, of) in enumerate(pairs)
    ]


def read(series: list[Figure]) -> Reading:
    return read_series("deployment_frequency", series, [], LAST)


USUAL = (4, 6, 5, 4, 6, 5, 4, 6, 5, 4, 6, 5)
"""Twelve weeks: centre 5, median moving range 1, limits 5 ± 3.145."""


def test_a_week_beyond_its_limits_is_a_signal_and_says_which() -> None:
    reading = read(counts(*USUAL, 9))
    assert reading.verdict.kind == "above"
    assert finding(reading, BOOK, "9 deployments") == "9 deployments: a signal, above the limit of 8.1"


def test_the_most_ever_is_told_as_a_record_only_where_no_week_had_as_many() -> None:
    assert read(counts(*USUAL, 9)).verdict.record
    assert not read(counts(9, *USUAL, 9)).verdict.record


def test_the_week_that_is_running_can_only_grow_so_its_few_are_no_signal() -> None:
    reading = read(counts(*USUAL, 0))
    assert not reading.verdict.signal
    assert LAST not in reading.signals
    assert reading.verdict.week == LAST - timedelta(weeks=1)


def test_the_running_week_does_not_move_the_limits() -> None:
    above, below = read(counts(*USUAL, 9)).verdict.limits, read(counts(*USUAL, 0)).verdict.limits
    assert above is not None
    assert below is not None
    assert above.centre == below.centre == 5


def test_eight_on_one_side_are_a_signal_and_seven_are_not() -> None:
    low, high = (4, 6, 5, 4, 6, 5, 4, 6, 4, 4, 5, 4, 6, 5, 4, 5), 6
    assert read(counts(*low, *[high] * 8)).verdict.kind == "high"
    assert read(counts(*low, *[high] * 7)).verdict.kind == "none"


def test_under_five_events_a_rate_is_hollow_and_not_judged() -> None:
    reading = read_series("change_fail_rate", rates(*[(1, 10), (2, 10)] * 6, (4, 4)), [], LAST)
    assert reading.hollow == {LAST}
    assert reading.verdict.week == LAST - timedelta(weeks=1)
    assert not reading.verdict.signal


def test_with_too_few_weeks_there_are_no_limits_and_no_trend() -> None:
    reading = read(counts(1, 2, 9))
    assert band(reading) == ""
    assert finding(reading, BOOK, "2 deployments").endswith(
        "no limits yet, with 2\u00a0weeks of the 12 they need"
    )


def test_a_series_of_nothing_has_nothing_to_tell() -> None:
    assert finding(read([]), BOOK, "") == "Nothing to tell yet"


def test_a_week_that_is_no_longer_shown_is_not_told_as_the_newest() -> None:
    """Sixty deployments a week some years ago, of which many failed at the end; one this year."""
    long_ago = [(5, 60), (6, 60), (4, 60)] * 8 + [(50, 60)]
    signal = read(rates(*long_ago))
    assert signal.verdict.kind == "above"
    reading = read(rates(*long_ago, *[(0, 0)] * 30, (0, 1), *[(0, 0)] * 9))
    assert reading.verdict.kind == "empty"
    assert finding(reading, BOOK, "") == "Fewer than five in every week: too few to judge one"

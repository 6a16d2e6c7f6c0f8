"""Numbers and times are worded as people say them, and never say more than is known."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from deploybook import words

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = 60, 3600, 86400


def _spaced(worded: str | None) -> str:
    assert worded is not None
    return worded.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("seconds", "worded"),
    [
        *((0, "0 s"), (45, "45 s"), (59.6, "1 min"), (41 * MINUTE, "41 min"), (3599, "1 h"), (HOUR, "1 h")),
        *(
            (HOUR + 54 * MINUTE, "1 h 54 min"),
            (10 * HOUR, "10 h"),
            (25 * HOUR, "25 h"),
            (36 * HOUR, "1.5 days"),
        ),
        *((2.4 * DAY, "2.4 days"), (7 * DAY, "7 days"), (31 * DAY, "31 days"), (63 * DAY, "9 weeks")),
        *((800 * DAY, "2.2 years"), (-5 * MINUTE, "−5 min"), (-0.2, "0 s")),
    ],
)
def test_a_length_of_time_is_said_as_people_say_it(seconds: float, worded: str) -> None:
    assert _spaced(words.duration(seconds)) == worded


@given(st.floats(0, 4e9))
def test_a_worded_length_is_within_a_tenth_of_the_real_one(seconds: float) -> None:
    units = {"s": 1, "min": 60, "h": HOUR, "days": DAY, "weeks": 7 * DAY, "years": 365.25 * DAY}
    parts = re.findall(r"([\d.,]+)\u00a0(\w+)", words.duration(seconds))
    said = sum(float(number.replace(",", "")) * units[unit] for number, unit in parts)
    assert said == pytest.approx(seconds, rel=0.1, abs=0.5) or seconds < 90
    assert said == pytest.approx(seconds, abs=31) or seconds >= 90


@pytest.mark.parametrize(
    ("numerator", "denominator", "worded"),
    [
        *(
            (12, 214, "12 of 214 (6 %)"),
            (2, 4, "2 of 4"),
            (1, 500, "1 of 500 (under 1 %)"),
            (0, 9, "0 of 9 (0 %)"),
        ),
        *(
            (499, 500, "499 of 500 (over 99 %)"),
            (9, 9, "9 of 9 (100 %)"),
            (1234, 5678, "1,234 of 5,678 (22 %)"),
        ),
    ],
)
def test_a_rate_shows_its_sample(numerator: int, denominator: int, worded: str) -> None:
    assert _spaced(words.rate(numerator, denominator)) == worded


def test_a_rate_of_nothing_is_no_rate() -> None:
    assert words.rate(0, 0) is None
    assert words.wilson(0, 0) is None
    assert words.likely(2, 4) is None


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.integers(0, 3))
def test_only_all_is_said_to_be_all_and_only_nothing_nothing(part: tuple[int, int], digits: int) -> None:
    numerator, denominator = part
    worded = words.percent(numerator / denominator, digits)
    number = re.search(r"[\d.]+", worded)
    assert number is not None
    if float(number[0]) in (0, 100) and "under" not in worded and "over" not in worded:
        assert numerator in (0, denominator)


def test_availability_keeps_its_figures() -> None:
    assert _spaced(words.percent(0.9994, 2)) == "99.94 %"
    assert _spaced(words.percent(0.999999, 2)) == "over 99.99 %"
    assert _spaced(words.percent(1, 2)) == "100 %"


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_shares_a_test_at_1_96_would_not_reject(part: tuple[int, int]) -> None:
    # Wilson's ends solve (share - p)² = z² p (1 - p) / n; put in exactly, both sides agree.
    numerator, denominator = part
    bounds = words.wilson(numerator, denominator)
    assert bounds is not None
    share = Fraction(numerator, denominator)
    assert bounds[0] <= share <= bounds[1]
    for p in bounds:
        assert float((share - Fraction(p)) ** 2) == pytest.approx(
            1.959964**2 * p * (1 - p) / denominator, abs=1e-9
        )


def test_the_interval_is_told_in_whole_percents() -> None:
    assert _spaced(words.likely(17, 124)) == "likely 9 to 21 %"


@pytest.mark.parametrize(
    ("value", "worded"),
    [(14, "14 changes"), (1, "1 change"), (0, "0 changes"), (6210, "6,210 changes")],
)
def test_things_are_counted(value: int, worded: str) -> None:
    assert _spaced(words.count(value, "change")) == worded


def test_small_numbers_are_spelled_in_a_sentence() -> None:
    assert _spaced(words.count(9, "change", start=True)) == "Nine changes"
    assert _spaced(words.count(10, "change", words=True)) == "10 changes"
    assert _spaced(words.count(0, "change", start=True)) == "No change"
    assert _spaced(words.count(2, "codebase is", "codebases are", words=True)) == "two codebases are"


@pytest.mark.parametrize(
    ("value", "worded"),
    [
        (3.24, "3.2"),
        (12.4, "12"),
        (0.25, "0.25"),
        (2.0, "2"),
        (-3.5, "−3.5"),
        (9.96, "10"),
        (1234567, "1,234,567"),
    ],
)
def test_a_number_has_two_or_three_figures(value: float, worded: str) -> None:
    assert words.number(value) == worded


@pytest.mark.parametrize(
    ("octets", "worded"),
    [(512, "512 bytes"), (1000, "1 kB"), (1_234_000, "1.2 MB"), (999_999, "1 MB"), (5e12, "5,000 GB")],
)
def test_sizes_are_decimal(octets: float, worded: str) -> None:
    assert _spaced(words.size(octets)) == worded


def test_a_list_is_joined_and_never_lets_text_through_beside_markup() -> None:
    assert words.joined([]) == ""
    assert words.joined(["a"]) == "a"
    assert words.joined(["a", "b", "c"]) == "a, b and c"
    assert words.joined(["a", "b"], "or") == "a or b"
    mixed = words.joined(["[x](y)", Markup("<b>b</b>")])
    assert isinstance(mixed, Markup)
    assert mixed == "&#91;x&#93;(y) and <b>b</b>"


@pytest.mark.parametrize(
    ("first", "last", "worded"),
    [
        (date(2026, 11, 16), date(2026, 11, 22), "16 to 22 November 2026"),
        (date(2026, 11, 30), date(2026, 12, 6), "30 November to 6 December 2026"),
        (date(2026, 12, 28), date(2027, 1, 3), "28 December 2026 to 3 January 2027"),
        (date(2026, 11, 16), date(2026, 11, 16), "16 November 2026"),
    ],
)
def test_a_span_of_days_names_each_month_and_year_once(first: date, last: date, worded: str) -> None:
    assert _spaced(words.days(first, last)) == worded
    if (last - first).days == 6:
        assert words.week_days(first) == words.days(first, last)


def test_a_moment_is_told_in_the_readers_zone_with_the_exact_one_beside_it() -> None:
    at = datetime(2026, 11, 20, 15, 2, 30, tzinfo=UTC)
    assert words.moment(at, BERLIN) == (
        '<time datetime="2026-11-20T16:02+01:00" title="2026-11-20 16:02 Europe/Berlin">Fri 16:02</time>'
    )
    assert ">Fri 20 Nov 2026, 16:02<" in _spaced(words.moment(at, BERLIN, "long"))
    assert ">20 Nov, 16:02<" in _spaced(words.moment(at, BERLIN, "short"))
    assert ">Fri 20 Nov<" in _spaced(words.moment(at, BERLIN, "day"))


def test_a_day_is_the_one_of_the_zone() -> None:
    late = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    assert _spaced(words.day(late, BERLIN)) == "Thu 26 Nov"
    assert words.clock(late, BERLIN) == "00:30"
    assert _spaced(words.day(date(2026, 11, 26), year=True)) == "Thu 26 Nov 2026"

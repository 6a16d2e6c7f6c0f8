"""Weeks, cut-offs, windows and rotations: as a person with a calendar would say them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploybook.errors import UsageError
from deploybook.periods import (
    KINDS,
    WORKING_DAYS,
    Calendar,
    CutOffRule,
    Freeze,
    Kind,
    Period,
    Rotation,
    Rule,
    Turn,
    Week,
    WindowRule,
    holidays_of,
    is_working_day,
    parse_period,
    period_of,
    periods_between,
    turns_of,
)

BERLIN = ZoneInfo("Europe/Berlin")
ANGELES = ZoneInfo("America/Los_Angeles")
ZONES = [BERLIN, ANGELES, ZoneInfo("UTC"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/London")]
WEDNESDAY_NOON = CutOffRule((2,), time(12))
THURSDAY = WindowRule((3,), time(10), time(14))
WEEKLY = Calendar(BERLIN, Rule(WEDNESDAY_NOON, THURSDAY))

instants = st.datetimes(
    datetime(2015, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
zones = st.sampled_from(ZONES)
few = settings(max_examples=25, deadline=None)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_week_has_an_id_a_monday_and_bounds_that_are_local_midnights() -> None:
    week = Week(2026, 47)
    assert (week.id, week.start, week.end) == ("2026-W47", date(2026, 11, 16), date(2026, 11, 23))
    assert week.bounds(BERLIN) == (utc("2026-11-15 23:00"), utc("2026-11-22 23:00"))
    assert week.bounds(ANGELES) == (utc("2026-11-16 08:00"), utc("2026-11-23 08:00"))


def test_2026_has_a_week_53_that_ends_in_2027() -> None:
    assert Week(2026, 53).end == date(2027, 1, 4)
    assert Week(2026, 53).next() == Week(2027, 1)
    assert (Week(2026, 53).year, Week(2026, 53).number) == (2026, 53)
    with pytest.raises(ValueError, match="Invalid week"):
        Week(2025, 53)


@pytest.mark.parametrize(("zone", "hours"), [(BERLIN, 167), (ANGELES, 168)])
def test_the_week_of_the_spring_change_is_an_hour_short_where_it_happens(zone: ZoneInfo, hours: int) -> None:
    start, end = Week(2026, 13).bounds(zone)
    assert end - start == timedelta(hours=hours)


def test_months_and_quarters_are_called_as_people_call_them() -> None:
    november, autumn = parse_period("2026-11"), parse_period("2026-Q4")
    assert (november.start, november.end, november.id) == (date(2026, 11, 1), date(2026, 12, 1), "2026-11")
    assert (autumn.start, autumn.end, autumn.id) == (date(2026, 10, 1), date(2027, 1, 1), "2026-Q4")
    assert autumn.number == 4


@pytest.mark.parametrize(
    "text", ["2026-W54", "2025-W53", "2026-13", "2026-Q5", "2026", "26-11", "", "2026-W1"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a week|month must be|Invalid week"):
        parse_period(text)


def test_a_week_is_settled_72_hours_after_its_end_and_its_failures_after_30_days() -> None:
    assert Week(2026, 47).settled_at(BERLIN) == utc("2026-11-25 23:00")
    assert Week(2026, 47).settled_at(BERLIN, failures=True) == utc("2026-12-22 23:00")


@few
@given(instants, zones, st.sampled_from(KINDS))
def test_an_instant_is_in_its_period_and_periods_join(instant: datetime, zone: ZoneInfo, kind: Kind) -> None:
    period = period_of(kind, instant, zone)
    start, end = period.bounds(zone)
    assert start <= instant < end
    assert period.contains(instant, zone)
    assert period.next().bounds(zone)[0] == end
    assert period.next().previous() == period
    assert parse_period(period.id) == period


@few
@given(instants, instants, zones, st.sampled_from(KINDS))
def test_periods_between_two_instants_leave_no_gap(
    one: datetime, two: datetime, zone: ZoneInfo, kind: Kind
) -> None:
    first, last = sorted((one, two))
    found = periods_between(kind, first, last, zone)
    assert found[0].contains(first, zone)
    assert found[-1].contains(last, zone)
    assert all(before.end == after.start for before, after in pairwise(found))


def test_a_week_and_the_period_of_its_monday_are_one() -> None:
    assert {Week(2026, 47), Period("week", date(2026, 11, 16))} == {Week.parse("2026-W47")}
    with pytest.raises(ValueError, match="starts on"):
        Period("week", date(2026, 11, 17))


def test_german_unity_is_no_working_day_and_bavaria_has_one_more() -> None:
    assert not is_working_day(date(2025, 10, 3), holidays_of("DE"))
    assert is_working_day(date(2026, 6, 4), holidays_of("DE"))
    assert not is_working_day(date(2026, 6, 4), holidays_of("DE-BY"))
    assert not is_working_day(date(2026, 11, 21))


def test_an_unknown_country_is_an_error_that_says_what_to_write() -> None:
    with pytest.raises(UsageError, match="XX"):
        holidays_of("XX")


def test_the_next_cut_off_and_the_window_it_is_for() -> None:
    monday = utc("2026-11-23 08:00")
    (window,) = WEEKLY.next_windows(monday, 1)
    assert (window.start, window.end) == (utc("2026-11-26 09:00"), utc("2026-11-26 13:00"))
    assert WEEKLY.next_cut_offs(monday, 2) == [utc("2026-11-25 11:00"), utc("2026-12-02 11:00")]
    assert window.cut_off == utc("2026-11-25 11:00")


def test_a_merge_on_the_cut_off_keeps_it_and_a_second_later_is_for_the_next() -> None:
    noon = utc("2026-11-25 11:00")
    assert WEEKLY.cut_off_for(noon) == noon
    late = WEEKLY.aimed_at(noon + timedelta(seconds=1))
    assert late is not None
    assert late.day == date(2026, 12, 3)


def test_a_window_is_open_at_its_start_and_closed_at_its_end() -> None:
    window = WEEKLY.window_of(utc("2026-11-26 09:00"))
    assert window is not None
    assert WEEKLY.window_of(window.end) is None
    assert WEEKLY.window_of(utc("2026-11-25 09:30")) is None


def test_a_holiday_takes_the_window_and_moves_a_cut_off_to_the_working_day_before() -> None:
    # In 2029 Christmas is a Tuesday and a Wednesday: the cut-off of Wednesday 26 is on Monday 24.
    calendar = Calendar(BERLIN, Rule(WEDNESDAY_NOON, THURSDAY), holiday=holidays_of("DE"))
    window = calendar.window_on(date(2029, 12, 27))
    assert window is not None
    assert window.cut_off == utc("2029-12-24 11:00")
    assert calendar.window_on(date(2026, 5, 14)) is None  # Ascension Day
    assert calendar.off(date(2026, 5, 14)) is not None


def test_a_freeze_takes_its_last_day_too() -> None:
    frozen = Calendar(
        BERLIN,
        Rule(WEDNESDAY_NOON, THURSDAY),
        freezes=(Freeze(date(2026, 12, 21), date(2027, 1, 7), "rest"),),
    )
    days = [window.day for window in frozen.next_windows(utc("2026-12-15 00:00"), 2)]
    assert days == [date(2026, 12, 17), date(2027, 1, 14)]
    assert frozen.off(date(2027, 1, 7)) == "rest"


def test_the_past_is_judged_by_its_own_rules() -> None:
    daily = Rule(CutOffRule(WORKING_DAYS, time(9)), WindowRule(WORKING_DAYS, time(10), time(11)))
    calendar = Calendar(
        BERLIN,
        daily,
        before=(
            Rule(None, None, until=date(2026, 1, 1)),
            Rule(WEDNESDAY_NOON, THURSDAY, until=date(2026, 3, 2)),
        ),
    )
    assert calendar.window_on(date(2025, 12, 18)) is None
    assert [w.day for w in calendar.windows(date(2026, 2, 23), date(2026, 3, 4))] == [
        date(2026, 2, 26),
        date(2026, 3, 2),
        date(2026, 3, 3),
    ]


def test_a_window_at_half_past_two_on_the_spring_day_is_an_hour_later_and_as_long() -> None:
    night = Calendar(BERLIN, Rule(window=WindowRule((6,), time(2, 30), time(3))))
    window = night.window_on(date(2026, 3, 29))
    assert window is not None
    assert (window.start, window.end) == (utc("2026-03-29 01:30"), utc("2026-03-29 02:00"))


def test_a_window_may_end_on_the_next_day() -> None:
    night = Calendar(ANGELES, Rule(window=WindowRule((3,), time(22), time(2))))
    window = night.window_of(utc("2026-11-20 09:00"))
    assert window is not None
    assert (window.day, window.end) == (date(2026, 11, 19), utc("2026-11-20 10:00"))


def test_cut_offs_without_windows_stand_alone_and_windows_without_cut_offs_too() -> None:
    cut_offs = Calendar(BERLIN, Rule(WEDNESDAY_NOON))
    assert cut_offs.next_cut_offs(utc("2026-11-23 00:00"), 1) == [utc("2026-11-25 11:00")]
    windows = Calendar(BERLIN, Rule(window=THURSDAY))
    aimed = windows.aimed_at(utc("2026-11-26 10:00"))
    assert aimed is not None
    assert aimed.day == date(2026, 11, 26)
    assert windows.next_cut_offs(utc("2026-11-23 00:00"), 1) == []


@few
@given(
    instants,
    zones,
    st.sets(st.integers(0, 6), min_size=1),
    st.sets(st.integers(0, 6), min_size=1),
    st.times(),
    st.times(),
)
def test_windows_are_in_order_after_their_cut_offs(
    after: datetime, zone: ZoneInfo, cut: set[int], open_on: set[int], at: time, start: time
) -> None:
    calendar = Calendar(
        zone, Rule(CutOffRule(tuple(cut), at), WindowRule(tuple(open_on), start, time(23, 59, 59)))
    )
    windows = calendar.next_windows(after, 6)
    assert len(windows) == 6
    assert all(before.start < later.start for before, later in pairwise(windows))
    assert all(window.cut_off is not None and window.cut_off <= window.start for window in windows)
    kept = calendar.cut_off_for(after)
    assert kept is not None
    assert kept >= after


turns = st.builds(
    lambda start, length, person: Turn(start, start + length, person, override=True),
    instants,
    st.timedeltas(timedelta(hours=1), timedelta(days=20)),
    st.sampled_from(["zoe", "yan"]),
)
rotations = st.builds(
    Rotation,
    st.lists(st.sampled_from(["ana", "bo", "cy", "di"]), min_size=1, max_size=4, unique=True).map(tuple),
    st.sampled_from(["1d", "1w", "2w", "1m"]),
    st.dates(date(2012, 1, 1), date(2014, 12, 31)),
    zones,
)


@few
@given(rotations, instants, st.lists(turns, max_size=3))
def test_every_instant_has_exactly_one_holder(
    rotation: Rotation, instant: datetime, overrides: list[Turn]
) -> None:
    held = Rotation(rotation.members, rotation.every, rotation.starts, rotation.zone, tuple(overrides))
    shifts = held.shifts(instant, instant + timedelta(days=40))
    covering = [turn for turn in shifts if turn.start <= instant < turn.end]
    assert [turn.person for turn in covering] == [held.holder(instant)]
    assert all(before.end == after.start for before, after in pairwise(shifts))
    assert shifts[-1].end >= instant + timedelta(days=40)


@few
@given(rotations, instants, turns)
def test_an_override_changes_only_its_span(rotation: Rotation, instant: datetime, override: Turn) -> None:
    swapped = Rotation(rotation.members, rotation.every, rotation.starts, rotation.zone, (override,))
    inside = override.start <= instant < override.end
    assert swapped.holder(instant) == (override.person if inside else rotation.holder(instant))


@few
@given(rotations, st.integers(0, 400))
def test_a_new_member_moves_only_the_future(rotation: Rotation, days_ago: int) -> None:
    now = utc("2026-11-23 00:00")
    past = tuple(rotation.shifts(now - timedelta(days=500), now))
    wider = Rotation(
        (*rotation.members, "new"), rotation.every, rotation.starts, rotation.zone, recorded=past
    )
    instant = now - timedelta(days=days_ago, minutes=1)
    assert wider.holder(instant) == rotation.holder(instant)
    assert "new" in {turn.person for turn in wider.shifts(now, now + timedelta(days=400))}


def test_members_take_turns_in_their_order_and_nobody_holds_before_the_start() -> None:
    rotation = Rotation(("ana", "bo"), "1w", date(2026, 1, 5), BERLIN)
    assert rotation.holder(utc("2026-01-04 22:59")) is None
    assert [rotation.holder(utc(f"2026-01-{day} 12:00")) for day in ("05", "11", "12", "19")] == [
        "ana",
        "ana",
        "bo",
        "ana",
    ]


@pytest.mark.parametrize(("members", "every"), [((), "1w"), (("ana",), "0w"), (("ana",), "a week")])
def test_a_rotation_that_cannot_turn_is_refused(members: tuple[str, ...], every: str) -> None:
    with pytest.raises(ValueError, match=r"rotation needs|not a number"):
        Rotation(members, every, date(2026, 1, 5), BERLIN)


def test_recorded_turns_stand_the_later_over_the_earlier_and_the_shorter_over_the_longer() -> None:
    rows = [
        {"rotation": "watch", "from": utc("2026-11-02 00:00"), "to": utc("2026-11-04 00:00"), "person": "bo",
         "override": True},
        {"rotation": "watch", "from": utc("2026-11-02 00:00"), "to": utc("2026-11-09 00:00"), "person": "ana",
         "override": None},
        {"rotation": "watch", "from": utc("2026-11-06 00:00"), "to": utc("2026-11-07 00:00"), "person": "cy",
         "override": True},
        {"rotation": "other", "from": utc("2026-11-06 00:00"), "to": utc("2026-11-07 00:00"), "person": "di",
         "override": None},
    ]  # fmt: skip
    rotation = Rotation((), "1w", None, BERLIN, recorded=tuple(turns_of(rows)["watch"]))
    held = [(f"{turn.start:%d}", turn.person, turn.override) for turn in rotation.shifts(*_november())]
    assert held == [("02", "bo", True), ("04", "ana", False), ("06", "cy", True), ("07", "ana", False)]
    assert rotation.holder(utc("2026-11-09 00:00")) is None


def _november() -> tuple[datetime, datetime]:
    return utc("2026-11-01 00:00"), utc("2026-12-01 00:00")

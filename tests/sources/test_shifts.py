"""Turns of rotations read from PagerDuty's schedules and from calendars, over HTTP and from files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.loopback import Asked, Loopback, Reply

from deploybook.config import Config
from deploybook.config.sources import IcsOptions, PagerdutyOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask, Cursor, Feed, Rejected
from deploybook.periods import Turn
from deploybook.records import Shift
from deploybook.sources import ics, pagerduty_schedules
from deploybook.sources.shifts import settled

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
PEOPLE = {
    "site": {"timezone": "Europe/Berlin"},
    "people": {"ana": {"name": "Ana Example", "email": "ana@example.org"}, "bo": {"name": "Bo"}},
    "rotations": {"watch": {}},
}


def config(root: Path = Path()) -> Config:
    return Config.of(PEOPLE, root=root)


class Reader:
    """Pulls a feed again and again with its own cursor, as the history does with a snapshot."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.cursor: str | None = None
        self.turns: list[Shift] = []
        self.said: list[str] = []

    def pull(self, now: datetime = NOW) -> list[Shift]:
        items = list(self.feed.pull(Ask(now, self.cursor, wait=lambda _: None)))
        self.turns = [item for item in items if isinstance(item, Shift)]
        self.said = [item.reason for item in items if isinstance(item, Rejected)]
        self.cursor = next(item.text for item in items if isinstance(item, Cursor))
        return self.turns


class Schedule:
    """PagerDuty's answer for a schedule: weekly turns of its users, with overrides on top."""

    def __init__(self) -> None:
        self.users = ["Ana Example", "Bo"]
        self.overrides: list[tuple[datetime, datetime, str]] = []
        self.longest = timedelta()

    def plain(self, begin: datetime, end: datetime) -> list[tuple[datetime, datetime, str]]:
        number = max((begin - START) // timedelta(weeks=1), 0)
        found = []
        while (start := START + timedelta(weeks=number)) < end:
            found.append((start, start + timedelta(weeks=1), self.users[number % len(self.users)]))
            number += 1
        return [turn for turn in found if turn[1] > begin]

    def rendered(self, begin: datetime, end: datetime) -> list[tuple[datetime, datetime, str]]:
        turns = self.plain(begin, end)
        for first, last, user in self.overrides:
            cut = []
            for start, stop, who in turns:
                for low, high in ((start, min(stop, first)), (max(start, last), stop)):
                    if low < high:
                        cut.append((low, high, who))
            turns = sorted([*cut, (first, last, user)])
        return [turn for turn in turns if turn[0] < end and begin < turn[1]]

    def answer(self, asked: Asked) -> Reply:
        assert asked.headers["Authorization"] == "Token token=hush"
        if asked.path != "/schedules/PI7DH85":
            return Reply({"error": {"message": "Not Found"}}, 404)
        assert asked.query["overflow"] == "true"
        begin, end = (datetime.fromisoformat(asked.query[name]) for name in ("since", "until"))
        self.longest = max(self.longest, end - begin)
        said = [t for t in self.overrides if t[0] < end and begin < t[1]]
        return Reply({"schedule": {
            "id": "PI7DH85",
            "final_schedule": {"rendered_schedule_entries": [_entry(*t) for t in self.rendered(begin, end)]},
            "overrides_subschedule": {"rendered_schedule_entries": [_entry(*t) for t in said]},
        }})  # fmt: skip


def _entry(start: datetime, end: datetime, user: str) -> dict[str, Any]:
    return {
        "start": start.isoformat(), "end": end.isoformat(), "user": {"id": f"U-{user}", "summary": user},
    }  # fmt: skip


@pytest.fixture
def schedule() -> Schedule:
    return Schedule()


@pytest.fixture
def server(schedule: Schedule, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("PAGER_TEST", "hush")
    with Loopback(schedule.answer) as running:
        yield running


def pager(server: Loopback, name: str = "PI7DH85") -> Reader:
    options = PagerdutyOptions.model_validate(
        {"token": "env:PAGER_TEST", "url": server.url, "schedules": {"watch": name}}
    )
    (feed,) = pagerduty_schedules.feeds(options, config())
    return Reader(feed)


def holder(turns: list[Shift], at: datetime) -> list[str]:
    return [turn.person for turn in turns if turn.from_ <= at < turn.to]


def test_a_schedule_gives_whole_turns_without_gap_or_overlap(server: Loopback, schedule: Schedule) -> None:
    turns = pager(server).pull()
    assert turns[0].from_ == START
    assert all(before.to == after.from_ for before, after in pairwise(turns))
    assert {turn.to - turn.from_ for turn in turns} == {timedelta(weeks=1)}
    assert turns[-1].to >= NOW + timedelta(days=360)
    assert [turn.person for turn in turns[:3]] == ["ana", "bo", "ana"]
    assert schedule.longest <= timedelta(days=90)


def test_an_override_is_marked_and_changes_only_its_span(server: Loopback, schedule: Schedule) -> None:
    reader = pager(server)
    before = reader.pull()
    first = NOW + timedelta(days=4)
    last = first + timedelta(hours=9)
    schedule.overrides = [(first, last, "Bo")] if holder(before, first) == ["ana"] else [
        (first, last, "Ana Example")
    ]  # fmt: skip
    after = reader.pull(NOW + timedelta(hours=1))
    marked = [turn for turn in after if turn.override]
    assert [(turn.from_, turn.to) for turn in marked] == [(first, last)]
    for hour in range(0, 24 * 30):
        at = NOW + timedelta(hours=hour)
        same = holder(before, at) == holder(after, at)
        assert same != (first <= at < last)


def test_a_member_who_leaves_or_comes_moves_only_the_future(server: Loopback, schedule: Schedule) -> None:
    reader = pager(server)
    before = reader.pull()
    schedule.users = ["Cy", "Ana Example", "Di"]
    after = reader.pull(NOW + timedelta(hours=1))
    for day in range(1, 310):
        at = NOW - timedelta(days=day)
        assert holder(before, at) == holder(after, at)
    ahead = [person for day in range(1, 40) for person in holder(after, NOW + timedelta(days=day))]
    assert "Cy" in ahead
    assert all(len(holder(after, NOW + timedelta(hours=hour))) == 1 for hour in range(1000))
    assert any('also_known_as: ["Cy"]' in line for line in reader.said)


def test_what_is_over_is_not_asked_for_again(server: Loopback, schedule: Schedule) -> None:
    reader = pager(server)
    first = reader.pull()
    server.forget()
    assert reader.pull(NOW + timedelta(minutes=5)) == first
    assert min(datetime.fromisoformat(asked.query["since"]) for asked in server.asked) == NOW


def test_a_schedule_that_is_not_there_is_told_with_the_next_step(server: Loopback) -> None:
    with pytest.raises(SourceError, match="has no such thing"):
        pager(server, "NONE").pull()


WEEKLY = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//rota//EN
X-WR-TIMEZONE:America/Los_Angeles
BEGIN:VEVENT
UID:ana@example
DTSTART;VALUE=DATE:20260105
DTEND;VALUE=DATE:20260112
RRULE:FREQ=WEEKLY;INTERVAL=2
SUMMARY:Watch: Ana Example
END:VEVENT
BEGIN:VEVENT
UID:bo@example
DTSTART;VALUE=DATE:20260112
DTEND;VALUE=DATE:20260119
RRULE:FREQ=WEEKLY;INTERVAL=2
EXDATE;VALUE=DATE:20261214
SUMMARY:On call - someone
ATTENDEE;CN=Bo:mailto:bo@elsewhere.example
END:VEVENT
BEGIN:VEVENT
UID:ana@example
RECURRENCE-ID;VALUE=DATE:20261123
DTSTART;VALUE=DATE:20261123
DTEND;VALUE=DATE:20261130
SUMMARY:Watch: Bo
END:VEVENT
BEGIN:VEVENT
UID:lunch@example
DTSTART:20261123T110000Z
DTEND:20261123T120000Z
SUMMARY:Lunch
END:VEVENT
BEGIN:VEVENT
UID:gone@example
STATUS:CANCELLED
DTSTART;VALUE=DATE:20261207
DTEND;VALUE=DATE:20261214
SUMMARY:Watch: Ana Example
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def from_file(tmp_path: Path, text: str = WEEKLY, **more: Any) -> Reader:
    (tmp_path / "rota.ics").write_text(text, encoding="utf-8", newline="")
    options = IcsOptions.model_validate({"rotation": "watch", "file": "rota.ics", **more})
    return Reader(ics.feed(options, config(tmp_path)))


def test_a_calendar_of_series_with_exceptions_is_unfolded(tmp_path: Path) -> None:
    turns = from_file(tmp_path, only=["watch", "on call"]).pull()
    by_day = {turn.from_: turn for turn in turns}
    assert turns[0].from_ == datetime(2026, 1, 5, 8, tzinfo=UTC)  # midnight in Los Angeles
    summer = by_day[datetime(2026, 6, 8, 7, tzinfo=UTC)]
    assert summer.person == "ana"
    changed = by_day[datetime(2026, 11, 23, 8, tzinfo=UTC)]
    assert (changed.person, changed.override) == ("bo", True)
    assert by_day[datetime(2026, 11, 30, 8, tzinfo=UTC)].person == "bo"
    assert datetime(2026, 12, 14, 8, tzinfo=UTC) not in by_day
    assert [turn for turn in turns if turn.override] == [changed]


def test_a_turn_of_the_spring_week_is_an_hour_shorter(tmp_path: Path) -> None:
    turns = from_file(tmp_path, only=["watch", "on call"]).pull()
    lengths = {turn.to - turn.from_ for turn in turns if turn.from_.month == 3}
    assert lengths == {timedelta(weeks=1), timedelta(weeks=1, hours=-1)}


def test_whom_no_name_fits_is_kept_as_it_stands_and_listed(tmp_path: Path) -> None:
    reader = from_file(tmp_path, only=["lunch"])
    assert [turn.person for turn in reader.pull()] == ["Lunch"]
    assert any('also_known_as: ["Lunch"]' in line for line in reader.said)


def test_a_calendar_that_forgets_its_past_does_not_take_it_from_us(tmp_path: Path) -> None:
    reader = from_file(tmp_path, only=["watch", "on call"])
    before = reader.pull()
    only_ahead = WEEKLY.replace("20260105", "20261214").replace("20260112", "20261221")
    (tmp_path / "rota.ics").write_text(only_ahead.replace("20260119", "20261228"), encoding="utf-8")
    after = reader.pull(NOW + timedelta(days=1))
    for day in range(1, 300):
        at = NOW - timedelta(days=day)
        assert holder(before, at) == holder(after, at)


def test_a_calendar_over_http_is_read_and_its_address_is_told_to_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Loopback(lambda asked: Reply(text=WEEKLY)) as server:
        monkeypatch.setenv("ROTA_TEST", f"{server.url}/private-sesame/basic.ics")
        options = IcsOptions.model_validate({"rotation": "watch", "url": "env:ROTA_TEST"})
        reader = Reader(ics.feed(options, config()))
        assert "ana" in {turn.person for turn in reader.pull()}
        server.fault = lambda number, asked: Reply({}, 404)
        with pytest.raises(SourceError) as error:
            reader.pull()
    assert "sesame" not in f"{error.value} {error.value.where} {error.value.next_step}"


@pytest.mark.parametrize("text", ["", "<html>Sign in</html>", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"])
def test_what_is_no_calendar_is_an_error_and_not_an_empty_rotation(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match="calendar"):
        from_file(tmp_path, text).pull()


def test_an_event_without_length_is_set_aside_and_stops_nothing(tmp_path: Path) -> None:
    point = "BEGIN:VEVENT\r\nUID:p\r\nDTSTART:20261122T110000Z\r\nSUMMARY:Watch: Bo\r\nEND:VEVENT\r\n"
    reader = from_file(tmp_path, WEEKLY.replace("END:VCALENDAR", point + "END:VCALENDAR"))
    assert reader.pull()
    assert any("it has no length" in line for line in reader.said)


def test_a_series_that_cannot_be_read_is_told_and_the_others_stand(tmp_path: Path) -> None:
    broken = "BEGIN:VEVENT\r\nUID:b\r\nDTSTART:20261122T110000Z\r\nDTEND:20261122T120000Z\r\n"
    broken += "RRULE:FREQ=SOMETIMES\r\nSUMMARY:Watch: Bo\r\nEND:VEVENT\r\n"
    reader = from_file(tmp_path, WEEKLY.replace("END:VCALENDAR", broken + "END:VCALENDAR"), only=["watch"])
    assert "ana" in {turn.person for turn in reader.pull()}
    assert any("a series that cannot be read" in line for line in reader.said)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    options = IcsOptions.model_validate({"rotation": "watch", "file": "none.ics"})
    with pytest.raises(SourceError, match=r"none\.ics cannot be read"):
        Reader(ics.feed(options, config(tmp_path))).pull()


def test_an_imported_rotation_says_who_holds_it_and_nobody_where_a_gap_is() -> None:
    turns = [Turn(START, START + timedelta(days=7), "ana"), Turn(NOW, NOW + timedelta(days=7), "bo")]
    rotation = config().rotation("watch", turns)
    assert rotation.holder(NOW) == "bo"
    assert rotation.holder(START - timedelta(seconds=1)) is None
    assert rotation.holder(START + timedelta(days=8)) is None
    assert rotation.shifts(NOW, NOW + timedelta(days=365)) == [turns[1]]
    assert config().rotation("watch").shifts(START, NOW) == []


def _plan(cuts: list[int], people: list[str]) -> list[Shift]:
    days = sorted({0, 100, *cuts})
    return [
        Shift(rotation="watch", from_=START + timedelta(days=first), to=START + timedelta(days=last),
              person=people[number % len(people)])
        for number, (first, last) in enumerate(pairwise(days))
    ]  # fmt: skip


plans = st.builds(
    _plan,
    st.lists(st.integers(1, 99), max_size=8),
    st.lists(st.sampled_from(["ana", "bo", "cy"]), min_size=1, max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(plans, plans, st.integers(0, 100), st.integers(0, 99))
def test_a_plan_that_changes_moves_nothing_before_it_was_last_seen(
    old: list[Shift], new: list[Shift], seen: int, day: int
) -> None:
    at = START + timedelta(days=day, hours=3)
    instant = START + timedelta(days=seen)
    after = list(settled(old, new, instant))
    assert holder(after, at) == holder(old if at < instant else new, at)
    assert len(holder(after, at)) == 1


def test_days_are_midnights_of_the_site_where_the_calendar_says_no_zone(tmp_path: Path) -> None:
    text = WEEKLY.replace("X-WR-TIMEZONE:America/Los_Angeles\r\n", "")
    turns = from_file(tmp_path, text, only=["watch", "on call"]).pull()
    assert turns[0].from_ == datetime(2026, 1, 4, 23, tzinfo=UTC)
    assert date(2026, 1, 5) == turns[0].from_.astimezone(config().zone).date()

"""Calendars: read back by a parser, stable from build to build, right over the clock changes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pyarrow as pa
import pytest
import vobject

from deploybook.build.public import hide_config
from deploybook.config import Config
from deploybook.pages.book import Book
from deploybook.pages.calendars import pages
from deploybook.pages.figures import Figures
from deploybook.pages.revisions import revised

AS_OF = datetime(2026, 10, 20, 12, tzinfo=UTC)


def book(as_of: datetime = AS_OF, **content: Any) -> Book:
    """A book of a configuration alone."""
    zone = content.pop("timezone", "Europe/Berlin")
    config = Config.of({"site": {"name": "Test", "timezone": zone}, **content}, root=Path())
    history = {"shifts": pa.Table.from_pylist([], schema=pa.schema([
        ("rotation", pa.string()), ("from", pa.timestamp("us", "UTC")), ("to", pa.timestamp("us", "UTC")),
        ("person", pa.string()), ("override", pa.bool_()),
    ]))}  # fmt: skip
    figures = Figures(pa.table({name: [] for name in (
        "scope", "name", "period", "metric", "period_start", "value", "numerator", "denominator", "missing",
        "unit",
    )}))  # fmt: skip
    return Book(config, as_of, [], [], [], [], [], figures, {}, history, [], [])


WEEKLY: dict[str, Any] = {
    "process": {
        "cut_off": {"weekday": "wednesday", "time": "12:00"},
        "window": {"weekday": "thursday", "from": "10:00", "to": "14:00"},
        "holidays": "DE",
        "freezes": [{"from": date(2026, 12, 21), "to": date(2027, 1, 3), "because": "year's end"}],
    },
    "people": {"ana": {"name": "Ana"}, "bo": {}},
    "teams": {"till": {"members": ["ana"]}},
    "rotations": {"keeper": {"members": ["ana", "bo"], "every": "1w", "starts": date(2026, 10, 5)}},
}


def events(made: Book, file: str = "process/calendar.ics") -> dict[str, list[Any]]:
    content = next(part.content for part in pages(made) if part.path == file)
    found: dict[str, list[Any]] = {}
    for event in icalendar.Calendar.from_ical(content).walk("VEVENT"):
        assert not event.errors
        found.setdefault(str(event["summary"]), []).append(event)
    return found


def starts(made: Book, title: str) -> list[str]:
    return [f"{event['dtstart'].dt:%Y-%m-%d %H:%M}" for event in events(made)[title]]


def test_a_window_keeps_its_hour_on_the_wall_over_both_clock_changes() -> None:
    found = starts(book(**WEEKLY), "Deployment window")
    assert "2026-10-22 08:00" in found  # ten in Berlin, summer
    assert "2026-10-29 09:00" in found  # ten in Berlin, winter, since 25 October
    assert "2027-03-25 09:00" in found
    assert "2027-04-01 08:00" in found


def test_a_zone_west_of_utc() -> None:
    found = starts(book(timezone="America/Los_Angeles", **WEEKLY), "Cut-off")
    assert "2026-10-21 19:00" in found  # noon in summer
    assert "2026-11-04 20:00" in found


def test_the_week_53_has_its_cut_off_and_window_frozen_away() -> None:
    made = book(**WEEKLY)
    assert not [at for at in starts(made, "Deployment window") if "2026-12-20" < at < "2027-01-04"]
    assert "2026-12-30 11:00" not in starts(made, "Cut-off")
    (freeze,) = events(made)["Freeze: year's end"]
    assert (freeze["dtstart"].dt, freeze["dtend"].dt) == (date(2026, 12, 21), date(2027, 1, 4))


def test_a_week_53_without_freeze_has_both() -> None:
    process = {**WEEKLY["process"], "freezes": [], "holidays": None}
    made = book(**{**WEEKLY, "process": process})
    assert "2026-12-30 11:00" in starts(made, "Cut-off")
    assert "2026-12-31 09:00" in starts(made, "Deployment window")


def test_a_cut_off_on_a_holiday_is_the_working_day_before() -> None:
    process = {**WEEKLY["process"], "cut_off": {"weekday": "monday", "time": "12:00"}}
    process["window"] = {"weekday": "tuesday", "from": "10:00", "to": "14:00"}
    found = starts(book(**{**WEEKLY, "process": process}), "Cut-off")
    assert "2027-03-25 11:00" in found  # Easter Monday is 29 March 2027, Good Friday the 26th
    assert not [at for at in found if "2027-03-26" <= at < "2027-03-30"]


def test_an_event_keeps_its_identity_when_what_it_says_changes() -> None:
    before = events(book(**WEEKLY), "process/calendar/keeper.ics")
    swapped: dict[str, Any] = {"members": ["ana", "bo"], "every": "1w", "starts": date(2026, 10, 5)}
    swapped["overrides"] = [{"from": date(2026, 10, 26), "to": date(2026, 11, 1), "person": "ana"}]
    after = events(book(**{**WEEKLY, "rotations": {"keeper": swapped}}), "process/calendar/keeper.ics")
    monday = datetime(2026, 10, 25, 23, tzinfo=UTC)

    def identity(found: dict[str, list[Any]]) -> tuple[str, str]:
        event = next(each for all_ in found.values() for each in all_ if each["dtstart"].dt == monday)
        return str(event["uid"]), str(event["summary"])

    assert identity(before)[1] == "bo: keeper"
    assert identity(after)[1] == "Ana: keeper"
    assert identity(before)[0] == identity(after)[0]


def _keeper(made: Book) -> bytes:
    return next(part.content for part in pages(made) if part.path == "process/calendar/keeper.ics")


def _by_start(content: bytes) -> dict[datetime, Any]:
    found: list[Any] = icalendar.Calendar.from_ical(content).walk("VEVENT")
    return {event["dtstart"].dt: event for event in found}


def test_a_subscribed_calendar_takes_what_changed_and_is_told_of_nothing_else() -> None:
    published = _keeper(book(**WEEKLY))
    swapped: dict[str, Any] = {"members": ["ana", "bo"], "every": "1w", "starts": date(2026, 10, 5)}
    swapped["overrides"] = [{"from": date(2026, 10, 26), "to": date(2026, 11, 1), "person": "ana"}]
    later = AS_OF + timedelta(days=1, hours=2)
    now = _keeper(book(later, **{**WEEKLY, "rotations": {"keeper": swapped}}))
    first = _by_start(revised(now, published, later))
    old, monday = _by_start(published), datetime(2026, 10, 25, 23, tzinfo=UTC)
    assert (int(first[monday]["sequence"]), first[monday]["dtstamp"].dt) == (1, later)
    assert first[monday]["last-modified"].dt == later > old[monday]["dtstamp"].dt
    others = [at for at in first if at != monday]
    assert len(others) > 50
    assert all(first[at].to_ical() == old[at].to_ical() for at in others)

    again = _by_start(revised(published, revised(now, published, later), later + timedelta(days=1)))
    assert (int(again[monday]["sequence"]), str(again[monday]["summary"])) == (2, "bo: keeper")


def test_a_calendar_published_again_is_the_same_even_weeks_later() -> None:
    published = _keeper(book(**WEEKLY))
    assert revised(_keeper(book(**WEEKLY)), published, AS_OF + timedelta(hours=1)) == published
    fortnight = AS_OF + timedelta(days=14)
    now, old = (
        _by_start(revised(_keeper(book(fortnight, **WEEKLY)), published, fortnight)),
        _by_start(published),
    )
    shared = now.keys() & old.keys()
    assert len(shared) > 50
    assert all(now[at].to_ical() == old[at].to_ical() for at in shared)
    assert all(event["dtstamp"].dt <= fortnight for event in now.values())


@pytest.mark.parametrize("before", [None, b"", b"no calendar", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"])
def test_what_was_no_calendar_before_begins_anew(before: bytes | None) -> None:
    now = _keeper(book(**WEEKLY))
    assert revised(now, before, AS_OF) == now


def test_a_clock_that_goes_back_hides_no_change() -> None:
    published = _keeper(book(**WEEKLY))
    renamed = _keeper(book(**{**WEEKLY, "people": {"ana": {"name": "Anna"}, "bo": {}}}))
    early = AS_OF - timedelta(days=30)
    old, now = _by_start(published), _by_start(revised(renamed, published, early))
    changed = [at for at in now if "Anna" in str(now[at]["summary"])]
    assert changed
    assert all(
        int(now[at]["sequence"]) == 1 and now[at]["dtstamp"].dt >= old[at]["dtstamp"].dt for at in changed
    )


def test_the_same_configuration_gives_the_same_bytes_and_an_hour_changes_nothing() -> None:
    def content(made: Book) -> dict[str, bytes]:
        return {part.path: part.content for part in pages(made)}

    assert content(book(**WEEKLY)) == content(book(**WEEKLY))
    assert content(book(**WEEKLY)) == content(book(AS_OF + timedelta(hours=1), **WEEKLY))


def test_each_team_and_rotation_has_its_own() -> None:
    paths = [part.path for part in pages(book(**WEEKLY))]
    assert paths == ["process/calendar.ics", "process/calendar/keeper.ics", "process/calendar/till.ics"]
    assert set(events(book(**WEEKLY), "process/calendar/till.ics")) >= {"Cut-off", "Ana: keeper"}
    assert "bo: keeper" not in events(book(**WEEKLY), "process/calendar/till.ics")


def test_a_public_site_names_nobody() -> None:
    made = book(**WEEKLY)
    public = Config.of({**WEEKLY, "site": {"public": True, "timezone": "Europe/Berlin"}}, root=Path())
    content = b"".join(p.content for p in pages(Book(**{**_fields(made), "config": public})))
    assert b"keeper" not in content
    assert b"Ana" not in content


def _fields(made: Book) -> dict[str, Any]:
    return {name: getattr(made, name) for name in made.__dataclass_fields__}


@pytest.mark.parametrize("file", ["process/calendar.ics", "process/calendar/keeper.ics"])
def test_lines_are_as_rfc_5545_asks(file: str) -> None:
    content = next(part.content for part in pages(book(**WEEKLY)) if part.path == file)
    assert content.endswith(b"\r\n")
    lines = content.split(b"\r\n")[:-1]
    assert not any(b"\n" in line or len(line) > 75 for line in lines)
    whole = content.replace(b"\r\n ", b"").decode()
    uids = re.findall(r"^UID:(.+?)\r$", whole, re.MULTILINE)
    assert len(uids) == len(set(uids)) == whole.count("BEGIN:VEVENT") == whole.count("END:VEVENT") > 10
    assert whole.count("\r\nDTSTAMP:") == len(uids)


MEETINGS: dict[str, Any] = {
    **WEEKLY,
    "teams": {"till": {"members": ["ana"]}, "shelf": {"name": "Shelf"}},
    "process": {
        **WEEKLY["process"],
        "meetings": [
            {"name": "Demo", "weekday": "friday", "from": "14:00", "to": "14:30", "about": "In the canteen."},
            {"name": "Planning", "weekday": "monday", "from": "10:00", "to": "11:00", "every": "2w",
             "starts": date(2026, 10, 5), "teams": ["shelf"]},
        ],
    },
}  # fmt: skip


def test_planning_and_demos_keep_their_hour_and_are_not_on_holidays() -> None:
    found = starts(book(**MEETINGS), "Demo")
    assert {"2026-10-23 12:00", "2026-10-30 13:00", "2026-12-18 13:00"} <= set(found)
    assert "2026-12-25 13:00" not in found  # Christmas
    assert str(events(book(**MEETINGS))["Demo"][0]["description"]) == "In the canteen."


def test_a_meeting_of_every_second_week_counts_from_its_first_over_the_week_53() -> None:
    found = starts(book(**MEETINGS), "Planning: Shelf")
    assert found[:3] == ["2026-10-05 08:00", "2026-10-19 08:00", "2026-11-02 09:00"]
    assert {"2026-12-28 09:00", "2027-01-11 09:00"} <= set(found)
    assert not {"2027-01-04 09:00", "2026-12-21 09:00"} & set(found)


def test_a_team_s_calendar_has_its_own_meetings_and_everybody_s() -> None:
    assert {"Demo", "Planning: Shelf"} <= set(events(book(**MEETINGS), "process/calendar/shelf.ics"))
    till = set(events(book(**MEETINGS), "process/calendar/till.ics"))
    assert "Demo" in till
    assert "Planning: Shelf" not in till


def test_a_public_site_says_nothing_of_meetings() -> None:
    config = hide_config(Config.of(MEETINGS, root=Path()))
    assert config.process.meetings == ()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Los_Angeles"])
def test_a_second_parser_reads_the_same_events(zone: str) -> None:
    made = book(timezone=zone, **MEETINGS)
    content = next(part.content for part in pages(made) if part.path == "process/calendar.ics")
    read = vobject.readOne(content.decode(), validate=True, ignoreUnreadable=False)
    theirs = sorted(
        (str(e.uid.value), str(e.summary.value), e.dtstart.value, getattr(e, "dtend", e.dtstart).value)
        for e in read.vevent_list
    )
    ours = sorted(
        (str(e["uid"]), str(e["summary"]), e["dtstart"].dt, e.get("dtend", e["dtstart"]).dt)
        for found in events(made).values()
        for e in found
    )
    assert len(ours) > 100
    assert theirs == ours

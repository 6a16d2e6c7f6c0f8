"""`process/calendar.ics` and one for each team and rotation: what a calendar program subscribes to.

An event's identity is made of what it is and when it was first meant to be, never of the clock: a
subscribed calendar moves an event, and does not show it twice. `revisions` says which ones changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import icalendar

from deploybook import words
from deploybook.config.models import Meeting
from deploybook.pages.book import Book
from deploybook.pages.page import File
from deploybook.pages.rota import rotation_of
from deploybook.periods import Turn, local_date, to_utc
from deploybook.text import slug

AHEAD = timedelta(days=365)
NEAR = timedelta(days=182)
BEHIND = timedelta(days=92)
_LONGEST = 300
_END = b"END:VCALENDAR\r\n"


@dataclass(frozen=True)
class Event:
    """Something with a begin and an end: instants in UTC, or whole days, the last one not included."""

    key: str
    """What it is, the same in every build: `cut-off/2026-11-25`."""
    title: str
    start: datetime | date
    end: datetime | date
    about: str = ""
    path: str = "process/"
    """The page that says more, below the site's root."""


def pages(book: Book) -> Iterator[File]:
    """The calendars."""
    common = [*cut_offs(book), *windows(book), *freezes(book)]
    rotations = [] if book.config.site.public else sorted(book.config.rotations)
    shifts = {name: list(turns(book, name)) for name in rotations}
    everything = [
        *common,
        *meetings(book, None),
        *(event for events in shifts.values() for event in events),
        *dates(book, None),
    ]
    yield File("process/calendar.ics", calendar(book, book.config.site.name, everything))
    taken: set[str] = set()
    for name, events in sorted(shifts.items()):
        taken.add(slug(name))
        title = f"{book.config.site.name}: {name.replace('-', ' ')}"
        yield File(f"process/calendar/{slug(name)}.ics", calendar(book, title, events))
    for key, team in sorted(book.config.teams.items()):
        title = f"{book.config.site.name}: {team.name or key}"
        mine = [e for name, events in shifts.items() for e in events if _of_team(book, key, name, e)]
        file = f"team-{slug(key)}" if slug(key) in taken else slug(key)
        yield File(
            f"process/calendar/{file}.ics",
            calendar(book, title, [*common, *meetings(book, key), *mine, *dates(book, key)]),
        )


def _base(book: Book) -> datetime:
    """Monday's midnight: what a calendar holds moves once a week, not with every build."""
    return book.this_week.bounds(book.zone)[0]


def _of_team(book: Book, team: str, rotation: str, event: Event) -> bool:
    """Whether a shift is one of a team's: of its on-call rotation, or held by a member."""
    configured = book.config.teams[team]
    names = {book.config.people[who].name or who for who in configured.members if who in book.config.people}
    return configured.on_call == rotation or event.title.partition(":")[0] in names | set(configured.members)


def cut_offs(book: Book) -> Iterator[Event]:
    """Cut-offs of the last three months and half a year to come."""
    for at in book.calendar.cut_offs(_base(book) - BEHIND, _base(book) + NEAR):
        day = local_date(at, book.zone)
        yield Event(f"cut-off/{day}", "Cut-off", at, at, "What is merged by now goes in the next window.")


def windows(book: Book) -> Iterator[Event]:
    """Windows of the last three months and half a year to come."""
    first = local_date(_base(book) - BEHIND, book.zone)
    for window in book.calendar.windows(first, local_date(_base(book) + NEAR, book.zone)):
        yield Event(f"window/{window.day}", "Deployment window", window.start, window.end)


def freezes(book: Book) -> Iterator[Event]:
    """Freezes, and the holidays on which a window would have been."""
    since = local_date(_base(book) - BEHIND, book.zone)
    for freeze in (each for each in book.calendar.freezes if each.last >= since):
        says = f"Freeze: {freeze.because}" if freeze.because else "Freeze"
        yield Event(f"freeze/{freeze.first}", says, freeze.first, freeze.last + timedelta(days=1))
    first = local_date(_base(book) - BEHIND, book.zone)
    for number in range((BEHIND + AHEAD).days):
        day = first + timedelta(days=number)
        rule = book.calendar.rule_on(day).window
        name = book.calendar.holiday(day)
        if name and rule and day.weekday() in rule.weekdays:
            yield Event(f"holiday/{day}", f"No window: {name}", day, day + timedelta(days=1))


def meetings(book: Book, team: str | None) -> Iterator[Event]:
    """Planning, demos and their like: those of a team, or all; none on a holiday."""
    first = local_date(_base(book) - BEHIND, book.zone)
    last = local_date(_base(book) + NEAR, book.zone)
    for meeting in book.config.process.meetings:
        if team is not None and meeting.teams and team not in meeting.teams:
            continue
        whose = words.joined([book.config.teams[each].name or each for each in meeting.teams])
        for day in meeting_days(meeting, first, last):
            if book.calendar.holiday(day) is not None:
                continue
            yield Event(
                key=f"meeting/{meeting.name}/{','.join(meeting.teams)}/{day}",
                title=f"{meeting.name}: {whose}" if whose else meeting.name,
                start=to_utc(day, meeting.from_, book.zone),
                end=to_utc(day, meeting.to, book.zone),
                about=meeting.about or "",
            )


def meeting_days(meeting: Meeting, first: date, last: date) -> Iterator[date]:
    """The days from `first` up to, not including, `last` on which a meeting is, holidays too."""
    begin = max(first, meeting.starts) if meeting.starts else first
    base = meeting.starts or date(1970, 1, 5)
    monday = base - timedelta(days=base.weekday())
    for number in range((last - begin).days):
        day = begin + timedelta(days=number)
        if day.weekday() in meeting.weekday and (day - monday).days // 7 % meeting.weeks == 0:
            yield day


def turns(book: Book, name: str) -> Iterator[Event]:
    """The shifts of a rotation."""
    role = name.replace("-", " ")
    rotation = rotation_of(book, name)
    for turn in rotation.shifts(_base(book) - BEHIND, _base(book) + AHEAD):
        yield _shift(book, name, role, turn)


def _shift(book: Book, name: str, role: str, turn: Turn) -> Event:
    person = book.person(turn.person) or turn.person
    return Event(
        key=f"shift/{name}/{turn.start.isoformat()}",
        title=f"{person}: {role}",
        start=turn.start,
        end=turn.end,
        about="In place of the one whose turn it was." if turn.override else "",
        path=f"owners/#rotation-{slug(name)}",
    )


def dates(book: Book, team: str | None) -> Iterator[Event]:
    """When initiatives are due."""
    for title, initiative in book.config.initiatives.items():
        if initiative.due is None or (team is not None and not _owned_by(book, initiative.owner, team)):
            continue
        day = initiative.due
        yield Event(
            f"initiative/{title}", f"Due: {title}", day, day + timedelta(days=1), initiative.about or ""
        )


def _owned_by(book: Book, owner: str | None, team: str) -> bool:
    return owner is not None and (owner == team or owner in book.config.teams[team].members)


def calendar(book: Book, title: str, events: Iterable[Event]) -> bytes:
    """A calendar as bytes: the same events always give the same bytes, in whatever order they come."""
    made = icalendar.Calendar()
    made.add("prodid", "-//deploybook//process//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", title[:_LONGEST])
    made.add("x-wr-timezone", book.config.site.timezone)
    made.add("refresh-interval", timedelta(hours=6), parameters={"value": "DURATION"})
    seen: dict[str, Event] = {}
    for event in events:
        seen.setdefault(event.key, event)
    site, at = book.config.site, _base(book).astimezone(UTC)
    ordered = sorted(seen.values(), key=lambda event: (_moment(event.start), event.key))
    told = b"".join(_component(event, site.name, site.url, at) for event in ordered)
    return bytes(made.to_ical()).removesuffix(_END) + told + _END


@lru_cache(maxsize=10_000)
def _component(event: Event, name: str, url: str | None, at: datetime) -> bytes:
    """An event of a site, as of an instant; most stand in the calendars of all teams."""
    site = url or name
    made = icalendar.Event()
    host = hashlib.sha256(site.encode()).hexdigest()[:12]
    made.add("uid", f"{hashlib.sha256(event.key.encode()).hexdigest()[:32]}@{host}.deploybook")
    made.add("summary", event.title[:_LONGEST])
    made.add("dtstart", _value(event.start))
    if event.end != event.start:
        made.add("dtend", _value(event.end))
    # The first revision, told as of this week's Monday: the clock would change every byte in every build.
    # `revisions` numbers on from there what is another event than when it was last published.
    made.add("dtstamp", at)
    made.add("sequence", 0)
    if event.about:
        made.add("description", event.about[:_LONGEST])
    if url:
        made.add("url", url.rstrip("/") + "/" + event.path)
    made.add("transp", "TRANSPARENT")
    return bytes(made.to_ical())


def _value(at: datetime | date) -> datetime | date:
    """Instants in UTC: no time zone rules travel with the file, and every program shows the reader's own."""
    return at.astimezone(UTC) if isinstance(at, datetime) else at


def _moment(at: datetime | date) -> datetime:
    return at.astimezone(UTC) if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)

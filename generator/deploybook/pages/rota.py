"""Rotations: who holds one now, who is next, the year, and how each turn went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from deploybook import words
from deploybook.pages.book import Book
from deploybook.periods import Rotation, Turn
from deploybook.text import escape

AHEAD = timedelta(days=365)
BEHIND = timedelta(weeks=12)


@dataclass(frozen=True)
class Holder:
    """A turn as pages tell it."""

    when: Markup | str
    person: str
    note: Markup | str


@dataclass(frozen=True)
class Rota:
    """A rotation: its name as people say it, and the next three who hold it."""

    name: str
    role: str
    turns: tuple[Holder, ...]
    href: Markup
    calendar: Markup


def rotation_of(book: Book, name: str) -> Rotation:
    """A rotation with its turns as history has them, so that a member who leaves does not move the past."""
    return book.rotation(name)


def joined(turns: Iterable[Turn]) -> list[Turn]:
    """Turns in their order, neighbours of one person as one."""
    found: list[Turn] = []
    for turn in turns:
        if found and found[-1].person == turn.person and found[-1].end == turn.start:
            last = found[-1]
            found[-1] = Turn(last.start, turn.end, turn.person, last.override and turn.override)
        else:
            found.append(turn)
    return found


def upcoming(book: Book, name: str, until: datetime | None = None) -> list[Turn]:
    """The turn that runs at `as_of` and those after it, for a year."""
    turns = rotation_of(book, name).shifts(book.as_of, until or book.as_of + AHEAD)
    return [turn for turn in joined(turns) if turn.end > book.as_of]


def rota(book: Book, name: str) -> Rota:
    """A rotation, its next three turns."""
    turns = [_holder(book, name, turn, number) for number, turn in enumerate(upcoming(book, name)[:3])]
    return Rota(
        name=name.replace("-", " "),
        role=name.replace("-", " ").capitalize(),
        turns=tuple(turns),
        href=Markup("~/owners/#rotations"),
        calendar=Markup("~/process/calendar/{}.ics").format(name),
    )


def year(book: Book, name: str) -> Iterator[tuple[object, ...]]:
    """The turns of a year to come: when, who, and whom they stand in for."""
    for turn in upcoming(book, name):
        last = turn.end - timedelta(seconds=1)
        first = words.day(turn.start, book.zone, year=True)
        yield (
            first,
            words.day(last, book.zone, year=True),
            _name(book, turn.person),
            _instead(book, name, turn),
        )


def past(book: Book, name: str) -> Iterator[tuple[object, ...]]:
    """The last turns, newest first, with the breaks of release branches on each and how long those lasted."""
    breaks = [span for spans in book.breaks.values() for span in spans]
    turns = joined(rotation_of(book, name).shifts(book.as_of - BEHIND, book.as_of))
    for turn in sorted(turns, key=lambda turn: turn.start, reverse=True):
        if turn.start >= book.as_of:
            continue
        mine = [span for span in breaks if turn.start <= span.start < turn.end]
        lasted = sum((span.end - span.start).total_seconds() for span in mine if span.end is not None)
        says = words.count(len(mine), "break") if mine else "none"
        took = words.duration(lasted) if lasted else ""
        when = words.day(turn.start, book.zone, year=True)
        yield (when, _name(book, turn.person), _instead(book, name, turn), says, took)


def _name(book: Book, person: str) -> str:
    return book.person(person) or person


def _instead(book: Book, name: str, turn: Turn) -> str:
    """Whom a turn stands in for, where it is somebody else’s."""
    planned = rotation_of(book, name).turn(turn.start) if turn.override else None
    return f"for {_name(book, planned.person)}" if planned and planned.person != turn.person else ""


def _holder(book: Book, name: str, turn: Turn, number: int) -> Holder:
    last = turn.end - timedelta(seconds=1)
    if turn.start <= book.as_of:
        when: Markup | str = Markup("Now, until {}").format(words.day(last, book.zone))
    else:
        when = "Next" if number < 2 else "After that"
    note: list[Markup | str] = []
    if turn.start > book.as_of:
        note.append(Markup("from {}").format(words.moment(turn.start, book.zone, "day")))
    note += [f"in {team}" for team in team_of(book, turn.person)]
    if instead := _instead(book, name, turn):
        note.append(instead)
    return Holder(when, _name(book, turn.person), Markup(", ").join(escape(each) for each in note))


def team_of(book: Book, person: str) -> list[str]:
    """The names of the teams that somebody is in."""
    return [team.name or name for name, team in book.config.teams.items() if person in team.members]

"""How a codebase came up the ladder: what was met when it moved, what since, what holds it from daily."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Protocol

from deploybook import words
from deploybook.pages.book import Book
from deploybook.periods import to_utc
from deploybook.practices import CHECKS, Answer, Check

_CADENCES = ("weekly", "daily")

Answers = Mapping[tuple[str, Check], Answer]


class History(Protocol):
    """The answers of today, of the ends of quarters, and of any codebase at any instant."""

    @property
    def now(self) -> Answers:
        """Answers as of the book."""

    @property
    def before(self) -> Sequence[tuple[datetime, Answers]]:
        """Answers of the ends of earlier quarters, oldest first."""

    def of(self, codebase: str, instant: datetime) -> Mapping[Check, Answer]:
        """Answers of one codebase as of an instant."""


@dataclass(frozen=True)
class Chapter:
    """A step of the way: what happened, and the practices behind it."""

    title: str
    says: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Move:
    """A day on which a codebase went over to a cadence, by an annotation."""

    cadence: str
    on: date
    text: str


def moves(book: Book, codebase: str) -> list[Move]:
    """When a codebase went over to weekly and to daily: the first annotation of each cadence about it."""
    found: dict[str, Move] = {}
    for note in sorted(book.config.annotations, key=lambda note: note.on):
        about = note.codebases is None or codebase in note.codebases
        past = note.on <= book.as_of.astimezone(book.zone).date()
        if note.cadence in _CADENCES and about and past:
            found.setdefault(note.cadence, Move(note.cadence, note.on, note.text))
    return list(found.values())


def chapters(book: Book, history: History, codebase: str) -> Iterator[Chapter]:
    """The way of a codebase from its first move to what holds it from daily now."""
    made = moves(book, codebase)
    for move in made:
        yield _moved(book, history, codebase, move)
    yield _held(history, codebase, made)


def _moved(book: Book, history: History, codebase: str, move: Move) -> Chapter:
    """What was met on the day of a move, and when the rest was."""
    instant = to_utc(move.on, time(), book.zone)
    then = history.of(codebase, instant)
    asked = [check for check in CHECKS if check.stage == move.cadence and check.timed]
    met = [check for check in asked if then[check].status == "met"]
    lacked = [check for check in asked if then[check].status == "not_met"]
    unknown = [check for check in asked if then[check].status == "not_measured"]
    says = (
        f"{move.text}. Of {words.count(len(met) + len(lacked), 'practice')} that history can answer for that "
        f"day, {words.spelled(len(met))} {'was' if len(met) == 1 else 'were'} met."
    )
    lines = []
    if met:
        lines.append(f"Met: {words.joined([_low(check) for check in met])}.")
    if lacked:
        told = [f"{_low(check)} ({_since(history, codebase, check, instant)})" for check in lacked]
        lines.append(f"Not yet met: {words.joined(told)}.")
    if unknown:
        lines.append(f"Not measured then: {words.joined([_low(check) for check in unknown])}.")
    day = f"{move.on.day} {words.month(move.on)} {move.on.year}"
    return Chapter(f"{day}: it moved to {move.cadence}", says, tuple(lines))


def _since(history: History, codebase: str, check: Check, instant: datetime) -> str:
    """By which quarter's end a practice that was not met then was; whether it still is."""
    now = history.now[codebase, check].status
    quarters = ((at, found[codebase, check].status) for at, found in history.before if at > instant)
    first = next((at for at, status in quarters if status == "met"), None)
    if first is None:
        return "met now" if now == "met" else "still not met" if now == "not_met" else "not known now"
    by = f"met by {words.month(first, short=True)} {first.year}"
    return by if now == "met" else f"{by}, and not now"


def _held(history: History, codebase: str, made: Sequence[Move]) -> Chapter:
    """What holds a codebase from daily, of both ladders, in their order."""
    now = history.now
    daily = next(check for check in CHECKS if check.id == "deploy.daily")
    first = now[codebase, daily]
    gaps = [c for c in CHECKS if c is not daily and now[codebase, c].status == "not_met"]
    unknown = sum(now[codebase, c].status == "not_measured" for c in CHECKS if c.stage == "daily")
    lines = tuple(f"{check.title}: {now[codebase, check].says}" for check in gaps)
    tail = f" {words.count(unknown, 'daily practice', start=True)} cannot be measured yet." if unknown else ""
    if first.status == "met":
        left = f" {words.count(len(gaps), 'practice', start=True)} to go." if gaps else ""
        return Chapter("Now: it deploys daily", f"{first.says}{left}{tail}", lines)
    began = any(move.cadence == "daily" for move in made)
    title = "Now: what keeps it from deploying on most days" if began else "Now: what holds it from daily"
    return Chapter(title, f"{first.says}{tail}", lines)


def _low(check: Check) -> str:
    return check.title[:1].lower() + check.title[1:]


def line(book: Book, history: History, codebase: str) -> tuple[str, str, str]:
    """A codebase's way in a row: when it moved to weekly, what it lacked then and has now, what holds it."""
    weekly = next((move for move in moves(book, codebase) if move.cadence == "weekly"), None)
    then, lacked = "no annotation says when", "–"
    if weekly is not None:
        found = history.of(codebase, to_utc(weekly.on, time(), book.zone))
        asked = [c for c in CHECKS if c.stage == "weekly" and c.timed]
        met = sum(found[c].status == "met" for c in asked)
        missed = [c for c in asked if found[c].status == "not_met"]
        day = f"{weekly.on.day} {words.month(weekly.on, short=True)} {weekly.on.year}"
        then = f"{day}: {met} of {met + len(missed)} met"
        lacked = _some([c for c in missed if history.now[codebase, c].status == "met"]) or "none yet"
    gaps = [c for c in CHECKS if c.stage == "daily" and history.now[codebase, c].status == "not_met"]
    return then, lacked, _some(gaps) or "nothing that is measured"


def _some(checks: Sequence[Check]) -> str:
    named = [_low(check) for check in checks[:4]]
    rest = f" and {len(checks) - 4} more" if len(checks) > 4 else ""
    return ", ".join(named) + rest

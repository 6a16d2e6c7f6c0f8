"""How a codebase came up the ladder: what was met when it moved, what since, what holds it from daily."""

from __future__ import annotations

from collections import Counter
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
    without = [check for check in asked if then[check].status == "not_measured"]
    unsaid = [check for check in without if check.asked == "stated" or check.id == "manage.bottleneck"]
    unknown = [check for check in without if check not in unsaid]
    says = (
        f"{move.text}. Of {words.count(len(met) + len(lacked), 'practice')} that history can answer for that "
        f"day, {words.spelled(len(met)) if met else 'none'} {'was' if len(met) < 2 else 'were'} met."
    )
    lines = []
    if met:
        lines.append(f"Met: {words.joined([_low(check) for check in met])}.")
    if lacked:
        told = [f"{_low(check)} ({_since(history, codebase, check, instant)})" for check in lacked]
        lines.append(f"Not yet met: {words.joined(told)}.")
    if unknown:
        lines.append(f"Not measured then: {words.joined([_low(check) for check in unknown])}.")
    if unsaid:
        lines.append(f"Nobody had said anything of: {words.joined([_low(check) for check in unsaid])}.")
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
    missed = [c for c in CHECKS if c is not daily and now[codebase, c].status == "not_met"]
    # What is asked on both ladders and not met on the first is told once.
    gaps = [c for n, c in enumerate(missed) if c.id not in {each.id for each in missed[:n]}]
    unknown = sum(now[codebase, c].status == "not_measured" for c in CHECKS if c.stage == "daily")
    lines = tuple(f"Not yet “{_low(check)}”: {_inside(now[codebase, check].says)}" for check in gaps)
    tail = f" {words.count(unknown, 'daily practice', start=True)} cannot be measured yet." if unknown else ""
    if first.status == "met":
        left = f" {words.count(len(gaps), 'practice', start=True)} to go." if gaps else ""
        return Chapter("Now: it deploys daily", f"{first.says}{left}{tail}", lines)
    began = any(move.cadence == "daily" for move in made)
    title = "Now: what keeps it from deploying on most days" if began else "Now: what holds it from daily"
    return Chapter(title, f"{first.says}{tail}", lines)


_OPENINGS = ("A", "Every", "Green", "It", "No", "Nobody", "Nothing", "Somebody", "Stated", "The", "There")


def _inside(says: str) -> str:
    """A sentence behind a colon: small, unless a name opens it."""
    first = says.partition(" ")[0]
    return says[:1].lower() + says[1:] if first in _OPENINGS else says


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


def together(book: Book, history: History) -> tuple[str, ...]:
    """The way of all codebases in a few sentences: when they moved, what they lacked, what holds them now."""
    weekly = [c for c in CHECKS if c.stage == "weekly" and c.timed]
    told: list[str] = []
    firsts: list[date] = []
    known: list[tuple[int, int]] = []
    lacked: Counter[Check] = Counter()
    for name in book.codebases:
        move = next((each for each in moves(book, name) if each.cadence == "weekly"), None)
        if move is None:
            continue
        then = history.of(name, to_utc(move.on, time(), book.zone))
        missed = [check for check in weekly if then[check].status == "not_met"]
        met = sum(then[check].status == "met" for check in weekly)
        firsts.append(move.on)
        known.append((met, met + len(missed)))
        lacked.update(missed)
    if firsts:
        told.append(_when(book, firsts, known))
    now = history.now
    mended = [c for c in lacked if all(now[n, c].status != "not_met" for n in book.codebases)]
    if often := sorted(mended, key=lambda c: (-lacked[c], CHECKS.index(c)))[:3]:
        some = words.joined([f"“{_low(c)}” ({lacked[c]})" for c in often])
        told.append(f"What many lacked on that day and none lacks now: {some}.")
    gaps = Counter(
        c for c in CHECKS if c.stage == "daily" for n in book.codebases if now[n, c].status == "not_met"
    )
    if holds := sorted(gaps, key=lambda c: (-gaps[c], CHECKS.index(c)))[:3]:
        some = words.joined([f"“{_low(c)}” ({gaps[c]} of {len(book.codebases)})" for c in holds])
        told.append(f"What holds most from daily: {some}.")
    return tuple(told)


def _when(book: Book, firsts: Sequence[date], known: Sequence[tuple[int, int]]) -> str:
    """When codebases moved to weekly, and how many practices were met on the day."""
    first, last = min(firsts), max(firsts)
    days = [f"{day.day} {words.month(day)} {day.year}" for day in (first, last)]
    low, high, of = (
        min(met for met, _ in known),
        max(met for met, _ in known),
        max(asked for _, asked in known),
    )
    met = f"{low} to {high}" if low != high else str(low)
    if len(firsts) == 1:
        return (
            f"It moved to weekly on {days[0]}, with {met} of {of} practices met that history can answer for."
        )
    when = f"on {days[0]}" if first == last else f"between {days[0]} and {days[1]}"
    some = f"{words.spelled(len(firsts), start=True)} of {words.count(len(book.codebases), 'codebase')}"
    some = some if len(firsts) < len(book.codebases) else words.count(len(firsts), "codebase", start=True)
    tail = f"each with {met} of the {of} practices met that history can answer for"
    return f"{some} moved to weekly {when}, {tail}."

"""Rotations: who holds the build, the release or the pager, and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from deploybook.periods.spans import local_date, to_utc


@dataclass(frozen=True)
class Turn:
    """A span, half-open, in which one person holds a rotation."""

    start: datetime
    end: datetime
    person: str
    override: bool = False


def turns_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Turn]]:
    """Recorded turns by rotation, from rows with rotation, from, to, person, override.

    In the order in which `Rotation` wants them: where two overlap, the one that began later stands, of those
    that began together the shorter.
    """
    found: dict[str, list[Turn]] = {}
    for row in rows:
        turn = Turn(row["from"], row["to"], row["person"], bool(row["override"]))
        found.setdefault(row["rotation"], []).append(turn)
    for turns in found.values():
        turns.sort(key=lambda turn: (turn.start, -turn.end.timestamp(), turn.person))
    return found


@dataclass(frozen=True)
class Rotation:
    """Members who take turns, from `starts` on, handing over at local time `at`.

    Args:
        members: Who takes turns, in order.
        every: How long a turn is: a number and `d`, `w` or `m` (days, weeks, months), as `1w`.
        starts: The local day of the first member's first turn; none where all turns are `recorded`.
        zone: Where the hand-over's clock hangs.
        overrides: Turns that stand instead, by a person's word; where two overlap, the later in the list.
        recorded: Turns as they were, from history: they stand before what is worked out, so that a member who
            joins or leaves moves only what comes. Where two overlap, the later in the list.
        at: The hand-over's time of day.

    Raises:
        ValueError: `every` is no such length, or there are no members.
    """

    members: tuple[str, ...]
    every: str
    starts: date | None
    zone: ZoneInfo
    overrides: tuple[Turn, ...] = ()
    recorded: tuple[Turn, ...] = ()
    at: time = time()

    def __post_init__(self) -> None:
        if not self.members and self.starts is not None:
            raise ValueError("a rotation needs a member")
        if not re.fullmatch(r"[1-9]\d{0,3}[dwm]", self.every, re.ASCII):
            raise ValueError(f"not a number of days, weeks or months, as 1w: {self.every!r}")

    @property
    def _starts(self) -> date:
        assert self.starts is not None, "a rotation of recorded turns has no turns of its own"
        return self.starts

    def boundary(self, number: int) -> datetime:
        """When the turn `number`, from 0, begins, in UTC."""
        count, unit = int(self.every[:-1]) * number, self.every[-1]
        step = (
            relativedelta(months=count) if unit == "m" else timedelta(days=count * (7 if unit == "w" else 1))
        )
        return to_utc(self._starts + step, self.at, self.zone)

    def number(self, instant: datetime) -> int:
        """Which turn an instant is in, from 0; negative before the first."""
        count, day = int(self.every[:-1]), local_date(instant, self.zone)
        if self.every[-1] == "m":
            gone = (day.year - self._starts.year) * 12 + day.month - self._starts.month
        else:
            gone = (day - self._starts).days // (7 if self.every[-1] == "w" else 1)
        guess = gone // count
        # The day alone may be one turn ahead: before the hand-over's hour, or its day of the month.
        return guess if self.boundary(guess) <= instant else guess - 1

    def turn(self, instant: datetime) -> Turn | None:
        """The turn of an instant as it was planned, or recorded, without overrides; none before the first."""
        if recorded := _covering(self.recorded, instant):
            return recorded
        if self.starts is None:
            return None
        number = self.number(instant)
        if number < 0:
            return None
        person = self.members[number % len(self.members)]
        return Turn(self.boundary(number), self.boundary(number + 1), person)

    def holder(self, instant: datetime) -> str | None:
        """Who holds the rotation at an instant; nobody before the first turn."""
        turn = _covering(self.overrides, instant) or self.turn(instant)
        return turn.person if turn else None

    def shifts(self, first: datetime, last: datetime) -> list[Turn]:
        """Who holds it from `first` to `last`, in whole planned turns, cut where an override cuts them.

        Where all turns are recorded, there may be spans that nobody holds.
        """
        if self.starts is None:
            there = [t for t in (*self.recorded, *self.overrides) if t.start < last and first < t.end]
            return self._cut({cut.astimezone(UTC) for turn in there for cut in (turn.start, turn.end)})
        begin, end = max(self.number(first), 0), self.number(last)
        if self.boundary(end) < last:
            end += 1
        cuts = {self.boundary(number) for number in range(begin, max(end, begin) + 1)}
        low, high = min(cuts | {first.astimezone(UTC)}), max(cuts)
        for turn in (*self.overrides, *self.recorded):
            cuts |= {cut.astimezone(UTC) for cut in (turn.start, turn.end) if low <= cut <= high}
        return self._cut(cuts)

    def _cut(self, cuts: Iterable[datetime]) -> list[Turn]:
        """Who holds it between each two neighbours of these instants; what nobody holds is left out."""
        found = []
        for start, stop in pairwise(sorted(cuts)):
            override = _covering(self.overrides, start)
            if held := override or self.turn(start):
                found.append(Turn(start, stop, held.person, override=held.override or override is not None))
        return found


def _covering(turns: Iterable[Turn], instant: datetime) -> Turn | None:
    found = None
    for turn in turns:
        if turn.start <= instant < turn.end:
            found = turn
    return found

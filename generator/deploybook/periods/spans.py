"""Weeks, months and quarters: local dates, and the instants they begin and end at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache, total_ordering
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal["week", "month", "quarter"]
KINDS: tuple[Kind, ...] = ("week", "month", "quarter")

SETTLED_AFTER = timedelta(hours=72)
"""How long after its end a period is provisional."""
FAILURES_SETTLED_AFTER = timedelta(days=30)
"""The same for its failure and recovery figures: a deployment may be undone that long after."""


def to_utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant of a wall clock's reading, in UTC.

    A reading that the spring change skips is as far after the change as it would have been (02:30 is 03:30);
    one that the autumn change repeats is the first of the two.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an instant in `zone`."""
    return instant.astimezone(zone).date()


@total_ordering
@dataclass(frozen=True, eq=False)
class Period:
    """A calendar week, month or quarter; `start` is its first day. A `Week` equals that of the same days."""

    kind: Kind
    start: date

    def __post_init__(self) -> None:
        if self.start != first_day(self.kind, self.start):
            raise ValueError(f"no {self.kind} starts on {self.start}")

    @cached_property
    def id(self) -> str:
        """`2026-W47`, `2026-11` or `2026-Q4`."""
        match self.kind:
            case "week":
                year, number, _ = self.start.isocalendar()
                return f"{year}-W{number:02}"
            case "month":
                return f"{self.start.year}-{self.start.month:02}"
            case "quarter":
                return f"{self.start.year}-Q{self.start.month // 3 + 1}"

    @cached_property
    def end(self) -> date:
        """The first day after it."""
        return self.next().start

    @property
    def year(self) -> int:
        """The year of its id: for a week the ISO year, which is not always that of its Monday."""
        return self.start.isocalendar().year if self.kind == "week" else self.start.year

    @property
    def number(self) -> int:
        """The week of the year from 1, the month from 1, the quarter from 1."""
        match self.kind:
            case "week":
                return self.start.isocalendar().week
            case "month":
                return self.start.month
            case "quarter":
                return self.start.month // 3 + 1

    def days(self) -> Iterator[date]:
        """Its days, in order."""
        return days(self.start, self.end)

    def next(self) -> Period:
        """The period after it."""
        longest = {"week": 7, "month": 31, "quarter": 92}[self.kind]
        return Period(self.kind, first_day(self.kind, self.start + timedelta(days=longest)))

    def previous(self) -> Period:
        """The period before it."""
        return Period(self.kind, first_day(self.kind, self.start - timedelta(days=1)))

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its first instant and the first one after it, in UTC: local midnights of `zone`."""
        return to_utc(self.start, time(), zone), to_utc(self.end, time(), zone)

    def contains(self, instant: datetime, zone: ZoneInfo) -> bool:
        """Whether the instant's local day lies within."""
        return self.start <= local_date(instant, zone) < self.end

    def settled_at(self, zone: ZoneInfo, *, failures: bool = False) -> datetime:
        """When its figures are provisional no more, in UTC; `failures` for those of failure and recovery."""
        return self.bounds(zone)[1] + (FAILURES_SETTLED_AFTER if failures else SETTLED_AFTER)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Period) and (self.kind, self.start) == (other.kind, other.start)

    def __lt__(self, other: Period) -> bool:
        if self.start != other.start:
            return self.start < other.start
        return (self.end, self.kind) < (other.end, other.kind)

    def __hash__(self) -> int:
        return hash((self.kind, self.start))


class Week(Period):
    """The ISO week `number` of `year`: `Week(2026, 47)`.

    Raises:
        ValueError: The year has no such week.
    """

    def __init__(self, year: int, number: int) -> None:
        super().__init__("week", date.fromisocalendar(year, number, 1))

    @staticmethod
    def of(instant: datetime, zone: ZoneInfo) -> Week:
        """The week that an instant falls in."""
        return _week_of(local_date(instant, zone))

    @staticmethod
    def parse(text: str) -> Week:
        """Read `2026-W47`.

        Raises:
            ValueError: The text is no such id, or the year has no such week.
        """
        if found := re.fullmatch(r"(\d{4})-W(\d\d)", text, re.ASCII):
            return Week(int(found[1]), int(found[2]))
        raise ValueError(f"not a week, as 2026-W47: {text!r}")


@lru_cache(maxsize=20_000)
def _week_of(day: date) -> Week:
    return Week(*day.isocalendar()[:2])


def period_of(kind: Kind, instant: datetime, zone: ZoneInfo) -> Period:
    """The period that an instant falls in."""
    return period_on(kind, local_date(instant, zone))


@lru_cache(maxsize=20_000)
def period_on(kind: Kind, day: date) -> Period:
    """The period of a local day."""
    return Period(kind, first_day(kind, day))


def parse_period(text: str) -> Period:
    """Read an id: `2026-W47`, `2026-11`, `2026-Q4`.

    Raises:
        ValueError: The text is no id, or names a week, month or quarter that its year does not have.
    """
    if "W" in text:
        return Week.parse(text)
    if found := re.fullmatch(r"(\d{4})-(?:Q([1-4])|(\d\d))", text, re.ASCII):
        month = int(found[2]) * 3 - 2 if found[2] else int(found[3])
        return Period("quarter" if found[2] else "month", date(int(found[1]), month, 1))
    raise ValueError(f"not a week, month or quarter: {text!r}")


def days(first: date, end: date) -> Iterator[date]:
    """The days from `first` up to, not including, `end`."""
    return (date.fromordinal(number) for number in range(first.toordinal(), end.toordinal()))


def periods_between(kind: Kind, first: datetime, last: datetime, zone: ZoneInfo) -> list[Period]:
    """Every period from that of `first` to that of `last`, both included; none when `last` is earlier."""
    period, end = period_of(kind, first, zone), period_of(kind, last, zone)
    found = []
    while period.start <= end.start:
        found.append(period)
        period = period.next()
    return found


def first_day(kind: Kind, day: date) -> date:
    """The first day of the period that a local day lies in."""
    match kind:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)

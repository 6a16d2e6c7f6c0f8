"""Time in the example: working hours and holidays in Berlin, and the days on which things go out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

from deploybook.example.cast import Spec

ZONE = ZoneInfo("Europe/Berlin")
EXAMPLE_UNTIL = date(2026, 11, 20)


def last_instant(until: date) -> datetime:
    """The example's own now: 16:02 in Berlin on the last Friday that is not after `until`."""
    friday = until - timedelta(days=(until.weekday() - 4) % 7)
    return datetime.combine(friday, time(16, 2), ZONE)


EXAMPLE_AS_OF = last_instant(EXAMPLE_UNTIL)


@dataclass(frozen=True)
class Story:
    """When the organisation moves from one rhythm to the next. Every date is a Monday, local."""

    as_of: datetime
    years: int

    def monday(self, weeks_before: float) -> date:
        """The Monday so many weeks before the last one, stretched to the story's length."""
        last = self.as_of.date() - timedelta(days=4)
        return last - timedelta(weeks=round(weeks_before * self.years / 2))

    @property
    def start(self) -> date:
        """The first day."""
        return self.monday(104)

    @property
    def pilot(self) -> date:
        """The first codebases go weekly."""
        return self.monday(58)

    @property
    def weekly(self) -> date:
        """All go weekly."""
        return self.monday(44)

    @property
    def daily(self) -> date:
        """Search, then the till, go daily."""
        return self.monday(19)

    def week(self, moment: datetime) -> int:
        """The week of the two-year story, from 0, at `moment`, whatever the story's real length."""
        return max(0, round((moment.date() - self.start).days / 7 * 2 / self.years))

    def rhythm(self, spec: Spec, day: date) -> str:
        """The rhythm of a codebase on a day: quarterly, weekly, twice or daily."""
        if day < (self.pilot if spec.pilot else self.weekly):
            return "quarterly"
        return spec.cadence[-1] if day >= self.daily else "weekly"

    def freezes(self) -> list[tuple[date, date, str]]:
        """First and last day of each freeze, with its reason; the coming one too."""
        found = []
        for year in range(self.start.year, self.as_of.year + 1):
            june = date(year, 6, 24)
            monday = june + timedelta(days=-june.weekday() % 7)
            found.append((monday, monday + timedelta(days=4), "stock-taking in all warehouses"))
            found.append((date(year, 12, 21), date(year + 1, 1, 3), "year's end"))
        return [freeze for freeze in found if freeze[1] >= self.start]


class Calendar:
    """Working days and hours in Berlin."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self._holidays = frozenset(
            holidays.country_holidays("DE", years=range(story.start.year - 1, story.as_of.year + 2))
        )
        self._frozen = story.freezes()

    def works(self, day: date) -> bool:
        """Neither a weekend nor a holiday."""
        return day.weekday() < 5 and day not in self._holidays

    def frozen(self, day: date) -> bool:
        """Inside a freeze."""
        return any(first <= day <= last for first, last, _ in self._frozen)

    def at(self, day: date, hour: float) -> datetime:
        """A local hour of a day, as UTC; 10.5 is half past ten."""
        seconds = int(hour * 3600)
        return datetime.combine(
            day, time(seconds // 3600, seconds // 60 % 60, seconds % 60), ZONE
        ).astimezone(UTC)

    def working(self, moment: datetime, rng: random.Random) -> datetime:
        """The same moment in UTC, moved to the next working time if it is night, weekend or holiday."""
        local = moment.astimezone(ZONE)
        if self.works(local.date()) and 8 <= local.hour < 18:
            return moment.astimezone(UTC)
        day = local.date() if local.hour < 8 else local.date() + timedelta(days=1)
        while not self.works(day):
            day += timedelta(days=1)
        return self.at(day, 8.3 + rng.random() * 2.5)

    def releases(self, spec: Spec) -> Iterator[tuple[date, str]]:
        """Each day on which the codebase means to deploy, with the rhythm it follows."""
        story = self.story
        for weeks in (103, 90, 77, 64, 51):
            day = story.monday(weeks) + timedelta(days=1)
            if story.rhythm(spec, day) == "quarterly":
                yield day, "quarterly"
        day = story.pilot if spec.pilot else story.weekly
        while day <= story.as_of.date():
            rhythm = story.rhythm(spec, day)
            wanted = {"weekly": (3,), "twice": (1, 3), "daily": (0, 1, 2, 3)}.get(rhythm, ())
            if day.weekday() in wanted and self.works(day) and not self.frozen(day):
                yield day, rhythm
            day += timedelta(days=1)

"""Which pull requests there are: how many, by whom, how large, and how long each step takes."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from math import exp, log

from deploybook.example import words
from deploybook.example.cast import BOT, BOT_LOGIN, Person, Spec, staff
from deploybook.example.clock import Calendar, Story
from deploybook.example.extras import themes
from deploybook.example.landing import Landed, Plan
from deploybook.example.words import Words

DAYS = {
    "quarterly": (9.0, 1.6, 3.0),
    "weekly": (1.3, 0.16, 0.5),
    "twice": (0.8, 0.1, 0.3),
    "daily": (0.55, 0.06, 0.2),
}
"""Median days of coding, waiting for a review, and review, by rhythm."""
LINES = {"quarterly": 190, "weekly": 72, "twice": 52, "daily": 38}


class Planner:
    """Draws the pull requests of one repository."""

    def __init__(self, story: Story, calendar: Calendar, specs: list[Spec], rng: random.Random) -> None:
        self._story = story
        self._calendar = calendar
        self._specs = specs
        self._rng = rng
        self._used: set[str] = set()

    def all(self, last: datetime) -> list[Plan]:
        """Every planned pull request merged before `last`, in no order."""
        found = []
        for spec in self._specs:
            day = self._story.start + timedelta(days=1)
            while day <= last.date():
                found.extend(self._day(spec, day))
                day += timedelta(days=1)
        return [plan for plan in found if plan.merged < last]

    def _day(self, spec: Spec, day: date) -> list[Plan]:
        if not self._calendar.works(day):
            return []
        rng = self._rng
        growth = {"quarterly": 1.0, "weekly": 1.25, "twice": 1.7, "daily": 1.9}[self._story.rhythm(spec, day)]
        quiet = 0.35 if day.month == 8 or (day.month == 12 and day.day > 19) else 1.0
        found = []
        for _ in range(_poisson(rng, spec.rate * growth * quiet / 5)):
            found.append(self.draw(spec, self._calendar.at(day, 8.2 + rng.random() * 9.3)))
        if day.weekday() == 0 and rng.random() < 0.3:
            found.append(self._bump(spec, self._calendar.at(day, 6 + rng.random())))
        return found

    def draw(self, spec: Spec, merged: datetime) -> Plan:
        """One pull request, merged then."""
        rng = self._rng
        rhythm = self._story.rhythm(spec, merged.date())
        author = rng.choice(staff(spec.team, self._story.week(merged)))
        area = rng.choices(spec.areas, weights=[6, *([1] * (len(spec.areas) - 1))])[0]
        text = words.draw(rng, area, self._used)
        coding, pickup, review = (timedelta(days=_lognormal(rng, median, 0.7)) for median in DAYS[rhythm])
        asked = max(self._calendar.working(merged - review, rng), merged - review)
        asked = min(asked, merged - timedelta(minutes=12))
        opened = asked - pickup
        reviewed = rng.random() < {"quarterly": 0.8, "weekly": 0.93}.get(rhythm, 0.98)
        direct = rng.random() < {"quarterly": 0.03, "weekly": 0.008}.get(rhythm, 0.0)
        also = None
        if len(self._specs) > 1 and rng.random() < 0.12:
            also = rng.choice([other for other in self._specs if other is not spec])
        tracked = rng.random() < {"quarterly": 0.6, "weekly": 0.85}.get(rhythm, 0.9)
        return Plan(
            spec,
            area,
            text,
            author,
            first=opened - coding,
            opened=opened,
            review=asked if reviewed else None,
            merged=merged,
            lines=max(2, round(_lognormal(rng, LINES[rhythm], 0.9))),
            approvals=1 + (rng.random() < 0.2) if reviewed else 0,
            branch=f"{author.key}/{_slug(text.title)}",
            labels=(f"area/{area.lower()}", *themes(area, merged.date(), self._story, rng)),
            issue=text.title if tracked else None,
            also=also,
            by_request=not direct,
        )

    def _bump(self, spec: Spec, opened: datetime) -> Plan:
        rng = self._rng
        library, major, minor = rng.choice(words.LIBRARIES), rng.randrange(1, 6), rng.randrange(0, 30)
        title = f"Bump {library} from {major}.{minor}.0 to {major}.{minor + 1}.0"
        merged = self._calendar.working(opened + timedelta(hours=rng.uniform(3, 50)), rng)
        return Plan(
            spec,
            spec.areas[0],
            Words(title, "behind"),
            BOT,
            first=opened,
            opened=opened + timedelta(minutes=1),
            review=merged - timedelta(minutes=9),
            merged=merged,
            lines=1,
            labels=("dependencies",),
            branch=f"{BOT_LOGIN.removesuffix('[bot]')}/{library}-{major}.{minor + 1}.0",
            text=f"Bumps {library}. Release notes and commits are in its changelog.",
        )

    def mend(
        self,
        spec: Spec,
        text: Words,
        merged: datetime,
        hours: float,
        *,
        author: Person | None = None,
        labels: tuple[str, ...] = (),
        branch: str = "",
        area: str = "",
        also: Spec | None = None,
    ) -> Plan:
        """A small change made in a hurry: begun `hours` before it is merged."""
        who = author or self._rng.choice(staff(spec.team, self._story.week(merged)))
        first = merged - timedelta(hours=hours)
        return Plan(
            spec,
            area or spec.areas[0],
            text,
            who,
            first=first,
            opened=first + (merged - first) * 0.5,
            review=first + (merged - first) * 0.7,
            merged=merged,
            lines=self._rng.randrange(2, 20),
            labels=labels,
            branch=branch or f"{who.key}/{_slug(text.title)}",
            also=also,
        )

    def revert(self, landed: Landed, merged: datetime, author: Person) -> Plan:
        """The pull request that takes a landed one back."""
        plan = self.mend(
            landed.plan.spec, Words(f'Revert "{landed.title}"', "removed"), merged, 0.7, author=author
        )
        return replace(
            plan,
            area=landed.plan.area,
            reverts=landed,
            branch=f"revert-{landed.number}",
            text=f"Reverts acme/{landed.plan.spec.repository}#{landed.number}",
            also=landed.plan.also,
        )


def _lognormal(rng: random.Random, median: float, sigma: float) -> float:
    return exp(rng.gauss(log(median), sigma))


def _poisson(rng: random.Random, mean: float) -> int:
    count, product, limit = 0, rng.random(), exp(-mean)
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def _slug(title: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split()[:4])

"""One repository through its years, event by event: merges, tests, releases, and what goes wrong."""

# ruff: noqa: S311 - a story is drawn here, no secret

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

from deploybook.example import words
from deploybook.example.book import RecordFiles
from deploybook.example.cast import BOT, REGIONS, Person, Spec, staff
from deploybook.example.clock import ZONE, Calendar, Story
from deploybook.example.landing import Landed, Line, Plan
from deploybook.example.planning import Planner
from deploybook.example.repository import Repository
from deploybook.example.shipping import DEPLOYS, SMOKE, Ship
from deploybook.example.testing import Tests
from deploybook.example.words import Words
from deploybook.records import Cause, Incident, Said

FAILS = {"quarterly": 0.5, "weekly": 0.17, "twice": 0.11, "daily": 0.075}
BREAKS = {"quarterly": (0.09, 26.0), "weekly": (0.05, 3.2), "twice": (0.035, 1.3), "daily": (0.025, 0.7)}
"""How often a merge breaks the release branch, and for how many hours."""


class Simulation:
    """One repository. Make it, add to it with `at`, then `run`."""

    def __init__(
        self,
        story: Story,
        calendar: Calendar,
        specs: list[Spec],
        repository: Repository,
        out: RecordFiles,
        *,
        seed: str,
    ) -> None:
        self.story, self.calendar, self.specs, self.out = story, calendar, specs, out
        self.rng = random.Random(seed)
        self.line = Line(repository, specs, self.rng, out)
        self.planner = Planner(story, calendar, specs, self.rng)
        self.ships = {spec.name: Ship(spec, self.rng, out) for spec in specs}
        self.tests = {spec.name: Tests(spec, story, self.rng, out) for spec in specs}
        self._events: list[tuple[datetime, int, Callable[[datetime], object]]] = []
        self._red_until: dict[str, datetime] = {}
        self._green = 0
        self._hold: dict[str, datetime] = {}
        self._incidents = 0
        self.doubted: list[tuple[str, datetime]] = []
        """Deployments that were mended though no user met a fault: a person corrects the rule."""
        self.downs: dict[str, list[tuple[datetime, datetime]]] = {spec.name: [] for spec in specs}
        self._asked = 0
        # The last days are told by hand (`week`): nothing is drawn in them.
        self.told = calendar.at(story.as_of.date() - timedelta(days=8), 9)
        self.calm = self.told - timedelta(days=5)

    def at(self, when: datetime, do: Callable[[datetime], object]) -> None:
        """Let something happen at an instant; what would be after the end is left out."""
        if when <= self.story.as_of:
            self._asked += 1
            heapq.heappush(self._events, (when, self._asked, do))

    def run(self) -> None:
        """Everything, in the order of time."""
        first = self.calendar.at(self.story.start, 9)
        self.line.begin(first, staff(self.specs[0].team, 0)[0])
        for plan in self.planner.all(self.told):
            self.at(plan.merged, partial(self._land, plan))
        for spec in self.specs:
            for day, rhythm in self.calendar.releases(spec):
                self._release(spec, day, rhythm)
        while self._events:
            when, _, do = heapq.heappop(self._events)
            do(when)

    # Merging

    def _land(self, plan: Plan, _: datetime) -> None:
        self.merge(plan)

    def merge(self, plan: Plan, *, red: bool | None = None) -> Landed:
        """Land a pull request and test it; now and then it breaks the branch."""
        landed = self.line.land(plan)
        name, rng = plan.spec.name, self.rng
        rhythm = self.story.rhythm(plan.spec, plan.merged.date())
        mending = plan.words.title.startswith("Mend")
        until = self._red_until.get(name, plan.merged)
        if red is None:
            chance, hours = BREAKS[rhythm]
            red = until > plan.merged and not mending
            if (
                not red
                and not mending
                and plan.author is not BOT
                and plan.merged < self.calm
                and rng.random() < chance
            ):
                red = True
                mended = self.calendar.working(
                    plan.merged + timedelta(hours=hours * rng.uniform(0.4, 1.9)), rng
                )
                self._red_until[name] = mended
                text = Words(rng.choice(words.MENDS), "behind")
                mend = self.planner.mend(plan.spec, text, mended, hours / 4)
                self.at(mended, lambda _: self.merge(mend))
        self.tests[name].run(landed.commit.sha, plan.merged, red=red)
        if plan.also:
            self.tests[plan.also.name].run(landed.commit.sha, plan.merged, red=False)
        if not red:
            self._green = landed.index
        return landed

    # Releasing

    def _release(self, spec: Spec, day: date, rhythm: str) -> None:
        rng = self.rng
        if rhythm == "quarterly":
            name = f"{day.year}.{day.month:02}"
            line = name if spec.path == "" else f"{name}-{spec.name}"
            cut_day = max(day - timedelta(days=12), self.story.start + timedelta(days=1))
            cut = self.calendar.working(self.calendar.at(cut_day, 12), rng)
            self.at(cut, lambda when: self._cut(spec, line, when))
            self.at(
                self.calendar.at(day, 18.2 + rng.random() * 1.4), lambda when: self._quarter(spec, line, when)
            )
            return
        if self.calendar.at(day, 0) >= self.told - timedelta(hours=9):
            return
        hour = 10.1 + rng.random() * 2.9
        if rng.random() < 0.1:
            hour = 14.4 + rng.random() * 3  # somebody was late
        if rhythm == "weekly":
            cut_off = self.calendar.at(day - timedelta(days=1), 12)
        else:
            cut_off = self.calendar.at(day, 9.5)
        self.at(self.calendar.at(day, hour), lambda when: self._promote(spec, when, cut_off))

    def _cut(self, spec: Spec, line: str, when: datetime) -> None:
        self.line.cut(line, len(self.line.branch.times) - 1)
        by = self.rng.choice(staff(spec.team, self.story.week(when)))
        self.ships[spec.name].staging(
            self.line.lines[line][0].sha, f"{line}.0-rc", when + timedelta(hours=2), by
        )

    def _quarter(self, spec: Spec, line: str, when: datetime) -> None:
        """A large release in the evening, by hand, from its own line."""
        ship, by = self.ships[spec.name], self.person(spec, when)
        tip = self.line.lines[line][0]
        place = self.line.branch.at(when - timedelta(days=12))
        version = f"{line}.0"
        self.line.tag(f"v{version}", tip, by, when)
        first = ship.now.place < 0
        key, finish = ship.roll_out(
            tip.sha, version, when, by, minutes=self.rng.uniform(150, 320), gap=600, place=place, hand=True
        )
        if not first and self.rng.random() < FAILS["quarterly"] * spec.care:
            self._quarter_fix(spec, line, key, finish)

    def _quarter_fix(self, spec: Spec, line: str, key: str, finish: datetime) -> None:
        """Mended on the release branch first, then picked to the line and rolled out at once."""
        rng = self.rng
        started = finish + timedelta(hours=rng.uniform(0.5, 10))
        mended = self.calendar.working(started + timedelta(hours=rng.uniform(4, 30)), rng)
        live = mended + timedelta(hours=rng.uniform(2, 5))
        self.incident(
            spec,
            started,
            live + timedelta(minutes=50),
            detect=rng.uniform(40, 240),
            cause=Cause(deployment=f"{spec.name}/{key}"),
            down=rng.random() < 0.4,
        )
        plan = self.planner.mend(
            spec,
            words.draw(rng, spec.areas[0], set()),
            mended,
            3,
            labels=("hotfix",),
            branch=f"hotfix/{line}",
        )
        picked: list[Landed] = []
        self.at(mended, lambda _: picked.append(self.merge(plan)))

        def out(when: datetime) -> None:
            by = self.person(spec, when)
            commit = self.line.pick(line, picked[0], by, when - timedelta(minutes=70))
            self.line.tag(f"v{line}.1", commit, by, when - timedelta(minutes=60))
            ship = self.ships[spec.name]
            ship.roll_out(
                commit.sha,
                f"{line}.1",
                when,
                by,
                minutes=45,
                gap=10,
                place=ship.now.place,
                mends=(key,),
                hand=True,
            )

        self.at(live, out)

    def person(self, spec: Spec, when: datetime) -> Person:
        """Somebody of the team, who deploys."""
        return self.rng.choice(staff(spec.team, self.story.week(when)))

    def _promote(self, spec: Spec, when: datetime, cut_off: datetime) -> None:
        """A weekly or daily promotion of what was merged by the cut-off, if it is green and there is news."""
        ship, rng = self.ships[spec.name], self.rng
        if self._hold.get(spec.name, when) > when:
            return
        if rng.random() < 0.12:
            cut_off = when - timedelta(minutes=50)  # a late one was let in
        place = self.line.branch.at(cut_off)
        if self._red_until.get(spec.name, cut_off) > cut_off:
            place = min(place, self._green)
        if place <= ship.now.place or not self._news(spec, ship.now.place, place):
            return
        sha = self.line.branch.commits[place].sha
        version = self.version(spec, when)
        by = self.person(spec, when)
        staged = max(cut_off + timedelta(minutes=rng.uniform(12, 40)), when - timedelta(hours=20))
        ship.staging(sha, version, min(staged, when - timedelta(minutes=35)), by)
        gated = when.date() >= self.story.daily and spec.name != "warehouse"
        if rng.random() < 0.045:
            ship.stopped(sha, when)
            if gated:
                ship.verdict(sha, when, "fail", f"{SMOKE}: 2 of 31 failed in staging.")
            return
        if gated:
            if rng.random() < 0.04:
                ship.verdict(
                    sha,
                    when,
                    "no_proof",
                    f"{SMOKE}: the report is older than 24 hours.",
                    Said(by=by.key, because="the report store was down; run by hand, all green"),
                )
            else:
                ship.verdict(sha, when, "pass", f"{SMOKE}: 31 of 31 passed in staging.")
        if rng.random() < 0.015:
            ship.broke_off(sha, version, when, by, reached=rng.random() < 0.6)
            when += timedelta(minutes=75)
        self.deploy(spec, place, version, when, by)

    def deploy(self, spec: Spec, place: int, version: str, when: datetime, by: Person) -> str:
        """Roll a place of the release branch out, and see how it goes; returns the deployment's id."""
        rng = self.rng
        rhythm = self.story.rhythm(spec, when.date())
        minutes = {"weekly": 26.0, "twice": 14.0}.get(rhythm, 9.0)
        hand = spec.name == "warehouse" and rng.random() < 0.5
        ship = self.ships[spec.name]
        before = (ship.now.sha, ship.now.place, ship.now.version)
        commit = self.line.branch.commits[place]
        key, finish = ship.roll_out(
            commit.sha,
            version,
            when,
            by,
            minutes=minutes * (2.5 if hand else 1),
            gap=minutes,
            place=place,
            hand=hand,
        )
        prefix = f"{spec.name}-" if spec.path else ""
        self.line.tag(f"{prefix}v{version}", commit, by, when)
        if when < self.calm and rng.random() < FAILS[rhythm] * spec.care:
            self._fail(spec, key, finish, before, place, rhythm=rhythm)
        return key

    def _fail(
        self, spec: Spec, key: str, finish: datetime, before: tuple[str, int, str], place: int, *, rhythm: str
    ) -> None:
        rng = self.rng
        brisk = {"weekly": 1.0, "twice": 0.5}.get(rhythm, 0.35)
        started = finish + timedelta(minutes=rng.uniform(3, 60) * brisk)
        detect = rng.uniform(4, 45) * brisk
        dice = rng.random()
        news = self._news(spec, before[1], place)
        if dice < 0.35 and before[0]:
            back = started + timedelta(minutes=detect + rng.uniform(10, 70) * brisk)
            mended = self.calendar.working(back + timedelta(hours=rng.uniform(2, 9) * brisk), rng)
            self._hold[spec.name] = mended + timedelta(minutes=30)
            self.at(back, lambda when: self.back(spec, before, when))
            guilty = news[-1].plan
            again = self.planner.mend(
                guilty.spec,
                Words(f"{guilty.words.title}, second attempt", "fixed", guilty.words.note),
                mended,
                2.5,
                area=guilty.area,
                also=guilty.also,
            )
            self.at(mended, lambda _: self.merge(again))
            cause = Cause(deployment=f"{spec.name}/{key}") if rng.random() < 0.6 else None
            self.incident(
                spec,
                started,
                back + timedelta(minutes=9),
                detect=detect,
                cause=cause,
                down=rng.random() < 0.25,
            )
            return
        hours = rng.uniform(0.8, 7) * brisk
        mended = self.calendar.working(started + timedelta(minutes=detect, hours=hours * 0.7), rng)
        live = mended + timedelta(minutes=rng.uniform(25, 70))
        single = [landed for landed in news if landed.plan.author is not BOT and not landed.plan.reverts]
        if dice < 0.55 and len(single) > 0:
            plan = self.planner.revert(single[-1], mended, self.person(spec, mended))
            mends: tuple[str, ...] = ()
            cause = Cause(change=f"{spec.name}/{single[-1].id}") if rng.random() < 0.5 else None
        else:
            text = Words(
                f"{rng.choice(words.THINGS[spec.areas[0]]).capitalize()} works again",
                "fixed",
                "What broke earlier that day works again.",
            )
            plan = self.planner.mend(
                spec, text, mended, hours / 2, labels=("hotfix",), branch=f"hotfix/{key}"
            )
            mends = (key,) if rng.random() < 0.7 else ()
            cause = Cause(deployment=f"{spec.name}/{key}") if rng.random() < 0.65 else None
        self.at(mended, lambda _: self._mended(spec, self.merge(plan), live, mends))
        if rng.random() >= 0.85:
            self.doubted.append((f"{spec.name}/{key}", finish))
        else:
            self.incident(
                spec,
                started,
                live + timedelta(minutes=12),
                detect=detect,
                cause=cause,
                down=rng.random() < 0.2,
            )

    def _mended(self, spec: Spec, landed: Landed, live: datetime, mends: tuple[str, ...]) -> None:
        def out(when: datetime) -> None:
            ship = self.ships[spec.name]
            place = max(landed.index, ship.now.place)
            ship.roll_out(
                self.line.branch.commits[place].sha,
                self.version(spec, when),
                when,
                self.person(spec, when),
                minutes=8,
                gap=3,
                place=place,
                mends=mends,
            )

        self.at(live, out)

    def back(self, spec: Spec, to: tuple[str, int, str], when: datetime) -> str:
        """Roll both regions back."""
        sha, place, version = to
        by = self.person(spec, when)
        ship = self.ships[spec.name]
        key, _ = ship.roll_out(
            sha, version, when, by, minutes=self.rng.uniform(5, 14), gap=1, place=place, kind="rollback"
        )
        return key

    def incident(
        self,
        spec: Spec,
        started: datetime,
        resolved: datetime | None,
        *,
        detect: float,
        cause: Cause | None,
        down: bool,
        title: str = "",
        severity: str = "",
    ) -> str:
        """Something went wrong for users."""
        if started > self.story.as_of:
            return ""
        self._incidents += 1
        key = f"{spec.name}/{500 + self._incidents}"
        if down and resolved:
            self.downs[spec.name].append((started, resolved))
        if not title:
            title = self.rng.choice(words.INCIDENTS[spec.areas[0]])
        self.out.write(
            Incident(
                id=key,
                started_at=started,
                title=title,
                codebases=(spec.name,),
                detected_at=started + timedelta(minutes=detect),
                resolved_at=resolved if resolved and resolved <= self.story.as_of else None,
                severity=severity or ("sev1" if down else self.rng.choice(("sev2", "sev3"))),
                environment=REGIONS[0] if severity or self.rng.random() < 0.7 else None,
                down=down,
                caused_by=(cause,) if cause else None,
                url=f"{DEPLOYS}/incidents/{key}",
            )
        )
        return key

    def _news(self, spec: Spec, after: int, until: int) -> list[Landed]:
        """What landed for a codebase between two places of the release branch."""
        found = self.line.branch.landed[max(0, after + 1) : until + 1]
        return [landed for landed in found if landed and spec in (landed.plan.spec, landed.plan.also)]

    def version(self, spec: Spec, when: datetime) -> str:
        """Year, week, and how many since the start: `2026.47.311`."""
        year, week, _ = when.astimezone(ZONE).isocalendar()
        return f"{year}.{week}.{len(self.ships[spec.name].now.history)}"

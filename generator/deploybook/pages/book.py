"""All that a page may know: configuration, the instant, the linked rows with their indexes, the figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple
from zoneinfo import ZoneInfo

import pyarrow as pa
from markupsafe import Markup

from deploybook.charts.studio import Studio
from deploybook.config import Config
from deploybook.config.sources import tells_incidents
from deploybook.linking.model import BranchCommit, Delivery, LinkedChange, LinkedDeployment, LinkedIncident
from deploybook.messages import author_email, author_name
from deploybook.news import House
from deploybook.ownership import Owned
from deploybook.pages.branches import Branch, Branches
from deploybook.pages.figures import Figures
from deploybook.pages.kept import Published
from deploybook.pages.locks import HeldLock, held
from deploybook.periods import Calendar, Period, Rotation, Turn, Week, periods_between, turns_of
from deploybook.pipelines import Pipeline
from deploybook.practices import Span, Statement
from deploybook.text import slug

About = TypeVarTuple("About")
Found = TypeVar("Found")

HEAVY_WEEK = 502
"""Of more changes than this, a deployment counting for two, a week's page tells the news, and pages for some
codebases each tell all."""
FLAKY_DAYS = 30
"""Days in which a test case that was flaky once is told."""
MANY_CODEBASES = 40
"""Of more than this, a page with much of each leads to pages of their own, or tells how many."""
MANY_INCIDENTS = 100
"""Of more than so many, those of the last weeks are on one page, and each year has a page of its own."""
YEARS_INCIDENTS = 500
"""Of more than so many, each month has one."""


@dataclass(frozen=True)
class SourceStatus:
    """What a source last gave."""

    name: str
    last_read: datetime | None
    rows: int
    rejected: int
    error: str | None


@dataclass(frozen=True)
class SetAside:
    """A line that could not be read."""

    source: str
    where: str
    reason: str
    text: str


@dataclass(frozen=True)
class Book:
    """What every page is made from."""

    config: Config
    as_of: datetime
    """UTC."""
    changes: list[LinkedChange]
    deliveries: list[Delivery]
    deployments: list[LinkedDeployment]
    incidents: list[LinkedIncident]
    branch_commits: list[BranchCommit]
    figures: Figures
    tables: Mapping[str, pa.Table]
    """What other tools read, by the name of its file below `data/`: changes, deployments, …"""
    history: Mapping[str, pa.Table]
    """The merged history by table name, for what linking does not touch; of test case runs, which may be
    more than fit into memory, those of the days in which a test is called flaky."""
    sources: list[SourceStatus]
    rejected: list[SetAside]
    repositories: Mapping[str, Path] = field(default_factory=dict)
    """Where each codebase's git repository is on this machine."""
    releases: Mapping[str, str] = field(default_factory=dict)
    """The release branch of each repository, as its remote has it."""
    owners: Mapping[str, Owned] = field(default_factory=dict)
    """What each codebase's repository says of owners: CODEOWNERS, `catalog-info.yaml`, its files."""
    pipelines: Mapping[str, tuple[Pipeline, ...]] = field(default_factory=dict)
    """Each codebase's pipelines, as the files of its repository describe them."""
    statements: tuple[Statement, ...] = ()
    """What people say in `practices.yml` of what no machine can see."""
    houses: Mapping[str, House] = field(default_factory=dict)
    """How each codebase's repository sorts its changes: `.github/release.yml`, `cliff.toml`."""
    published: pa.Table | None = None
    """Figures as they were published before: what the history keeps of them."""
    answered: pa.Table | None = None
    """The answers of practices, each since when it was published first."""
    notices: pa.Table | None = None
    """Notices as they were sent and as they wait: key, sent_at, to."""
    tested: frozenset[str] = frozenset()
    """Codebases of which any test case run is known, however old."""
    studio: Studio | None = None
    """Draws charts: one for all pages, so that it knows which are in use; none where no page is made."""

    def once(self, find: Callable[[Book, *About], Found], *about: *About) -> Found:
        """What a function finds in the book, found the first time that it is asked for."""
        key = (find, about)
        if key not in self._found:
            self._found[key] = find(self, *about)
        found: Found = self._found[key]
        return found

    @cached_property
    def _found(self) -> dict[tuple[object, ...], Any]:
        """What `once` has found."""
        return {}

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return self.config.zone

    def shifts(self, codebase: str | None) -> list[date]:
        """Days on which the way of working changed: annotations with a cadence, of all or of one codebase."""
        return sorted(
            note.on
            for note in self.config.annotations
            if note.cadence and (note.codebases is None or codebase in note.codebases)
        )

    @cached_property
    def branches(self) -> list[Branch]:
        """Release branches whose runs are known, by codebase: green or red, and since when."""
        return self._branches.states()

    @cached_property
    def breaks(self) -> dict[str, list[Span]]:
        """When release branches were red, by codebase."""
        return self._branches.breaks()

    @cached_property
    def _branches(self) -> Branches:
        runs = self.history["pipeline_runs"]
        return Branches(runs, self.config, self.as_of, self.releases, self.branch_commits)

    @cached_property
    def locks(self) -> list[HeldLock]:
        """Locks that hold at `as_of`."""
        return held(self.history["locks"], self.as_of)

    @cached_property
    def kept(self) -> Published:
        """Figures as they were published, beside today's."""
        return Published(self.published, self.tables["metrics"], self.config, self.as_of)

    @property
    def calendar(self) -> Calendar:
        """Cut-offs and windows."""
        return self.config.calendar

    @cached_property
    def _tellers(self) -> dict[tuple[str, str | None], set[str]]:
        found: dict[tuple[str, str | None], set[str]] = defaultdict(set)
        for table in ("changes", "deployments", "incidents", "availability"):
            held = self.history[table]
            keys = [each for each in ("codebase", "source") if each in held.column_names]
            if "source" in keys:
                for row in held.select(keys).group_by(keys).aggregate([]).to_pylist():
                    found[table, row.get("codebase")].add(row["source"])
        return found

    def tellers(self, table: str, codebase: str | None) -> set[str]:
        """Sources that told a row of a codebase; of incidents, which may be of several, under `None`."""
        return self._tellers.get((table, codebase), set())

    def decider(self, instant: datetime) -> Turn | None:
        """Who calls roll back or keep at an instant, and for how long; `None` where nobody is named."""
        decides = self.config.process.decides
        if decides is None:
            return None
        # The moment after, so that the turn which begins at this very instant is among them.
        turns = self.rotation(decides.rotation).shifts(instant, instant + timedelta(microseconds=1))
        return next((turn for turn in turns if turn.start <= instant < turn.end), None)

    def rotation(self, name: str) -> Rotation:
        """A rotation with its turns as history has them, so that a member who leaves moves no past."""
        return self.config.rotation(name, self._turns.get(name, ()))

    @cached_property
    def _turns(self) -> dict[str, list[Turn]]:
        return turns_of(self.history["shifts"].to_pylist())

    @cached_property
    def this_week(self) -> Week:
        """The week that `as_of` is in."""
        return Week.of(self.as_of, self.zone)

    @cached_property
    def codebases(self) -> list[str]:
        """Every codebase of the configuration, by name."""
        return sorted(self.config.codebases)

    @cached_property
    def live_deployments(self) -> list[LinkedDeployment]:
        """Deployments to where users are that got there, each roll-out once, oldest first."""
        reached = (d for d in self.deployments if d.counted and d.reached)
        return sorted(reached, key=lambda d: (d.at, d.codebase, d.id))

    @cached_property
    def delivered(self) -> list[LinkedChange]:
        """Changes that reached users, oldest first."""
        changes = [c for c in self.changes if c.deployed_at is not None]
        return sorted(changes, key=lambda c: (c.deployed_at or c.merged_at, c.codebase, c.id))

    @cached_property
    def waiting(self) -> list[LinkedChange]:
        """Merged and not yet live, longest waiting first."""
        changes = [c for c in self.changes if c.state == "waiting" and c.original is None]
        return sorted(changes, key=lambda c: (c.merged_at, c.codebase, c.id))

    @cached_property
    def weeks(self) -> list[Period]:
        """Every week from the first with an event to this one, oldest first."""
        instants = [d.at for d in self.live_deployments] + [i.started_at for i in self.incidents]
        first = min((instant for instant in instants if instant <= self.as_of), default=self.as_of)
        return periods_between("week", first, self.as_of, self.zone)

    @cached_property
    def _changes_of_week(self) -> dict[Period, list[LinkedChange]]:
        found: dict[Period, list[LinkedChange]] = defaultdict(list)
        for change in self.delivered:
            if change.deployed_at is not None:
                found[Week.of(change.deployed_at, self.zone)].append(change)
        return found

    @cached_property
    def _withdrawn_of_week(self) -> dict[Period, list[LinkedChange]]:
        found: dict[Period, list[LinkedChange]] = defaultdict(list)
        for change in self.changes:
            if change.withdrawn_at is not None and change.original is None:
                found[Week.of(change.withdrawn_at, self.zone)].append(change)
        return found

    @cached_property
    def _deployments_of_week(self) -> dict[Period, list[LinkedDeployment]]:
        found: dict[Period, list[LinkedDeployment]] = defaultdict(list)
        for deployment in self.live_deployments:
            found[Week.of(deployment.at, self.zone)].append(deployment)
        return found

    def changes_in(self, week: Period) -> list[LinkedChange]:
        """What first reached users in a week, in the order in which it did."""
        return self._changes_of_week.get(week, [])

    def withdrawn_in(self, week: Period) -> list[LinkedChange]:
        """What was taken out of production in a week."""
        return self._withdrawn_of_week.get(week, [])

    def deployments_in(self, week: Period) -> list[LinkedDeployment]:
        """Deployments that reached users in a week, in their order."""
        return self._deployments_of_week.get(week, [])

    @cached_property
    def change(self) -> dict[tuple[str, str], LinkedChange]:
        """Changes by codebase and id."""
        return {(c.codebase, c.id): c for c in self.changes}

    @cached_property
    def deployment(self) -> dict[tuple[str, str, str], LinkedDeployment]:
        """Deployments by codebase, environment and id."""
        return {(d.codebase, d.environment, d.id): d for d in self.deployments}

    def person(self, name: str | None) -> str | None:
        """A person's name as readers know it: that of `people`, else what the source says, without e-mail."""
        if name is None:
            return None
        if name not in self._persons:
            known = self.person_key(name)
            self._persons[name] = (self.config.people[known].name or known) if known else author_name(name)
        return self._persons[name]

    @cached_property
    def _persons(self) -> dict[str, str]:
        """Names of people as `person` has found them."""
        return {}

    def person_key(self, name: str | None) -> str | None:
        """The key in `people` of what a source calls somebody: a login, a name, an address, or both."""
        return None if name is None else self.once(_person_key, name)

    @cached_property
    def incidents_read(self) -> bool:
        """Whether incidents are known of, be it that there was none: some were read, or a source has them."""
        return (
            bool(self.incidents)
            or any(codebase.incidents for codebase in self.config.codebases.values())
            or any(tells_incidents(source.kind, source.options) for source in self.config.sources)
        )

    @cached_property
    def _incident_times(self) -> dict[str, datetime]:
        return {i.id: i.started_at for i in self.incidents}

    def incident_period(self, started: datetime) -> str:
        """The page on which an incident of long ago is told: `2026`, or where there are many `2026-11`."""
        local = started.astimezone(self.zone)
        many = len(self._incident_times) > YEARS_INCIDENTS
        return f"{local.year}-{local.month:02}" if many else str(local.year)

    @cached_property
    def incidents_of_week(self) -> dict[Period, list[LinkedIncident]]:
        """Each incident once in every week in which it went on, in the order of their beginning."""
        found: dict[Period, list[LinkedIncident]] = defaultdict(list)
        seen: set[str] = set()
        for incident in sorted(self.incidents, key=lambda i: i.started_at):
            if incident.id not in seen and incident.started_at <= self.as_of:
                seen.add(incident.id)
                until = incident.resolved_at or self.as_of
                for week in periods_between("week", incident.started_at, until, self.zone):
                    found[week].append(incident)
        return found

    def incident_href(self, id_: str) -> Markup:
        """Where an incident is told: where there are many, on its year's page."""
        times = self._incident_times
        many = len(times) > MANY_INCIDENTS
        place = f"{self.incident_period(times[id_])}/" if many and id_ in times else ""
        return Markup(f"~/incidents/{place}#{slug(id_)}")

    def week_href(self, week: Period) -> Markup:
        """The address of a week's page."""
        return Markup(f"~/shipped/{week.id}/")

    def heavy(self, week: Period) -> bool:
        """Whether a week has too many changes for one page."""
        return len(self.changes_in(week)) + 2 * len(self.deployments_in(week)) > HEAVY_WEEK

    def parts(self, week: Period) -> dict[str, str]:
        """Each codebase of a heavy week, and the one that its page is called after: the first on it.

        A page takes codebases by name while their changes fit on it.
        """
        if week not in self._parts:
            counts = Counter(change.codebase for change in self.changes_in(week))
            found: dict[str, str] = {}
            first, room = "", 0
            for name in sorted(counts):
                if counts[name] > room:
                    first, room = name, HEAVY_WEEK // 2
                found[name] = first
                room -= counts[name]
            self._parts[week] = found
        return self._parts[week]

    @cached_property
    def _parts(self) -> dict[Period, dict[str, str]]:
        return {}

    def change_href(self, change: LinkedChange) -> Markup:
        """Where a change is told: its anchor on its week's page, else among what waits."""
        anchor = change_anchor(change.codebase, change.id)
        if change.deployed_at is not None:
            week = Week.of(change.deployed_at, self.zone)
            place = f"{slug(self.parts(week)[change.codebase])}/" if self.heavy(week) else ""
            return Markup(f"{self.week_href(week)}{place}#{anchor}")
        if change.state == "waiting":
            return Markup(f"~/shipped/waiting/#{anchor}")
        return Markup("~/changes/")

    def is_other_name(self, deployment: LinkedDeployment) -> bool:
        """Whether it is a further tag of a revision that an earlier one has brought there."""
        first = deployment.rollout
        there = (deployment.codebase, deployment.environment, first or "")
        return first != deployment.id and there in self.deployment

    def deployment_href(self, deployment: LinkedDeployment) -> Markup:
        """Where a deployment is listed with its evidence."""
        year = deployment.at.astimezone(self.zone).year
        folder = slug(deployment.codebase)
        return Markup(f"~/deployments/{folder}/{year}/#{deployment_anchor(deployment)}")


def _person_key(book: Book, name: str) -> str | None:
    spellings = (name, author_email(name), author_name(name))
    return next((key for spelling in spellings if (key := book.config.person_of(spelling))), None)


def change_anchor(codebase: str, id_: str) -> Markup:
    """The anchor of a change on the pages that tell it."""
    return Markup(slug(f"{codebase}-{id_}"))


def deployment_anchor(deployment: LinkedDeployment) -> Markup:
    """The anchor of a deployment on its codebase's page of the year."""
    return Markup(slug(f"{deployment.environment}-{deployment.id}"))

"""What the checks of practices are given: a codebase as it stood at an instant."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from deploybook import words
from deploybook.linking.model import LinkedChange, LinkedDeployment, LinkedIncident
from deploybook.pages.book import Book
from deploybook.pages.notes import Notices, noted
from deploybook.pages.owning import last_active, owner_of
from deploybook.pages.rota import rotation_of
from deploybook.pages.telling import Teller
from deploybook.pages.written import written
from deploybook.periods import Rotation, Week
from deploybook.pipelines.model import looks_at_users
from deploybook.practices import Facts, Statement
from deploybook.practices.model import DAYS, WEEKS, Guard, Outlier

_SUMS = ("green_time", "tested_commits", "uptime", "uptime_incidents")
_LATEST = ("coverage", "flaky_share")
_KEEPERS = ("keep", "disturb", "build", "release", "branch")


class Standing:
    """The book, indexed once for the checks of all codebases."""

    def __init__(self, book: Book, tell: Teller, statements: tuple[Statement, ...]) -> None:
        self.book = book
        self.tell = tell
        self.statements = statements
        self.changes: dict[str, list[LinkedChange]] = defaultdict(list)
        for change in sorted(book.changes, key=lambda change: (change.merged_at, change.id)):
            self.changes[change.codebase].append(change)
        self.deployments: dict[str, list[LinkedDeployment]] = defaultdict(list)
        for deployment in book.live_deployments:
            self.deployments[deployment.codebase].append(deployment)
        self.incidents: dict[str, list[LinkedIncident]] = defaultdict(list)
        for incident in sorted(book.incidents, key=lambda incident: incident.started_at):
            self.incidents[incident.codebase or ""].append(incident)
        self.on_branch: dict[str, set[str]] = defaultdict(set)
        for commit in book.branch_commits:
            self.on_branch[commit.codebase].add(commit.revision)
        self.before_users: dict[str, set[str]] = defaultdict(set)
        for deployment in book.deployments:
            if not deployment.live and deployment.outcome == "success" and deployment.revision:
                self.before_users[deployment.codebase].add(deployment.revision)

    @cached_property
    def reviews(self) -> dict[str, date]:
        """When each hand-written page was last reviewed; never is the first of days."""
        if self.book.config.file is None:
            return {}
        pages = written(self.book.config.by_hand)
        return {page.file: page.reviewed_on or date.max for page in pages}

    @cached_property
    def active(self) -> dict[str, datetime]:
        """When each person last did something."""
        return self.book.once(last_active)

    @cached_property
    def judged(self) -> dict[str, set[str]]:
        """Revisions that the gate gave a verdict on for users, by codebase."""
        found: dict[str, set[str]] = defaultdict(set)
        table = self.book.history["verdicts"].select(["codebase", "environment", "revision"])
        for row in table.to_pylist():
            if row["environment"].lower() in self.book.config.live and row["codebase"]:
                found[row["codebase"]].add(row["revision"])
        return found

    @cached_property
    def _runs(self) -> tuple[dict[str, int], dict[str, set[str]]]:
        """How many runs each codebase has, and those in which smoke tests passed."""
        counts: dict[str, int] = defaultdict(int)
        smoked: dict[str, set[str]] = defaultdict(set)
        table = self.book.history["pipeline_runs"].select(["codebase", "id", "stages"])
        for row in table.to_pylist():
            counts[row["codebase"]] += 1
            stages = json.loads(row["stages"]) if row["stages"] else []
            if any(looks_at_users(str(s.get("name"))) and s.get("outcome") == "success" for s in stages):
                smoked[row["codebase"]].add(row["id"])
        return counts, smoked

    @cached_property
    def locks(self) -> dict[str | None, int]:
        """How many locks were read, by codebase; those for all stand under none."""
        found: dict[str | None, int] = defaultdict(int)
        for name in self.book.history["locks"].column("codebase").to_pylist():
            found[name] += 1
        return found

    @cached_property
    def forge(self) -> set[str]:
        """Codebases of which something but git told: openings, reviews, labels."""
        return {
            name
            for name, changes in self.changes.items()
            if any(c.opened_at or c.labels or c.approvals is not None for c in changes)
        }

    @cached_property
    def keeping(self) -> Rotation | None:
        """The rotation that keeps release branches buildable, by its name."""
        names = sorted(self.book.config.rotations)
        found = next((name for hint in _KEEPERS for name in names if hint in name), None)
        return rotation_of(self.book, found) if found else None

    def _guard(self, codebase: str, at: datetime) -> Guard | None:
        """What guards the release branch, as last read before an instant."""
        wanted = self.book.config.codebases[codebase].release_branch
        known = [
            row
            for row in self._guards.get(codebase, ())
            if row["read_at"] <= at and row["branch"] == (wanted or row["branch"])
        ]
        if not known:
            return None
        row = max(known, key=lambda row: row["read_at"])
        checks = None if row["checks"] is None else tuple(row["checks"])
        return Guard(row["branch"], row["read_at"], row["protected"], row["reviews"], checks)

    @cached_property
    def _guards(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self.book.history["branch_rules"].to_pylist():
            found[row["codebase"]].append(row)
        return found

    @cached_property
    def notices(self) -> Notices:
        """What was sent to whom."""
        return Notices.of(self.book)

    @cached_property
    def outliers(self) -> dict[str, list[Outlier]]:
        """What was unusual in the last 26 weeks, by codebase."""
        return noted(self.book)

    def facts(self, codebase: str, at: datetime) -> Facts:
        """What is known of a codebase at an instant; what came later does not count."""
        book, config = self.book, self.book.config
        since = at - timedelta(days=DAYS)
        counts, smoked = self._runs
        team = config.codebases[codebase].team
        delivered = [c for c in self.changes[codebase] if c.deployed_at and since <= c.deployed_at <= at]
        deployments = [d for d in self.deployments[codebase] if since <= d.at <= at]
        decides = config.process.decides
        authors = {key for c in delivered if not c.bot and (key := book.person_key(c.author) or c.author)}
        # A robot that writes GitOps commits says nothing of who asked for them.
        started = {book.person_key(d.by) or d.by for d in deployments if d.by}
        by = {name for name in started if name and name in self.people}
        reads = [source.last_read for source in book.sources if source.last_read]
        return Facts(
            config=config,
            codebase=codebase,
            at=at,
            calendar=book.calendar,
            merged=[
                c for c in self.changes[codebase] if since <= c.merged_at <= at and c.state != "unmatched"
            ],
            delivered=delivered,
            deployments=deployments,
            by_week=self._by_week(codebase, at),
            before_users=frozenset(self.before_users[codebase]),
            on_branch=frozenset(self.on_branch[codebase]),
            incidents=[i for i in self.incidents[codebase] if since <= i.started_at <= at],
            incidents_read=any(i.started_at <= at for i in book.incidents),
            runs=counts.get(codebase, 0),
            smoked=frozenset(smoked.get(codebase, ())),
            judged=frozenset(self.judged.get(codebase, ())),
            breaks=[b for b in book.breaks.get(codebase, []) if since <= b.start <= at],
            sums={metric: self._sum(codebase, metric, at) for metric in self._summed(codebase)},
            latest={m: found for m in _LATEST if (found := self._latest(codebase, m, at))},
            described=sum(self.tell.worded(change).described for change in delivered),
            locks=self.locks.get(codebase, 0) + self.locks.get(None, 0),
            reviews=self.reviews,
            owner=owner.name if (owner := owner_of(book, codebase)) else None,
            active=self.active,
            deployers=frozenset(by),
            authors=frozenset(authors),
            deciding=rotation_of(book, decides.rotation) if decides else None,
            keeping=self.keeping,
            forge=codebase in self.forge,
            read_at=min(reads, default=None),
            guard=self._guard(codebase, at),
            runs_now=max(
                (d for d in self.deployments[codebase] if d.outcome == "success" and d.at <= at),
                key=lambda d: d.at,
                default=None,
            ),
            first_at=min((d.at for d in self.deployments[codebase]), default=None),
            outliers=self.outliers.get(codebase, ()) if "outliers" in book.tables else None,
            told=self.notices.told.get(codebase, frozenset()) if self.notices.since else None,
            noticed_since=self.notices.since,
            refused=self.notices.refused(codebase, book),
            stated=tuple(s for s in self.statements if s.about(codebase, team)),
        )

    @cached_property
    def people(self) -> set[str]:
        """Everybody who is configured, or wrote a change that no robot wrote."""
        authors = {c.author for c in self.book.changes if c.author and not c.bot}
        return {*self.book.config.people, *(self.book.person_key(author) or author for author in authors)}

    @cached_property
    def _monitored(self) -> set[str]:
        """Codebases whose uptime anything tells: a monitor, or incidents that say whether it was down."""
        seen = set(self.book.history["availability"].column("codebase").to_pylist())
        return seen | {i.codebase for i in self.book.incidents if i.codebase and i.down is not None}

    def _summed(self, codebase: str) -> tuple[str, ...]:
        return tuple(m for m in _SUMS if not m.startswith("uptime") or codebase in self._monitored)

    def _by_week(self, codebase: str, at: datetime) -> dict[Week, list[LinkedDeployment]]:
        this = Week.of(at, self.book.zone).start
        weeks = (Week(*(this - timedelta(weeks=back)).isocalendar()[:2]) for back in range(WEEKS, 0, -1))
        found: dict[Week, list[LinkedDeployment]] = {week: [] for week in weeks}
        for deployment in self.deployments[codebase]:
            own = Week.of(deployment.at, self.book.zone)
            if own in found and deployment.at <= at:
                found[own].append(deployment)
        return found

    def _sum(self, codebase: str, metric: str, at: datetime) -> tuple[float, float]:
        """Numerator and denominator of the thirteen weeks before that of `at`."""
        end = Week.of(at, self.book.zone).start
        first = end - timedelta(weeks=13)
        figures = self.book.figures.series("codebase", codebase, "week", metric)
        inside = [f for f in figures if first <= f.start < end]
        return sum(f.numerator or 0 for f in inside), sum(f.denominator or 0 for f in inside)

    def _latest(self, codebase: str, metric: str, at: datetime) -> tuple[float, str] | None:
        end = Week.of(at, self.book.zone).start
        figures = self.book.figures.series("codebase", codebase, "week", metric)
        first = end - timedelta(weeks=13)
        known = [f for f in figures if first <= f.start <= end and f.value is not None]
        if not known or known[-1].value is None:
            return None
        last = known[-1]
        sample = f"{words.number(last.numerator or 0)} of {words.number(last.denominator or 0)}"
        return known[-1].value, sample

"""Which deployments an incident is tied to: by what it says, else by what was deployed shortly before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from deploybook.linking.changes import Ledger
from deploybook.linking.deployments import Run
from deploybook.linking.failures import NEAR, SAID, mark
from deploybook.linking.rules import Rules
from deploybook.records import Cause, Incident


@dataclass(frozen=True)
class Tie:
    """An incident in one codebase, and one deployment that it is tied to, or the words why none."""

    codebase: str | None
    run: Run | None = None
    matched_by: Literal["said", "near"] | None = None
    flag: str | None = None
    because: str | None = None


@dataclass
class Deployed:
    """A codebase's deployments, to be asked by incidents."""

    codebase: str
    ledger: Ledger
    runs: list[Run]
    by_id: dict[str, list[Run]] = field(default_factory=dict)
    by_key: dict[str, list[Run]] = field(default_factory=dict)
    by_change: dict[int, list[Run]] = field(default_factory=dict)
    _begun: dict[tuple[str, ...], tuple[list[datetime], list[Run]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for run in self.runs:
            self.by_id.setdefault(run.id, []).append(run)
            if run.reached:
                self.by_key.setdefault(run.key, []).append(run)
            if not run.baseline:
                for change in run.move.entered:
                    self.by_change.setdefault(change, []).append(run)

    def before(self, moment: datetime, environments: tuple[str, ...]) -> Run | None:
        """The latest deployment that had reached one of the environments and began by `moment`."""
        if environments not in self._begun:
            found = [run for run in self.runs if run.reached and run.environment in environments]
            found.sort(key=lambda run: (run.began, run.at, run.environment, run.id))
            self._begun[environments] = ([run.began for run in found], found)
        times, runs = self._begun[environments]
        place = bisect_right(times, moment)
        return runs[place - 1] if place else None

    def said(self, cause: Cause, moment: datetime, environments: tuple[str, ...]) -> list[Run]:
        """The deployments that a cause names; of a revision or a change the latest before `moment`."""
        if cause.deployment is not None:
            found = self.by_id.get(cause.deployment, [])
            return [run for run in found if run.environment in environments] or found
        found = []
        if cause.revision is not None:
            place = self.ledger.graph.find(cause.revision)
            key = self.ledger.graph.revisions[place] if place is not None else cause.revision
            found = self.by_key.get(key, [])
            if not found:
                change = self.ledger.of_revision(cause.revision)
                found = self._of_change(change)
        elif cause.change is not None:
            found = self._of_change(self.ledger.by_id.get(cause.change))
        past = [run for run in found if run.environment in environments and run.began <= moment]
        return [max(past, key=lambda run: (run.began, run.at, run.id))] if past else []

    def _of_change(self, change: int | None) -> list[Run]:
        if change is None:
            return []
        original = self.ledger.news[change].original
        return self.by_change.get(original if original is not None else change, [])


def tie(incident: Incident, deployed: Mapping[str, Deployed], rules: Rules) -> list[Tie]:
    """Tie an incident to deployments: one tie each; where there is none, one a codebase with the reason."""
    named = [rules.codebase_of(name) for name in incident.codebases or ()]
    codebases = [name for name in dict.fromkeys(named) if name is not None and name in deployed]
    if incident.caused_by:
        return _said(incident, incident.caused_by, codebases, deployed, rules)
    if not codebases:
        return [Tie(None, because="It names no codebase that is known here, and no cause.")]
    return [_near(incident, deployed[name], rules) for name in codebases]


def tell_incident(incident: Incident, ties: Iterable[Tie]) -> None:
    """Mark the deployments that an incident is tied to; its resolution ends their failure."""
    for each in ties:
        if each.run is None:
            continue
        if each.matched_by == "said":
            mark(each.run, SAID, f"Incident {incident.id} names it as its cause.")
        else:
            after = _span(incident.started_at - each.run.began)
            mark(each.run, NEAR, f"Incident {incident.id} started {after} after it, and names no cause.")
        if incident.resolved_at is not None:
            each.run.ends.append((incident.resolved_at, f"incident:{incident.id}"))


def _said(
    incident: Incident,
    causes: Iterable[Cause],
    codebases: list[str],
    deployed: Mapping[str, Deployed],
    rules: Rules,
) -> list[Tie]:
    ties: list[Tie] = []
    seen: set[int] = set()
    where = _environments(incident, rules)
    for cause in causes:
        if cause.flag is not None:
            named: list[str | None] = [*codebases] or [None]
            ties += [Tie(name, matched_by="said", flag=cause.flag) for name in named]
            continue
        among, inner = _where(cause, codebases, deployed, rules)
        for name in among:
            for run in deployed[name].said(inner, incident.started_at, where):
                if id(run) not in seen:
                    seen.add(id(run))
                    ties.append(Tie(name, run, "said"))
    told = {each.codebase for each in ties}
    if not ties:
        words = "Nobody has the deployment, revision or change that it says caused it, before it started."
    else:
        words = "What it says caused it is in another codebase."
    ties += [Tie(name, because=words) for name in codebases if name not in told]
    return ties or [Tie(None, because=words)]


def _environments(incident: Incident, rules: Rules) -> tuple[str, ...]:
    """Where it was: where it says, else where users are."""
    return (incident.environment.lower(),) if incident.environment else rules.live


def _where(
    cause: Cause, codebases: list[str], deployed: Mapping[str, Deployed], rules: Rules
) -> tuple[list[str], Cause]:
    """Where a cause is looked for: the codebase it names (`codebase/id`), else the incident's, else all."""
    for part in ("deployment", "revision", "change"):
        value: str = getattr(cause, part) or ""
        for place, letter in enumerate(value):
            if letter == "/":
                name = rules.codebase_of(value[:place])
                if name is not None and name in deployed:
                    return [name], Cause(**{part: value[place + 1 :]})
    return codebases or list(deployed), cause


def _near(incident: Incident, there: Deployed, rules: Rules) -> Tie:
    where = _environments(incident, rules)
    run = there.before(incident.started_at, where)
    limit = _span(rules.near)
    if run is None:
        words = f"No deployment to {' or '.join(where)} is known from before it, and it names no cause."
        return Tie(there.codebase, because=words)
    since = incident.started_at - run.began
    if since > rules.near:
        words = (
            f"The latest deployment before it, {run.id}, had begun {_span(since)} earlier: "
            f"more than the limit of {limit}, and it names no cause."
        )
        return Tie(there.codebase, because=words)
    return Tie(there.codebase, run, "near")


def _span(span: timedelta) -> str:
    """A length of time in its two largest units."""
    minutes = round(span.total_seconds() / 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    if days >= 2:
        return f"{days} days" + (f" {hours} h" if hours else "")
    hours += days * 24
    if hours:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{minutes} min"

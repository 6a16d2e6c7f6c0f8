"""Which deployments an incident is tied to: by what it says, else by what was deployed shortly before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from deploybook.linking.changes import Ledger
from deploybook.linking.deployments import Run
from deploybook.linking.failures import NEAR, SAID, mark
from deploybook.linking.rules import Rules
from deploybook.records import Cause, Incident

NO_CAUSE = -1


class Question(Struct, frozen=True):
    """What an incident asks of one codebase."""

    incident: Incident
    nth: int
    """Which of its causes asks; `NO_CAUSE` where it says none: then what was deployed before is asked."""
    cause: Cause | None = None
    """As the codebase names it."""


class Answer(Struct, frozen=True, kw_only=True):
    """One deployment that a question leads to, or the words why none."""

    incident: str
    nth: int
    deployment: str | None = None
    environment: str | None = None
    finished_at: datetime | None = None
    because: str | None = None


@dataclass(frozen=True)
class Tie:
    """An incident in one codebase, and one deployment that it is tied to, or the words why none."""

    codebase: str | None
    found: Answer | None = None
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


def questions(incident: Incident, codebases: Sequence[str], rules: Rules) -> Iterator[tuple[str, Question]]:
    """What an incident asks of which of the configured codebases, in the order in which answers are told."""
    named = _named(incident, codebases, rules)
    for nth, cause in enumerate(incident.caused_by or ()):
        if cause.flag is None:
            among, inner = _where(cause, named, codebases, rules)
            yield from ((name, Question(incident, nth, inner)) for name in among)
    if not incident.caused_by:
        yield from ((name, Question(incident, NO_CAUSE)) for name in named)


def answer(
    asked: Iterable[Question], there: Deployed, rules: Rules
) -> list[tuple[Question, Run | None, str]]:
    """The deployments of a codebase that questions lead to; of a cause that is not there, nothing."""
    found: list[tuple[Question, Run | None, str]] = []
    seen: set[tuple[str, int]] = set()
    for each in asked:
        if each.cause is None:
            found.append((each, *_near(each.incident, there, rules)))
            continue
        where = _environments(each.incident, rules)
        for run in there.said(each.cause, each.incident.started_at, where):
            if (each.incident.id, id(run)) not in seen:
                seen.add((each.incident.id, id(run)))
                found.append((each, run, ""))
    return found


def tell_incident(incident: Incident, run: Run, *, said: bool) -> None:
    """Mark a deployment that an incident is tied to; its resolution ends the failure."""
    if said:
        mark(run, SAID, f"Incident {incident.id} names it as its cause.")
    else:
        after = _span(incident.started_at - run.began)
        mark(run, NEAR, f"Incident {incident.id} started {after} after it, and names no cause.")
    if incident.resolved_at is not None:
        run.ends.append((incident.resolved_at, f"incident:{incident.id}"))


Answers = Mapping[tuple[str, int, str], Sequence[Answer]]
"""By incident, which of its causes, and codebase."""


def ties(incident: Incident, answers: Answers, codebases: Sequence[str], rules: Rules) -> list[Tie]:
    """An incident's ties: one each; where there is none, one a codebase with the reason."""
    named = _named(incident, codebases, rules)
    if incident.caused_by:
        return _said(incident, answers, named, codebases, rules)
    if not named:
        return [Tie(None, because="It names no codebase that is known here, and no cause.")]
    return [
        Tie(name, found, "near") if found.deployment is not None else Tie(name, because=found.because)
        for name in named
        for found in answers[incident.id, NO_CAUSE, name]
    ]


def _named(incident: Incident, codebases: Sequence[str], rules: Rules) -> list[str]:
    """The configured codebases that it says it was in."""
    meant = [rules.codebase_of(name) for name in incident.codebases or ()]
    return [name for name in dict.fromkeys(meant) if name is not None and name in codebases]


def _said(
    incident: Incident, answers: Answers, named: list[str], codebases: Sequence[str], rules: Rules
) -> list[Tie]:
    found: list[Tie] = []
    for nth, cause in enumerate(incident.caused_by or ()):
        if cause.flag is not None:
            within: list[str | None] = [*named] or [None]
            found += [Tie(name, matched_by="said", flag=cause.flag) for name in within]
            continue
        for name in _where(cause, named, codebases, rules)[0]:
            found += [Tie(name, each, "said") for each in answers.get((incident.id, nth, name), ())]
    told = {each.codebase for each in found}
    if not found:
        words = "Nobody has the deployment, revision or change that it says caused it, before it started."
    else:
        words = "What it says caused it is in another codebase."
    found += [Tie(name, because=words) for name in named if name not in told]
    return found or [Tie(None, because=words)]


def _environments(incident: Incident, rules: Rules) -> tuple[str, ...]:
    """Where it was: where it says, else where users are."""
    return (incident.environment.lower(),) if incident.environment else rules.live


def _where(
    cause: Cause, named: list[str], codebases: Sequence[str], rules: Rules
) -> tuple[Sequence[str], Cause]:
    """Where a cause is looked for: the codebase it names (`codebase/id`), else the incident's, else all."""
    for part in ("deployment", "revision", "change"):
        value: str = getattr(cause, part) or ""
        for place, letter in enumerate(value):
            if letter == "/":
                name = rules.codebase_of(value[:place])
                if name is not None and name in codebases:
                    return [name], Cause(**{part: value[place + 1 :]})
    return named or codebases, cause


def _near(incident: Incident, there: Deployed, rules: Rules) -> tuple[Run | None, str]:
    """The latest deployment before it, unless that was too long before: then why not."""
    where = _environments(incident, rules)
    run = there.before(incident.started_at, where)
    limit = _span(rules.near)
    if run is None:
        return None, f"No deployment to {' or '.join(where)} is known from before it, and it names no cause."
    since = incident.started_at - run.began
    if since > rules.near:
        return None, (
            f"The latest deployment before it, {run.id}, had begun {_span(since)} earlier: "
            f"more than the limit of {limit}, and it names no cause."
        )
    return run, ""


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

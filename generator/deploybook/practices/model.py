"""What a check is given, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from deploybook.config import Config
from deploybook.config.models import Codebase, Team
from deploybook.linking.model import LinkedChange, LinkedDeployment, LinkedIncident
from deploybook.periods import Calendar, Rotation, Week

Status = Literal["met", "not_met", "not_applicable", "not_measured"]
Stage = Literal["weekly", "daily"]

DAYS = 90
"""The window of a check, where it says no other."""
WEEKS = 12
REVIEW_DAYS = 180
"""How old a review, or the last sign of an owner, may be."""


@dataclass(frozen=True)
class Evidence:
    """A row that the answer was made from: when, and what."""

    at: datetime | date | None
    says: str
    deployment: LinkedDeployment | None = None
    change: LinkedChange | None = None


@dataclass(frozen=True)
class Answer:
    """What a check found."""

    status: Status
    says: str
    """A sentence, with the figure and its sample."""
    value: float | None = None
    evidence: tuple[Evidence, ...] = ()
    step: str = ""
    """What to do next, where the check knows better than its own standing advice."""
    threshold: float | None = None
    """What was asked for, where it is a number: the codebase's own, or the ladder's."""


@dataclass(frozen=True)
class Span:
    """A break of the release branch; an open one has no end."""

    start: datetime
    end: datetime | None
    url: str | None = None
    """The run that turned it red."""


@dataclass(frozen=True)
class Guard:
    """What guards a release branch, as a forge said when it was read; what it may not tell is `None`."""

    branch: str
    read_at: datetime
    protected: bool | None
    reviews: int | None
    checks: tuple[str, ...] | None


@dataclass(frozen=True)
class Outlier:
    """A change or deployment that was unusual, and whether somebody wrote why."""

    at: datetime
    noted: bool
    evidence: Evidence


@dataclass(frozen=True)
class Facts:
    """All that checks know of one codebase at one instant.

    Lists are of the last 90 days up to `at`, oldest first, unless said otherwise.
    """

    config: Config
    codebase: str
    at: datetime
    calendar: Calendar
    merged: Sequence[LinkedChange]
    delivered: Sequence[LinkedChange]
    deployments: Sequence[LinkedDeployment]
    """To users, each roll-out once."""
    by_week: Mapping[Week, Sequence[LinkedDeployment]]
    """Deployments to users of the twelve whole weeks before `at`, by week; each of them is there."""
    before_users: frozenset[str]
    """Revisions that were in an environment before users, at any time."""
    on_branch: frozenset[str]
    """Revisions of the release branch."""
    incidents: Sequence[LinkedIncident]
    incidents_read: bool
    """Whether any incident was ever read, of any codebase."""
    runs: int
    """Runs of a pipeline that are known."""
    smoked: frozenset[str]
    """Runs of a pipeline in which smoke tests ran."""
    judged: frozenset[str]
    """Revisions that the gate gave a verdict on."""
    breaks: Sequence[Span]
    sums: Mapping[str, tuple[float, float]]
    """Numerator and denominator of rates, over the last thirteen weeks."""
    latest: Mapping[str, tuple[float, str]]
    """The newest figure of a metric, with its sample in words."""
    described: int
    """Of `delivered`, those with words of their own for readers."""
    locks: int
    """Locks that were ever read, for this codebase or for all."""
    reviews: Mapping[str, date]
    """When each hand-written page was last reviewed, by its file below `docs/`."""
    owner: str | None
    active: Mapping[str, datetime]
    """When each person of the configuration last did something here or elsewhere."""
    deployers: frozenset[str]
    authors: frozenset[str]
    deciding: Rotation | None
    keeping: Rotation | None
    forge: bool
    """Whether anything but git told of changes: openings, reviews, labels."""
    read_at: datetime | None
    """When the oldest source was last read."""
    stated: Sequence[Statement] = field(default_factory=tuple)
    guard: Guard | None = None
    """What guards the release branch; none where no source said."""
    first_at: datetime | None = None
    """When anything was first deployed to users, as far as history goes."""
    runs_now: LinkedDeployment | None = None
    """The last successful deployment to users, however old."""
    outliers: Sequence[Outlier] | None = None
    """What was unusual in the last 26 weeks; none where it was not counted."""
    told: frozenset[tuple[str, str]] | None = None
    """Environment and id of the deployments that a notice was accepted of; none where none was ever sent."""
    noticed_since: datetime | None = None
    """Since when notices are sent."""
    refused: int = 0
    """Targets of the team and its people that have taken no notice for a day."""

    @property
    def settings(self) -> Codebase:
        """The codebase's configuration."""
        return self.config.codebases[self.codebase]

    @property
    def team(self) -> Team | None:
        """The team that owns it, where one is configured."""
        return self.config.teams.get(self.settings.team or "")


@dataclass(frozen=True)
class Statement:
    """What a person says of a practice that no machine can see, or an exemption from one."""

    practice: str
    by: str
    on: date
    renew: date | None
    met: bool | None
    codebases: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    note: str = ""
    drill: str = ""
    exempt: bool = False
    threshold: float | None = None

    def about(self, codebase: str, team: str | None) -> bool:
        """Whether it is about a codebase: named, by its team, or about all."""
        if not self.codebases and not self.teams:
            return True
        return codebase in self.codebases or team in self.teams


@dataclass(frozen=True)
class Check:
    """One row of a ladder."""

    id: str
    stage: Stage
    group: str
    title: str
    asked: str
    """The threshold in words."""
    threshold: float | None
    find: Callable[[Facts, float], Answer]
    step: str
    """The next step where it is not met."""
    timed: bool = True
    """Whether history can answer it for an earlier day; configuration knows only today."""

    @property
    def about(self) -> str:
        """What the check asks, in a sentence."""
        return (self.find.__doc__ or "").partition("\n")[0]


def missing(says: str, step: str = "") -> Answer:
    """The source is not there: nothing is guessed."""
    return Answer("not_measured", says, step=step)


def none(says: str) -> Answer:
    """The practice does not apply."""
    return Answer("not_applicable", says)


def judged(met: bool, says: str, value: float | None = None, evidence: Sequence[Evidence] = ()) -> Answer:
    """Met or not."""
    return Answer("met" if met else "not_met", says, value, tuple(evidence))

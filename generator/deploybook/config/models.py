"""`deploybook.yml` as frozen models: attribute names are the keys of the file.

A key that is a word of Python has an underscore behind it: `from:` is `from_`. Dates and times of day are
local to `site.timezone`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from deploybook.config.base import Model
from deploybook.config.deployments import (
    Deployments,
    GithubDeployments,
    GitopsDeployments,
    Incidents,
    RecordDeployments,
    ReleaseDeployments,
    TagDeployments,
    WorkflowDeployments,
)
from deploybook.config.process import (
    Before,
    CutOff,
    Decides,
    Freeze,
    Meeting,
    Override,
    Process,
    Rotation,
    Stage,
    Window,
)
from deploybook.config.values import (
    Address,
    Amount,
    Clock,
    Day,
    Duration,
    EngineName,
    History,
    Limit,
    LinkTemplate,
    Name,
    RefPrefix,
    RelativePath,
    Repository,
    Secrets,
    SiteName,
    Words,
    Zone,
    wrong,
)

__all__ = [
    "Annotation",
    "Area",
    "Before",
    "Codebase",
    "Correction",
    "Counting",
    "CutOff",
    "Decides",
    "Deployments",
    "Document",
    "Flag",
    "Freeze",
    "Gate",
    "GithubDeployments",
    "GitopsDeployments",
    "Hotfix",
    "Incidents",
    "Initiative",
    "Locks",
    "Meeting",
    "Model",
    "Notices",
    "Override",
    "Person",
    "Process",
    "RecordDeployments",
    "ReleaseDeployments",
    "Rotation",
    "Site",
    "SourceConfig",
    "Stage",
    "TagDeployments",
    "Target",
    "Team",
    "Window",
    "WorkflowDeployments",
]


class Site(Model):
    """The site itself."""

    name: str = "Deploys"
    """The title of the site."""
    url: Address | None = None
    """Where the site is served from; feeds and notices need it for whole addresses."""
    docs: RelativePath = "docs"
    """The folder of the pages that people write by hand."""
    timezone: Zone = "UTC"
    """IANA name as Europe/Berlin: weeks, cut-offs and windows are in it."""
    public: bool = False
    """Hide people, notes of incidents and internal links."""
    simulated: bool = False
    """The data is made up; every page says so."""
    stale_after: Limit = timedelta(hours=36)
    """How old the book, or what a source said last, may be before every page warns; false: never."""


class Codebase(Model):
    """What is deployed as one."""

    repository: Repository | None = None
    """An address, or a path to a clone; not needed where records say everything."""
    path: RelativePath | None = None
    """The folder of the repository it lives in, in a monorepo."""
    release_branch: str | None = None
    """Default: the remote's default branch."""
    team: str | None = None
    """The team that owns it."""
    deployments: Deployments
    """Where its deployments are read from; default: version tags, or records where it has no repository."""
    incidents: Incidents | None = None
    """Where its incidents are read from; default: records."""
    also_known_as: Words = ()
    """What other systems call it: services, artifacts, projects."""
    required: Words | None = None
    """Pipelines that must be green; default: those the branch rules name, else all."""
    links: dict[str, LinkTemplate] = Field(default={})
    """Addresses of other tools with {codebase}, {from_ms}, {to_ms} … in them."""

    @model_validator(mode="before")
    @classmethod
    def _default_deployments(cls, data: Any) -> Any:
        data = {} if data is None else data
        if isinstance(data, dict) and data.get("deployments") is None:
            return {**data, "deployments": {"from": "tags" if data.get("repository") else "records"}}
        return data


NoticeKind = Literal[
    "deployed", "failed", "stopped", "branch", "live", "withdrawn", "words", "cut-off", "lock", "shift",
    "incident", "flaky", "source", "digest",
]  # fmt: skip
"""What a notice can be about."""


class Team(Model):
    """Some people who own codebases."""

    name: str | None = None
    """How the team is written on pages."""
    members: Words = ()
    """People, by their name in `people`."""
    contact: str | None = None
    """Whom to ask: a person, or an address."""
    chat: str | None = None
    """Where they talk, as "#checkout"."""
    tracker: str | None = None
    """The address of their tracker."""
    documents: str | None = None
    """The address of their documents."""
    on_call: str | None = None
    """Their rotation, or the address of who is on call."""
    notify: Secrets = ()
    """Where notices for the team go, each env:NAME."""
    notices: tuple[NoticeKind, ...] | None = None
    """Which kinds of notices it wants; default: all."""
    follows: Words = ()
    """What it wants to hear of besides its own: codebases, areas, initiatives, or everything."""


class Person(Model):
    """Someone who writes, owns, decides."""

    name: str | None = None
    """How the person is written on pages."""
    github: str | None = None
    """Login on GitHub."""
    email: str | None = None
    """Address, also the author address in git."""
    also_known_as: Words = ()
    """Other author names and addresses of the same person."""
    notify: Secrets = ()
    """Where the person's own notices go, each env:NAME."""
    notices: tuple[NoticeKind, ...] | None = None
    """Which kinds of notices they want; default: all."""
    follows: Words = ()
    """What they want to hear of when it goes live: codebases, areas, initiatives, or everything."""


class Area(Model):
    """A product owner's word for a part of the product."""

    labels: Words = ()
    """A change with one of these labels belongs to it."""
    paths: Words = ()
    """So does one that touches one of these paths, as "src/checkout/**"."""
    codebases: Words = ()
    """So does one of these codebases."""


class Initiative(Model):
    """Something larger that changes add up to."""

    labels: Words = ()
    """A change or issue with one of these labels belongs to it."""
    milestones: Words = ()
    """So does one with one of these milestones."""
    owner: str | None = None
    """A person or a team."""
    due: Day | None = None
    """When it should be live."""
    about: str | None = None
    """One sentence for those who do not write code."""


class Flag(Model):
    """A feature flag."""

    label: str | None = None
    """A change with this label is behind the flag."""
    owner: str | None = None
    """A person or a team."""


class Hotfix(Model):
    """How a hotfix is known."""

    labels: Words = ("hotfix",)
    """A change with one of these labels is one."""
    branches: Words = ("hotfix/*",)
    """So is one from such a branch."""


class SourceConfig(Model):
    """One system to read from: `- kind: options`."""

    kind: str
    """The source, as github or records."""
    options: str | list[Any] | dict[str, Any]
    """What stands behind it in the file, unread."""

    @model_validator(mode="before")
    @classmethod
    def _one_key(cls, data: Any) -> Any:
        if not isinstance(data, dict) or len(data) != 1:
            raise wrong("one source as {records: history/*.jsonl}")
        ((kind, options),) = data.items()
        if not isinstance(options, (str, list, dict, type(None))):
            raise wrong("one source as {records: history/*.jsonl}")
        return {"kind": kind, "options": {} if options is None else options}


class Target(Model):
    """What a metric should reach."""

    at_least: Amount | None = None
    """A number, a share as 0.1, or a duration as 4h (kept in seconds)."""
    at_most: Amount | None = None
    """A number, a share as 0.1, or a duration as 4h (kept in seconds)."""
    per: Literal["day", "week", "month", "quarter"] | None = None
    """The period that a count is of."""
    by: Day | None = None
    """Until when."""

    @model_validator(mode="after")
    def _one_bound(self) -> Target:
        if (self.at_least is None) == (self.at_most is None):
            raise wrong("either `at_least` or `at_most`")
        return self


class Locks(Model):
    """Where deployment locks are kept."""

    repository: Repository | None = None
    """One repository for all; default: each codebase's own."""
    prefix: RefPrefix = "refs/deploybook/locks/"
    """Where in its refs."""
    clocks_within: Limit = None
    """How far the clocks of runners that share what they saw of locks may differ; false: not known."""


class Gate(Model):
    """What must hold before a promotion; `false` switches a check off."""

    staging_for: Limit = timedelta(minutes=30)
    """How long a revision must have been in the environment before; false: no such check."""
    smoke_younger_than: Limit = timedelta(hours=24)
    """How old a smoke test may be; false: no such check."""
    smoke: Words = ("smoke",)
    """What the names of smoke tests have in them: pipelines, jobs, stages or suites; any case."""
    unlocked: bool = True
    """No lock is in the way."""
    window: bool = True
    """It is inside the window, and no freeze."""
    release_branch: bool = True
    """The release branch is green."""
    required: bool = True
    """The required pipelines of this very revision are green."""
    earlier: bool = True
    """The environment before runs exactly this revision."""
    incidents: bool = True
    """No incident is open."""
    whole: bool = True
    """It does not have a change in it that was taken back after it."""
    reviewed: bool = True
    """Every change that it brings was approved by someone other than its author."""
    budget: bool = True
    """The change fail rate of four weeks is within the target; without a target no such check."""


class Notices(Model):
    """When notices are sent. Failures, incidents and forced locks do not wait for the end of quiet hours."""

    quiet: tuple[Clock, Clock] | None = None
    """Quiet hours, as ["19:00", "07:30"], in the site's time zone; what happens in them is sent after."""
    still_red_after: Limit = timedelta(hours=4)
    """When a release branch that stays red is told again, once; false: never."""
    lock_held_for: Limit = timedelta(hours=24)
    """When a lock that stays is told again, once; false: never."""
    cut_off_near: Limit = timedelta(hours=3)
    """How long before a cut-off it is told, and who has not described a change; false: never."""


Prunable = Literal["pipeline_runs", "test_case_runs", "coverage", "availability", "flag_changes"]
"""What there is most of, and no page of a week is made from."""


class Counting(Model):
    """Limits of the rules that say which deployment failed."""

    near_hours: Annotated[float, Field(gt=0, le=8760)] = 24
    """An incident this soon after a deployment is near it."""
    mended_hours: Annotated[float, Field(gt=0, le=8760)] = 72
    """A hotfix this soon after a deployment mends it."""
    undone_days: Annotated[float, Field(gt=0, le=3660)] = 30
    """A rollback or revert this soon after a deployment undoes it."""


class Spark(Model):
    """The Spark that counts, with `engine: spark`."""

    master: Annotated[str, Field(pattern=r"^(local(\[.+\])?|yarn|(spark|k8s|sc)://.+)$")] = "local[*]"
    """Where it is, as spark://host:7077; local[*] is this machine."""
    tables: Annotated[str, Field(min_length=1)] = "build/tables"
    """A folder or an address as s3://bucket/folder where the history lies as Parquet for all its machines."""
    settings: dict[str, str] = Field(default={})
    """Settings of the session, as spark.executor.memory: 4g."""


class Annotation(Model):
    """Something worth a flag on the charts."""

    on: Day
    """The day."""
    text: Annotated[str, Field(min_length=1)]
    """What happened."""
    codebases: Words | None = None
    """Which codebases it is about; absent: all."""
    cadence: str | None = None
    """The cadence that began, as weekly: periods are compared within."""
    url: Address | None = None
    """Where more is said."""


class Correction(Model):
    """A person's word against a rule's."""

    deployment: str
    """The deployment, as codebase/id."""
    failed: bool
    """Whether it needed intervention."""
    by: str
    """Who says so."""
    on: Day
    """When it was said."""
    because: Annotated[str, Field(min_length=1)]
    """Why."""


class Document(Model):
    """The whole of `deploybook.yml`."""

    site: Site = Site()
    """The site itself."""
    history: History = "duckdb://build/history.duckdb"
    """Where the history is kept: any Ibis URL, or env:NAME."""
    engine: EngineName = "duckdb"
    """What counts: duckdb, spark, or the address of any engine that Ibis speaks to, or env:NAME."""
    spark: Spark = Spark()
    """Which Spark, and how."""
    codebases: dict[SiteName, Codebase] = Field(default={})
    """What is deployed, by name."""
    teams: dict[SiteName, Team] = Field(default={})
    """Teams, by name."""
    people: dict[Name, Person] = Field(default={})
    """People, by name."""
    areas: dict[str, Area] = Field(default={})
    """Product owners' words for parts of the product; the first match wins."""
    initiatives: dict[str, Initiative] = Field(default={})
    """Larger things that changes add up to, by title."""
    flags: dict[SiteName, Flag] = Field(default={})
    """Feature flags, by name."""
    hotfix: Hotfix = Hotfix()
    """How a hotfix is known."""
    sources: tuple[SourceConfig, ...] = ()
    """The systems to read from."""
    process: Process = Process()
    """How the team deploys."""
    rotations: dict[Name, Rotation] = Field(default={})
    """People who take turns, by name."""
    targets: dict[str, Target] = Field(default={})
    """What metrics should reach, by metric."""
    locks: Locks = Locks()
    """Where deployment locks are kept."""
    gate: Gate = Gate()
    """What must hold before a promotion."""
    notices: Notices = Notices()
    """When notices are sent."""
    counting: Counting = Counting()
    """Limits of the rules that say which deployment failed."""
    retention: dict[Prunable, Duration] = Field(default={})
    """How long the history keeps what there is most of; default: for ever."""
    annotations: tuple[Annotation, ...] = ()
    """Things worth a flag on the charts."""
    corrections: tuple[Correction, ...] = ()
    """A person's word against a rule's."""
    links: dict[str, LinkTemplate] = Field(default={})
    """Addresses of other tools, for every codebase."""

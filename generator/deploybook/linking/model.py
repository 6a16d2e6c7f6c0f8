"""What linking finds: the rows that every number and every page is made from.

One frozen row type a table; `to_table` and `from_table` carry them to Arrow and back. Instants are UTC,
durations whole seconds, unknown is `None`. The columns that other tools read are those of the interface;
the rest are ours.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import pyarrow as pa
from msgspec import Struct

from deploybook.linking.values import values

State = Literal["waiting", "baseline", "live", "withdrawn", "undone", "unmatched"]
Kind = Literal["planned", "hotfix", "revert", "rollback"]

_HASH = re.compile(r"(?<![0-9a-zA-Z])([0-9a-f]{10})(?:[0-9a-f]{30}|[0-9a-f]{54})(?![0-9a-zA-Z])")


def shortened(name: str) -> str:
    """A name as people say it: of each hash in it the first ten letters."""
    return _HASH.sub(r"\1", name)


def called(id_: str, version: str | None) -> str:
    """How people call a deployment: by its id, or by its version where the id is a hash, as a commit's is."""
    return shortened(version if version and _HASH.fullmatch(id_) else id_)


class LinkedChange(Struct, frozen=True, kw_only=True):
    """A change in one codebase, and what became of it. Key: codebase, id."""

    codebase: str
    id: str
    title: str
    body: str | None = None
    author: str | None = None
    """As the source spells it; pages match it to `people`."""
    bot: bool = False
    by_pull_request: bool
    """False for a direct push: a commit that no pull request claims."""
    branch: str | None = None
    area: str | None = None
    team: str | None = None
    labels: tuple[str, ...] = ()
    milestone: str | None = None
    issues: tuple[str, ...] = ()
    """Each issue as JSON: `{"id", "title", "url", "labels"}`."""
    flags: tuple[str, ...] = ()
    files: tuple[str, ...] | None = None
    notes: str | None = None
    url: str | None = None
    merged_at: datetime
    merge_revision: str | None = None
    opened_at: datetime | None = None
    first_commit_at: datetime | None = None
    first_review_at: datetime | None = None
    approved_at: datetime | None = None
    approvals: int | None = None
    approved: bool | None = None
    """Approved by someone other than the author before the merge; `None` where reviews are unknown."""
    additions: int | None = None
    deletions: int | None = None
    reverts: str | None = None
    """The id of the change that this one takes back, whole."""
    reverted_by: str | None = None
    original: str | None = None
    """For a cherry-pick told as another change: the id of that change."""
    state: State
    environment: str | None = None
    """The live environment (region) that it reached first."""
    deployment: str | None = None
    """The id of the deployment that first made it live."""
    deployed_at: datetime | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    """The id of the deployment that took it out; set while it is out."""
    live_again_at: datetime | None = None
    """Set when it came back after a withdrawal."""
    lead_time_seconds: int | None = None
    coding_seconds: int | None = None
    pickup_seconds: int | None = None
    review_seconds: int | None = None
    waiting_seconds: int | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """A change entering or leaving an environment. Key: codebase, change, environment, at, event."""

    codebase: str
    change: str
    environment: str
    deployment: str
    at: datetime
    event: Literal["delivered", "withdrawn", "again"]


class LinkedDeployment(Struct, frozen=True, kw_only=True):
    """A deployment and how it went. Key: codebase, environment, id."""

    codebase: str
    id: str
    environment: str
    live: bool
    """Whether the environment is where users are: one of the last of `process.environments`."""
    counted: bool
    """True for a live deployment that every count includes: once a roll-out over several regions."""
    team: str | None = None
    revision: str | None = None
    version: str | None = None
    previous: str | None = None
    """The revision that ran there before."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    at: datetime
    """What it is ordered and placed by: the finish, else the start."""
    time_from: str | None = None
    outcome: str
    reached: bool
    """Whether it got to users: a success in a live environment, or a failure that says so."""
    rollout: str | None = None
    """The id of the first deployment of the same roll-out (itself where it is the first)."""
    kind: Kind
    baseline: bool = False
    matched: bool
    """Whether git has its revision, or it names its changes."""
    delivered: tuple[str, ...] = ()
    """Ids of the changes that it made live (or delivered to an earlier environment) for the first time."""
    again: tuple[str, ...] = ()
    withdrew: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    """Changes and their reverts that were both inside it: no news."""
    changes: int = 0
    """How many it delivered."""
    needed_intervention: bool = False
    evidence: tuple[str, ...] = ()
    """Of said, undone, mended, near: strongest first."""
    because: tuple[str, ...] = ()
    """A sentence for each piece of evidence, naming the incident, deployment or person."""
    corrected: str | None = None
    """Where a person's word stands against the rule's: the rule's answer, person, date and reason."""
    mends: tuple[str, ...] = ()
    recovered_at: datetime | None = None
    recovery_seconds: int | None = None
    ended_by: str | None = None
    """The deployment or incident that ended the failure, as `deployment:<id>` or `incident:<id>`."""
    withdrawn_by: str | None = None
    """The rollback that took it out; set for the one that failed and for those withdrawn with it."""
    duration_seconds: int | None = None
    rollback_seconds: int | None = None
    """For a rollback: how long it took, from its start to its finish."""
    by: str | None = None
    url: str | None = None
    pipeline_run: str | None = None

    @property
    def name(self) -> str:
        """How people call it."""
        return called(self.id, self.version)


class LinkedIncident(Struct, frozen=True, kw_only=True):
    """An incident and a deployment that it is tied to; one row each, or one with none."""

    id: str
    codebase: str | None = None
    title: str | None = None
    severity: str | None = None
    environment: str | None = None
    down: bool | None = None
    started_at: datetime
    detected_at: datetime | None = None
    resolved_at: datetime | None = None
    deployment: str | None = None
    deployment_environment: str | None = None
    matched_by: Literal["said", "near"] | None = None
    unmatched_because: str | None = None
    """In words, where no deployment is tied: too old, no cause, no deployment in the hours before."""
    flag: str | None = None
    time_to_restore_seconds: int | None = None
    time_to_detect_seconds: int | None = None
    url: str | None = None


class BranchCommit(Struct, frozen=True, kw_only=True):
    """A first-parent commit of a release branch. Key: codebase, revision."""

    codebase: str
    revision: str
    committed_at: datetime
    change: str | None = None


Row = TypeVar("Row", bound=Struct)

_SCALARS: dict[type, pa.DataType] = {
    str: pa.string(),
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    datetime: pa.timestamp("us", tz="UTC"),
    date: pa.date32(),
}


def arrow_type(hint: Any) -> pa.DataType:
    """The Arrow type of a field's annotation: scalars, `Literal` words, and tuples of words."""
    if get_origin(hint) is Literal:
        return pa.string()
    if get_origin(hint) is tuple:
        return pa.list_(arrow_type(get_args(hint)[0]))
    if hint in _SCALARS:
        return _SCALARS[hint]
    known = [part for part in get_args(hint) if part is not type(None)]
    if len(known) != 1:
        raise TypeError(f"no Arrow type for {hint}")
    return arrow_type(known[0])


@cache
def schema(row: type[Struct]) -> pa.Schema:
    """The Arrow schema of a row type, its fields in order."""
    hints = get_type_hints(row)
    return pa.schema([(name, arrow_type(hints[name])) for name in row.__struct_fields__])


def to_table(row: type[Struct], rows: list[Any]) -> pa.Table:
    """Rows of one type as an Arrow table, column by column."""
    return pa.table(
        [pa.array([getattr(item, field.name) for item in rows], type=field.type) for field in schema(row)],
        schema=schema(row),
    )


def from_table(row: type[Row], table: pa.Table) -> list[Row]:
    """The rows of an Arrow table that `to_table` made."""
    names = schema(row).names
    columns = [values(table.column(name)) for name in names]
    return [row(**dict(zip(names, each, strict=True))) for each in zip(*columns, strict=True)]

"""The record types: the universal way in and out, one JSON object a line.

Names, keys and fields are those of the interface. Every instant carries its offset. Unknown is `None`
(absent or null in JSON), never 0 and never an empty list: an empty list says that there is none.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Instant = Annotated[datetime, Meta(tz=True)]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]
Word = Annotated[str, Meta(min_length=1)]
Outcome = Literal["success", "failure", "error", "cancel"]


class Record(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """What all records share: `type` in JSON decides which one a line is.

    They hold no cycles, so that the garbage collector need not look at millions of them.
    """


class IssueLink(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An issue that a change names."""

    id: Word
    title: str | None = None
    url: str | None = None
    labels: tuple[str, ...] | None = None


class Cause(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an incident says caused it: one of the four."""

    deployment: str | None = None
    revision: str | None = None
    change: str | None = None
    flag: str | None = None


class Stage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One stage of a pipeline run."""

    name: Word
    outcome: str | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None


class Reason(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One check of a gate and what it answered."""

    check: Word
    answer: Literal["pass", "fail", "no_proof"]
    says: str


class Said(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who overrode or forced something, and why."""

    by: Word
    because: str


class Commit(Record, frozen=True, kw_only=True, tag="commit"):
    """A commit. Key: codebase, revision. Normally read from git."""

    codebase: Word
    revision: Word
    parents: tuple[str, ...] | None = None
    author: str | None = None
    authored_at: Instant | None = None
    committed_at: Instant | None = None
    message: str | None = None
    additions: Count | None = None
    deletions: Count | None = None
    files: tuple[str, ...] | None = None


class Change(Record, frozen=True, kw_only=True, tag="change"):
    """A merged pull request. Key: codebase, id."""

    codebase: Word
    id: Word
    title: str
    merged_at: Instant
    body: str | None = None
    author: str | None = None
    branch: str | None = None
    base: str | None = None
    url: str | None = None
    opened_at: Instant | None = None
    first_commit_at: Instant | None = None
    first_review_at: Instant | None = None
    approved_at: Instant | None = None
    approvals: Count | None = None
    merge_revision: str | None = None
    revisions: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    milestone: str | None = None
    issues: tuple[IssueLink, ...] | None = None
    additions: Count | None = None
    deletions: Count | None = None
    files: tuple[str, ...] | None = None
    reverts: str | None = None
    notes: str | None = None


class Deployment(Record, frozen=True, kw_only=True, tag="deployment"):
    """A deployment of a codebase to an environment. Key: codebase, environment, id."""

    codebase: Word
    id: Word
    environment: Word
    revision: str | None = None
    version: str | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None
    outcome: Outcome | None = None
    reached: bool | None = None
    kind: Literal["deploy", "rollback"] | None = None
    by: str | None = None
    url: str | None = None
    changes: tuple[str, ...] | None = None
    mends: tuple[str, ...] | None = None
    pipeline_run: str | None = None
    time_from: str | None = None
    """What stands for the finish where no system told it: "tag", "release" or "gitops commit"."""


class Incident(Record, frozen=True, kw_only=True, tag="incident"):
    """An incident. Key: id."""

    id: Word
    started_at: Instant
    title: str | None = None
    codebases: tuple[str, ...] | None = None
    detected_at: Instant | None = None
    resolved_at: Instant | None = None
    severity: str | None = None
    environment: str | None = None
    down: bool | None = None
    caused_by: tuple[Cause, ...] | None = None
    url: str | None = None


class PipelineRun(Record, frozen=True, kw_only=True, tag="pipeline_run"):
    """A run of a pipeline. Key: codebase, id, attempt."""

    codebase: Word
    id: Word
    pipeline: Word
    outcome: str
    attempt: Count = 1
    revision: str | None = None
    branch: str | None = None
    trigger: str | None = None
    job: str | None = None
    queued_at: Instant | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None
    deploys_to: str | None = None
    stages: tuple[Stage, ...] | None = None
    url: str | None = None


class TestCaseRun(Record, frozen=True, kw_only=True, tag="test_case_run"):
    """One test case, run once. Key: all but the duration."""

    __test__ = False  # pytest takes a class of this name for a test

    codebase: Word
    name: Word
    outcome: Literal["pass", "fail", "error", "skip"]
    suite: str | None = None
    revision: str | None = None
    run: str | None = None
    attempt: Count | None = None
    job: str | None = None
    started_at: Instant | None = None
    duration_seconds: Annotated[float, Meta(ge=0)] | None = None


class Coverage(Record, frozen=True, kw_only=True, tag="coverage"):
    """A coverage report. Key: codebase, revision, unit, measured_at."""

    codebase: Word
    measured_at: Instant
    covered: Count
    total: Count
    revision: str | None = None
    unit: Literal["lines", "branches"] | None = None


class FlagChange(Record, frozen=True, kw_only=True, tag="flag_change"):
    """A flag switched. Key: flag, environment, changed_at."""

    flag: Word
    environment: Word
    changed_at: Instant
    state: Literal["on", "off"] | Share
    codebases: tuple[str, ...] | None = None
    by: str | None = None
    url: str | None = None


class Availability(Record, frozen=True, kw_only=True, tag="availability"):
    """A span in which a monitor saw a codebase in one state. Key: codebase, monitor, from."""

    codebase: Word
    from_: Instant = msgspec.field(name="from")
    to: Instant
    state: Literal["up", "down", "degraded"]
    monitor: str | None = None
    url: str | None = None


class Issue(Record, frozen=True, kw_only=True, tag="issue"):
    """An issue of a tracker. Key: id."""

    id: Word
    title: str
    codebase: str | None = None
    kind: Literal["epic", "story", "bug"] | None = None
    state: str | None = None
    parent: str | None = None
    opened_at: Instant | None = None
    closed_at: Instant | None = None
    labels: tuple[str, ...] | None = None
    url: str | None = None


class Verdict(Record, frozen=True, kw_only=True, tag="verdict"):
    """What the gate answered. Key: environment, revision, judged_at."""

    environment: Word
    revision: Word
    verdict: Literal["pass", "fail", "no_proof"]
    judged_at: Instant
    codebase: str | None = None
    reasons: tuple[Reason, ...] | None = None
    override: Said | None = None
    url: str | None = None


class Lock(Record, frozen=True, kw_only=True, tag="lock"):
    """A deployment lock as it was. Key: claim, codebase, environment."""

    environment: Word
    claim: Word
    since: Instant
    codebase: str | None = None
    holder: str | None = None
    run: str | None = None
    reason: str | None = None
    expires_at: Instant | None = None
    released_at: Instant | None = None
    forced: Said | None = None


class Shift(Record, frozen=True, kw_only=True, tag="shift"):
    """A person's turn of a rotation. Key: rotation, from."""

    rotation: Word
    from_: Instant = msgspec.field(name="from")
    to: Instant
    person: Word
    override: bool | None = None


class Annotation(Record, frozen=True, kw_only=True, tag="annotation"):
    """Something worth a flag on the charts. Key: on, text."""

    on: date
    text: Word
    codebases: tuple[str, ...] | None = None
    cadence: str | None = None
    url: str | None = None


class BranchRule(Record, frozen=True, kw_only=True, tag="branch_rule"):
    """What guards a branch, as it was read. Key: codebase, branch."""

    codebase: Word
    branch: Word
    read_at: Instant
    protected: bool | None = None
    """Whether any rule guards it."""
    reviews: Count | None = None
    """Approvals that a change needs; 0: none."""
    checks: tuple[str, ...] | None = None
    """Checks that a change needs, by the names that the forge gives them: jobs, or pipelines."""
    admins: bool | None = None
    """Whether administrators are held to it too."""
    url: str | None = None


class EnvironmentRule(Record, frozen=True, kw_only=True, tag="environment_rule"):
    """What a deployment to an environment has to pass, as it was read. Key: codebase, environment."""

    codebase: Word
    environment: Word
    read_at: Instant
    reviewers: tuple[str, ...] | None = None
    """People and teams of whom one has to approve; a team as `@acme/team`."""
    self_review: bool | None = None
    """Whether who asks for a deployment may approve it."""
    wait_minutes: Count | None = None
    branches: tuple[str, ...] | None = None
    """Only from these: `protected`, or patterns of names; empty: from any."""
    url: str | None = None


KINDS: dict[str, type[Record]] = {
    kind.__struct_config__.tag: kind  # type: ignore[misc]
    for kind in (
        Commit, Change, Deployment, Incident, PipelineRun, TestCaseRun, Coverage, FlagChange,
        Availability, Issue, Verdict, Lock, Shift, Annotation, BranchRule, EnvironmentRule,
    )
}  # fmt: skip
"""Record types by the `type` of their JSON."""

KEYS: dict[type[Record], tuple[str, ...]] = {
    Commit: ("codebase", "revision"),
    Change: ("codebase", "id"),
    Deployment: ("codebase", "environment", "id"),
    Incident: ("id",),
    PipelineRun: ("codebase", "id", "attempt"),
    TestCaseRun: ("codebase", "name", "outcome", "suite", "revision", "run", "attempt", "job", "started_at"),
    Coverage: ("codebase", "revision", "unit", "measured_at"),
    FlagChange: ("flag", "environment", "changed_at"),
    Availability: ("codebase", "monitor", "from_"),
    Issue: ("id",),
    Verdict: ("environment", "revision", "judged_at"),
    Lock: ("claim", "codebase", "environment"),
    Shift: ("rotation", "from_"),
    Annotation: ("on", "text"),
    BranchRule: ("codebase", "branch"),
    EnvironmentRule: ("codebase", "environment"),
}
"""What makes a record the same one: a later record with the same key, from the same source, replaces it."""

AnyRecord = (
    Commit | Change | Deployment | Incident | PipelineRun | TestCaseRun | Coverage | FlagChange
    | Availability | Issue | Verdict | Lock | Shift | Annotation | BranchRule | EnvironmentRule
)  # fmt: skip

_decoder = msgspec.json.Decoder(AnyRecord)
_encoder = msgspec.json.Encoder()


class RecordError(ValueError):
    """A line is not a record; the message says which field and why."""


def parse(line: str | bytes) -> Record:
    """Read one line of JSONL.

    Raises:
        RecordError: The line is not JSON, its `type` is unknown, or a field is missing or wrong.
    """
    try:
        return _decoder.decode(line)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(str(error)) from error


def dump(record: Record) -> bytes:
    """Write one record as a line of JSONL, without the newline; unknown fields are left out."""
    return _encoder.encode(record)


def json_schema(kind: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of the record type `kind`, as `change`.

    Raises:
        KeyError: There is no such type.
    """
    schema = msgspec.json.schema(KINDS[kind])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}

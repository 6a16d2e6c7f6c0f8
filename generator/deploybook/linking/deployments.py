"""A deployment while it is being linked: when it counts, what ran before it, what kind it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from deploybook.linking.contents import Move
from deploybook.linking.graph import Graph
from deploybook.linking.model import Kind, called
from deploybook.linking.rules import Rules
from deploybook.records import Deployment

RUNNING = "running"
"""The outcome of a deployment that has not ended."""

_STAY = frozenset({"tag", "release"})


@dataclass(slots=True, eq=False)
class Run:
    """A deployment and what is known of it so far."""

    record: Deployment
    at: datetime
    finished_at: datetime | None
    outcome: str
    environment: str
    live: bool
    reached: bool
    """A success, or a failure that says that it got there."""
    tip: int | None
    key: str
    """Its revision, else its version, else itself: what tells whether two deployments are of the same."""
    previous: Run | None = None
    """The deployment that ran in the environment before."""
    kind: Kind = "planned"
    baseline: bool = False
    move: Move = field(default_factory=Move)
    delivered: list[int] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    rollout: Run | None = None
    counted: bool = True
    removed: list[Run] = field(default_factory=list)
    """The deployments that it took out by going back; the first is the one that failed."""
    withdrawn_by: Run | None = None
    evidence: dict[str, list[str]] = field(default_factory=dict)
    ends: list[tuple[datetime, str]] = field(default_factory=list)
    """When its failure can have ended, and by what."""
    corrected: str | None = None

    @property
    def id(self) -> str:
        """The deployment's id."""
        return self.record.id

    @property
    def name(self) -> str:
        """How people call it."""
        return called(self.record.id, self.record.version)

    @property
    def delivers(self) -> bool:
        """Whether it was a success."""
        return self.outcome == "success"

    @property
    def stays(self) -> bool:
        """Whether it is a tag or a release, which takes nothing out and moves no environment back."""
        return self.record.time_from in _STAY

    @property
    def began(self) -> datetime:
        """Its start, or its finish where that is all there is."""
        return self.record.started_at or self.at


def runs_of(records: Iterable[Deployment], graph: Graph, rules: Rules, as_of: datetime) -> list[Run]:
    """A codebase's deployments until `as_of`, in the order of their finish.

    One that ends later is still running; one with neither start nor finish cannot be placed and is left out.
    """
    found = []
    for record in records:
        finished, outcome = record.finished_at, record.outcome
        if finished is not None and finished > as_of:
            finished, outcome = None, None
        at = finished or record.started_at
        if at is None or at > as_of:
            continue
        name = outcome or ("success" if finished is not None else RUNNING)
        environment = record.environment.lower()
        tip = graph.find(record.revision)
        if tip is not None:
            key = graph.revisions[tip]
        elif record.revision:
            key = record.revision
        else:
            key = f"version {record.version}" if record.version else f"deployment {record.id}"
        found.append(
            Run(
                record=record,
                at=at,
                finished_at=finished,
                outcome=name,
                environment=environment,
                live=environment in rules.live,
                reached=name == "success" or (name in ("failure", "error") and bool(record.reached)),
                tip=tip,
                key=key,
            )
        )
    found.sort(key=lambda run: (run.at, run.began, run.environment, run.id))
    return found


def tell_rollouts(runs: Iterable[Run]) -> None:
    """Tie one revision's way through the live environments: one deployment in every count.

    A roll-out reaches each environment once and has ended when any of them has moved on. Tags move nothing,
    so a second one of the same revision is another name of the same release.
    """
    open_: dict[str, tuple[Run, set[str]]] = {}
    named: dict[tuple[str, str], Run] = {}
    for run in runs:
        run.rollout = run
        run.counted = run.live
        if not run.live or not run.reached:
            continue
        if run.stays and (first_name := named.setdefault((run.environment, run.key), run)) is not run:
            run.rollout, run.counted = first_name.rollout, False
            continue
        for key in [key for key, (_, reached) in open_.items() if run.environment in reached]:
            # Reached before, by this revision or another: either way it has moved on.
            del open_[key]
        first = open_.get(run.key)
        if first is None:
            open_[run.key] = (run, {run.environment})
        else:
            run.rollout, run.counted = first[0], False
            first[1].add(run.environment)


class Moves:
    """Which revisions had been live in an environment, and which of two came first."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._first: dict[str, int] = {}
        self._own: dict[str, Run] = {}
        self._line: list[Run] = []

    def place(self, run: Run) -> None:
        """Judge a deployment against what runs, then let it run.

        Sets `previous`, `kind` (rollback or planned; what it delivers may make more of it) and `removed`.
        """
        before = self._line[-1] if self._line else None
        run.previous = before
        back = before is not None and self._goes_back(run, before)
        if run.record.kind == "rollback" or (back and run.key in self._first and not run.stays):
            run.kind = "rollback"
        if not run.reached:
            return
        if run.kind == "rollback" and before is not None and not self._goes_forward(run, before):
            run.removed = self._taken_out(run, before)
        self._first.setdefault(run.key, len(self._first))
        if run.kind != "rollback":
            self._own[run.key] = run
        self._line.append(run)

    def _goes_back(self, run: Run, before: Run) -> bool:
        """Whether it moves to something older: by git, else by what was live first."""
        if run.key == before.key:
            return False
        if run.tip is not None and before.tip is not None:
            if self._graph.contains(before.tip, run.tip):
                return True
            if self._graph.contains(run.tip, before.tip):
                return False
        first, then = self._first.get(run.key), self._first.get(before.key)
        return first is not None and then is not None and first < then

    def _goes_forward(self, run: Run, before: Run) -> bool:
        """Whether what ran stays in what a rollback moves to: then it takes nothing out, whatever it says."""
        if run.key == before.key:
            return True
        if run.tip is not None and before.tip is not None and self._graph.contains(run.tip, before.tip):
            return True
        return run.key in self._first and not self._goes_back(run, before)

    def _taken_out(self, run: Run, before: Run) -> list[Run]:
        """The deployment that was live, as it first came, and those between it and what is back now."""
        failed = self._own.get(before.key, before)
        if failed.kind == "rollback":
            return []
        found = [failed]
        if run.key not in self._first:
            return found
        for each in reversed(self._line):
            if each.key == run.key:
                break
            if each.kind != "rollback" and each not in found and each.withdrawn_by is None:
                found.append(each)
        return found


def tell_kind(run: Run, *, reverts: list[bool], hotfix: bool) -> None:
    """Make more of a planned deployment by what it delivers.

    Args:
        run: The deployment; a rollback stays one.
        reverts: For each change it delivers, whether that takes another back.
        hotfix: Whether one of them is a hotfix.
    """
    if run.kind != "planned" or not run.delivers or run.baseline:
        return
    if reverts and all(reverts):
        run.kind = "revert"
    elif hotfix or run.record.mends:
        run.kind = "hotfix"

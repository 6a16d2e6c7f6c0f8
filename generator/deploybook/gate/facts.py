"""What the checks of the gate may know: the history of one codebase, linked, as it stood at one instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import msgspec
import pyarrow as pa
from ibis import _

from deploybook.config import Config
from deploybook.history import History
from deploybook.linking.graph import Graph
from deploybook.linking.link import link_by
from deploybook.linking.model import (
    BranchCommit,
    LinkedChange,
    LinkedDeployment,
    LinkedIncident,
    from_table,
)
from deploybook.linking.required import by_branch_rules
from deploybook.linking.rows import read
from deploybook.linking.rules import rules_of
from deploybook.pages.locks import held
from deploybook.records import Cause, Commit, PipelineRun, TestCaseRun
from deploybook.sources.local import heads, repositories

Answer = Literal["pass", "fail", "no_proof"]

_BACK = timedelta(days=60)
"""How far back runs are looked at."""
_SHORTEST = 7


@dataclass(frozen=True)
class Question:
    """Which revision of which codebase, to which environment; names in lower case."""

    codebase: str
    environments: tuple[str, ...]
    """The environments of the step that is promoted to; all of a group where the group was named."""
    revision: str
    as_of: datetime


@dataclass(frozen=True)
class LockInTheWay:
    """A lock that stands on what is asked for."""

    says: str
    """What is locked, by whom, since when and why, in one line."""
    exempt: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Everything that is known; the checks look at nothing else.

    Attributes:
        locks: The locks in the way, or the sentence that says why they are not known.
    """

    question: Question
    config: Config
    graph: Graph
    changes: Sequence[LinkedChange] = ()
    deployments: Sequence[LinkedDeployment] = ()
    incidents: Sequence[LinkedIncident] = ()
    branch: Sequence[BranchCommit] = ()
    runs: Sequence[PipelineRun] = ()
    tests: Sequence[TestCaseRun] = ()
    locks: Sequence[LockInTheWay] | str = field(default=())

    @property
    def live(self) -> bool:
        """Whether the promotion is to where users are."""
        return bool(set(self.question.environments) & set(self.config.live))

    @cached_property
    def earlier(self) -> tuple[str, ...]:
        """The environments of the step before; none before the first."""
        steps = self.config.environments
        for before, step in pairwise(steps):
            if set(step) & set(self.question.environments):
                return before
        return ()

    @cached_property
    def place(self) -> int | None:
        """The revision in the graph; `None` where git does not have it."""
        return self.graph.find(self.question.revision)

    @cached_property
    def revision(self) -> str:
        """The revision in full, where git has it."""
        return self.question.revision if self.place is None else self.graph.revisions[self.place]

    @cached_property
    def contained(self) -> frozenset[str]:
        """Revisions that the revision contains, itself among them."""
        if self.place is None:
            return frozenset()
        inside = self.graph.enter(self.place, bytearray(len(self.graph)))
        return frozenset(self.graph.revisions[each] for each in inside)

    def is_it(self, revision: str | None) -> bool:
        """Whether a revision, in full or short, is the one in question."""
        if not revision or min(len(revision), len(self.revision)) < _SHORTEST:
            return bool(revision) and revision == self.revision
        return self.revision.startswith(revision) or revision.startswith(self.revision)

    def running(self, environment: str) -> LinkedDeployment | None:
        """The newest deployment that went to an environment, whether it went well or not."""
        there = [each for each in self.deployments if each.environment == environment and _went(each)]
        return max(there, key=lambda each: each.at, default=None)

    @cached_property
    def brings(self) -> list[LinkedChange] | None:
        """The changes that the promotion would bring; `None` where git cannot tell."""
        if self.place is None:
            return None
        there: set[str] = set()
        for environment in self.question.environments:
            now = self.running(environment)
            tip = self.graph.find(now.revision) if now else None
            if tip is not None:
                inside = self.graph.enter(tip, bytearray(len(self.graph)))
                there |= {self.graph.revisions[each] for each in inside}
        new = self.contained - there
        return [each for each in self.changes if each.merge_revision in new and each.state != "undone"]


def _went(deployment: LinkedDeployment) -> bool:
    return deployment.outcome == "success" or deployment.reached


def read_facts(
    history: History,
    config: Config,
    question: Question,
    locks: Sequence[LockInTheWay] | str,
) -> Facts:
    """Read and link the history of one codebase.

    Args:
        history: Open for reading.
        config: The site's.
        question: What is asked.
        locks: As they stand now.

    Raises:
        StoreError: The history cannot be read.
    """
    name = question.codebase
    own = [name, *config.codebases[name].also_known_as]
    tables: dict[str, pa.Table] = {
        table: history.table(table).filter(_.codebase.isin(own)).to_pyarrow()
        for table in ("commits", "changes", "deployments")
    }
    incidents = history.read("incidents")
    kept = [
        _concerns(each, config, name) for each in incidents.select(["codebases", "caused_by"]).to_pylist()
    ]
    tables["incidents"] = incidents.filter(pa.array(kept, pa.bool_()))
    at_hand = {each: found for each, found in repositories(config, config.build_dir).items() if each == name}
    tables["heads"] = heads(at_hand, config)
    rules = rules_of(config)
    rules = replace(rules, codebases={name: rules.codebases[name]})
    linked = link_by(tables, rules, question.as_of)
    since = question.as_of - _BACK
    recent = history.table("pipeline_runs").filter(
        _.codebase.isin(own), (_.finished_at >= since) | _.finished_at.isnull()
    )
    ran = recent.to_pyarrow()
    runs = read({"pipeline_runs": ran}, "pipeline_runs", PipelineRun)
    config = by_branch_rules(config, history.read("branch_rules"), lambda: ran)
    graph = Graph(read(tables, "commits", Commit))
    facts = Facts(
        question=question, config=config, graph=graph,
        changes=from_table(LinkedChange, linked.changes),
        deployments=from_table(LinkedDeployment, linked.deployments),
        incidents=from_table(LinkedIncident, linked.incidents),
        branch=from_table(BranchCommit, linked.branch_commits),
        runs=[run for run in runs if _known_at(run, question.as_of)],
        locks=locks,
    )  # fmt: skip
    tests = history.table("test_case_runs").filter(
        _.codebase.isin(own), _.revision.isin([facts.revision, question.revision])
    )
    return replace(facts, tests=read({"test_case_runs": tests.to_pyarrow()}, "test_case_runs", TestCaseRun))


def _concerns(incident: dict[str, Any], config: Config, codebase: str) -> bool:
    """Whether an incident is of a codebase: it names it, or names none and is not another's doing."""
    if incident["codebases"]:
        return codebase in map(config.codebase_of, incident["codebases"])
    causes = msgspec.json.decode(incident["caused_by"], type=list[Cause]) if incident["caused_by"] else []
    named = [each.deployment or each.change or "" for each in causes]
    others = [config.codebase_of(name.rpartition("/")[0]) for name in named if "/" in name]
    return not others or codebase in others


def _known_at(run: PipelineRun, as_of: datetime) -> bool:
    at = run.finished_at or run.started_at or run.queued_at
    return at is None or at <= as_of


def recorded_locks(history: History, question: Question) -> list[LockInTheWay]:
    """The locks in the way as the history has them: for a codebase that no repository keeps locks of."""
    return [
        LockInTheWay(
            f"{lock.environment} is locked by {lock.holder or 'somebody'}: {lock.reason or 'no reason given'}"
        )
        for lock in held(history.read("locks"), question.as_of)
        if lock.environment.lower() in (*question.environments, "all")
        and lock.codebase in (None, question.codebase)
    ]

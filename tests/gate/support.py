"""A small codebase in which everything speaks for a promotion; each test takes one thing away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploybook.config import Config
from deploybook.gate import Facts, Question
from deploybook.linking.graph import Graph
from deploybook.linking.model import BranchCommit, LinkedChange, LinkedDeployment
from deploybook.records import Commit, PipelineRun

NOW = datetime(2026, 11, 19, 11, tzinfo=UTC)
"""A Thursday, inside the window."""
OLD, MID, NEW, LATER = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)
"""Revisions in a line: the first is live, the third is asked about."""


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def config(**more: Any) -> Config:
    content: dict[str, Any] = {
        "codebases": {"shop": {"release_branch": "main", "required": ["ci"]}},
        "process": {
            "environments": ["staging", "production"],
            "window": {"weekday": "thursday", "from": "10:00", "to": "14:00"},
        },
        "targets": {"change_fail_rate": {"at_most": 0.2}},
    }
    return Config.of(content | more, root=Path())


def commits() -> list[Commit]:
    line = [OLD, MID, NEW, LATER]
    return [
        Commit(
            codebase="shop", revision=revision, parents=tuple(line[place - 1 : place]) if place else (),
            committed_at=NOW - hours(40 - place),
        )
        for place, revision in enumerate(line)
    ]  # fmt: skip


def change(number: str, revision: str, **more: Any) -> LinkedChange:
    known: dict[str, Any] = {
        "codebase": "shop", "id": number, "title": f"Change {number}", "by_pull_request": True,
        "merged_at": NOW - hours(30), "merge_revision": revision, "state": "waiting", "approved": True,
    }  # fmt: skip
    return LinkedChange(**known | more)


def deployment(
    number: str, environment: str, revision: str | None, at: datetime, **more: Any
) -> LinkedDeployment:
    live = environment == "production"
    known: dict[str, Any] = {
        "codebase": "shop", "id": number, "environment": environment, "revision": revision, "at": at,
        "live": live, "counted": live, "reached": live, "outcome": "success", "kind": "planned",
        "matched": True,
    }  # fmt: skip
    return LinkedDeployment(**known | more)


def run(
    pipeline: str, revision: str = NEW, outcome: str = "success", ago: float = 2, **more: Any
) -> PipelineRun:
    known: dict[str, Any] = {"id": f"{pipeline}-{ago}", "branch": "main", "finished_at": NOW - hours(ago)}
    return PipelineRun(codebase="shop", pipeline=pipeline, revision=revision, outcome=outcome, **known | more)


def good(**more: Any) -> Facts:
    """Everything speaks for it."""
    facts = Facts(
        question=Question("shop", ("production",), NEW, NOW),
        config=config(),
        graph=Graph(commits()),
        changes=[change("11", MID), change("12", NEW)],
        deployments=[
            deployment("1", "production", OLD, NOW - hours(35)),
            deployment("2", "staging", NEW, NOW - hours(1)),
        ],
        branch=[BranchCommit(codebase="shop", revision=each, committed_at=NOW) for each in (OLD, MID, NEW)],
        runs=[run("ci"), run("smoke", ago=0.5)],
    )
    return replace(facts, **more)

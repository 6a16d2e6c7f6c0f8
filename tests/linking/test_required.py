"""Pipelines that branch rules require are found by the checks that they answer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from deploybook.config import Config
from deploybook.history.columns import kind_of, to_arrow
from deploybook.linking.required import by_branch_rules
from deploybook.records import BranchRule, PipelineRun, Stage

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def rules(*checks: str, branch: str = "main") -> pa.Table:
    rule = BranchRule(codebase="shop", branch=branch, read_at=NOON, checks=checks)
    return to_arrow(kind_of(BranchRule), [rule])


def run(pipeline: str, *jobs: str, day: int = 20, codebase: str = "shop") -> PipelineRun:
    return PipelineRun(
        codebase=codebase, id=f"{codebase}-{pipeline}-{day}", pipeline=pipeline, outcome="success",
        started_at=NOON.replace(day=day), stages=tuple(Stage(name=job) for job in jobs),
    )  # fmt: skip


def required(table: pa.Table, *runs: PipelineRun, **codebase: Any) -> tuple[str, ...] | None:
    config = Config.of({"codebases": {"shop": codebase, "till": {}}}, root=Path.cwd())
    found = by_branch_rules(config, table, lambda: to_arrow(kind_of(PipelineRun), list(runs)))
    assert found.codebases["till"].required is None
    return found.codebases["shop"].required


RUNS = (run("ci", "test", "lint"), run("docs", "build"), run("Scan"), run("ci", "test", codebase="till"))


def test_a_check_is_a_job_of_a_pipeline_or_a_pipeline_in_any_case() -> None:
    assert required(rules("Test"), *RUNS) == ("ci",)
    assert required(rules("test", "lint", "scan"), *RUNS) == ("Scan", "ci")


def test_checks_of_other_systems_require_no_pipeline_and_leave_all_of_them() -> None:
    assert required(rules("coverage/patch"), *RUNS) is None
    assert required(rules("coverage/patch", "build"), *RUNS) == ("docs",)
    assert required(rules(), *RUNS) is None


def test_what_the_configuration_says_stands_before() -> None:
    assert required(rules("test"), *RUNS, required=["docs"]) == ("docs",)


def test_rules_of_another_branch_are_not_those_of_the_release_branch() -> None:
    assert required(rules("test"), *RUNS, release_branch="stable") is None
    assert required(rules("test", branch="stable"), *RUNS, release_branch="stable") == ("ci",)


def test_a_job_that_went_long_ago_answers_no_check_any_more() -> None:
    old = run("nightly", "test", day=1)
    later = [
        PipelineRun(codebase="shop", id=f"n{n}", pipeline="nightly", outcome="success",
                    started_at=NOON.replace(minute=n), stages=(Stage(name="sweep"),))
        for n in range(20)
    ]  # fmt: skip
    assert required(rules("test"), old, run("ci", "test"), *later) == ("ci",)

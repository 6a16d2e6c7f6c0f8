"""The breaks that a page lists are those that its figures count, for any runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.metrics.support import engine

from deploybook.config import Config
from deploybook.history.columns import TABLES
from deploybook.linking.model import BranchCommit, to_table
from deploybook.metrics import settings_of
from deploybook.metrics.branch import breaks
from deploybook.metrics.grain import grain, inputs
from deploybook.metrics.running import Engine
from deploybook.pages.branches import Branch, Branches

START = datetime(2026, 3, 2, tzinfo=UTC)
AS_OF = START + timedelta(days=80)
CONFIG = Config.of(
    {"codebases": {"shop": {"release_branch": "main", "required": ["ci"]}, "till": {}, "desk": {}}},
    root=Path(),
)
NAMES = {"till": "trunk"}
COMMITS = [BranchCommit(codebase=name, revision="r1", committed_at=START) for name in ("till", "desk")]


def run(number: int, **fields: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "codebase": "shop", "id": str(number), "pipeline": "ci", "outcome": "success", "branch": "main",
        "attempt": 1,
    }  # fmt: skip
    return dict.fromkeys(TABLES["pipeline_runs"].schema.names) | usual | fields


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=TABLES["pipeline_runs"].schema)


def told(rows: list[dict[str, Any]]) -> Branches:
    return Branches(table(rows), CONFIG, AS_OF, NAMES, COMMITS)


def counted(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What `break_duration_p50` is made from."""
    made: Engine = engine({"pipeline_runs": table(rows), "branch_commits": to_table(BranchCommit, COMMITS)})
    chosen = settings_of(CONFIG, AS_OF, branches=NAMES)
    made.settle(chosen)
    found = made.run("breaks as rows", lambda: breaks(inputs(), grain(shared_repositories=False)))
    return sorted((row["codebase"], row["started_at"], row["ended_at"]) for row in found.to_pylist())


HOURS = st.integers(0, 80 * 24 - 1)
RUNS = st.lists(
    st.fixed_dictionaries(
        {
            "codebase": st.sampled_from(["shop", "till", "desk"]),
            "pipeline": st.sampled_from(["ci", "lint"]),
            "job": st.sampled_from([None, "linux", "mac"]),
            "branch": st.sampled_from(["main", "trunk", None]),
            "trigger": st.sampled_from([None, "push", "schedule", "pull_request"]),
            "revision": st.sampled_from(["r1", "r2", None]),
            "outcome": st.sampled_from(["success", "failure", "timeout", "cancel", "FAILURE"]),
            "attempt": st.integers(1, 2),
            "finished_at": st.one_of(st.none(), HOURS.map(lambda hours: START + timedelta(hours=hours))),
            "started_at": HOURS.map(lambda hours: START + timedelta(hours=hours)),
        }
    ),
    max_size=30,
)


@settings(max_examples=20, deadline=None)
@given(RUNS)
def test_the_breaks_of_a_page_are_those_of_its_figures(rows: list[dict[str, Any]]) -> None:
    runs = [run(number, **fields) for number, fields in enumerate(rows)]
    found = told(runs).breaks()
    spans = [(name, span.start, span.end) for name, each in found.items() for span in each]
    assert sorted((name, start, end or AS_OF) for name, start, end in spans) == [
        (name, start, end or AS_OF) for name, start, end in counted(runs)
    ]
    open_ = {name for name, each in found.items() if each and each[-1].end is None}
    assert {branch.codebase for branch in told(runs).states() if not branch.green} == open_


def test_a_branch_tells_since_when_with_which_run_and_which_pipeline() -> None:
    at = [START + timedelta(days=day) for day in (70, 71, 72, 73)]
    rows = [
        run(1, codebase="till", branch="trunk", finished_at=at[0]),
        run(2, codebase="till", branch="trunk", finished_at=at[1], outcome="failure", revision="r7", url="https://ci/2"),
        run(3, codebase="till", branch="trunk", finished_at=at[2], outcome="failure", revision="r8"),
        run(4, codebase="till", branch="trunk", finished_at=at[3], pipeline="lint"),
    ]  # fmt: skip
    assert told(rows).states() == [Branch("till", "trunk", False, at[1], ("ci",), "r7")]
    (span,) = told(rows).breaks()["till"]
    assert (span.start, span.end, span.url) == (at[1], None, "https://ci/2")

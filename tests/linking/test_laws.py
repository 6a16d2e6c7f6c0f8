"""Laws of linking, held against plain computations over random histories."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.linking.tables import linked

from deploybook.config import Config
from deploybook.linking.graph import Graph
from deploybook.records import Commit

START = datetime(2026, 1, 5, tzinfo=UTC)
AS_OF = START + timedelta(days=300)
CONFIG = Config.of(
    {"codebases": {"shop": {}, "blog": {}}, "process": {"environments": ["staging", "production"]}},
    root=Path(),
)
QUICK = settings(max_examples=20, deadline=None)


def _when(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    """Parents of each commit: each of any earlier ones, up to two."""
    size = draw(st.integers(1, 25))
    return [
        draw(st.lists(st.integers(0, place - 1), max_size=2, unique=True)) if place else []
        for place in range(size)
    ]


def _ancestors(parents: list[list[int]], tip: int) -> set[int]:
    found: set[int] = set()
    stack = [tip]
    while stack:
        place = stack.pop()
        if place not in found:
            found.add(place)
            stack += parents[place]
    return found


def _commits(parents: list[list[int]], codebase: str = "shop") -> list[dict[str, Any]]:
    return [
        {
            "type": "commit",
            "codebase": codebase,
            "revision": f"r{place}",
            "parents": [f"r{parent}" for parent in of],
            "authored_at": _when(place),
            "committed_at": _when(place),
            "author": "ana",
            "message": f"Work {place}",
        }
        for place, of in enumerate(parents)
    ]


def _deployments(tips: list[int], codebase: str = "shop", **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "type": "deployment",
            "codebase": codebase,
            "id": str(number),
            "environment": "production",
            "revision": f"r{tip}",
            "finished_at": _when(100 + number),
            **more,
        }
        for number, tip in enumerate(tips)
    ]


def _naive(parents: list[list[int]], tips: list[int], *, stays: bool) -> Iterator[tuple[str, str, str]]:
    """Every coming and going, by sets of ancestors: change, deployment, event."""
    inside: set[int] = _ancestors(parents, tips[0])
    ever = set(inside)
    for number, tip in enumerate(tips[1:], 1):
        now = _ancestors(parents, tip)
        if stays:
            now |= inside
        for place in now - inside:
            yield f"r{place}", str(number), "again" if place in ever else "delivered"
        for place in inside - now:
            yield f"r{place}", str(number), "withdrawn"
        inside = now
        ever |= now


@QUICK
@given(graphs(), st.data(), st.booleans())
def test_deliveries_are_those_of_sets_of_ancestors(
    parents: list[list[int]], data: st.DataObject, stays: bool
) -> None:
    tips = data.draw(st.lists(st.integers(0, len(parents) - 1), min_size=1, max_size=12))
    more = {"time_from": "tag"} if stays else {}
    found = linked([*_commits(parents), *_deployments(tips, **more)], CONFIG, AS_OF)
    rows = [(row["change"], row["deployment"], row["event"]) for row in found["deliveries"]]
    assert sorted(rows) == sorted(_naive(parents, tips, stays=stays))
    first = {change: number for change, number, event in reversed(rows) if event == "delivered"}
    assert {row["id"]: row["deployment"] for row in found["changes"] if row["deployment"]} == first
    base = {f"r{place}" for place in _ancestors(parents, tips[0])}
    assert all((row["deployment"] is None) for row in found["changes"] if row["id"] in base)


@QUICK
@given(graphs(), st.data())
def test_the_graph_answers_as_sets_of_ancestors_do(parents: list[list[int]], data: st.DataObject) -> None:
    places = st.lists(st.integers(0, len(parents) - 1), min_size=1, max_size=3)
    these, that = data.draw(places), data.draw(places)
    commits = [
        Commit(codebase="shop", revision=f"r{place}", parents=tuple(f"r{parent}" for parent in of))
        for place, of in enumerate(parents)
    ]
    random.Random(len(parents)).shuffle(commits)
    graph = Graph(commits)
    at = [graph.index[f"r{place}"] for place in range(len(parents))]
    wanted = set().union(*(_ancestors(parents, tip) for tip in these))
    wanted -= set().union(*(_ancestors(parents, tip) for tip in that))
    found = graph.only_in([at[tip] for tip in these], [at[tip] for tip in that])
    assert sorted(graph.revisions[place] for place in found) == sorted(f"r{place}" for place in wanted)
    assert graph.contains(at[these[0]], at[that[0]]) == (that[0] in _ancestors(parents, these[0]))


@st.composite
def stories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Two codebases with commits, reverts, pull requests, deployments and incidents."""
    records: list[dict[str, Any]] = []
    for codebase in ("shop", "blog"):
        parents = draw(graphs())
        commits = _commits(parents, codebase)
        for place, commit in enumerate(commits):
            if place and draw(st.integers(0, 3)) == 0:
                commit["message"] = "Merge pull request"
                records.append(
                    {
                        "type": "change",
                        "codebase": codebase,
                        "id": str(place),
                        "title": "T",
                        "merged_at": commit["committed_at"],
                        "merge_revision": commit["revision"],
                        "labels": draw(st.sampled_from([[], ["hotfix"]])),
                        "reverts": draw(st.sampled_from([None, str(place - 1), str(place)])),
                    }
                )
        records += commits
        tips = draw(st.lists(st.integers(0, len(parents) - 1), max_size=6))
        records += _deployments(tips, codebase)
    for number in range(draw(st.integers(0, 4))):
        records.append(
            {
                "type": "incident",
                "id": f"I{number}",
                "codebases": [draw(st.sampled_from(["shop", "blog"]))],
                "started_at": _when(draw(st.integers(90, 140))),
                "resolved_at": _when(150),
                "caused_by": draw(st.sampled_from([None, [{"deployment": "1"}]])),
            }
        )
    return records


@QUICK
@given(stories(), st.randoms(use_true_random=False))
def test_shuffled_and_doubled_records_give_the_same_answer(
    records: list[dict[str, Any]], chance: random.Random
) -> None:
    mixed = [*records, *records]
    chance.shuffle(mixed)
    assert linked(mixed, CONFIG, AS_OF) == linked(records, CONFIG, AS_OF)


@QUICK
@given(stories(), st.integers(80, 160))
def test_moving_an_incident_moves_no_other_codebase(records: list[dict[str, Any]], hour: int) -> None:
    moved = [
        {**record, "started_at": _when(hour)}
        if record["type"] == "incident" and record["codebases"] == ["shop"]
        else record
        for record in records
    ]
    before, after = linked(records, CONFIG, AS_OF), linked(moved, CONFIG, AS_OF)
    for table in ("changes", "deployments", "deliveries", "branch_commits"):
        assert _of(before[table], "blog") == _of(after[table], "blog")
    assert before["changes"] == after["changes"]


@QUICK
@given(stories(), st.integers(90, 130))
def test_what_comes_after_as_of_changes_nothing(records: list[dict[str, Any]], hour: int) -> None:
    moment = START + timedelta(hours=hour)
    past = [
        record
        for record in records
        if record["type"] in ("commit", "change")
        or datetime.fromisoformat(record.get("finished_at") or record["started_at"]) <= moment
    ]
    found, wanted = linked(records, CONFIG, moment), linked(past, CONFIG, moment)
    assert found["deployments"] == wanted["deployments"]
    assert found["incidents"] == wanted["incidents"]


def _of(rows: list[dict[str, Any]], codebase: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["codebase"] == codebase]

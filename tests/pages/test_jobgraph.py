"""Pipelines drawn: the lanes lead from each job to what waits for it, and the words say the same."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from deploybook.pages.jobgraph import graph, lanes, nodes
from deploybook.pipelines import Job, Pipeline


def pipeline(**needs: list[str]) -> Pipeline:
    return Pipeline("github", "x.yml", "x", (), tuple(Job(k, k, needs=tuple(v)) for k, v in needs.items()))


def test_branches_that_run_side_by_side_stay_apart() -> None:
    drawn = graph(pipeline(lint=[], build=[], unit=["build"], smoke=["unit"], ship=["lint", "smoke"]))
    assert [(row.name, row.after) for row in drawn] == [
        ("lint", "at once"),
        ("build", "at once"),
        ("unit", "after build"),
        ("smoke", "after unit"),
        ("ship", "after lint and smoke"),
    ]
    joins = [re.findall(r"M(\d+) 0C", str(row.lanes).split("db-jobs__rest")[0]) for row in drawn]
    assert joins == [[], [], ["24"], ["24"], ["8", "24"]]


def test_jobs_that_wait_for_the_same_and_lead_to_the_same_are_one_row() -> None:
    drawn = graph(pipeline(build=[], a=["build"], b=["build"], c=["build"], ship=["a", "b", "c"]))
    assert [row.name for row in drawn] == ["build", "a, b and c", "ship"]
    assert drawn[1].says == ("3\xa0jobs side by side",)


def test_what_another_need_implies_is_not_drawn_again() -> None:
    rows = nodes(pipeline(build=[], test=["build"], ship=["test", "build"]))
    assert [sorted(row.needs) for row in rows] == [[], [0], [1]]


def test_deployments_buttons_and_what_stops_nothing_are_said() -> None:
    jobs = (
        Job("ship", "ship", environments=("prod",), approval=True, condition="x\n  && y", matrix=("os",)),
        Job("look", "look", needs=("ship",), smoke=True, blocks=False),
    )
    ship, look = graph(Pipeline("github", "x.yml", "x", (), jobs))
    assert (ship.gate, ship.ships, ship.condition) == (True, True, "x && y")
    assert ship.says == ("deploys to prod", "once for each os", "somebody presses a button")
    assert look.says == ("looks at what runs, and may stop it here", "a failure stops nothing")


def test_a_choice_of_environments_and_of_buttons_is_said_as_one() -> None:
    jobs = (
        Job(
            "ship",
            "ship",
            environments=("staging", "prod"),
            chosen=True,
            button=True,
            condition="$A",
            fallback="prod",
        ),
    )
    (ship,) = graph(Pipeline("github", "x.yml", "x", (), jobs))
    assert ship.says == ("deploys to staging or prod, as whoever starts it chooses, else to prod",)
    assert (ship.condition, ship.otherwise) == ("$A", "otherwise somebody may press a button")
    assert not ship.gate


def test_how_a_job_went_stands_with_the_job_of_that_name() -> None:
    made = pipeline(build=[], a=["build"], b=["build"], ship=["a", "b"])
    went = {
        "build": "4 min at the median",
        "a": "never shown: which of both is not known",
        "ship": "red 1 of 9",
    }
    assert [row.says[-1:] for row in graph(made, went)] == [
        ("4 min at the median",),
        ("2\xa0jobs side by side",),
        ("red 1 of 9",),
    ]


def test_what_runs_whatever_happened_before_is_no_condition() -> None:
    jobs = (Job("a", "a"), Job("b", "b", needs=("a",), condition="${{ always() }}"))
    _, last = graph(Pipeline("github", "x.yml", "x", (), jobs))
    assert (last.condition, last.says) == ("", ("even where one of them failed",))


def test_what_is_described_elsewhere_is_named_once_for_several() -> None:
    uses = [f"acme/shared/.github/workflows/{name}.yml@main" for name in ("a", "b")]
    jobs = tuple(Job(str(n), str(n), uses=each) for n, each in enumerate(uses))
    (both,) = graph(Pipeline("github", "x.yml", "x", (), jobs))
    assert both.says[-1] == "described elsewhere, in acme/shared"
    (one,) = graph(Pipeline("github", "x.yml", "x", (), jobs[:1]))
    assert one.says[-1] == f"described elsewhere, in {uses[0]}"


def test_a_name_from_outside_is_text() -> None:
    drawn = graph(pipeline(**{"<img src=x>": []}))
    assert drawn[0].name == "<img src=x>"
    assert "img" not in drawn[0].lanes


def test_a_circle_is_cut() -> None:
    assert len(graph(pipeline(a=["b"], b=["a"]))) == 2


NAMES = [f"j{n}" for n in range(12)]


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    needs = {
        name: draw(st.lists(st.sampled_from(NAMES[:n]), max_size=4, unique=True)) if n else []
        for n, name in enumerate(NAMES[: draw(st.integers(1, 12))])
    }
    return pipeline(**needs)


def _before(needs: dict[str, set[str]], name: str) -> set[str]:
    return set().union(*({each} | _before(needs, each) for each in needs[name]))


@settings(max_examples=150, deadline=None)
@given(pipelines())
def test_the_drawing_says_exactly_what_the_file_says(made: Pipeline) -> None:
    rows = nodes(made)
    place = {job.id: number for number, row in enumerate(rows) for job in row.jobs}
    assert sorted(place) == sorted(job.id for job in made.jobs)
    file = {job.id: set(job.needs) for job in made.jobs}
    drawn = {job.id: {j.id for n in row.needs for j in rows[n].jobs} for row in rows for job in row.jobs}
    for job in made.jobs:
        assert all(place[need] < place[job.id] for need in job.needs)
        assert _before(drawn, job.id) == _before(file, job.id)


@settings(max_examples=150, deadline=None)
@given(pipelines())
def test_a_line_runs_in_one_lane_from_where_it_starts_to_the_last_that_waits(made: Pipeline) -> None:
    rows = nodes(made)
    placed = lanes(rows)
    for (_, _, below), (above, _, _) in pairwise(placed):
        assert above == below
    for number, (row, (above, own, below)) in enumerate(zip(rows, placed, strict=True)):
        assert row.needs <= {source for source in above if source is not None}
        running = [source for source in below if source is not None]
        assert len(running) == len(set(running))
        waited_for = any(number in later.needs for later in rows[number + 1 :])
        assert (below[own] == number) == waited_for

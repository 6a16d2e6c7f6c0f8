"""CircleCI's API v2 on loopback: pipelines newest first, twenty a page, as recorded answers have them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.loopback import Asked, Loopback, Reply
from tests.support.shelf import Shelf

from deploybook.config.sources import CircleciOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.records import Deployment, PipelineRun
from deploybook.sources import circleci

RECORDED = Path(__file__).parents[3] / "shared/conformance/other/circleci"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = datetime(2026, 11, 2, 9, tzinfo=UTC)


def stamp(at: datetime, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return at.strftime(form)


def pipeline(number: int, at: datetime | None = None, **more: Any) -> dict[str, Any]:
    began = stamp(at or START + timedelta(hours=number), "%Y-%m-%dT%H:%M:%S.123Z")
    return {
        "id": f"p-{number}", "number": number, "project_slug": "gh/acme/shop", "state": "created",
        "errors": [], "created_at": began, "updated_at": began,
        "trigger": {"type": "webhook", "received_at": began, "actor": {"login": "ana-acme"}},
        "vcs": {"revision": f"{number:040x}", "branch": "main", "provider_name": "GitHub"}, **more,
    }  # fmt: skip


def workflow(
    number: int, name: str = "build", status: str = "success", after: int = 1, **more: Any
) -> dict[str, Any]:
    """One of pipeline `number`, begun so many minutes after it; it takes nine."""
    began = START + timedelta(hours=number, minutes=after)
    ended = None if status in {"running", "failing", "on_hold"} else stamp(began + timedelta(minutes=9))
    return {
        "id": f"w-{number}-{name}-{after}", "name": name, "status": status, "pipeline_id": f"p-{number}",
        "pipeline_number": number, "created_at": stamp(began), "stopped_at": ended, **more,
    }  # fmt: skip


def job(number: int, name: str, status: str = "success", **more: Any) -> dict[str, Any]:
    began = START + timedelta(hours=number, minutes=2)
    return {
        "id": f"j-{number}-{name}", "name": name, "job_number": 1000 + number, "type": "build",
        "status": status, "dependencies": [], "started_at": stamp(began),
        "stopped_at": stamp(began + timedelta(minutes=5)), **more,
    }  # fmt: skip


class Circle:
    """The project gh/acme/shop. A page is asked for by the token that came with the one before."""

    size = 20

    def __init__(self, pipelines: list[dict[str, Any]]) -> None:
        self.pipelines = pipelines
        self.workflows: dict[str, list[dict[str, Any]]] = {}
        self.jobs: dict[str, list[dict[str, Any]]] = {}
        self.slug = "gh/acme/shop"

    def answer(self, asked: Asked) -> Reply:
        if asked.headers["Circle-Token"] != "hush":
            return Reply({"message": "Invalid token provided."}, 401)
        parts = asked.path.removeprefix("/api/v2/").split("/")
        if asked.path == f"/api/v2/project/{self.slug}/pipeline":
            newest = sorted(self.pipelines, key=lambda row: (row["created_at"], row["number"]), reverse=True)
            return self._page(newest, asked)
        if parts[0] == "pipeline" and parts[2:] == ["workflow"]:
            own = [workflow(int(parts[1].removeprefix("p-")))] if parts[1].startswith("p-") else []
            return self._page(self.workflows.get(parts[1], own), asked)
        if parts[0] == "workflow" and parts[2:] == ["job"]:
            return self._page(self.jobs.get(parts[1], []), asked)
        found = [row for row in self.pipelines if parts == ["pipeline", row["id"]]]
        return Reply(found[0]) if found else Reply({"message": "Not found"}, 404)

    def _page(self, rows: list[dict[str, Any]], asked: Asked) -> Reply:
        start = int(asked.query.get("page-token", "0").removeprefix("t"))
        more = start + self.size < len(rows)
        token = f"t{start + self.size}" if more else None
        return Reply({"items": rows[start : start + self.size], "next_page_token": token})


@pytest.fixture
def circle() -> Circle:
    return Circle([pipeline(number) for number in range(1, 61)])


@pytest.fixture
def server(circle: Circle, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("CIRCLECI_TEST", "hush")
    with Loopback(circle.answer) as running:
        yield running


def sync(
    server: Loopback, shelf: Shelf, now: datetime = NOW, since: datetime | None = None, **more: Any
) -> SourceError | None:
    options = {"url": server.url, "token": "env:CIRCLECI_TEST", "projects": {"gh/acme/shop": "shop"}} | more
    (feed,) = circleci.feeds(CircleciOptions.model_validate(options))
    cursor = None if since else shelf.cursors.get(feed.name)
    return shelf.sync(feed, Ask(now, cursor, since, wait=lambda _: None))


def runs(shelf: Shelf) -> list[dict[str, Any]]:
    return sorted(shelf.of(PipelineRun), key=lambda row: (int(row["id"].split("/")[0]), row["attempt"]))


def numbers(shelf: Shelf) -> list[int]:
    return [int(row["id"].split("/")[0]) for row in runs(shelf)]


def test_every_workflow_is_a_run_with_its_own_times(server: Loopback) -> None:
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert numbers(shelf) == list(range(1, 61))
    one = runs(shelf)[6]
    assert (one["id"], one["pipeline"], one["outcome"], one["branch"]) == (
        "7/build",
        "build",
        "success",
        "main",
    )
    assert (one["revision"], one["trigger"], one["codebase"]) == (f"{7:040x}", "webhook", "shop")
    began = START + timedelta(hours=7)
    assert one["queued_at"] == began + timedelta(milliseconds=123)
    assert (one["started_at"], one["finished_at"]) == (
        began + timedelta(minutes=1),
        began + timedelta(minutes=10),
    )
    assert one["url"] == f"{server.url}/pipelines/github/acme/shop/7/workflows/w-7-build-1"
    assert shelf.rejected == []


def test_a_later_sync_reads_what_is_new_and_once_a_day_the_last_week(
    server: Loopback, circle: Circle
) -> None:
    shelf = Shelf()
    sync(server, shelf)
    server.forget()
    assert sync(server, shelf, NOW + timedelta(hours=1)) is None
    assert len(server.asked) <= 8
    circle.pipelines.append(pipeline(61))
    server.forget()
    sync(server, shelf, NOW + timedelta(hours=2))
    assert numbers(shelf) == list(range(1, 62))
    assert len(server.asked) <= 9
    circle.workflows["p-3"] = [workflow(3), workflow(3, after=600)]
    sync(server, shelf, NOW + timedelta(hours=3))
    assert numbers(shelf).count(3) == 1
    sync(server, shelf, NOW + timedelta(hours=26))
    assert numbers(shelf).count(3) == 2


def test_a_workflow_that_is_run_again_is_the_next_attempt_with_its_own_times(
    server: Loopback, circle: Circle
) -> None:
    circle.workflows["p-60"] = [workflow(60, status="failed"), workflow(60, "lint")]
    circle.jobs["w-60-build-1"] = [job(60, "test", "failed"), job(60, "report", "not_run", started_at=None)]
    shelf = Shelf()
    sync(server, shelf)
    circle.workflows["p-60"] += [workflow(60, after=30)]
    sync(server, shelf)
    first, again = [row for row in runs(shelf) if row["id"] == "60/build"]
    assert [(row["attempt"], row["outcome"]) for row in (first, again)] == [(1, "failure"), (2, "success")]
    began = START + timedelta(hours=60, minutes=30)
    assert (again["queued_at"], again["started_at"], again["finished_at"]) == (
        began, began, began + timedelta(minutes=9),
    )  # fmt: skip
    assert [(stage.name, stage.outcome) for stage in first["stages"]] == [
        ("test", "failure"),
        ("report", "skip"),
    ]


def test_a_workflow_that_runs_or_waits_is_read_when_it_has_ended(server: Loopback, circle: Circle) -> None:
    circle.workflows["p-1"] = [workflow(1), workflow(1, "release", "on_hold")]
    circle.workflows["p-60"] = [workflow(60, status="running")]
    shelf = Shelf()
    sync(server, shelf)
    assert numbers(shelf) == list(range(1, 60))
    circle.workflows["p-1"] = [workflow(1), workflow(1, "release", "canceled")]
    circle.workflows["p-60"] = [workflow(60)]
    circle.pipelines += [pipeline(number) for number in range(300, 420)]
    assert sync(server, shelf, NOW + timedelta(hours=1)) is None
    assert numbers(shelf) == [1, 1, *range(2, 61), *range(300, 420)]
    assert runs(shelf)[1]["outcome"] == "cancel"
    circle.workflows["p-2"] = [workflow(2, status="running")]


def test_one_that_waits_and_is_gone_stops_nothing(server: Loopback, circle: Circle) -> None:
    circle.workflows["p-1"] = [workflow(1, status="on_hold")]
    shelf = Shelf()
    sync(server, shelf)
    del circle.pipelines[0]
    circle.pipelines.append(pipeline(400))
    assert sync(server, shelf, NOW + timedelta(hours=1)) is None
    server.forget()
    assert sync(server, shelf, NOW + timedelta(hours=2)) is None
    assert "/api/v2/pipeline/p-1" not in {asked.path for asked in server.asked}


def test_jobs_and_workflows_that_deploy_are_deployments(server: Loopback, circle: Circle) -> None:
    circle.pipelines[:] = [pipeline(1), pipeline(2), pipeline(3, vcs=None, trigger_parameters={
        "git": {"checkout_sha": "e" * 40, "branch": "main", "tag": "v3"},
    })]  # fmt: skip
    circle.jobs["w-1-build-1"] = [job(1, "deploy-live"), job(1, "test")]
    circle.workflows["p-2"] = [workflow(2, status="failed")]
    waiting = job(2, "deploy-stage", "blocked", started_at=None, job_number=None)
    circle.jobs["w-2-build-1"] = [job(2, "deploy-live", "failed"), waiting]
    circle.workflows["p-3"] = [workflow(3, "release"), workflow(3, "release", "not_run", after=20)]
    shelf = Shelf()
    deploys = {"deploy-live": "Production", "deploy-stage": "staging", "release": "production"}
    assert sync(server, shelf, deploys=deploys) is None
    good, bad, tagged = sorted(shelf.of(Deployment), key=lambda row: row["started_at"])
    assert (good["id"], good["environment"], good["outcome"], good["by"]) == (
        "1001", "production", "success", "ana-acme",
    )  # fmt: skip
    assert (good["revision"], good["pipeline_run"]) == (f"{1:040x}", "1/build")
    assert good["finished_at"] - good["started_at"] == timedelta(minutes=5)
    assert good["url"].endswith("/pipelines/github/acme/shop/1/workflows/w-1-build-1/jobs/1001")
    assert (bad["id"], bad["outcome"]) == ("1002", "failure")
    assert (tagged["id"], tagged["revision"], tagged["version"]) == ("3/release", "e" * 40, "v3")
    # A workflow in which a job deploys still says whether the branch is green.
    assert {row["id"]: row["deploys_to"] for row in runs(shelf)} == {
        "1/build": None, "2/build": None, "3/release": "production",
    }  # fmt: skip


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5, 6, 30, 62])
def test_a_sync_stopped_at_any_request_is_taken_up_again(server: Loopback, circle: Circle, stop: int) -> None:
    for number in range(0, 61, 7):
        circle.workflows[f"p-{number}"] = [workflow(number, status="failed")]
    shelf = Shelf()
    server.fault = lambda number, _: Reply({}, 418) if number >= stop else None
    assert sync(server, shelf) is not None
    kept = len(runs(shelf))
    server.forget()
    server.fault = lambda number, _: Reply({}, cut=True) if number == 2 else None
    assert sync(server, shelf) is None
    assert numbers(shelf) == list(range(1, 61))
    assert len(server.asked) <= 75 - kept / 2


def test_pipelines_that_arrive_while_pages_are_read_a_page_twice_and_none_lose_and_double_nothing(
    server: Loopback, circle: Circle
) -> None:
    shelf = Shelf()

    def fault(number: int, asked: Asked) -> Reply | None:
        if number == 2:
            circle.pipelines.extend([pipeline(61), pipeline(62)])
        if number == 4:
            return Reply({"items": [], "next_page_token": None})
        if number == 3:
            return circle._page(sorted(circle.pipelines, key=lambda row: -row["number"]), Asked(
                "GET", "", {"page-token": "t20"}, {}, None,
            ))  # fmt: skip
        return None

    server.fault = fault
    assert sync(server, shelf) is None
    server.fault = None
    assert sync(server, shelf) is None
    assert numbers(shelf) == list(range(1, 63))


def test_since_reads_no_further_back(server: Loopback) -> None:
    shelf = Shelf()
    assert sync(server, shelf, since=START + timedelta(hours=50)) is None
    assert numbers(shelf) == list(range(50, 61))


def test_a_strange_pipeline_is_set_aside(server: Loopback, circle: Circle) -> None:
    circle.workflows["p-60"] = [workflow(60, created_at="soon")]
    circle.pipelines.append(pipeline(61, created_at="tomorrow"))
    shelf = Shelf()
    for _ in range(2):
        assert sync(server, shelf) is None
        assert numbers(shelf) == list(range(1, 60))
    assert "it has no time" in shelf.rejected[0]
    assert "not as expected" in shelf.rejected[1]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply({"message": "Invalid token provided."}, 401), "CircleCI does not know the token"),
        (Reply({"message": "Permission denied"}, 403), "may not read this (Permission denied)"),
        (Reply({"message": "Project not found"}, 404), "or not for this token (Project not found)"),
        (Reply({}, 429, {"Retry-After": "4000"}), "asks to wait 67 min"),
        (Reply({}, 500), "6 times: it answered 500"),
        (Reply({"hello": "world"}), "not CircleCI's"),
        (Reply({"items": []}, cut=True), "cut off"),
    ],
    ids=["401", "403", "404", "429", "500", "elsewhere", "cut off"],
)  # fmt: skip
def test_what_goes_wrong_is_told_with_the_next_step_and_without_the_token(
    server: Loopback, reply: Reply, says: str
) -> None:
    server.fault = lambda _number, _asked: reply
    error = sync(server, Shelf())
    assert error is not None
    assert says in error.what
    assert error.next_step
    assert "hush" not in f"{error}{error.next_step}"


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")
def test_recorded_pipelines_workflows_and_jobs_are_read(server: Loopback, circle: Circle) -> None:
    def rows(name: str) -> list[tuple[str, dict[str, Any]]]:
        with (RECORDED / f"circleci_api_{name}.csv").open() as stream:
            return [(row["url"], json.loads(row["data"])) for row in csv.DictReader(stream)]

    circle.slug = "gh/coldgust/coldgust.github.io"
    circle.pipelines[:] = [row for _, row in rows("pipelines")]
    # The pipeline of one workflow, which has no times at all, was not recorded.
    known = {row["id"] for row in circle.pipelines}
    (lost,) = [row for _, row in rows("workflows") if row["pipeline_id"] not in known]
    circle.pipelines.append({**circle.pipelines[1], "id": lost["pipeline_id"], "number": 16})
    for url, row in rows("workflows"):
        circle.workflows.setdefault(url.split("/")[-2], []).append(row)
    for url, row in rows("jobs"):
        circle.jobs.setdefault(url.split("/")[-2], []).append(row)
    shelf = Shelf()
    assert sync(server, shelf, projects={circle.slug: "shop"}, deploys={"say-hello": "production"}) is None
    assert shelf.rejected == []
    told = {row["url"].rpartition("/")[2]: row for row in runs(shelf)}
    assert told.keys() == {row["id"] for _, row in rows("workflows")}
    revisions = {row["number"]: row.get("vcs", {}).get("revision") for row in circle.pipelines}
    assert told[lost["id"]]["finished_at"] is None
    for url, row in rows("workflows"):
        run = told[row["id"]]
        if row["id"] != lost["id"]:
            assert run["finished_at"] == datetime.fromisoformat(row["stopped_at"])
        assert run["revision"] == revisions[row["pipeline_number"]]
        assert run["outcome"] == {"success": "success", "failed": "failure"}[row["status"]]
        assert "/api/v2/pipeline/" in url
    stages = [stage for run in told.values() for stage in run["stages"] or ()]
    assert len(stages) == len(rows("jobs"))
    assert {row["environment"] for row in shelf.of(Deployment)} == {"production"}

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.loopback import Asked, Loopback, Reply, emptied, repeated
from tests.support.shelf import Shelf

from deploybook.config.sources import JenkinsOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.records import PipelineRun, TestCaseRun
from deploybook.sources import jenkins

RECORDED = Path(__file__).parents[3] / "shared/conformance/other/jenkins"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def build(number: int, result: str | None = "SUCCESS", **more: Any) -> dict[str, Any]:
    begun, branch = START + timedelta(hours=number), {"name": "refs/remotes/origin/main"}
    return {
        "_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun", "number": number, "result": result,
        "building": result is None, "timestamp": int(begun.timestamp() * 1000), "duration": 90_000,
        "url": f"https://ci.test/{number}/", "actions": [
            {}, {"causes": [{"shortDescription": "Push event"}]},
            {"lastBuiltRevision": {"SHA1": f"{number:040x}", "branch": [branch]}},
        ], **more,
    }  # fmt: skip


class Ci:
    """Jenkins' answers for the job `shop/web`."""

    def __init__(self, builds: list[dict[str, Any]]) -> None:
        self.builds = builds

    def answer(self, asked: Asked) -> Reply:
        assert asked.headers["Authorization"].startswith("Basic ")
        path = asked.path.removeprefix("/job/shop/job/web")
        if path == "/api/json":
            found = re.search(r"\{(\d+),(\d+)\}$", asked.query["tree"])
            assert found
            newest = sorted(self.builds, key=lambda row: -int(row["number"]))
            return Reply({"allBuilds": newest[int(found[1]) : int(found[2])]})
        if path == "/7/wfapi/describe":
            begun = int((START + timedelta(hours=7)).timestamp() * 1000)
            stage = {"name": "test", "status": "FAILED", "startTimeMillis": begun, "durationMillis": 1000}
            return Reply({"stages": [stage]})
        if path == "/7/testReport/api/json":
            case = {"name": "pays", "className": "Cart", "status": "REGRESSION", "duration": 1.5}
            return Reply({"suites": [{"name": "s", "cases": [case]}]})
        return Reply({}, 404, text="<html>Not Found</html>")


@pytest.fixture
def ci() -> Ci:
    rows = [build(n) for n in range(1, 251)]
    rows[6] = build(7, "UNSTABLE")
    rows[6]["actions"].append({"totalCount": 1})
    return Ci(rows)


@pytest.fixture
def server(ci: Ci, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("JENKINS_TEST", "hush")
    with Loopback(ci.answer) as running:
        yield running


def sync(server: Loopback, shelf: Shelf) -> SourceError | None:
    options = {"url": server.url, "user": "book", "token": "env:JENKINS_TEST", "jobs": {"shop/web": "shop"}}
    (feed,) = jenkins.feeds(JenkinsOptions.model_validate(options))
    return shelf.sync(feed, Ask(NOW, shelf.cursors.get(feed.name), wait=lambda _: None))


def numbers(shelf: Shelf) -> list[int]:
    return sorted(int(row["id"].rpartition("/")[2]) for row in shelf.of(PipelineRun))


def test_every_build_arrives_with_its_stages_tests_and_revision(server: Loopback) -> None:
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert numbers(shelf) == list(range(1, 251))
    red = next(row for row in shelf.of(PipelineRun) if row["id"] == "shop/web/7")
    assert (red["outcome"], red["branch"], red["revision"]) == ("failure", "main", f"{7:040x}")
    assert red["finished_at"] == START + timedelta(hours=7, seconds=90)
    assert [(stage.name, stage.outcome) for stage in red["stages"]] == [("test", "failure")]
    (case,) = shelf.of(TestCaseRun)
    assert (case["suite"], case["name"], case["outcome"], case["run"]) == (
        "Cart",
        "pays",
        "fail",
        "shop/web/7",
    )
    server.forget()
    sync(server, shelf)
    assert len(server.asked) == 1


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5, 100, 254])
def test_a_sync_stopped_at_any_request_is_taken_up_again(server: Loopback, stop: int) -> None:
    shelf = Shelf()
    server.fault = lambda number, asked: Reply({}, 418) if number >= stop else None
    assert sync(server, shelf) is not None
    server.fault = None
    assert sync(server, shelf) is None
    assert numbers(shelf) == list(range(1, 251))


@pytest.mark.parametrize("nth", [2, 3])
@pytest.mark.parametrize("empty", [False, True])
def test_a_page_that_comes_twice_or_not_at_all_loses_and_doubles_nothing(
    server: Loopback, ci: Ci, nth: int, empty: bool
) -> None:
    path = "/job/web/api/json"
    server.fault = emptied(path, nth, {"allBuilds": []}) if empty else repeated(ci.answer, path, nth)
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert numbers(shelf) == list(range(1, 251))


def test_a_build_that_runs_is_read_when_it_has_ended(server: Loopback, ci: Ci) -> None:
    ci.builds[248] = build(249, None)
    shelf = Shelf()
    sync(server, shelf)
    assert numbers(shelf)[-1] == 248
    ci.builds[248] = build(249)
    sync(server, shelf)
    assert numbers(shelf) == list(range(1, 251))


def test_a_wrong_token_is_told_without_it(server: Loopback) -> None:
    server.fault = lambda number, asked: Reply(status=401, text="<html>Unauthorized</html>")
    said = str(sync(server, Shelf()))
    assert "Jenkins does not know the token" in said
    assert "hush" not in said


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")
@pytest.mark.parametrize("kind", ["", "_multibranch"])
def test_recorded_builds_and_stages_are_read(kind: str) -> None:
    def rows(name: str) -> list[dict[str, Any]]:
        with (RECORDED / f"jenkins_api_{name}{kind}.csv").open() as stream:
            return [json.loads(row["data"]) for row in csv.DictReader(stream)]

    builds, stages = rows("builds"), rows("stages")
    assert len(builds) >= 14
    for row in builds:
        if row["result"] is not None:
            run = jenkins.pipeline_run("shop", "job", row, stages)
            assert run.started_at is not None
            assert run.finished_at is not None
            assert run.stages is not None
            assert len(run.stages) == len(stages)
            said = [action for action in row["actions"] if "lastBuiltRevision" in action]
            assert run.revision == (said[0]["lastBuiltRevision"]["SHA1"] if said else None)

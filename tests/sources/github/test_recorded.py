"""What the real GitHub was recorded to answer is read over real HTTP, its limits and failures too."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from tests.sources.github.support import Book
from tests.support.github_server import Hub
from tests.support.loopback import Asked, Loopback, Reply

from deploybook.config import Config
from deploybook.errors import SourceError
from deploybook.feed import Rejected
from deploybook.records import Deployment, PipelineRun
from deploybook.sources.github import attempts
from deploybook.sources.github.deployments import deployment
from deploybook.sources.github.door import Place
from deploybook.sources.github.issues import _incident
from deploybook.sources.github.jobs import _of_job
from deploybook.sources.github.rules import branch_rule, environment_rule
from deploybook.sources.http import Client, session
from deploybook.sources.matching import Names

RECORDED = Path(__file__).parents[4] / "shared/conformance/github"
pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded exchanges are not here")

HERE = Place("shop", "acme", "shop")
GMT = timezone(timedelta(0), "GMT")


def client(server: Loopback, waits: list[float]) -> Client:
    return Client("GitHub", session({}), base=server.url, wait=waits.append)


def exchanges() -> list[tuple[str, list[dict[str, Any]]]]:
    files = json.loads((RECORDED / "pygithub_replay.json").read_text()) if RECORDED.is_dir() else []
    return [(file["file"], file["exchanges"]) for file in files]


def bodies(pattern: str) -> list[Any]:
    """The JSON of every recorded answer to a GET whose path fits."""
    found = []
    for _, recorded in exchanges():
        for each in recorded:
            if each["method"] == "GET" and each["status"] == 200 and re.fullmatch(pattern, each["path"]):
                found.append(json.loads(each["body"]))
    return found


class Replay:
    """Answers a path with what was recorded for it, one after the other; the last again and again."""

    def __init__(self, recorded: list[dict[str, Any]]) -> None:
        self.left: dict[str, list[dict[str, Any]]] = {}
        for each in recorded:
            self.left.setdefault(each["path"].partition("?")[0], []).append(each)

    def __call__(self, asked: Asked) -> Reply:
        waiting = self.left[asked.path]
        each = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        kept = {"etag", "link", "retry-after", "x-ratelimit-remaining", "x-ratelimit-reset", "date"}
        headers = {key: str(value) for key, value in each["headers"] if key.lower() in kept}
        return Reply(status=each["status"], headers=headers, text=each["body"] or "")


OUTCOMES = {
    200: "read", 201: "read", 304: "read", 400: "SourceError", 301: "SourceError", 302: "SourceError",
    403: "Refused", 404: "Absent", 500: "Unwell", 502: "Unwell",
}  # fmt: skip


def outcome(github: Client, each: dict[str, Any]) -> str:
    try:
        if each["method"] == "POST":
            answer = github.post(each["path"], json.loads(each["request_body"]))
        else:
            answer = github.get(each["path"], etag='"x"' if each["status"] == 304 else None)
    except SourceError as error:
        return type(error).__name__
    assert answer.unchanged or answer.content is not None
    return "read"


@pytest.mark.parametrize(("name", "recorded"), exchanges(), ids=[name for name, _ in exchanges()])
def test_each_recorded_question_gets_its_answer_or_its_own_refusal(
    name: str, recorded: list[dict[str, Any]]
) -> None:
    asked = [each for each in recorded if each["method"] == "GET" or each["path"].endswith("/graphql")]
    with Loopback(Replay(asked)) as server:
        github = client(server, [])
        for each in asked:
            path = each["path"].partition("?")[0]
            expected = {OUTCOMES[other["status"]] for other in asked if other["path"].startswith(path)}
            if "rate limit" in str([other["body"] for other in asked]).lower():
                expected.add("SourceError")  # the wait would be too long
            assert outcome(github, each) in expected


def test_502_three_times_and_then_the_repository() -> None:
    recorded = dict(exchanges())["Retry.testReturnsRepoAfter3Retries.txt"]
    with Loopback(Replay(recorded)) as server:
        waits: list[float] = []
        assert client(server, waits).get("/repos/PyGithub/PyGithub").content["name"] == "PyGithub"
        assert len(waits) == 3
        assert waits == sorted(waits)


def test_recorded_runs_and_jobs_are_read() -> None:
    lists = bodies(r"/repos/[^/]+/[^/]+/actions/(workflows/\d+/)?runs(\?.*)?")
    rows = [row for page in lists for row in page["workflow_runs"]]
    rows += bodies(r"/repos/[^/]+/[^/]+/actions/runs/\d+(/attempts/\d+)?")
    assert len(rows) > 50
    for row in rows:
        if attempts.is_done(row):
            runs = list(attempts.runs(HERE, row, None, None))
            assert runs[-1].attempt == row.get("run_attempt", 1)
            assert runs[-1].finished_at is None  # never taken from `updated_at`
            assert runs[-1].pipeline == (row.get("name") or str(row["workflow_id"]))
    jobs = [job for page in bodies(r"/repos/[^/]+/[^/]+/actions/runs/\d+/jobs") for job in page["jobs"]]
    assert len(jobs) > 2
    for job in map(_of_job, jobs):
        assert job.started_at is not None
        assert job.completed_at is not None
        assert job.completed_at >= job.started_at
        assert job.attempt is not None


def recorded_runs() -> tuple[list[dict[str, Any]], dict[int, dict[str, Any]]]:
    """Every run that either project recorded, and the answers about the jobs of some of them."""
    lists = bodies(r"/repos/[^/]+/[^/]+/actions/(workflows/\d+/)?runs(\?.*)?")
    about = bodies(r"/repos/[^/]+/[^/]+/actions/runs/\d+/jobs(\?.*)?")
    for file in sorted(RECORDED.glob("hub4j-wiremock/GHWorkflowRunTest/*/__files/*runs*.json")):
        content = json.loads(file.read_text())
        (lists if "workflow_runs" in content else about).append(content)
    runs = {row["id"]: row for page in lists for row in page["workflow_runs"]}
    runs |= {row["id"]: row for row in bodies(r"/repos/[^/]+/[^/]+/actions/runs/\d+")}
    return list(runs.values()), {page["jobs"][0]["run_id"]: page for page in about if page.get("jobs")}


@pytest.mark.parametrize("stop", [None, 2, 3, 4])
def test_recorded_runs_and_jobs_come_through_the_source_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int | None
) -> None:
    monkeypatch.setenv("GITHUB_TEST", "token-of-the-test")
    rows, jobs = recorded_runs()
    hub = Hub(
        runs=sorted(rows, key=lambda row: row["created_at"]), no_checks=True,
        jobs={run: page["jobs"] for run, page in jobs.items()},
    )  # fmt: skip
    with hub.serve() as server:
        book = Book(server, tmp_path, deployments={"from": "workflow", "workflow": "Multi jobs workflow"})
        if stop is not None:
            server.fault = lambda number, _: Reply({"message": "no"}, 418) if number >= stop else None
            assert book.sync(only="runs")["github:shop/runs"] is not None
        server.fault = None
        assert book.sync(only="runs") == {"github:shop/runs": None}
    ended = {str(row["id"]): row for row in rows if row["status"] == "completed"}
    told = {row["id"]: row for row in book.rows(PipelineRun) if row["attempt"] == (
        ended[row["id"]].get("run_attempt") or 1
    )}  # fmt: skip
    assert told.keys() == ended.keys()
    assert len(ended) == 98
    for name, row in ended.items():
        assert told[name]["outcome"] == attempts.OUTCOMES[row["conclusion"]]
        assert told[name]["revision"] == row["head_sha"]
        ends = [job["completed_at"] for job in jobs.get(int(name), {"jobs": []})["jobs"]]
        asked_for = row["conclusion"] != "success" or told[name]["deploys_to"] or row.get("run_attempt") == 2
        if ends and asked_for:
            assert told[name]["finished_at"] == datetime.fromisoformat(max(ends))
        else:
            assert told[name]["finished_at"] is None
    made = book.rows(Deployment)
    assert {row["environment"] for row in made} == {"production"}
    assert book.shelf.rejected == []


def test_a_recorded_deployment_ended_with_its_own_status_and_not_when_it_was_updated() -> None:
    (row,) = bodies(r"/repos/PyGithub/PyGithub/deployments")[0][:1]
    statuses = bodies(r"/repos/jacquev6/PyGithub/deployments/263877258/statuses")[0]
    told = [{"state": each["state"].upper(), "createdAt": each["created_at"]} for each in statuses]
    node = {
        "databaseId": row["id"], "environment": row["environment"], "commitOid": row["sha"],
        "createdAt": row["created_at"], "task": row["task"],
        "statuses": {"nodes": told},
    }  # fmt: skip
    config = Config.of({"codebases": {"shop": {}}}, root=Path())
    found = deployment(HERE, Names(config, "x"), node)
    ends = {each["created_at"] for each in statuses if each["state"] in {"success", "failure", "error"}}
    assert {found.finished_at} == ({datetime.fromisoformat(min(ends))} if ends else {None})
    assert found.id == str(row["id"])


def test_recorded_issues_are_read_as_incidents() -> None:
    rows = [row for page in bodies(r"/repos/PyGithub/PyGithub/issues(\?.*)?") for row in page]
    assert len(rows) > 50
    found = [_incident(HERE, row) for row in rows]
    assert not [item for item in found if isinstance(item, Rejected)]


def test_recorded_environments_and_branches_are_read() -> None:
    pages = bodies(r"/repos/[^/]+/[^/]+/environments(\?.*)?")
    rows = [row for page in pages for row in page["environments"]]
    rows += bodies(r"/repos/[^/]+/[^/]+/environments/[^/]+")
    assert len(rows) > 3
    for row in rows:
        found = environment_rule(HERE, row, NOW)
        kinds = {each["type"] for each in row["protection_rules"]}
        assert bool(found.reviewers) == ("required_reviewers" in kinds)
        assert bool(found.wait_minutes) == ("wait_timer" in kinds)
    (branch,) = bodies(r"/repos/PyGithub/PyGithub/branches/master")
    guarded = branch_rule(HERE, "master", branch, {}, None, NOW)
    assert guarded.protected is branch["protected"]
    assert set(guarded.checks or ()) == set(branch["protection"]["required_status_checks"]["contexts"])


NOW = datetime(2026, 11, 20, 12, tzinfo=GMT)


def rendered(text: str) -> str:
    """A recorded header with its times put in."""

    def put(found: re.Match[str]) -> str:
        offset = re.search(r"offset='(-?\d+) seconds'", found[0])
        at = NOW + timedelta(seconds=int(offset[1]) if offset else 0)
        return str(int(at.timestamp())) if "format='unix'" in found[0] else format_datetime(at, usegmt=False)

    return re.sub(r"\{\{.*?\}\}", put, text).replace("+0000", "GMT")


@pytest.mark.parametrize(
    ("scenario", "waits"),
    [
        ("AbuseLimitHandlerTest/testHandler_Fail", [30]),
        ("AbuseLimitHandlerTest/testHandler_Wait", [2]),
        ("AbuseLimitHandlerTest/testHandler_Wait_Secondary_Limits", [60]),
        ("AbuseLimitHandlerTest/testHandler_Wait_Secondary_Limits_Body_Marker_Only", [60]),
        ("AbuseLimitHandlerTest/testHandler_Wait_Secondary_Limits_Too_Many_Requests", [8]),
        ("AbuseLimitHandlerTest/testHandler_Wait_Secondary_Limits_Too_Many_Requests_Date_Retry_After", [8]),
        (
            "AbuseLimitHandlerTest/"
            "testHandler_Wait_Secondary_Limits_Too_Many_Requests_Date_Retry_After_Missing_Date_Header",
            [60],
        ),
        ("AbuseLimitHandlerTest/testHandler_Wait_Secondary_Limits_Too_Many_Requests_No_Retry_After", [60]),
        ("RateLimitHandlerTest/testHandler_Fail", [4]),
        ("RateLimitHandlerTest/testHandler_Wait", [4]),
        ("RateLimitHandlerTest/testHandler_Wait_Missing_Date_Header", [60]),
    ],
)
def test_a_recorded_limit_is_waited_for_as_long_as_it_says(scenario: str, waits: list[float]) -> None:
    waited, answer = meet(scenario)
    assert [wait for wait in waited if wait >= 2] == waits
    assert answer is None


@pytest.mark.parametrize("scenario", ["AbuseLimitHandlerTest", "RateLimitHandlerTest"])
def test_a_recorded_limit_that_never_ends_is_given_up(scenario: str) -> None:
    _, error = meet(f"{scenario}/testHandler_WaitStuck")
    assert "6 times: it limits how often it may be asked" in str(error)


def meet(scenario: str) -> tuple[list[float], SourceError | None]:
    """The waits, and the error if there was one."""
    folder = RECORDED / "hub4j-wiremock" / scenario
    mappings = [json.loads(file.read_text()) for file in sorted(folder.glob("mappings/*.json"))]
    limited = [each for each in mappings if "/repos/" in each["request"]["url"]]
    left = list(limited)

    def answer(asked: Asked) -> Reply:
        said = (left.pop(0) if len(left) > 1 else left[0])["response"]
        headers = {"Date": ""}
        for key, value in said["headers"].items():
            if key.lower() in {"date", "retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"}:
                headers[key] = rendered(value)
        body = said.get("body") or (folder / "__files" / said["bodyFileName"]).read_text()
        return Reply(status=said["status"], headers=headers, text=body)

    waited: list[float] = []
    with Loopback(answer) as server:
        try:
            found = client(server, waited).get(limited[0]["request"]["url"])
        except SourceError as error:
            return waited, error
    assert found.content["id"]
    return waited, None

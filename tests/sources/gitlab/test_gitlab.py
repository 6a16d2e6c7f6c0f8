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

from deploybook.config import Config
from deploybook.config.sources import GitlabOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask, Feed, Rejected
from deploybook.records import Change, Deployment, Incident, PipelineRun
from deploybook.sources import gitlab
from deploybook.sources.gitlab import attempts, merges, pipelines
from deploybook.sources.gitlab.door import Place
from deploybook.sources.matching import Names

RECORDED = Path(__file__).parents[4] / "shared/conformance/other/gitlab"
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
NOW = START + timedelta(days=300)
HERE = Place("shop", "acme/shop")


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def merge(number: int, minutes: float) -> dict[str, Any]:
    return {
        "id": 5_000 + number, "iid": number, "title": f"Change {number}", "description": "",
        "created_at": at(minutes - 100), "updated_at": at(minutes), "merged_at": at(minutes), "labels": ["x"],
        "author": {"username": "ana"}, "source_branch": "b", "target_branch": "main", "sha": "a" * 40,
        "merge_commit_sha": f"{number:040x}", "milestone": None, "web_url": f"https://gitlab.test/{number}",
    }  # fmt: skip


def pipeline(number: int, minutes: float, status: str = "success") -> dict[str, Any]:
    return {
        "id": number, "status": status, "sha": f"{number:040x}", "ref": "main", "source": "push",
        "created_at": at(minutes), "updated_at": at(minutes + 9), "started_at": at(minutes + 1),
        "finished_at": at(minutes + 8), "web_url": f"https://gitlab.test/p/{number}",
    }  # fmt: skip


def deployed(number: int, minutes: float, status: str = "success") -> dict[str, Any]:
    job = {"started_at": at(minutes + 1), "finished_at": at(minutes + 2), "tag": False, "pipeline": {"id": 7}}
    return {
        "id": 900 + number, "iid": number, "status": status, "sha": f"{number:040x}", "ref": "main",
        "created_at": at(minutes), "updated_at": at(minutes + 5), "environment": {"name": "Production"},
        "deployable": job, "user": {"username": "bo"},
    }  # fmt: skip


def broke(number: int, minutes: float, **more: Any) -> dict[str, Any]:
    return {
        "id": 70 + number, "iid": number, "title": "Down", "created_at": at(minutes), "severity": "HIGH",
        "updated_at": at(minutes + 60), "closed_at": at(minutes + 60), "issue_type": "incident", "labels": [],
        **more,
    }  # fmt: skip


class Lab:
    """GitLab's answers for `acme/shop`, in the order in which rows changed, as it was asked."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = [
            {"id": 1, "name": "test", "status": "failed", "started_at": at(1), "finished_at": at(2)}
        ]
        self.rows: dict[str, list[dict[str, Any]]] = {
            "merge_requests": [merge(n, n * 60) for n in range(1, 231)],
            "pipelines": [pipeline(n, n * 40, "failed" if n == 5 else "success") for n in range(1, 211)],
            "deployments": [deployed(n, n * 90) for n in range(1, 121)],
            "issues": [
                broke(1, 10), broke(2, 20, issue_type="issue"),
                broke(3, 30, issue_type="issue", labels=["incident"]),
            ],
        }  # fmt: skip

    def answer(self, asked: Asked) -> Reply:
        assert asked.headers["PRIVATE-TOKEN"] == "hush"
        path = asked.path.removeprefix("/api/v4/projects/acme%2Fshop/")
        if path in self.rows:
            since, page = asked.query.get("updated_after", ""), int(asked.query.get("page", 1))
            rows = sorted(self.rows[path], key=lambda row: str(row["updated_at"]))
            rows = [row for row in rows if row["updated_at"] > since]
            return Reply(rows[(page - 1) * 100 : page * 100])
        if found := re.fullmatch(r"pipelines/(\d+)", path):
            return Reply(next(row for row in self.rows["pipelines"] if row["id"] == int(found[1])))
        if re.fullmatch(r"pipelines/\d+/jobs", path):
            return Reply(self.jobs)
        if re.fullmatch(r"merge_requests/\d+/commits", path):
            return Reply(
                [{"id": "c" * 40, "authored_date": at(-500)}, {"id": "d" * 40, "authored_date": at(-400)}]
            )
        if re.fullmatch(r"merge_requests/\d+/notes", path):
            return Reply([])
        return Reply({"message": "404 Project Not Found"}, 404)


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture
def server(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("GITLAB_TEST", "hush")
    with Loopback(lab.answer) as running:
        yield running


def feeds(server: Loopback, **more: Any) -> list[Feed]:
    host = server.url.partition("//")[2]
    shop = {
        "repository": f"http://{host}/Acme/shop.git", "deployments": {"from": "gitlab"},
        "incidents": {"from": "gitlab"}, **more,
    }  # fmt: skip
    config = Config.of({"codebases": {"shop": shop}}, root=Path())
    return gitlab.feeds(GitlabOptions.model_validate({"token": "env:GITLAB_TEST", "url": server.url}), config)


def sync(server: Loopback, shelf: Shelf, **more: Any) -> dict[str, SourceError | None]:
    return {
        feed.name: shelf.sync(feed, Ask(NOW, shelf.cursors.get(feed.name), wait=lambda _: None))
        for feed in feeds(server, **more)
    }


def whole(shelf: Shelf, lab: Lab) -> None:
    def ids(kind: Any) -> list[str]:
        return sorted(row["id"] for row in shelf.of(kind))

    assert ids(Change) == sorted(str(row["iid"]) for row in lab.rows["merge_requests"])
    assert ids(PipelineRun) == sorted(str(row["id"]) for row in lab.rows["pipelines"])
    assert ids(Deployment) == sorted(str(row["iid"]) for row in lab.rows["deployments"])
    assert ids(Incident) == ["shop/1", "shop/3"]


def test_all_arrives_once_and_the_next_sync_asks_little(server: Loopback, lab: Lab) -> None:
    shelf = Shelf()
    assert set(sync(server, shelf).values()) == {None}
    whole(shelf, lab)
    assert shelf.rejected == []
    change = next(row for row in shelf.of(Change) if row["id"] == "7")
    assert change["first_commit_at"] == START - timedelta(minutes=500)
    assert (change["approvals"], change["merge_revision"]) == (0, f"{7:040x}")
    red = next(row for row in shelf.of(PipelineRun) if row["id"] == "5")
    assert (red["outcome"], [stage.outcome for stage in red["stages"]]) == ("failure", ["failure"])
    assert red["finished_at"] == START + timedelta(minutes=208)
    made = next(row for row in shelf.of(Deployment) if row["id"] == "7")
    assert (made["finished_at"], made["environment"]) == (START + timedelta(minutes=632), "production")

    server.forget()
    sync(server, shelf)
    assert len(server.asked) == 4
    lab.rows["merge_requests"].append(merge(999, 20_000))
    server.forget()
    sync(server, shelf)
    assert len(server.asked) == 6
    whole(shelf, lab)


@pytest.mark.parametrize("stop", [1, 2, 3, 50, 101, 102, 103, 204, 300, 460, 463, 464, 560, 675, 676, 680])
def test_a_sync_stopped_at_any_request_is_taken_up_again(server: Loopback, lab: Lab, stop: int) -> None:
    shelf = Shelf()
    server.fault = lambda number, asked: Reply({}, 418) if number >= stop else None
    sync(server, shelf)
    server.fault = None
    assert set(sync(server, shelf).values()) == {None}
    whole(shelf, lab)


@pytest.mark.parametrize(
    "how",
    [
        {"status": 500, "content": {"message": "500 Internal Server Error"}},
        {"status": 502, "text": "<html>Bad Gateway</html>"},
        {"text": '[{"iid": 3, "ti'},
        {"content": [{"iid": 3}] * 40, "cut": True},
        {"status": 429, "content": {}, "headers": {"Retry-After": "2"}},
    ],
    ids=["500", "502", "cut JSON", "cut answer", "429"],
)
def test_every_request_may_fail_once_and_nothing_is_lost(
    server: Loopback, lab: Lab, how: dict[str, Any]
) -> None:
    failed: set[str] = set()

    def once(number: int, asked: Asked) -> Reply | None:
        key = f"{asked.path} {sorted(asked.query.items())}"
        if key in failed:
            return None
        failed.add(key)
        return Reply(**how)

    server.fault = once
    shelf = Shelf()
    assert set(sync(server, shelf).values()) == {None}
    whole(shelf, lab)
    assert shelf.rejected == []


def test_pages_that_shift_while_they_are_read_lose_and_double_nothing(server: Loopback, lab: Lab) -> None:
    def stir(number: int, asked: Asked) -> Reply | None:
        for name, make in (("deployments", deployed), ("pipelines", pipeline)):
            if asked.path.endswith(name) and len(lab.rows[name]) < 260:
                # What was listed on the first page moves to the end, and something new is there.
                lab.rows[name][0]["updated_at"] = at(30_000 + number)
                lab.rows[name] = [
                    *lab.rows[name][1:],
                    lab.rows[name][0],
                    make(1_000 + number, 29_000 + number),
                ]
        return None

    server.fault = stir
    shelf = Shelf()
    sync(server, shelf)
    server.fault = None
    assert set(sync(server, shelf).values()) == {None}
    whole(shelf, lab)


@pytest.mark.parametrize("name", ["merge_requests", "pipelines", "deployments", "issues"])
@pytest.mark.parametrize("nth", [2, 3])
@pytest.mark.parametrize("empty", [False, True])
def test_a_page_that_comes_twice_or_not_at_all_loses_and_doubles_nothing(
    server: Loopback, lab: Lab, name: str, nth: int, empty: bool
) -> None:
    lab.rows = {key: rows for key, rows in lab.rows.items() if key in {name, "issues"}} | {
        key: [] for key in lab.rows if key not in {name, "issues"}
    }
    lab.rows["issues"] += [broke(n, n * 30, issue_type="issue") for n in range(10, 300)]
    server.fault = emptied(f"/{name}", nth, []) if empty else repeated(lab.answer, f"/{name}", nth)
    shelf = Shelf()
    assert set(sync(server, shelf).values()) == {None}
    whole(shelf, lab)


@pytest.mark.parametrize("skew", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_is_an_hour_off_loses_nothing(server: Loopback, lab: Lab, skew: timedelta) -> None:
    newest = START + timedelta(minutes=230 * 60)
    shelf = Shelf()
    for feed in feeds(server):
        assert shelf.sync(feed, Ask(newest + skew, None, wait=lambda _: None)) is None
    lab.rows["merge_requests"].append(merge(900, 230 * 60 + 1))
    lab.rows["pipelines"].append(pipeline(900, 230 * 60 + 1))
    for feed in feeds(server):
        assert shelf.sync(feed, Ask(newest + skew, shelf.cursors[feed.name], wait=lambda _: None)) is None
    whole(shelf, lab)


def test_many_rows_of_one_instant_are_all_read(server: Loopback, lab: Lab) -> None:
    lab.rows["deployments"] = [deployed(n, 100) for n in range(1, 260)]
    shelf = Shelf()
    sync(server, shelf)
    whole(shelf, lab)


def job(
    number: int, name: str, status: str, begun: float | None, made: float | None = None
) -> dict[str, Any]:
    """A job of three minutes, made when it began unless it says otherwise."""
    return {
        "id": number, "name": name, "status": status, "allow_failure": name == "lint",
        "created_at": at(made if made is not None else begun or 0),
        "started_at": at(begun) if begun is not None else None,
        "finished_at": at(begun + 3) if begun is not None else None,
    }  # fmt: skip


def test_a_pipeline_that_was_run_again_keeps_what_was_before_and_each_has_its_own_times(
    server: Loopback, lab: Lab
) -> None:
    lab.rows["pipelines"] = [pipeline(1, 0, "failed") | {"duration": 420}]
    lab.jobs = [
        job(1, "build", "success", 1), job(2, "test", "failed", 4, 0), job(3, "deploy", "skipped", None, 0),
        job(4, "lint", "failed", 4, 0),
    ]  # fmt: skip
    shelf = Shelf()
    sync(server, shelf)
    (first,) = shelf.of(PipelineRun)
    lab.rows["pipelines"] = [
        pipeline(1, 0) | {"duration": 780, "finished_at": at(106), "updated_at": at(107)}
    ]
    lab.jobs[2] = job(3, "deploy", "success", 103, 0)
    lab.jobs.append(job(5, "test", "success", 100))
    sync(server, shelf)
    before, again = sorted(shelf.of(PipelineRun), key=lambda row: row["attempt"])
    assert before["finished_at"] == START + timedelta(minutes=7)
    assert (before["outcome"], again["outcome"]) == (first["outcome"], "success") == ("failure", "success")
    assert [stage.name for stage in before["stages"]] == ["build", "test", "lint"]
    assert [stage.name for stage in again["stages"]] == ["deploy", "test"]
    assert (again["queued_at"], again["started_at"], again["finished_at"]) == (
        START + timedelta(minutes=100), START + timedelta(minutes=100), START + timedelta(minutes=106),
    )  # fmt: skip


def test_what_gitlab_retried_by_itself_or_a_person_played_late_is_of_the_same_attempt() -> None:
    row = pipeline(1, 0, "failed")
    (one,) = attempts.runs(HERE, row, [job(1, "test", "failed", 1), job(2, "test", "failed", 4.2)])
    assert [stage.outcome for stage in one.stages or ()] == ["failure", "failure"]
    assert one.attempt == 1
    (late,) = attempts.runs(HERE, row, [job(1, "test", "success", 1), job(2, "deploy", "success", 600, 0)])
    assert len(late.stages or ()) == 2


def test_an_attempt_of_which_nothing_failed_that_counts_was_green() -> None:
    jobs = [job(1, "test", "success", 1), job(2, "lint", "failed", 1), job(3, "test", "success", 90)]
    before, _ = attempts.runs(HERE, pipeline(1, 0), jobs)
    assert before.outcome == "success"


def test_a_wrong_token_or_project_is_told_with_the_next_step(server: Loopback) -> None:
    server.fault = lambda number, asked: Reply({"message": "401 Unauthorized"}, 401)
    said = str(sync(server, Shelf())["gitlab:shop/merges"])
    assert "does not know the token (401 Unauthorized)" in said
    assert "read_api" in said
    assert "hush" not in said


def test_a_monorepos_merge_requests_are_left_to_git(server: Loopback) -> None:
    assert "gitlab:shop/merges" not in [feed.name for feed in feeds(server, path="web")]


def test_reviews_are_read_from_the_notes() -> None:
    def note(body: str, who: str, minutes: float, *, system: bool = True) -> dict[str, Any]:
        return {"body": body, "author": {"username": who}, "created_at": at(minutes), "system": system}

    notes = [
        note("looks odd", "ana", 1, system=False),
        note("assigned to @bo", "bo", 2),
        note("why so?", "bo", 3, system=False),
        note("approved this merge request", "bo", 4),
        note("approved this merge request", "eli", 5),
        note("unapproved this merge request", "bo", 6),
        note("approved this merge request", "kim", 999),
    ]
    change = merges.change(HERE, merge(1, 60), [], notes)
    assert change.first_review_at == START + timedelta(minutes=3)
    assert (change.approvals, change.approved_at) == (1, START + timedelta(minutes=5))


recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")


def rows(name: str) -> list[dict[str, Any]]:
    csv.field_size_limit(1 << 30)
    with (RECORDED / f"gitlab_api_{name}.csv").open() as stream:
        return [json.loads(row["data"]) for row in csv.DictReader(stream)]


@recorded
def test_recorded_answers_are_read() -> None:
    merged = [row for row in rows("merge_requests") if row["state"] == "merged"]
    notes, commits = rows("merge_request_notes"), rows("merge_request_commits")
    assert len(merged) == 10
    for row in merged:
        own = [note for note in notes if note["noteable_iid"] == row["iid"]]
        change = merges.change(HERE, row, commits[:1], own)
        assert change.merged_at is not None
        assert change.author == row["author"]["username"]
    ended = [row for row in rows("pipeline_details") if row["status"] in {"success", "failed"}]
    assert len(ended) == 16
    for row in ended:
        (run,) = attempts.runs(HERE, row, [])
        assert run.finished_at == (datetime.fromisoformat(row["finished_at"]) if row["finished_at"] else None)
    # One was run again the next day: its jobs took 25 minutes of 19 hours.
    assert [row["id"] for row in ended if row["status"] == "success" and attempts.worth_asking(row)] == [
        1078343570, 1079558335,
    ]  # fmt: skip
    pipelines_of: dict[int, list[dict[str, Any]]] = {}
    for row in rows("job"):
        pipelines_of.setdefault(row["pipeline"]["id"], []).append(row)
    for number, own in pipelines_of.items():
        told_runs = list(attempts.runs(HERE, {"id": number, "status": "success"}, own))
        assert sum(len(run.stages or ()) for run in told_runs) == len(own)
    names = Names(Config.of({"codebases": {"shop": {}}}, root=Path()), "gitlab")
    told = {row["status"]: pipelines.deployment(HERE, names, row) for row in rows("deployments")}
    assert {status: made.outcome for status, made in told.items() if made.outcome} == {
        "success": "success", "failed": "failure", "canceled": "cancel",
    }  # fmt: skip
    assert all((made.finished_at is None) for made in told.values() if made.outcome is None)
    assert len([pipelines.incident(HERE, row) for row in rows("issues")]) == 16
    assert "environment" in str([item.reason for item in names.strange() if isinstance(item, Rejected)])

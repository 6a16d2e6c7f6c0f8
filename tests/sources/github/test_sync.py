"""What GitHub says arrives whole, once, in few requests, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.sources.github.support import NOW, TOKEN, Book, zipped
from tests.support.github_server import START, Hub, artifact, at, deployment, issue, pull, run
from tests.support.loopback import Asked, Reply, emptied, repeated

from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.history import History
from deploybook.records import Change, Deployment, Incident, PipelineRun, Record

DAY = 24 * 60
JUNIT = zipped({"a.xml": "<testsuite><testcase classname='t' name='one'/></testsuite>"})


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TEST", TOKEN)


def some() -> Hub:
    """A small repository with more than one page of everything."""
    return Hub(
        pulls=[pull(n, n * 90) for n in range(1, 231)],
        runs=[run(1000 + n, n * 30) for n in range(1, 341)],
        deployments=[deployment(n, n * 120, "IN_PROGRESS", "SUCCESS", "INACTIVE") for n in range(1, 221)],
        issues=[issue(n, n * 500) for n in range(1, 111)],
    )


@pytest.fixture
def hub() -> Hub:
    return some()


@pytest.fixture
def book(hub: Hub, tmp_path: Path) -> Iterator[Book]:
    with hub.serve() as server:
        yield Book(server, tmp_path)


def ids(book: Book, kind: type[Record]) -> list[str]:
    return [row["id"] for row in book.rows(kind)]


def whole(book: Book, hub: Hub) -> None:
    """Nothing is lost and nothing doubled."""
    assert sorted(ids(book, Change)) == sorted(str(row["number"]) for row in hub.pulls)
    assert sorted(ids(book, PipelineRun)) == sorted(str(row["id"]) for row in hub.runs)
    assert sorted(ids(book, Deployment)) == sorted(str(row["databaseId"]) for row in hub.deployments)
    assert sorted(ids(book, Incident)) == sorted(f"shop/{row['number']}" for row in hub.issues)


def test_all_arrives_and_each_field_is_where_it_belongs(book: Book, hub: Hub) -> None:
    assert set(book.sync().values()) == {None}
    whole(book, hub)
    change = next(row for row in book.rows(Change) if row["id"] == "7")
    opened, merged = START + timedelta(minutes=330), START + timedelta(minutes=630)
    assert (change["opened_at"], change["merged_at"]) == (opened, merged)
    assert change["first_commit_at"] == START + timedelta(minutes=230)
    assert change["first_review_at"] == change["approved_at"] == START + timedelta(minutes=570)
    assert (change["approvals"], change["author"], change["labels"]) == (1, "ana-acme", ("area/checkout",))
    assert (change["merge_revision"], change["revisions"]) == (f"{7:040x}", (f"{7:039x}f",))
    made = next(row for row in book.rows(Deployment) if row["id"] == "7")
    assert (made["started_at"], made["finished_at"]) == (
        START + timedelta(minutes=841), START + timedelta(minutes=842),
    )  # fmt: skip
    assert (made["outcome"], made["environment"], made["pipeline_run"]) == ("success", "production", "7")
    ran = next(row for row in book.rows(PipelineRun) if row["id"] == "1007")
    assert ran["finished_at"] == START + timedelta(minutes=215)
    assert (ran["queued_at"], ran["outcome"]) == (START + timedelta(minutes=210), "success")
    broke = next(row for row in book.rows(Incident) if row["id"] == "shop/7")
    assert broke["resolved_at"] - broke["started_at"] == timedelta(minutes=30)
    assert book.shelf.rejected == []


def test_a_large_repository_takes_few_requests(tmp_path: Path) -> None:
    hub = Hub(
        pulls=[pull(n, n * 200) for n in range(1, 5_001)],
        runs=[
            run(n, n * 50, conclusion="failure" if n % 10 == 0 else "success") for n in range(1, 20_001)
        ],
        deployments=[deployment(n, n * 500, "IN_PROGRESS", "SUCCESS") for n in range(1, 2_001)],
        issues=[issue(n, n * 9_000) for n in range(1, 100)],
        artifacts=[artifact(n, n * 1_000) for n in range(1, 1_001)],
        files=dict.fromkeys(range(1, 1002), JUNIT),
        branch={"name": "main", "protected": True}, protection={"enforce_admins": {"enabled": True}},
        environments=[{"name": "production", "protection_rules": []}],
    )  # fmt: skip
    with hub.serve() as server:
        hub.where = server.url
        book = Book(server, tmp_path)
        assert set(book.sync().values()) == {None}
        first = len(server.asked)
        assert first <= 700
        whole(book, hub)

        server.forget()
        book.sync(NOW + timedelta(hours=1))
        assert len(server.asked) <= 8
        assert server.statuses[304] > len(server.asked) / 2

        server.forget()
        hub.pulls.append(pull(5_001, 5_001 * 200))
        hub.runs.append(run(20_001, 20_001 * 50))
        hub.artifacts.append(artifact(1_001, 20_001 * 50 + 6))
        book.sync(NOW + timedelta(hours=2))
        assert len(server.asked) <= 10
        whole(book, hub)


def test_where_little_is_due_little_is_asked_for_and_many_arrive_whole_nevertheless(
    book: Book, hub: Hub
) -> None:
    book.sync()
    for hour, news in ((1, 1), (2, 45)):
        book.server.forget()
        last = max(row["number"] for row in hub.pulls)
        hub.pulls += [pull(n, 231 * 90 + hour * 100 + n) for n in range(last + 1, last + 1 + news)]
        book.sync(NOW + timedelta(hours=hour))
        sizes = [
            asked.body["variables"]["first"]
            for asked in book.server.asked
            if asked.path.endswith("/graphql") and "query Pulls" in asked.body["query"]
        ]
        assert sizes == ([20] if news == 1 else [20, 100])
        whole(book, hub)


@pytest.mark.parametrize("stop", [*range(1, 45)])
def test_a_sync_stopped_at_any_request_is_taken_up_again(book: Book, hub: Hub, stop: int) -> None:
    class Killed(BaseException):
        pass

    def kill(number: int, asked: Asked) -> Reply | None:
        return Reply({"message": "no"}, 418) if number >= stop else None

    book.server.fault = kill
    book.sync()
    book.server.fault = None
    assert set(book.sync(NOW + timedelta(hours=1)).values()) == {None}
    whole(book, hub)


def test_a_walk_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    hub = Hub(runs=[run(n, n * 30) for n in range(1, 3_001)])
    with hub.serve() as server:
        book = Book(server, tmp_path)
        server.fault = lambda number, asked: Reply({"message": "no"}, 418) if number > 45 else None
        assert book.sync(only="runs")["github:shop/runs"] is not None
        kept = len(book.rows(PipelineRun))
        assert kept >= 1_000
        server.fault = None
        server.forget()
        hub.runs.append(run(3_001, 3_001 * 30))
        book.sync(only="runs")
        asked = [each for each in server.asked if each.path.endswith("/runs")]
        assert len(asked) <= (3_000 - kept) / 99 + 6
        assert sorted(ids(book, PipelineRun)) == sorted(str(row["id"]) for row in hub.runs)


def fail_once(**how: Any) -> Any:
    """Every request fails the first time it is made."""
    seen: set[str] = set()

    def fault(number: int, asked: Asked) -> Reply | None:
        key = f"{asked.path} {sorted(asked.query.items())} {asked.body}"
        if key in seen:
            return None
        seen.add(key)
        return Reply(**how)

    return fault


@pytest.mark.parametrize(
    "how",
    [
        {"status": 502, "text": "<html>Bad Gateway</html>"},
        {"status": 500, "content": {"message": "Server Error"}},
        {"text": '{"total_count": 3, "workflow'},
        {"content": {"message": "x" * 500}, "cut": True},
        {"status": 429, "content": {}, "headers": {"Retry-After": "2"}},
        {
            "status": 403, "content": {"message": "You have exceeded a secondary rate limit"},
        },
        {
            "status": 403, "content": {"message": "API rate limit exceeded"},
            "headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"},
        },
    ],
)  # fmt: skip
def test_every_request_may_fail_once_and_nothing_is_lost(book: Book, hub: Hub, how: dict[str, Any]) -> None:
    book.server.fault = fail_once(**how)
    assert set(book.sync().values()) == {None}
    whole(book, hub)


def test_a_wait_is_as_long_as_github_asks_by_its_own_clock(book: Book) -> None:
    # The server's clock is an hour ahead of everyone's: only its own date counts.
    limits = {
        "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000090",
        "Date": "Fri, 15 Jan 2027 08:00:00 GMT",  # 1800000000
    }  # fmt: skip
    book.server.fault = lambda number, asked: (
        Reply({"message": "x"}, 403, dict(limits)) if number == 1 else None
    )
    book.sync(only="pulls")
    assert book.waits[0] == 91


def test_a_wait_that_is_too_long_is_told_with_its_end(book: Book, hub: Hub) -> None:
    limits = {
        "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800003600",
        "Date": "Fri, 15 Jan 2027 08:00:00 GMT",
    }  # fmt: skip
    book.server.fault = lambda number, asked: (
        Reply({"message": "x"}, 403, dict(limits)) if number > 2 else None
    )
    errors = book.sync(max_wait=120)
    said = str(errors["github:shop/runs"])
    assert "60 min, until 09:00 UTC, longer than --max-wait (2 min)" in said
    book.server.fault = None
    book.sync()
    whole(book, hub)


def test_a_server_that_stays_unwell_is_given_up_and_named(book: Book, hub: Hub) -> None:
    book.server.fault = lambda number, asked: Reply({}, 503) if asked.path.endswith("/runs") else None
    errors = book.sync()
    assert "did not answer as it should, 6 times: it answered 503" in str(errors["github:shop/runs"])
    assert errors["github:shop/pulls"] is None
    assert len(book.rows(Change)) == len(hub.pulls)


def test_a_page_that_comes_twice_or_not_at_all_loses_and_doubles_nothing(tmp_path: Path) -> None:
    # Runs are added while a first sync reads: numbered pages would shift under it.
    hub = some()
    with hub.serve() as server:
        book = Book(server, tmp_path)

        def grow(number: int, asked: Asked) -> Reply | None:
            if asked.path.endswith("/runs") and len(hub.runs) < 350:
                hub.runs.append(run(5_000 + number, 20_000 + number))
            return None

        server.fault = grow
        book.sync()
        server.fault = None
        book.sync(NOW + timedelta(hours=1))
        whole(book, hub)


@pytest.mark.parametrize("path", ["/actions/runs", "/graphql", "/issues"])
@pytest.mark.parametrize("nth", [2, 3, 4])
@pytest.mark.parametrize("empty", [False, True])
def test_a_page_that_a_cache_tells_twice_or_as_empty_loses_and_doubles_nothing(
    tmp_path: Path, path: str, nth: int, empty: bool
) -> None:
    no_more = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}, "totalCount": 0}
    nothing: dict[str, Any] = {
        "/actions/runs": {"total_count": 0, "workflow_runs": []}, "/issues": [],
        "/graphql": {"data": {"repository": {"pullRequests": no_more}, "nodes": []}},
    }  # fmt: skip
    hub = Hub(
        pulls=[pull(n, n * 90) for n in range(1, 320)],
        runs=[run(n, n * 30) for n in range(1, 420)],
        issues=[issue(n, n * 500) for n in range(1, 320)],
    )
    with hub.serve() as server:
        book = Book(server, tmp_path, deployments={"from": "records"})
        server.fault = emptied(path, nth, nothing[path]) if empty else repeated(hub.answer, path, nth)
        for _ in range(2):  # where a walk notices it stops, and goes on with the next sync
            book.sync()
        assert set(book.sync().values()) == {None}
        assert sorted(ids(book, Change)) == sorted(str(row["number"]) for row in hub.pulls)
        assert sorted(ids(book, PipelineRun)) == sorted(str(row["id"]) for row in hub.runs)
        assert len(book.rows(Incident)) == 319


@pytest.mark.parametrize("skew", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_is_an_hour_off_loses_nothing(book: Book, hub: Hub, skew: timedelta) -> None:
    newest = START + timedelta(minutes=220 * 120)
    assert set(book.sync(newest + skew).values()) == {None}
    hub.runs.append(run(9_001, 220 * 120 + 1))
    hub.deployments.append(deployment(9_001, 220 * 120 + 1, "SUCCESS"))
    hub.pulls.append(pull(9_001, 220 * 120 + 1))
    assert set(book.sync(newest + skew).values()) == {None}
    whole(book, hub)


def test_what_changes_after_it_was_read_is_read_again(book: Book, hub: Hub) -> None:
    hub.runs.append(run(9_000, 11_000, status="in_progress", conclusion=None))
    hub.deployments.append(deployment(9_000, 27_000, "IN_PROGRESS"))
    hub.issues.append(issue(9_000, 60_000, closed_at=None))
    book.sync()
    assert "9000" not in ids(book, PipelineRun)
    going = next(row for row in book.rows(Deployment) if row["id"] == "9000")
    assert (going["outcome"], going["finished_at"]) == (None, None)

    hub.runs[-1].update(status="completed", conclusion="failure")
    hub.runs[-50].update(run_attempt=2, run_started_at=at(11_500))
    hub.deployments[-1].update(statuses=deployment(9_000, 27_000, "IN_PROGRESS", "FAILURE")["statuses"])
    hub.issues[-1].update(closed_at=at(60_500), updated_at=at(60_500))
    hub.pulls[3]["labels"] = {"nodes": [{"name": "late"}]}
    hub.pulls[3]["updatedAt"] = at(90_000)
    again, before = hub.runs[-50]["id"], hub.runs[-50]["created_at"]
    hub.jobs[again] = [
        {"name": "t", "conclusion": "failure", "started_at": before, "completed_at": before},
        {"name": "t", "conclusion": "success", "started_at": at(11_501), "completed_at": at(11_507)},
    ]  # fmt: skip
    book.sync(NOW + timedelta(hours=1))

    ran = {(row["id"], row["attempt"]): row for row in book.rows(PipelineRun)}
    assert ran["9000", 1]["outcome"] == "failure"
    assert [ran[str(again), attempt]["outcome"] for attempt in (1, 2)] == ["failure", "success"]
    assert ran[str(again), 2]["queued_at"] == START + timedelta(minutes=11_500)
    assert ran[str(again), 2]["finished_at"] == START + timedelta(minutes=11_507)
    ended = next(row for row in book.rows(Deployment) if row["id"] == "9000")
    assert (ended["outcome"], ended["finished_at"]) == ("failure", START + timedelta(minutes=27_002))
    assert next(row for row in book.rows(Incident) if row["id"] == "shop/9000")["resolved_at"] is not None
    assert next(row for row in book.rows(Change) if row["id"] == "4")["labels"] == ("late",)


def test_a_run_that_is_run_again_weeks_later_is_found_by_the_daily_look(book: Book, hub: Hub) -> None:
    hub.runs.append(run(9_000, 340 * 30 + 20 * DAY))
    book.sync()
    late = hub.runs[100]
    late.update(run_attempt=2, run_started_at=at(340 * 30 + 20 * DAY), conclusion="failure")
    book.sync(NOW + timedelta(hours=1))
    assert (str(late["id"]), 2) not in {(row["id"], row["attempt"]) for row in book.rows(PipelineRun)}
    book.sync(NOW + timedelta(hours=25))
    assert (str(late["id"]), 2) in {(row["id"], row["attempt"]) for row in book.rows(PipelineRun)}


def test_a_backfill_from_a_day_reads_no_further_back(book: Book, hub: Hub) -> None:
    book.sync(since=START + timedelta(days=3))
    assert min(row["merged_at"] for row in book.rows(Change)) == START + timedelta(days=3)
    earliest = min(row["queued_at"] for row in book.rows(PipelineRun))
    assert earliest == START + timedelta(days=3)


def test_a_query_that_is_too_much_is_made_smaller(tmp_path: Path) -> None:
    hub = some()
    hub.most = 30
    with hub.serve() as server:
        book = Book(server, tmp_path)
        assert book.sync()["github:shop/pulls"] is None
        whole(book, hub)


def test_an_older_server_leaves_unknown_what_it_does_not_know(tmp_path: Path) -> None:
    hub = some()
    hub.unknown_fields = ("closingIssuesReferences",)
    for row in hub.pulls:
        del row["reviews"], row["closingIssuesReferences"]
    for row in hub.runs:
        del row["check_suite_node_id"]
    with hub.serve() as server:
        book = Book(server, tmp_path)
        assert set(book.sync().values()) == {None}
        assert {row["issues"] for row in book.rows(Change)} == {None}
        assert {row["approvals"] for row in book.rows(Change)} == {None}
        assert {row["finished_at"] for row in book.rows(PipelineRun)} == {None}
        whole(book, hub)


def test_a_part_that_the_token_may_not_see_is_unknown_and_stops_nothing(tmp_path: Path) -> None:
    linked = {"nodes": [None, {"number": 3, "title": "t", "url": None, "repository": None, "labels": None}]}
    hub = Hub(pulls=[pull(1, 10, closingIssuesReferences=linked, author=None)])
    place = ["repository", "pullRequests", "nodes", 0, "closingIssuesReferences", "nodes", 0]
    hub.hidden = {"type": "FORBIDDEN", "message": "protected by single sign-on", "path": place}
    with hub.serve() as server:
        book = Book(server, tmp_path)
        assert book.sync(only="pulls")["github:shop/pulls"] is None
        (change,) = book.rows(Change)
        assert [issue.id for issue in change["issues"]] == ["shop/3"]
        assert change["author"] is None


def test_without_the_right_to_checks_jobs_are_asked_for_where_they_matter(tmp_path: Path) -> None:
    hub = Hub(runs=[run(n, n * 30, conclusion="failure" if n == 5 else "success") for n in range(1, 11)])
    hub.no_checks = True
    hub.jobs[5] = [
        {
            "name": "t",
            "conclusion": "failure",
            "started_at": at(151),
            "completed_at": at(160),
            "run_attempt": 1,
        }
    ]
    with hub.serve() as server:
        book = Book(server, tmp_path)
        book.sync(only="runs")
        ends = {row["id"]: row["finished_at"] for row in book.rows(PipelineRun)}
        assert ends["5"] == START + timedelta(minutes=160)
        assert ends["6"] is None
        assert {each.path for each in server.asked if each.path.endswith("/jobs")} == {
            "/repos/acme/shop/actions/runs/5/jobs"
        }


def test_runs_of_a_workflow_are_deployments_and_attempts_are_deployments_of_their_own(tmp_path: Path) -> None:
    hub = Hub(
        runs=[
            run(1, 10, path=".github/workflows/ship.yml", name="Ship"),
            run(2, 20),
            run(
                3, 30, path=".github/workflows/ship.yml@refs/heads/main", name="Ship",
                run_attempt=3, run_started_at=at(90),
            ),
            run(4, 40, path=".github/workflows/ship.yml", name="Ship", conclusion="skipped"),
        ]
    )  # fmt: skip
    hub.jobs[3] = [
        {
            "name": "go",
            "conclusion": "failure",
            "started_at": at(31),
            "completed_at": at(32),
            "run_attempt": 1,
        },
        {
            "name": "go",
            "conclusion": "cancelled",
            "started_at": at(61),
            "completed_at": at(62),
            "run_attempt": 2,
        },
        {
            "name": "go",
            "conclusion": "success",
            "started_at": at(91),
            "completed_at": at(92),
            "run_attempt": 3,
        },
    ]
    with hub.serve() as server:
        book = Book(server, tmp_path, deployments={"from": "workflow", "workflow": "ship.yml"})
        assert "github:shop/deployments" not in book.sync()
        made = {row["id"]: (row["outcome"], row["finished_at"]) for row in book.rows(Deployment)}
        assert made == {
            "1": ("success", START + timedelta(minutes=15)),
            "3": ("failure", START + timedelta(minutes=32)),
            "3-2": ("cancel", START + timedelta(minutes=62)),
            "3-3": ("success", START + timedelta(minutes=92)),
        }
        to = {row["id"]: row["deploys_to"] for row in book.rows(PipelineRun)}
        assert to == {"1": "production", "2": None, "3": "production", "4": "production"}


def test_published_releases_are_deployments(tmp_path: Path) -> None:
    def release(tag: str, minutes: int, **more: Any) -> dict[str, Any]:
        return {
            "tagName": tag, "createdAt": at(minutes), "publishedAt": at(minutes + 5), "isDraft": False,
            "isPrerelease": False, "url": f"https://github.test/{tag}", "author": {"login": "ana-acme"},
            "tagCommit": {"oid": "a" * 40}, **more,
        }  # fmt: skip

    hub = Hub(
        releases=[
            release("v1", 10), release("v2-rc1", 20, isPrerelease=True),
            release("v2", 30, isDraft=True, publishedAt=None),
        ]
    )  # fmt: skip
    with hub.serve() as server:
        book = Book(server, tmp_path, deployments={"from": "releases"})
        book.sync()
        assert [(row["id"], row["time_from"]) for row in book.rows(Deployment)] == [("v1", "release")]
        hub.releases[2].update(isDraft=False, publishedAt=at(50))
        book.sync(NOW + timedelta(hours=1))
        assert ids(book, Deployment) == ["v1", "v2"]


def test_in_a_monorepo_only_pull_requests_that_touch_the_folder_are_its_own(tmp_path: Path) -> None:
    def files(*paths: str) -> dict[str, Any]:
        return {"totalCount": len(paths), "nodes": [{"path": path} for path in paths]}

    hub = Hub(
        pulls=[
            pull(1, 10, files=files("services/web/a.py")),
            pull(2, 20, files=files("services/website/a.py")),
        ]
    )
    with hub.serve() as server:
        book = Book(server, tmp_path, path="services/web")
        book.sync(only="pulls")
        assert ids(book, Change) == ["1"]


def test_enterprise_servers_are_asked_below_their_own_path(tmp_path: Path) -> None:
    hub = some()
    with hub.serve() as server:
        book = Book(server, tmp_path, url=f"{server.url}/api/v3")
        assert set(book.sync().values()) == {None}
        whole(book, hub)
        assert {each.path for each in server.asked if each.method == "POST"} == {"/api/graphql"}


@pytest.mark.parametrize(
    ("status", "headers", "says"),
    [
        (401, {}, "does not know the token"),
        (403, {"X-Accepted-GitHub-Permissions": "actions=read"}, "it needs actions=read"),
        (404, {}, "no such thing, or not for this token"),
    ],
)
def test_a_refusal_is_told_with_the_next_step_and_without_the_token(
    book: Book, status: int, headers: dict[str, str], says: str
) -> None:
    book.server.fault = lambda number, asked: Reply({"message": f"Bad {TOKEN[:3]}"}, status, dict(headers))
    for error in book.sync().values():
        assert isinstance(error, SourceError)
        assert says in str(error)
        assert "token:" in error.next_step
        assert TOKEN not in str(error)


def test_a_token_that_is_not_set_and_a_host_that_is_not_there_are_told(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TEST")
    assert "GITHUB_TEST is not set" in str(book.sync()["github:shop/pulls"])
    monkeypatch.setenv("GITHUB_TEST", TOKEN)
    with Hub().serve() as other:
        gone = other.url
    book.url = gone
    assert book.sync() == {}  # a repository elsewhere is not this GitHub's


def test_the_budget_is_told_after_each_list(book: Book) -> None:
    feed = book.feeds()[0]
    list(feed.pull(Ask(NOW)))
    assert feed.said() == "4 requests, 4,900 left"
    assert feed.said() == ""


def test_the_history_takes_it_all_and_then_nothing_new(book: Book, hub: Hub, tmp_path: Path) -> None:
    with History.open("duckdb://history.duckdb", root=tmp_path) as history:
        reports = [history.sync(feed, Ask(NOW)) for feed in book.feeds()]
        assert [report.error for report in reports] == [None] * 6
        assert history.table("changes").count().execute() == len(hub.pulls)
        assert history.table("pipeline_runs").count().execute() == len(hub.runs)
        again = [
            history.sync(feed, Ask(NOW + timedelta(hours=1), history.cursor(feed.name)))
            for feed in book.feeds()
        ]
        assert [report.unchanged for report in again] == [True] * 6

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.loopback import Asked, Loopback, Reply
from tests.support.shelf import Shelf

from deploybook.config import Config
from deploybook.config.sources import JiraOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.records import Incident
from deploybook.records import Issue as Told
from deploybook.sources import jira

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def stamp(at: datetime) -> str:
    """As Jira writes it, in the zone of whoever asks."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def issue(number: int, ago: timedelta, kind: str = "Story", **more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "summary": f"Thing {number}", "issuetype": {"name": kind}, "labels": ["till"], "components": [],
        "status": {"name": "To Do", "statusCategory": {"key": "new"}}, "priority": {"name": "High"},
        "created": stamp(NOW - ago - timedelta(days=9)), "updated": stamp(NOW - ago), "resolutiondate": None,
    }  # fmt: skip
    return {"id": str(10_000 + number), "key": f"SHOP-{number}", "fields": fields | more}


class Tracker:
    """Jira's search: by last change, `-Nm` as minutes before now, a page at a time."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows, self.now = rows, NOW
        self.login: set[str] = set()

    def answer(self, asked: Asked) -> Reply:
        self.login.add(asked.headers["Authorization"])
        jql = asked.query["jql"]
        assert jql.startswith('project in ("SHOP")')
        assert jql.endswith("ORDER BY updated ASC, key ASC")
        minutes = re.search(r"updated >= -(\d+)m", jql)
        begin = self.now - timedelta(minutes=int(minutes[1])) if minutes else datetime.min.replace(tzinfo=UTC)
        found = [row for row in self.rows if datetime.fromisoformat(row["fields"]["updated"]) >= begin]
        found.sort(key=lambda row: (row["fields"]["updated"], row["key"]))
        size = min(int(asked.query["maxResults"]), 100)
        if asked.path == "/rest/api/3/search/jql":
            start = int(asked.query.get("nextPageToken", "0"))
            more = start + size < len(found)
            page: dict[str, Any] = {"issues": found[start : start + size], "isLast": not more}
            return Reply(page | ({"nextPageToken": str(start + size)} if more else {}))
        assert asked.path == "/rest/api/2/search"
        start = int(asked.query.get("startAt", "0"))
        return Reply({"startAt": start, "total": len(found), "issues": found[start : start + size]})


@pytest.fixture
def tracker() -> Tracker:
    return Tracker([issue(n, timedelta(hours=400 - n)) for n in range(1, 251)])


@pytest.fixture
def server(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("JIRA_TEST", "hush-hush")
    with Loopback(tracker.answer) as running:
        yield running


def sync(server: Loopback, shelf: Shelf, now: datetime = NOW, **more: Any) -> SourceError | None:
    config = Config.of({"codebases": {"web": {"also_known_as": ["Shop checkout"]}}}, root=Path())
    options = JiraOptions.model_validate(
        {
            "url": server.url, "user": "ana@acme.test", "token": "env:JIRA_TEST", "projects": ["SHOP"],
            "incidents": ["Incident"],
        }
        | more
    )  # fmt: skip
    feed = jira.feed(options, config)
    return shelf.sync(feed, Ask(now, shelf.cursors.get(feed.name), wait=lambda _: None))


@pytest.mark.parametrize("cloud", [True, False])
def test_every_issue_arrives_once_and_a_sync_with_nothing_new_is_one_request(
    server: Loopback, tracker: Tracker, cloud: bool
) -> None:
    shelf = Shelf()
    user: dict[str, Any] = {} if cloud else {"user": None}
    assert sync(server, shelf, cloud=cloud, **user) is None
    assert {row["id"] for row in shelf.of(Told)} == {f"SHOP-{n}" for n in range(1, 251)}
    assert len(server.asked) == 3
    basic = "Basic " + base64.b64encode(b"ana@acme.test:hush-hush").decode()
    assert tracker.login == {basic if cloud else "Bearer hush-hush"}
    server.forget()
    assert sync(server, shelf, cloud=cloud, **user) is None
    assert len(server.asked) == 1


def test_epics_and_what_is_under_them_keep_their_times_and_a_change_is_no_close(
    server: Loopback, tracker: Tracker
) -> None:
    closed = stamp(NOW - timedelta(days=2))
    tracker.rows[:] = [
        issue(1, timedelta(days=3), "Epic"),
        issue(2, timedelta(hours=1), parent={"key": "SHOP-1"}, resolutiondate=closed),
        issue(3, timedelta(hours=1), "Sub-task", status={"name": "Done", "statusCategory": {"key": "done"}}),
    ]
    shelf = Shelf()
    sync(server, shelf)
    epic, story, task = sorted(shelf.of(Told), key=lambda row: row["id"])
    assert (epic["kind"], epic["state"], epic["closed_at"]) == ("epic", "open", None)
    assert (story["kind"], story["parent"], story["state"]) == ("story", "SHOP-1", "closed")
    assert story["closed_at"] == NOW - timedelta(days=2)
    assert (task["kind"], task["state"], task["closed_at"]) == (None, "closed", None)
    assert epic["url"] == f"{server.url}/browse/SHOP-1"


def test_types_that_are_incidents_are_told_with_their_components_and_strange_ones_are_listed(
    server: Loopback, tracker: Tracker
) -> None:
    parts = [{"name": "shop CHECKOUT"}, {"name": "Printer"}]
    tracker.rows[:] = [
        issue(1, timedelta(hours=1), "Incident", components=parts),
        issue(2, timedelta(hours=1)),
    ]
    shelf = Shelf()
    sync(server, shelf)
    (one,) = shelf.of(Incident)
    assert (one["id"], one["codebases"], one["severity"], one["resolved_at"]) == (
        "SHOP-1",
        ("web",),
        "High",
        None,
    )
    assert 'also_known_as: ["Printer"]' in shelf.rejected[0]


@pytest.mark.parametrize("skew", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_is_an_hour_off_loses_nothing(
    server: Loopback, tracker: Tracker, skew: timedelta
) -> None:
    tracker.now = NOW - timedelta(hours=149)
    shelf = Shelf()
    sync(server, shelf, tracker.now + skew)
    assert len(shelf.of(Told)) == 250
    tracker.rows.append(issue(251, timedelta(hours=149, minutes=10)))
    assert sync(server, shelf, tracker.now + skew) is None
    assert len(shelf.of(Told)) == 251


@pytest.mark.parametrize("cloud", [True, False])
def test_a_page_that_comes_twice_or_not_at_all_and_issues_that_move_on_lose_nothing(
    server: Loopback, tracker: Tracker, cloud: bool
) -> None:
    pages: list[Reply] = []

    def again(number: int, asked: Asked) -> Reply | None:
        pages.append(tracker.answer(asked))
        if number == 3 and not cloud:  # ten of the first page change, and stand at the end from now on
            for row in tracker.rows[:10]:
                row["fields"]["updated"] = stamp(NOW)
        if number == 5 - cloud:
            return Reply({"issues": []})
        return pages[0] if number == 2 else None

    server.fault = again
    shelf = Shelf()
    assert sync(server, shelf, cloud=cloud) is None
    assert len(shelf.of(Told)) == 250


def test_an_incident_that_is_done_without_a_date_counts_as_open_and_is_listed(
    server: Loopback, tracker: Tracker
) -> None:
    done = {"name": "Done", "statusCategory": {"key": "done"}}
    tracker.rows[:] = [issue(1, timedelta(hours=1), "Incident", status=done)]
    shelf = Shelf()
    sync(server, shelf)
    assert shelf.of(Incident)[0]["resolved_at"] is None
    assert shelf.rejected == ["it is done, but has no resolution date, and so counts as open"]


def test_what_changes_later_replaces_what_was_known(server: Loopback, tracker: Tracker) -> None:
    shelf = Shelf()
    sync(server, shelf)
    tracker.now = NOW + timedelta(hours=1)
    tracker.rows[0] = issue(1, -timedelta(minutes=30), resolutiondate=stamp(NOW + timedelta(minutes=30)))
    assert sync(server, shelf, tracker.now) is None
    (one,) = [row for row in shelf.of(Told) if row["id"] == "SHOP-1"]
    assert one["closed_at"] == NOW + timedelta(minutes=30)
    assert len(shelf.of(Told)) == 250


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_sync_stopped_at_any_request_is_taken_up_again(server: Loopback, stop: int) -> None:
    shelf = Shelf()
    server.fault = lambda number, _: Reply({}, 418) if number >= stop else None
    assert sync(server, shelf) is not None
    server.fault = lambda number, _: Reply({}, cut=True) if number == stop else None
    server.forget()
    assert sync(server, shelf) is None
    assert len(shelf.of(Told)) == 250


def test_a_wrong_token_a_wrong_host_and_a_strange_issue_are_told(server: Loopback, tracker: Tracker) -> None:
    server.fault = lambda _number, _asked: Reply({"errorMessages": ["no"]}, 401)
    error = sync(server, Shelf())
    assert error is not None
    assert "does not know the token" in error.what
    assert "hush" not in str(error)
    server.fault = lambda _number, _asked: Reply({"hello": "world"})
    error = sync(server, Shelf())
    assert error is not None
    assert "not Jira's" in error.what
    server.fault = None
    tracker.rows.append(
        {"key": "SHOP-900", "fields": issue(900, timedelta(hours=1))["fields"] | {"labels": 7}}
    )
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert len(shelf.of(Told)) == 250
    assert "not as expected" in shelf.rejected[0]

"""LaunchDarkly's audit log on loopback, in the shapes of its OpenAPI description."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.loopback import Asked, Loopback, Reply, emptied
from tests.support.shelf import Shelf

from deploybook.config.sources import LaunchdarklyOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.records import FlagChange
from deploybook.sources import launchdarkly

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = datetime(2026, 2, 1, tzinfo=UTC)
OFF = {"on": False, "offVariation": 1, "fallthrough": {"variation": 0}, "rules": [], "targets": []}
ON = OFF | {"on": True}


def rollout(percent: int) -> dict[str, Any]:
    weights = (
        {"variation": 0, "weight": percent * 1000},
        {"variation": 1, "weight": 100_000 - percent * 1000},
    )
    return ON | {"fallthrough": {"rollout": {"variations": list(weights)}}}


def version(flag: str, **environments: dict[str, Any]) -> dict[str, Any]:
    variations = [{"_id": "a", "value": True}, {"_id": "b", "value": False}]
    return {"key": flag, "kind": "boolean", "variations": variations, "environments": environments}


def entry(
    number: int, before: dict[str, Any] | None, after: dict[str, Any], action: str = "updateOn", **more: Any
) -> dict[str, Any]:
    """What changed a flag in production; the test environment of each flag is on all the time."""
    flag = more.pop("flag", "one-page")
    at = more.pop("at", START + timedelta(hours=number))
    return {
        "_id": f"{number:024x}", "_accountId": "acme", "date": int(at.timestamp() * 1000), "kind": "flag",
        "accesses": [{"action": action, "resource": f"proj/shop:env/Live:flag/{flag};till"}],
        "name": "One page", "description": "", "shortDescription": "", "titleVerb": "updated the flag",
        "_links": {"site": {"href": f"/shop/Live/features/{flag}", "type": "text/html"}},
        "member": {"_id": "1", "email": "ana@acme.test", "firstName": "Ana", "lastName": "Ray", "_links": {}},
        "previousVersion": version(flag, Live=before, test=ON) if before else None,
        "currentVersion": version(flag, Live=after, test=ON), **more,
    }  # fmt: skip


class Log:
    """The audit log: newest first, `limit` at a time; entries in whole only one by one."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def answer(self, asked: Asked) -> Reply:
        if asked.headers["Authorization"] != "hush":
            return Reply({"code": "unauthorized", "message": "Invalid key"}, 401)
        assert asked.headers["LD-API-Version"] == "20240415"
        if asked.path == "/api/v2/auditlog":
            after, before = int(asked.query["after"]), int(asked.query["before"])
            spec = re.fullmatch(r"proj/(.+):env/\*:flag/\*", asked.query["spec"])
            assert spec
            found = [row for row in self.rows if after < row["date"] < before and self._is_of(spec[1], row)]
            found.sort(key=lambda row: (-row["date"], row["_id"]))
            limit = int(asked.query["limit"])
            assert 1 <= limit <= 20
            whole = {"previousVersion", "currentVersion"}
            items = [{key: row[key] for key in row.keys() - whole} for row in found[:limit]]
            return Reply({"items": items, "_links": {}})
        found = [row for row in self.rows if asked.path == f"/api/v2/auditlog/{row['_id']}"]
        return Reply(found[0]) if found else Reply({"code": "not_found", "message": "Unknown entry"}, 404)

    @staticmethod
    def _is_of(project: str, row: dict[str, Any]) -> bool:
        return project == "*" or any(f"proj/{project}:" in each["resource"] for each in row["accesses"])


def history(count: int) -> list[dict[str, Any]]:
    """Switched on and off in turns, with other changes of flags between."""
    rows = []
    for number in range(count):
        before, after = (OFF, ON) if number % 2 == 0 else (ON, OFF)
        rows += [
            entry(number * 3, before, after),
            entry(number * 3 + 1, after, after, "updateName"),
            entry(number * 3 + 2, after, after, "updateRules"),
        ]
    return rows


@pytest.fixture
def log() -> Log:
    return Log(history(30))


@pytest.fixture
def server(log: Log, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("LAUNCHDARKLY_TEST", "hush")
    monkeypatch.setattr(launchdarkly, "FIRST", datetime(2025, 11, 1, tzinfo=UTC))
    with Loopback(log.answer) as running:
        yield running


def sync(
    server: Loopback, shelf: Shelf, now: datetime = NOW, since: datetime | None = None, **more: Any
) -> list[SourceError]:
    options = {"url": server.url, "token": "env:LAUNCHDARKLY_TEST", "environments": {"live": "production"}}
    errors = []
    for feed in launchdarkly.feeds(LaunchdarklyOptions.model_validate(options | more)):
        cursor = None if since else shelf.cursors.get(feed.name)
        errors.append(shelf.sync(feed, Ask(now, cursor, since, wait=waits.append)))
    return [error for error in errors if error is not None]


waits: list[float] = []


def switches(shelf: Shelf, flag: str = "one-page") -> list[Any]:
    rows = sorted(shelf.of(FlagChange), key=lambda row: row["changed_at"])
    return [row["state"] for row in rows if row["flag"] == flag]


def test_every_switch_is_read_once_and_a_later_sync_asks_for_no_entry_again(
    server: Loopback, log: Log
) -> None:
    shelf = Shelf()
    assert sync(server, shelf) == []
    assert switches(shelf) == ["on", "off"] * 15
    first = shelf.of(FlagChange)[0]
    assert (first["environment"], first["changed_at"]) == ("production", START)
    assert first["by"] == "Ana Ray <ana@acme.test>"
    assert first["url"] == f"{server.url}/shop/Live/features/one-page"
    assert shelf.rejected == []
    server.forget()
    assert sync(server, shelf) == []
    assert {asked.path for asked in server.asked} == {"/api/v2/auditlog"}
    assert len(server.asked) <= 10
    log.rows.append(entry(900, OFF, ON, at=NOW + timedelta(minutes=10)))
    sync(server, shelf, NOW + timedelta(hours=1))
    assert switches(shelf) == [*["on", "off"] * 15, "on"]


def test_entries_that_show_late_and_entries_of_one_millisecond_are_all_read(
    server: Loopback, log: Log
) -> None:
    at = NOW - timedelta(minutes=30)
    log.rows[:] = [entry(n, OFF, ON, flag=f"flag-{n}", at=at) for n in range(50)]
    shelf = Shelf()
    assert sync(server, shelf) == []
    assert len(shelf.of(FlagChange)) == 20  # as many as one list can tell of an instant
    assert "more than 20 entries are of this millisecond" in shelf.rejected[0]
    log.rows[:] = [
        entry(n, OFF, ON, flag=f"flag-{n}", at=at - timedelta(milliseconds=n // 15)) for n in range(60)
    ]
    log.rows.append(entry(99, ON, OFF, at=at - timedelta(minutes=50)))
    late = Shelf()
    assert sync(server, late) == []
    assert len(late.of(FlagChange)) == 61
    log.rows.append(entry(100, OFF, ON, at=at - timedelta(minutes=20)))
    assert sync(server, late) == []
    assert switches(late) == ["off", "on"]


@pytest.mark.parametrize("stop", [*range(1, 11), 25, 60])
def test_a_sync_stopped_at_any_request_is_taken_up_again(server: Loopback, stop: int) -> None:
    shelf = Shelf()
    server.fault = lambda number, _: Reply({}, 418) if number >= stop else None
    assert len(sync(server, shelf)) == 1
    server.forget()
    server.fault = lambda number, _: Reply({}, cut=True) if number == 2 else None
    assert sync(server, shelf) == []
    assert switches(shelf) == ["on", "off"] * 15


def test_a_sync_that_was_stopped_asks_for_nothing_that_it_had_read(server: Loopback) -> None:
    shelf = Shelf()
    server.fault = lambda number, _: Reply({}, 418) if number > 40 else None
    sync(server, shelf)
    known = len(switches(shelf))
    assert known >= 10
    server.fault = None
    server.forget()
    sync(server, shelf)
    assert len(server.asked) < 60


@pytest.mark.parametrize("skew", [timedelta(hours=-2), timedelta(hours=1)])
def test_a_clock_that_is_off_loses_nothing(server: Loopback, log: Log, skew: timedelta) -> None:
    newest = START + timedelta(hours=90)
    shelf = Shelf()
    assert sync(server, shelf, newest + skew) == []
    log.rows.append(entry(91, OFF, ON))
    assert sync(server, shelf, newest + skew + timedelta(minutes=5)) == []
    assert switches(shelf) == [*["on", "off"] * 15, "on"]


@pytest.mark.parametrize("nth", range(4, 9))
def test_a_page_that_does_not_come_loses_nothing(server: Loopback, nth: int) -> None:
    server.fault = emptied("/auditlog", nth, {"items": []})
    shelf = Shelf()
    assert sync(server, shelf) == []
    assert switches(shelf) == ["on", "off"] * 15


def test_a_page_that_comes_twice_doubles_and_loses_nothing(server: Loopback, log: Log) -> None:
    pages: list[Reply] = []

    def again(number: int, asked: Asked) -> Reply | None:
        if asked.path == "/api/v2/auditlog":
            pages.append(log.answer(asked))
            return pages[-2] if len(pages) in {4, 5} else None
        return None

    server.fault = again
    shelf = Shelf()
    assert sync(server, shelf) == []
    assert switches(shelf) == ["on", "off"] * 15


def test_a_rollout_is_a_share_and_rules_and_targets_are_on_for_some(server: Loopback, log: Log) -> None:
    aimed = ON | {"fallthrough": {"variation": 1}}
    rule = aimed | {"rules": [{"variation": 0, "clauses": []}]}
    target = aimed | {"contextTargets": [{"values": ["ana"], "variation": 0}]}
    steps = [OFF, rollout(10), rollout(50), ON, rollout(0), rule, aimed, target, OFF]
    log.rows[:] = [
        entry(n, steps[n], steps[n + 1], "updateFallthroughWithMeasuredRollout")
        for n in range(len(steps) - 1)
    ]
    shelf = Shelf()
    assert sync(server, shelf) == []
    assert switches(shelf) == [0.1, 0.5, "on", "off", "on", "off", "on", "off"]


def test_a_flag_made_switched_on_counts_and_one_made_switched_off_does_not(
    server: Loopback, log: Log
) -> None:
    bot = {"member": None, "token": {"name": "release bot"}}
    log.rows[:] = [
        entry(1, None, OFF, "createFlag", flag="quiet"), entry(2, None, ON, "createFlag", flag="loud", **bot)
    ]  # fmt: skip
    shelf = Shelf()
    sync(server, shelf)
    assert (switches(shelf, "quiet"), switches(shelf, "loud")) == ([], ["on"])
    assert shelf.of(FlagChange)[0]["by"] == "release bot"


def test_projects_are_read_apart_and_since_reads_from_there(server: Loopback, log: Log) -> None:
    shelf = Shelf()
    assert sync(server, shelf, projects=["shop", "office"]) == []
    assert sorted(shelf.cursors) == ["launchdarkly:office", "launchdarkly:shop"]
    assert len(switches(shelf)) == 30
    server.forget()
    later = Shelf()
    assert sync(server, later, since=START + timedelta(hours=60)) == []
    assert len(switches(later)) == 10
    assert len(server.asked) < 40


def test_a_strange_entry_and_one_that_is_gone_are_set_aside(server: Loopback, log: Log) -> None:
    log.rows.append(entry(500, OFF, ON, currentVersion={"environments": {"Live": {"no": "on"}}}))
    gone = entry(501, OFF, ON)
    log.rows.append(gone)
    timeless = entry(502, OFF, ON)
    ask = log.answer

    def answer(asked: Asked) -> Reply:
        reply = ask(asked)
        for row in reply.content.get("items", ()):
            row["date"] = "soon" if row["_id"] == timeless["_id"] else row["date"]
        return reply

    log.rows.append(timeless)
    server.answer = answer
    server.fault = lambda _, asked: (
        Reply({"message": "Unknown entry"}, 404) if asked.path.endswith(gone["_id"]) else None
    )
    shelf = Shelf()
    assert sync(server, shelf) == []
    assert len(switches(shelf)) == 30
    assert [reason[:15] for reason in shelf.rejected] == [
        "it has no time",
        "LaunchDarkly's ",
        "LaunchDarkly li",
    ]
    assert sync(server, shelf) == []


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply({"message": "Invalid key"}, 401), "does not know the token (Invalid key)"),
        (Reply({"code": "forbidden", "message": "no"}, 403), "may not read this"),
        (Reply({"code": "not_found", "message": "no"}, 404), "no such thing"),
        (Reply({"hello": "world"}), "not LaunchDarkly's"),
        (Reply({}, 500), "6 times: it answered 500"),
        (Reply({"items": []}, cut=True), "cut off"),
    ],
    ids=["401", "403", "404", "elsewhere", "500", "cut off"],
)  # fmt: skip
def test_what_goes_wrong_is_told_with_the_next_step_and_without_the_token(
    server: Loopback, reply: Reply, says: str
) -> None:
    server.fault = lambda _number, _asked: reply
    (error,) = sync(server, Shelf())
    assert says in error.what
    assert error.next_step
    assert "hush" not in f"{error}{error.next_step}"


def test_a_limit_is_waited_for_by_its_reset_in_milliseconds(server: Loopback) -> None:
    clock = datetime.now(UTC).replace(microsecond=0)
    reset = int((clock + timedelta(seconds=7)).timestamp() * 1000)
    limit = {"X-Ratelimit-Reset": str(reset), "Date": clock.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    server.fault = lambda number, _: (
        Reply({"message": "slow down"}, 429, dict(limit)) if number == 3 else None
    )
    waits.clear()
    shelf = Shelf()
    assert sync(server, shelf) == []
    assert waits[0] == 8.0
    assert len(switches(shelf)) == 30


def test_a_missing_token_names_its_variable(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAUNCHDARKLY_TEST")
    (error,) = sync(server, Shelf())
    assert "LAUNCHDARKLY_TEST" in f"{error}{error.next_step}"

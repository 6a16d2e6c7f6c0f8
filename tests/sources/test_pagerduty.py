from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.loopback import Asked, Loopback, Reply, emptied, repeated
from tests.support.shelf import Shelf

from deploybook.config import Config
from deploybook.config.sources import PagerdutyOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.records import Incident
from deploybook.sources import pagerduty

RECORDED = Path(__file__).parents[3] / "shared/conformance/other/pagerduty/pagerduty_incidents.csv"
START = datetime(2025, 1, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def incident(number: int, days: float, *, open_: bool = False, service: str = "Shop") -> dict[str, Any]:
    begun = START + timedelta(days=days)
    return {
        "id": f"Q{number}", "title": f"Broken {number}", "created_at": begun.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": "triggered" if open_ else "resolved", "urgency": "high",
        "service": {"id": "S1", "summary": service},
        "last_status_change_at": (begun + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "html_url": f"https://acme.pagerduty.test/Q{number}",
    }  # fmt: skip


class Pager:
    """PagerDuty's list of incidents: by creation, for half a year at most."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def answer(self, asked: Asked) -> Reply:
        assert asked.headers["Authorization"] == "Token token=hush"
        if asked.path != "/incidents":
            one = next((row for row in self.rows if asked.path == f"/incidents/{row['id']}"), None)
            return Reply({"incident": one}) if one else Reply({"error": {"message": "Not Found"}}, 404)
        begin, end = (datetime.fromisoformat(asked.query[name]) for name in ("since", "until"))
        if end - begin > timedelta(days=180):
            return Reply({"error": {"message": "the range is too long"}}, 400)
        found = [row for row in self.rows if begin <= datetime.fromisoformat(row["created_at"]) < end]
        offset = int(asked.query.get("offset", 0))
        listed = sorted(found, key=lambda row: str(row["created_at"]))[offset : offset + 100]
        return Reply({"incidents": listed})


@pytest.fixture
def pager() -> Pager:
    return Pager([incident(n, n * 2.5) for n in range(1, 251)])


@pytest.fixture
def server(pager: Pager, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("PAGER_TEST", "hush")
    with Loopback(pager.answer) as running:
        yield running


def sync(server: Loopback, shelf: Shelf, now: datetime = NOW) -> SourceError | None:
    config = Config.of({"codebases": {"web": {"also_known_as": ["shop"]}}}, root=Path())
    options = PagerdutyOptions.model_validate({"token": "env:PAGER_TEST", "url": server.url})
    feed = pagerduty.feed(options, config)
    return shelf.sync(feed, Ask(now, shelf.cursors.get(feed.name), wait=lambda _: None))


def ids(shelf: Shelf) -> list[str]:
    return sorted(row["id"] for row in shelf.of(Incident))


def test_years_of_incidents_arrive_once_with_their_own_times(server: Loopback, pager: Pager) -> None:
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert ids(shelf) == sorted(row["id"] for row in pager.rows)
    one = next(row for row in shelf.of(Incident) if row["id"] == "Q4")
    assert one["started_at"] == one["detected_at"] == START + timedelta(days=10)
    assert one["resolved_at"] == START + timedelta(days=10, hours=1)
    assert (one["codebases"], one["severity"]) == (("web",), "high")
    server.forget()
    assert sync(server, shelf) is None
    assert len(server.asked) == 1


@pytest.mark.parametrize("stop", [1, 5, 20, 38, 39, 40, 41, 42, 43, 44])
def test_a_sync_stopped_at_any_request_is_taken_up_again(server: Loopback, pager: Pager, stop: int) -> None:
    shelf = Shelf()
    server.fault = lambda number, asked: Reply({}, 418) if number >= stop else None
    assert sync(server, shelf) is not None
    server.fault = None
    assert sync(server, shelf) is None
    assert ids(shelf) == sorted(row["id"] for row in pager.rows)


@pytest.mark.parametrize("nth", range(2, 8))
@pytest.mark.parametrize("empty", [False, True])
def test_a_page_that_comes_twice_or_not_at_all_loses_and_doubles_nothing(
    server: Loopback, pager: Pager, nth: int, empty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagerduty, "FIRST", START)
    pager.rows[:] = [incident(n, n * 0.4) for n in range(1, 500)]
    server.fault = (
        emptied("/incidents", nth, {"incidents": []}) if empty else repeated(pager.answer, "/incidents", nth)
    )
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert len(ids(shelf)) == 499


def test_more_incidents_than_a_page_within_one_second_are_all_read(server: Loopback, pager: Pager) -> None:
    pager.rows[:] = [incident(n, 10 if n < 250 else 11) for n in range(1, 300)]
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert len(ids(shelf)) == 299


def test_an_open_incident_is_asked_for_until_it_is_resolved(server: Loopback, pager: Pager) -> None:
    pager.rows.append(incident(900, 660, open_=True))
    pager.rows += [incident(901, 681)]
    shelf = Shelf()
    sync(server, shelf)
    assert next(row for row in shelf.of(Incident) if row["id"] == "Q900")["resolved_at"] is None
    pager.rows[-2].update(incident(900, 660))
    sync(server, shelf, NOW + timedelta(hours=1))
    assert next(row for row in shelf.of(Incident) if row["id"] == "Q900")["resolved_at"] is not None


def test_an_incident_that_says_nonsense_stops_neither_this_sync_nor_the_next(
    server: Loopback, pager: Pager
) -> None:
    strange = [incident(n, n * 2.5, open_=True) | {"id": f"X{n}"} for n in (3, 250)]
    pager.rows += strange
    last = pager.answer

    def answer(asked: Asked) -> Reply:
        reply = last(asked)
        nonsense = [
            {**row, "created_at": "yesterday"} if row["id"][0] == "X" else row
            for row in reply.content["incidents"]
        ]
        return Reply({"incidents": nonsense})

    server.answer = answer
    shelf = Shelf()
    for _ in range(2):
        assert sync(server, shelf) is None
        assert len(ids(shelf)) == 250
    assert "not as expected" in shelf.rejected[0]


def test_a_service_that_matches_nothing_is_listed_and_its_incident_kept(
    server: Loopback, pager: Pager
) -> None:
    pager.rows[:] = [incident(1, 1, service="Old thing")]
    shelf = Shelf()
    sync(server, shelf)
    assert shelf.of(Incident)[0]["codebases"] is None
    assert 'also_known_as: ["Old thing"]' in shelf.rejected[0]


def test_a_wrong_key_is_told_without_it(server: Loopback) -> None:
    server.fault = lambda number, asked: Reply({"error": {"message": "Invalid key"}}, 401)
    said = str(sync(server, Shelf()))
    assert "PagerDuty does not know the token (Invalid key)" in said
    assert "hush" not in said


@pytest.mark.skipif(not RECORDED.is_file(), reason="the recorded answers are not here")
def test_recorded_incidents_are_read_over_http(server: Loopback, pager: Pager) -> None:
    csv.field_size_limit(1 << 30)
    with RECORDED.open() as stream:
        pager.rows[:] = [json.loads(row["data"]) for row in csv.DictReader(stream)]
    shelf = Shelf()
    assert sync(server, shelf) is None
    told = {row["id"]: row for row in shelf.of(Incident)}
    assert len(told) == 3
    for row in pager.rows:
        ended = row["last_status_change_at"] if row["status"] == "resolved" else None
        assert told[row["id"]]["resolved_at"] == (datetime.fromisoformat(ended) if ended else None)
        assert told[row["id"]]["title"] == row["title"]

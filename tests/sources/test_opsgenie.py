from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.loopback import Asked, Loopback, Reply
from tests.support.shelf import Shelf

from deploybook.config import Config
from deploybook.config.sources import OpsgenieOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.records import Incident
from deploybook.sources import opsgenie

RECORDED = Path(__file__).parents[3] / "shared/conformance/other/opsgenie/opsgenie_incidents.csv"
START = datetime(2025, 1, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
SERVICES = {"s-1": "Shop", "s-2": "Printer"}


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def incident(number: int, days: float, *, open_: bool = False, service: str = "s-1") -> dict[str, Any]:
    begun = START + timedelta(days=days)
    row = {
        "id": f"i-{number}", "message": f"Broken {number}", "priority": "P1", "createdAt": stamp(begun),
        "status": "open" if open_ else "resolved", "updatedAt": stamp(begun + timedelta(days=400)),
        "impactStartDate": stamp(begun - timedelta(minutes=5)), "impactedServices": [service],
        "links": {"web": f"https://acme.app.opsgenie.test/incident/detail/i-{number}"},
    }  # fmt: skip
    return row if open_ else row | {"impactEndDate": stamp(begun + timedelta(hours=1))}


def alert(number: int, days: float, **more: Any) -> dict[str, Any]:
    return {
        "id": f"a-{number}", "message": f"Alert {number}", "priority": "P1", "tags": ["service:Shop"],
        "createdAt": stamp(START + timedelta(days=days)), "status": "closed",
        "integration": {"name": "Datadog"}, "report": {"ackTime": 900, "closeTime": 90_000},
    } | more  # fmt: skip


class Genie:
    """Opsgenie's lists: by creation since an instant, a page at a time, one by its id."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.alerts: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> Reply:
        assert asked.headers["Authorization"] == "GenieKey hush"
        if asked.path == "/v1/services":
            return Reply({"data": [{"id": key, "name": name} for key, name in SERVICES.items()]})
        which = self.rows if asked.path.startswith("/v1/incidents") else self.alerts
        if asked.path not in {"/v1/incidents", "/v2/alerts"}:
            one = next((row for row in which if asked.path.endswith("/" + row["id"])), None)
            return Reply({"data": one}) if one else Reply({"message": "Incident does not exist"}, 404)
        assert (asked.query["sort"], asked.query["order"]) == ("createdAt", "asc")
        since = re.search(r"createdAt >= (\d+)$", asked.query["query"])
        assert since is not None
        found = [row for row in which if milliseconds(row["createdAt"]) >= int(since[1])]
        found.sort(key=lambda row: (row["createdAt"], row["id"]))
        skip, size = int(asked.query.get("offset", 0)), int(asked.query["limit"])
        assert size <= 100
        return Reply({"data": found[skip : skip + size], "took": 0.1})


def milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.fixture
def genie() -> Genie:
    return Genie([incident(n, n * 2.5) for n in range(1, 251)])


@pytest.fixture
def server(genie: Genie, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("GENIE_TEST", "hush")
    with Loopback(genie.answer) as running:
        yield running


def sync(server: Loopback, shelf: Shelf, now: datetime = NOW, **more: Any) -> SourceError | None:
    config = Config.of({"codebases": {"web": {"also_known_as": ["shop"]}}}, root=Path())
    options = OpsgenieOptions.model_validate({"token": "env:GENIE_TEST", "url": server.url} | more)
    (feed,) = opsgenie.feeds(options, config)
    return shelf.sync(feed, Ask(now, shelf.cursors.get(feed.name), wait=lambda _: None))


def ids(shelf: Shelf) -> list[str]:
    return sorted(row["id"] for row in shelf.of(Incident))


def of(shelf: Shelf, id_: str) -> dict[str, Any]:
    return next(row for row in shelf.of(Incident) if row["id"] == id_)


def whole(shelf: Shelf, genie: Genie) -> bool:
    return ids(shelf) == sorted(row["id"] for row in genie.rows)


def test_years_of_incidents_arrive_once_with_their_own_times(server: Loopback, genie: Genie) -> None:
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert whole(shelf, genie)
    one, began = of(shelf, "i-4"), START + timedelta(days=10)
    assert (one["started_at"], one["detected_at"]) == (began - timedelta(minutes=5), began)
    assert one["resolved_at"] == began + timedelta(hours=1)
    assert (one["codebases"], one["severity"], one["title"]) == (("web",), "P1", "Broken 4")
    assert one["url"].endswith("/incident/detail/i-4")
    server.forget()
    assert sync(server, shelf) is None
    assert [asked.path for asked in server.asked] == ["/v1/incidents", "/v1/services"]


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_sync_stopped_at_any_request_is_taken_up_again(server: Loopback, genie: Genie, stop: int) -> None:
    shelf = Shelf()
    server.fault = lambda number, _: Reply({}, 418) if number >= stop else None
    assert sync(server, shelf) is not None
    server.fault = lambda number, _: Reply({}, cut=True) if number == 1 else None
    server.forget()
    assert sync(server, shelf) is None
    assert whole(shelf, genie)


def test_an_open_incident_is_asked_for_until_it_is_over(server: Loopback, genie: Genie) -> None:
    genie.rows[20] = incident(21, 52.5, open_=True)
    shelf = Shelf()
    sync(server, shelf)
    assert of(shelf, "i-21")["resolved_at"] is None
    genie.rows[20] = incident(21, 52.5)
    assert sync(server, shelf, NOW + timedelta(hours=1)) is None
    assert of(shelf, "i-21")["resolved_at"] == START + timedelta(days=52.5, hours=1)
    server.forget()
    assert sync(server, shelf, NOW + timedelta(hours=2)) is None
    assert "/v1/incidents/i-21" not in [asked.path for asked in server.asked]


def test_an_open_incident_that_was_deleted_is_told_and_not_asked_for_again(
    server: Loopback, genie: Genie
) -> None:
    genie.rows[20] = incident(21, 52.5, open_=True)
    shelf = Shelf()
    sync(server, shelf)
    del genie.rows[20]
    assert sync(server, shelf) is None
    assert "Opsgenie has it no more" in shelf.rejected[-1]
    said = len(shelf.rejected)
    assert sync(server, shelf) is None
    assert len(shelf.rejected) == said


def test_many_of_one_instant_and_a_late_one_are_all_read(server: Loopback, genie: Genie) -> None:
    genie.rows[:] = [incident(n, 10) for n in range(1, 251)] + [incident(n, 20) for n in range(251, 260)]
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert whole(shelf, genie)
    genie.rows.append(incident(300, 18))  # it is written down after one that began later
    assert sync(server, shelf) is None
    assert whole(shelf, genie)


@pytest.mark.parametrize("times", [1, 2])
def test_a_page_that_comes_twice_is_asked_for_again_and_else_stops_the_sync(
    server: Loopback, genie: Genie, times: int
) -> None:
    shelf = Shelf()
    first: list[Reply] = []

    def again(number: int, asked: Asked) -> Reply | None:
        if asked.path != "/v1/incidents":
            return None
        first.append(genie.answer(asked))
        return first[0] if 2 <= len(first) < 2 + times else None

    server.fault = again
    error = sync(server, shelf)
    assert (error is None) == (times == 1)
    assert error is None or "same page twice" in error.what
    server.fault = None
    assert sync(server, shelf) is None
    assert whole(shelf, genie)


@pytest.mark.parametrize("skew", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_is_an_hour_off_loses_nothing(server: Loopback, genie: Genie, skew: timedelta) -> None:
    shelf = Shelf()
    newest = START + timedelta(days=625)
    assert sync(server, shelf, newest + skew) is None
    genie.rows.append(incident(900, 625.01))
    assert sync(server, shelf, newest + skew) is None
    assert whole(shelf, genie)


def test_what_is_over_without_a_time_is_open_and_listed_and_no_change_is_an_end(
    server: Loopback, genie: Genie
) -> None:
    genie.rows[:] = [incident(1, 1, service="s-2")]
    del genie.rows[0]["impactEndDate"]
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert of(shelf, "i-1")["resolved_at"] is None
    assert of(shelf, "i-1")["codebases"] is None
    over, strange = shelf.rejected
    assert "set the end of its impact" in over
    assert 'also_known_as: ["Printer"]' in strange


def test_alerts_that_a_query_names_are_incidents_until_they_are_closed(
    server: Loopback, genie: Genie
) -> None:
    genie.alerts = [
        alert(1, 1),
        alert(2, 2, status="open", report=None),
        alert(3, 3, tags=["night"], report={}, status="open"),
    ]
    shelf = Shelf()
    assert sync(server, shelf, incidents=False, alerts="priority: P1") is None
    assert server.asked[0].query["query"] == "(priority: P1) AND createdAt >= 0"
    closed, open_, strange = (of(shelf, f"a-{n}") for n in (1, 2, 3))
    assert closed["resolved_at"] == START + timedelta(days=1, seconds=90)
    assert (closed["codebases"], open_["resolved_at"], strange["codebases"]) == (("web",), None, None)
    assert 'also_known_as: ["Datadog"]' in shelf.rejected[0]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply({"message": "Could not authenticate"}, 401), "does not know the token (Could not authent"),
        (Reply({"message": "no"}, 403), "the token may not read this"),
        (Reply({"message": "Page not found"}, 404), "has no such thing"),
        (Reply({"message": "slow down"}, 429, {"Retry-After": "3600"}), "asks to wait 60 min"),
        (Reply({}, 500), "6 times: it answered 500"),
        (Reply({"data": []}, cut=True), "was cut off"),
        (Reply({"hello": "world"}), "not Opsgenie's"),
        (Reply(text="<html>Sign in</html>"), "is no JSON"),
    ],
)
def test_what_goes_wrong_is_told_with_the_next_step_and_without_the_key(
    server: Loopback, reply: Reply, says: str
) -> None:
    server.fault = lambda _number, _asked: reply
    error = sync(server, Shelf())
    assert error is not None
    assert says in error.what
    assert error.next_step
    assert "hush" not in str(error)


def test_a_row_that_cannot_be_read_is_set_aside(server: Loopback, genie: Genie) -> None:
    genie.rows[3]["links"] = 7
    genie.rows[4]["impactEndDate"] = "yesterday"
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert len(shelf.of(Incident)) == 248
    assert all("Opsgenie's answer is not as expected" in reason for reason in shelf.rejected)


@pytest.mark.skipif(not RECORDED.is_file(), reason="the recorded answers are not here")
def test_recorded_incidents_are_read_over_http(server: Loopback, genie: Genie) -> None:
    with RECORDED.open() as stream:
        genie.rows[:] = [json.loads(row["data"]) for row in csv.DictReader(stream)]
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert len(shelf.of(Incident)) == len(genie.rows) == 2
    for row in genie.rows:
        told, ended = of(shelf, row["id"]), row.get("impactEndDate")
        assert told["started_at"] == datetime.fromisoformat(row["impactStartDate"])
        assert told["resolved_at"] == (datetime.fromisoformat(ended) if ended else None)
        assert (told["title"], told["url"]) == (row["message"], row["links"]["web"])

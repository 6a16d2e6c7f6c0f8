from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.support.loopback import Asked, Loopback, Reply
from tests.support.shelf import Shelf

from deploybook.config import Config
from deploybook.config.sources import DatadogOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask, Cursor
from deploybook.records import Availability, Incident
from deploybook.sources import datadog, datadog_slos
from deploybook.sources.datadog_slos import joined, spans_of

RECORDED = Path(__file__).parents[3] / "shared/conformance/other/datadog"
START = datetime(2025, 1, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
KEYS = {"api_key": "env:DOG_TEST_API", "app_key": "env:DOG_TEST_APP"}


def incident(number: int, days: float, *, open_: bool = False, service: str = "Shop") -> dict[str, Any]:
    begun = START + timedelta(days=days)
    state = "active" if open_ else "resolved"
    attributes = {
        "public_id": number, "title": f"Broken {number}", "created": begun.isoformat(),
        "detected": begun.isoformat(), "modified": NOW.isoformat(), "severity": "SEV-2", "state": state,
        "customer_impact_start": (begun - timedelta(minutes=7)).isoformat(), "is_test": False,
        "customer_impact_end": None, "resolved": None if open_ else (begun + timedelta(hours=1)).isoformat(),
        "fields": {"services": {"type": "autocomplete", "value": [service]}, "state": {"value": state}},
    }  # fmt: skip
    return {"type": "incidents", "id": f"d-{number}", "attributes": attributes}


class Dog:
    """Datadog: a search of incidents, newest first; one incident; the history of an SLO."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.changes: list[tuple[int, int]] = []
        self.kind = "monitor"

    def answer(self, asked: Asked) -> Reply:
        keys = {asked.headers["DD-API-KEY"], asked.headers["DD-APPLICATION-KEY"]}
        assert keys == {"hush-api", "hush-app"}
        if asked.path == "/api/v2/incidents/search":
            assert asked.query["query"].startswith("state:(active")
            assert asked.query["sort"] == "-created"
            size, offset = int(asked.query["page[size]"]), int(asked.query["page[offset]"])
            assert size <= 100
            rows = sorted(self.rows, key=lambda row: str(row["attributes"]["created"]), reverse=True)
            found = [{"data": row} for row in rows[offset : offset + size]]
            told = {"total": len(rows), "facets": {}, "incidents": found}
            return Reply({"data": {"type": "incidents_search_results", "attributes": told}})
        if asked.path == "/api/v1/slo/abc/history":
            return Reply({"data": self.history(int(asked.query["from_ts"]), int(asked.query["to_ts"]))})
        one = next((row for row in self.rows if asked.path == f"/api/v2/incidents/{row['id']}"), None)
        return Reply({"data": one}) if one else Reply({"errors": ["Not Found"]}, 404)

    def history(self, begin: int, end: int) -> dict[str, Any]:
        before = [state for at, state in self.changes if at <= begin]
        within = [[at, state] for at, state in self.changes if begin < at < end]
        first = [[begin, before[-1]]] if before else []
        return {
            "from_ts": begin, "to_ts": end, "type": self.kind, "type_id": 0,
            "overall": {"sli_value": 99.9, "history": first + within},
        }  # fmt: skip


@pytest.fixture
def dog() -> Dog:
    return Dog([incident(n, n * 2.5) for n in range(1, 251)])


@pytest.fixture
def server(dog: Dog, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("DOG_TEST_API", "hush-api")
    monkeypatch.setenv("DOG_TEST_APP", "hush-app")
    with Loopback(dog.answer) as running:
        yield running


def sync(server: Loopback, shelf: Shelf, now: datetime = NOW) -> SourceError | None:
    config = Config.of({"codebases": {"web": {"also_known_as": ["shop"]}}}, root=Path())
    feed = datadog.feed(DatadogOptions.model_validate({"url": server.url} | KEYS), config)
    return shelf.sync(feed, Ask(now, shelf.cursors.get(feed.name), wait=lambda _: None))


def of(shelf: Shelf, id_: str) -> dict[str, Any]:
    return next(row for row in shelf.of(Incident) if row["id"] == id_)


def whole(shelf: Shelf, dog: Dog) -> bool:
    return sorted(row["id"] for row in shelf.of(Incident)) == sorted(row["id"] for row in dog.rows)


def test_all_incidents_arrive_once_with_their_own_times_and_nothing_new_is_one_request(
    server: Loopback, dog: Dog
) -> None:
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert whole(shelf, dog)
    assert len(server.asked) == 3
    one, began = of(shelf, "d-4"), START + timedelta(days=10)
    assert (one["started_at"], one["detected_at"]) == (began - timedelta(minutes=7), began)
    assert one["resolved_at"] == began + timedelta(hours=1)
    assert (one["codebases"], one["severity"], one["title"]) == (("web",), "SEV-2", "Broken 4")
    server.forget()
    assert sync(server, shelf) is None
    assert len(server.asked) == 1


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_sync_stopped_at_any_request_is_taken_up_again_with_what_came_since(
    server: Loopback, dog: Dog, stop: int
) -> None:
    shelf = Shelf()
    server.fault = lambda number, _: Reply({}, 418) if number >= stop else None
    assert sync(server, shelf) is not None
    dog.rows += [incident(n, n * 2.5) for n in range(251, 371)]
    server.fault = lambda number, _: Reply({}, cut=True) if number == 1 else None
    server.forget()
    assert sync(server, shelf) is None
    assert whole(shelf, dog)
    assert server.asked[0].query["page[offset]"] == str(100 * max(stop - 2, 0))


def test_an_open_incident_is_asked_for_until_it_is_over(server: Loopback, dog: Dog) -> None:
    dog.rows[20] = incident(21, 52.5, open_=True)
    shelf = Shelf()
    sync(server, shelf)
    assert of(shelf, "d-21")["resolved_at"] is None
    dog.rows[20] = incident(21, 52.5)
    server.forget()
    assert sync(server, shelf) is None
    assert of(shelf, "d-21")["resolved_at"] == START + timedelta(days=52.5, hours=1)
    assert len(server.asked) == 2


def test_a_change_is_no_end_a_test_no_incident_and_what_is_unknown_is_not_guessed(
    server: Loopback, dog: Dog
) -> None:
    dog.rows[:] = [incident(n, n, service="Printer") for n in (1, 2, 3)]
    dog.rows[0]["attributes"].update(resolved=None)
    dog.rows[1]["attributes"].update(is_test=True)
    dog.rows[2]["attributes"].update(
        severity="UNKNOWN", state=None, customer_impact_start=None, detected=None
    )
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert sorted(row["id"] for row in shelf.of(Incident)) == ["d-1", "d-3"]
    assert of(shelf, "d-1")["resolved_at"] is None
    third = of(shelf, "d-3")
    assert (third["severity"], third["detected_at"]) == (None, None)
    assert (third["started_at"], third["resolved_at"]) == (
        START + timedelta(days=3), START + timedelta(days=3, hours=1),
    )  # fmt: skip
    assert any("set when it was resolved" in reason for reason in shelf.rejected)
    assert any('also_known_as: ["Printer"]' in reason for reason in shelf.rejected)


@pytest.mark.parametrize("fault", ["twice", "thrice", "short"])
def test_a_page_twice_is_asked_for_again_and_one_that_stays_so_or_is_short_stops_the_sync(
    server: Loopback, dog: Dog, fault: str
) -> None:
    shelf = Shelf()
    first: list[Reply] = []

    def wrong(number: int, asked: Asked) -> Reply | None:
        first.append(dog.answer(asked))
        if number not in ({2, 3} if fault == "thrice" else {2}):
            return None
        if fault != "short":
            return first[0]
        first[1].content["data"]["attributes"]["incidents"] = []
        return first[1]

    server.fault = wrong
    error = sync(server, shelf)
    says = {"twice": "", "thrice": "the same page twice", "short": "gave only 0"}[fault]
    assert says in (error.what if error else "")
    assert (error is None) == (fault == "twice")
    server.fault = None
    assert sync(server, shelf) is None
    assert whole(shelf, dog)


@pytest.mark.parametrize("skew", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_is_an_hour_off_loses_nothing(server: Loopback, dog: Dog, skew: timedelta) -> None:
    shelf = Shelf()
    newest = START + timedelta(days=625)
    assert sync(server, shelf, newest + skew) is None
    dog.rows.append(incident(900, 625.01))
    assert sync(server, shelf, newest + skew) is None
    assert whole(shelf, dog)


REPLIES = [
    (Reply({"errors": ["Unauthorized"]}, 401), "does not know the token (Unauthorized)"),
    (Reply({"errors": ["Forbidden"]}, 403), "the token may not read this (Forbidden)"),
    (Reply({"errors": ["Not Found"]}, 404), "has no such thing"),
    (Reply({"errors": ["slow"]}, 429, {"X-RateLimit-Reset": "3600"}), "asks to wait 60 min"),
    (Reply({}, 500), "6 times: it answered 500"),
    (Reply({"data": {}}, cut=True), "was cut off"),
    (Reply({"hello": "world"}), "not Datadog's"),
    (Reply(text="<html>Sign in</html>"), "is no JSON"),
]


@pytest.mark.parametrize(("reply", "says"), REPLIES)
def test_what_goes_wrong_is_told_with_the_next_step_and_without_the_keys(
    server: Loopback, reply: Reply, says: str
) -> None:
    server.fault = lambda _number, _asked: reply
    for error in (sync(server, Shelf()), Watch(server).pull()):
        assert error is not None
        assert says in error.what
        assert error.next_step
        assert "hush" not in str(error)


@pytest.mark.parametrize(
    ("api", "app"),
    [
        ("https://api.datadoghq.com", "https://app.datadoghq.com"),
        ("https://api.datadoghq.eu/", "https://app.datadoghq.eu"),
        ("https://api.us3.datadoghq.com", "https://us3.datadoghq.com"),
        ("http://localhost:8126", None),
    ],
)
def test_links_lead_where_people_look(api: str, app: str | None) -> None:
    assert datadog.app(api) == app


class Watch:
    """An SLO read again and again, as the history reads a snapshot."""

    def __init__(self, server: Loopback) -> None:
        options = {"url": server.url, "availability": [{"codebase": "web", "slo": "abc"}]} | KEYS
        (self.feed,) = datadog_slos.feeds(DatadogOptions.model_validate(options))
        self.cursor: str | None = None
        self.spans: list[tuple[datetime, datetime, str]] = []

    def pull(self, now: datetime = NOW) -> SourceError | None:
        try:
            items = list(self.feed.pull(Ask(now, self.cursor, wait=lambda _: None)))
        except SourceError as error:
            return error
        self.spans = [(i.from_, i.to, i.state) for i in items if isinstance(i, Availability)]
        self.cursor = next(item.text for item in items if isinstance(item, Cursor))
        return None


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def test_an_slo_tells_when_it_was_up_and_down_and_no_data_is_neither(server: Loopback, dog: Dog) -> None:
    first, gone, back, down, up = (NOW - timedelta(days=days) for days in (80, 60, 59, 10, 9.5))
    dog.changes = [
        (seconds(first), 0),
        (seconds(gone), 2),
        (seconds(back), 0),
        (seconds(down), 1),
        (seconds(up), 0),
    ]
    watch = Watch(server)
    assert watch.pull() is None
    assert watch.spans == [(first, gone, "up"), (back, down, "up"), (down, up, "down"), (up, NOW, "up")]
    assert len(server.asked) == 3
    server.forget()
    assert watch.pull(NOW + timedelta(hours=1)) is None
    assert watch.spans[-1] == (up, NOW + timedelta(hours=1), "up")
    assert len(watch.spans) == 4
    assert len(server.asked) == 1


def test_a_correction_of_the_last_days_replaces_what_was_told_and_an_older_one_does_not(
    server: Loopback, dog: Dog
) -> None:
    old, late = NOW - timedelta(days=20), NOW - timedelta(days=2)
    dog.changes = [(seconds(NOW - timedelta(days=200)), 0), (seconds(late), 1), (seconds(late) + 600, 0)]
    watch = Watch(server)
    watch.pull()
    assert [state for *_, state in watch.spans] == ["up", "down", "up"]
    dog.changes = [(seconds(NOW - timedelta(days=200)), 0), (seconds(old), 1), (seconds(old) + 600, 0)]
    watch.pull(NOW + timedelta(hours=1))
    assert watch.spans == [(NOW - timedelta(days=90), NOW + timedelta(hours=1), "up")]


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_reading_of_an_slo_that_was_stopped_leaves_no_part_and_is_whole_the_next_time(
    server: Loopback, dog: Dog, stop: int
) -> None:
    dog.changes = [(seconds(NOW - timedelta(days=200)), 0)]
    watch = Watch(server)
    server.fault = lambda number, _: Reply({}, 418) if number >= stop else None
    assert watch.pull() is not None
    assert watch.cursor is None
    server.fault = lambda number, _: Reply({}, cut=True) if number == stop else None
    server.forget()
    assert watch.pull() is None
    assert watch.spans == [(NOW - timedelta(days=90), NOW, "up")]


def test_an_slo_that_counts_events_is_refused_with_the_next_step(server: Loopback, dog: Dog) -> None:
    dog.kind = "metric"
    error = Watch(server).pull()
    assert error is not None
    assert "counts events" in error.what
    assert "monitors or of time slices" in str(error.next_step)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), max_size=30), st.integers(1, 399))
def test_where_an_slo_is_cut_into_slices_changes_nothing(changes: list[tuple[int, int]], cut: int) -> None:
    dog = Dog([])
    dog.changes = sorted(dict(changes).items())

    def read(begin: int, end: int) -> list[datadog_slos.Span]:
        return list(spans_of(dog.history(begin, end)["overall"]["history"], begin, end))

    assert joined([*read(0, cut), *read(cut, 400)]) == joined(read(0, 400))


def recorded(name: str) -> list[tuple[str, dict[str, Any]]]:
    exchanges = yaml.safe_load((RECORDED / f"{name}.yaml").read_text())["interactions"]
    return [
        (each["request"]["uri"], json.loads(each["response"]["body"]["string"]))
        for each in exchanges
        if each["request"]["method"] == "GET"
    ]


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")
def test_recorded_answers_are_read_over_http(server: Loopback) -> None:
    ((uri, answer),) = recorded("search_for_incidents_returns_ok_response")
    ((single, details),) = recorded("get_the_details_of_an_incident_returns_ok_response")
    open_ = details["data"]["id"]

    def replay(number: int, asked: Asked) -> Reply:
        if asked.path == urlsplit(uri).path:
            assert set(parse_qs(urlsplit(uri).query)) <= set(asked.query)
            return Reply(answer)
        assert asked.path == urlsplit(single).path
        return Reply(details)

    server.fault = replay
    shelf = Shelf()
    shelf.cursors["datadog:incidents"] = json.dumps({"newest": "2026-02-20T00:00:00+00:00", "open": [open_]})
    assert sync(server, shelf) is None
    rows = {row["data"]["id"]: row["data"]["attributes"] for row in answer["data"]["attributes"]["incidents"]}
    rows[open_] = details["data"]["attributes"]
    assert {row["id"] for row in shelf.of(Incident)} == set(rows)
    for id_, row in rows.items():
        told = of(shelf, id_)
        assert told["title"] == row["title"]
        assert told["started_at"] == told["detected_at"] == datetime.fromisoformat(row["detected"])
        assert told["resolved_at"] is None
    # One of them is resolved, and does not say when.
    assert [reason for reason in shelf.rejected if "not since when" in reason] == shelf.rejected
    assert len(shelf.rejected) == 1

"""Prometheus as it runs: samples of the past in its own store, read by its own interface."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from tests.support.loopback import Asked, Loopback, Reply
from tests.support.monitoring import prometheus as server
from tests.support.shelf import Shelf

from deploybook.config import Config
from deploybook.config.sources import PrometheusOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.records import Availability, Incident
from deploybook.sources import prometheus

FIRST = datetime(2026, 3, 27, tzinfo=UTC)
NOW = datetime(2026, 3, 30, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(day: int, clock: str) -> datetime:
    hours, minutes = map(int, clock.split(":"))
    return FIRST + timedelta(days=day, hours=hours, minutes=minutes)


DOWN = (at(1, "10:00"), at(1, "10:30"))
HALF = (at(1, "15:00"), at(1, "15:10"))
DARK = (at(1, "20:00"), at(1, "21:00"))
LATE = (at(2, "23:50"), at(3, "00:20"))
"""Down across a midnight."""
FIRED = [(at(0, "09:00"), at(0, "09:07")), (at(2, "23:40"), at(3, "00:30")), (at(3, "11:30"), None)]


def inside(span: tuple[datetime, datetime | None], moment: datetime) -> bool:
    return span[0] <= moment and (span[1] is None or moment < span[1])


def samples(until: datetime) -> str:
    lines = ["# TYPE up gauge"]
    minutes = [FIRST + MINUTE * n for n in range(int((until - FIRST) / MINUTE))]
    for name in ("a", "b"):
        for moment in minutes:
            if not inside(DARK, moment):
                bad = inside(DOWN, moment) or inside(LATE, moment) or (name == "a" and inside(HALF, moment))
                value = 0 if bad else 1
                lines.append(f'up{{job="shop",instance="{name}"}} {value} {moment.timestamp():.0f}')
    lines.append("# TYPE ALERTS gauge")
    alert = 'ALERTS{alertname="ShopDown",alertstate="firing",severity="page",service="svc-shop"}'
    lines += [f"{alert} 1 {m.timestamp():.0f}" for m in minutes if any(inside(s, m) for s in FIRED)]
    other = 'ALERTS{alertname="Disk",alertstate="firing",severity="page",service="printer"}'
    lines += [f"{other} 1 {m.timestamp():.0f}" for m in minutes[600:610]]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with server(samples(NOW)) as address:
        yield address


def sync(address: str, shelf: Shelf, now: datetime = NOW, **more: object) -> list[SourceError]:
    config = Config.of({"codebases": {"shop": {"also_known_as": ["svc-shop"]}}}, root=Path())
    options = PrometheusOptions.model_validate(
        {
            "url": address, "first": "10d", "alerts": 'ALERTS{alertstate="firing"}',
            "availability": [{"codebase": "shop", "query": 'up{job="shop"}'}],
        }
        | more
    )  # fmt: skip
    found = [
        shelf.sync(feed, Ask(now, shelf.cursors.get(feed.name), wait=lambda _: None))
        for feed in prometheus.feeds(options, config)
    ]
    return [error for error in found if error is not None]


def minutes_by_state(shelf: Shelf) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in shelf.of(Availability):
        found[row["state"]] = found.get(row["state"], 0) + int((row["to"] - row["from_"]) / MINUTE)
    return found


def plain_count() -> dict[str, int]:
    """The same by a plain loop over the minutes."""
    found = {"up": 0, "down": 0, "degraded": 0}
    for number in range(int((NOW - FIRST) / MINUTE)):
        moment = FIRST + MINUTE * number
        if inside(DARK, moment):
            continue
        bad = inside(DOWN, moment) or inside(LATE, moment)
        found["down" if bad else "degraded" if inside(HALF, moment) else "up"] += 1
    return found


def test_every_minute_is_in_the_state_that_its_samples_say_and_what_was_not_seen_is_unknown(
    running: str,
) -> None:
    shelf = Shelf()
    assert sync(running, shelf) == []
    rows = shelf.of(Availability)
    assert minutes_by_state(shelf) == plain_count()
    assert {(row["from_"], row["to"]) for row in rows if row["state"] == "degraded"} == {HALF}
    midnight = at(3, "00:00")
    assert {(row["from_"], row["to"]) for row in rows if row["state"] == "down"} == {
        DOWN, (LATE[0], midnight), (midnight, LATE[1]),
    }  # fmt: skip
    assert not any(row["from_"] < DARK[1] and row["to"] > DARK[0] for row in rows)
    assert {row["codebase"] for row in rows} == {"shop"}


def test_alerts_are_incidents_with_their_own_times_and_what_still_fires_is_open(running: str) -> None:
    shelf = Shelf()
    sync(running, shelf)
    mine = [row for row in shelf.of(Incident) if row["title"] == "ShopDown"]
    assert sorted((row["started_at"], row["resolved_at"]) for row in mine) == FIRED
    assert {(row["codebases"], row["severity"]) for row in mine} == {(("shop",), "page")}
    assert 'also_known_as: ["printer"]' in shelf.rejected[0]


def test_hour_by_hour_gives_the_same_as_all_at_once(running: str) -> None:
    whole, pieces = Shelf(), Shelf()
    sync(running, whole)
    now = FIRST + timedelta(hours=1)
    while now < NOW:
        assert sync(running, pieces, now) == []
        now += timedelta(hours=7, minutes=13)
    assert sync(running, pieces) == []
    assert minutes_by_state(pieces) == minutes_by_state(whole)
    kept = sorted(pieces.of(Incident), key=lambda row: str(row["id"]))
    assert kept == sorted(whole.of(Incident), key=lambda row: str(row["id"]))


def test_a_query_that_is_wrong_and_a_server_that_is_none_are_told(running: str) -> None:
    (error,) = sync(running, Shelf(), alerts="up{", availability=[])
    assert "Prometheus answered 400" in error.what
    with Loopback(lambda _: Reply({"status": "fine"})) as other:
        (error,) = sync(other.url, Shelf(), alerts="up", availability=[])
        assert "not Prometheus's" in error.what


@pytest.mark.parametrize("skew", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_is_an_hour_off_loses_nothing(running: str, skew: timedelta) -> None:
    server_now = at(3, "00:10")

    def so_far(asked: Asked) -> Reply:
        content = requests.get(f"{running}{asked.path}", params=asked.query, timeout=30).json()
        for row in content["data"]["result"]:
            row["values"] = [pair for pair in row["values"] if pair[0] <= server_now.timestamp()]
        content["data"]["result"] = [row for row in content["data"]["result"] if row["values"]]
        return Reply(content)

    shelf, whole = Shelf(), Shelf()
    with Loopback(so_far) as proxy:
        for moment in (server_now, at(3, "00:20"), at(3, "01:40"), at(3, "10:00"), NOW):
            server_now = moment
            assert sync(proxy.url, shelf, moment + skew) == []
        assert sync(proxy.url, shelf) == []
    sync(running, whole)
    assert minutes_by_state(shelf) == minutes_by_state(whole)
    kept = sorted(shelf.of(Incident), key=lambda row: str(row["id"]))
    assert kept == sorted(whole.of(Incident), key=lambda row: str(row["id"]))


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_sync_stopped_at_any_request_is_taken_up_again(running: str, stop: int) -> None:
    def through(asked: Asked) -> Reply:
        answer = requests.get(f"{running}{asked.path}", params=asked.query, timeout=30)
        return Reply(answer.json(), answer.status_code)

    shelf, whole = Shelf(), Shelf()
    with Loopback(through) as proxy:
        proxy.fault = lambda number, _: Reply({}, 418) if number >= stop else None
        assert sync(proxy.url, shelf, step="1m") != []
        proxy.fault = lambda number, _: Reply({}, cut=True) if number == stop else None
        proxy.forget()
        assert sync(proxy.url, shelf, step="1m") == []
    sync(running, whole)
    assert minutes_by_state(shelf) == minutes_by_state(whole)
    assert len(shelf.of(Incident)) == len(whole.of(Incident))


@given(st.lists(st.tuples(st.integers(0, 5000), st.sampled_from([0.0, 0.5, 1.0])), max_size=60))
def test_spans_cover_each_sampled_minute_once_and_none_crosses_a_midnight(
    found: list[tuple[int, float]],
) -> None:
    series = [(minute * 60.0, value) for minute, value in sorted(dict(found).items())]
    made = list(prometheus.spans([series], MINUTE))
    covered = [begin + MINUTE * n for begin, end, _ in made for n in range(int((end - begin) / MINUTE))]
    assert covered == [datetime.fromtimestamp(moment, UTC) for moment, _ in series]
    assert all(begin.date() == (end - timedelta(seconds=1)).date() for begin, end, _ in made)

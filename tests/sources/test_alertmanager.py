"""Alertmanager as it runs: alerts posted to it, read as incidents, over once they no longer fire."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.support.loopback import Loopback, Reply
from tests.support.monitoring import alertmanager as server
from tests.support.shelf import Shelf

from deploybook.config import Config
from deploybook.config.sources import AlertmanagerOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.records import Incident
from deploybook.sources import alertmanager

NOW = datetime.now(UTC).replace(microsecond=0)
"""Alertmanager judges alerts by the machine's own clock."""
HOUR = timedelta(hours=1)


@pytest.fixture
def running() -> Iterator[str]:
    with server() as address:
        yield address


def fire(address: str, name: str, *, ends: datetime = NOW + HOUR, **labels: str) -> None:
    alert: dict[str, Any] = {
        "labels": {"alertname": name, **labels}, "annotations": {"summary": f"{name} is <b>bad</b>"},
        "startsAt": (NOW - HOUR).isoformat(), "endsAt": ends.isoformat(),
        "generatorURL": "https://prometheus.acme.test/graph",
    }  # fmt: skip
    requests.post(f"{address}/api/v2/alerts", json=[alert], timeout=10).raise_for_status()


def sync(address: str, shelf: Shelf, now: datetime = NOW, **more: Any) -> SourceError | None:
    config = Config.of({"codebases": {"shop": {"also_known_as": ["svc-shop"]}}}, root=Path())
    options = AlertmanagerOptions.model_validate({"url": address} | more)
    feed = alertmanager.feed(options, config)
    return shelf.sync(feed, Ask(now, shelf.cursors.get(feed.name), wait=lambda _: None))


def test_what_fires_is_an_open_incident_and_over_once_it_does_not(running: str) -> None:
    fire(running, "ShopDown", service="svc-shop", severity="page")
    shelf = Shelf()
    assert sync(running, shelf) is None
    (one,) = shelf.of(Incident)
    assert (one["title"], one["codebases"]) == ("ShopDown is <b>bad</b>", ("shop",))
    assert (one["started_at"], one["resolved_at"], one["severity"]) == (NOW - HOUR, None, "page")
    assert sync(running, shelf, NOW + HOUR) is None
    assert [row["resolved_at"] for row in shelf.of(Incident)] == [None]
    fire(running, "ShopDown", ends=NOW - timedelta(minutes=1), service="svc-shop", severity="page")
    assert sync(running, shelf, NOW + 2 * HOUR) is None
    assert [row["resolved_at"] for row in shelf.of(Incident)] == [NOW + 2 * HOUR]
    assert sync(running, shelf, NOW + 3 * HOUR) is None
    assert [row["resolved_at"] for row in shelf.of(Incident)] == [NOW + 2 * HOUR]


def test_only_alerts_that_the_filters_name_are_incidents_and_strange_services_are_listed(
    running: str,
) -> None:
    fire(running, "ShopDown", service="printer", severity="page")
    fire(running, "Slow", service="svc-shop", severity="info")
    shelf = Shelf()
    assert sync(running, shelf, filters=['severity="page"']) is None
    (one,) = shelf.of(Incident)
    assert (one["severity"], one["codebases"]) == ("page", None)
    assert 'also_known_as: ["printer"]' in shelf.rejected[0]


def test_a_filter_that_is_none_and_a_server_that_is_none_are_told(running: str) -> None:
    error = sync(running, Shelf(), filters=["severity"])
    assert error is not None
    assert "Alertmanager answered 400" in error.what
    with Loopback(lambda _: Reply({"status": "fine"})) as other:
        error = sync(other.url, Shelf())
        assert error is not None
        assert "not Alertmanager's" in error.what


def test_a_sync_that_fails_ends_no_alert(running: str) -> None:
    fire(running, "ShopDown", service="svc-shop")

    def through(asked: Any) -> Reply:
        answer = requests.get(f"{running}{asked.path}", timeout=10)
        return Reply(answer.json(), answer.status_code)

    shelf = Shelf()
    with Loopback(through) as proxy:
        assert sync(proxy.url, shelf) is None
        proxy.fault = lambda _number, _asked: Reply([], 500)
        assert sync(proxy.url, shelf, NOW + HOUR) is not None
        proxy.fault = lambda number, _: Reply([], cut=True) if number < 3 else None
        proxy.forget()
        assert sync(proxy.url, shelf, NOW + HOUR) is None
    assert [row["resolved_at"] for row in shelf.of(Incident)] == [None]


def test_the_token_is_sent_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTS_TEST", "hush-hush")
    asked: list[str] = []

    def refuse(request: Any) -> Reply:
        asked.append(request.headers["Authorization"])
        return Reply({"message": "no hush-hush here"}, 401)

    with Loopback(refuse) as other:
        error = sync(other.url, Shelf(), token="env:ALERTS_TEST")
    assert asked == ["Bearer hush-hush"]
    assert error is not None
    assert "does not know the token" in error.what
    assert "hush-hush" not in str(error)

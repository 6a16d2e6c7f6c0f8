"""Unleash as it runs: flags switched by its own interface, read from its own log of events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from tests.support.loopback import Loopback, Reply, emptied, repeated
from tests.support.shelf import Shelf
from tests.support.unleash import TOKEN, Unleash, server

from deploybook.config.sources import UnleashOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.records import FlagChange
from deploybook.sources import unleash


@pytest.fixture(scope="module")
def running() -> Iterator[Unleash]:
    with server() as found:
        found.flag("one-page")
        for state in ("on", "off", "on"):
            found.switch("one-page", state)
        found.flag("vouchers", "development")
        found.switch("vouchers", "on", "development")
        yield found


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEASH_TEST", TOKEN)


def sync(url: str, shelf: Shelf, **more: Any) -> SourceError | None:
    options = UnleashOptions.model_validate({"url": url, "token": "env:UNLEASH_TEST"} | more)
    feed = unleash.feed(options)
    now = datetime.now(UTC) + timedelta(minutes=1)
    return shelf.sync(feed, Ask(now, shelf.cursors.get(feed.name), wait=lambda _: None))


def switches(shelf: Shelf, flag: str) -> list[tuple[str, str]]:
    rows = sorted(shelf.of(FlagChange), key=lambda row: row["changed_at"])
    return [(row["environment"], row["state"]) for row in rows if row["flag"] == flag]


def proxy_of(running: Unleash) -> Loopback:
    def through(asked: Any) -> Reply:
        answer = requests.get(
            f"{running.url}{asked.path}", params=asked.query, headers={"Authorization": TOKEN}, timeout=20
        )
        return Reply(answer.json(), answer.status_code)

    return Loopback(through)


def test_every_switch_is_read_once_with_who_and_when(running: Unleash) -> None:
    shelf = Shelf()
    before = datetime.now(UTC)
    assert sync(running.url, shelf, environments={"Production": "prod-eu"}) is None
    assert switches(shelf, "one-page") == [("prod-eu", "on"), ("prod-eu", "off"), ("prod-eu", "on")]
    assert switches(shelf, "vouchers") == [("development", "on")]
    rows = shelf.of(FlagChange)
    assert {row["by"] for row in rows} == {"admin"}
    assert all(before - timedelta(minutes=5) < row["changed_at"] < before for row in rows)
    assert sync(running.url, shelf, environments={"Production": "prod-eu"}) is None
    assert len(shelf.of(FlagChange)) == 4


def test_later_syncs_bring_what_is_new(running: Unleash) -> None:
    shelf = Shelf()
    sync(running.url, shelf)
    known = len(switches(shelf, "vouchers"))
    running.switch("vouchers", "off", "development")
    running.switch("vouchers", "on", "development")
    sync(running.url, shelf)
    assert switches(shelf, "vouchers")[known:] == [("development", "off"), ("development", "on")]


def test_pages_are_followed_to_the_end_while_new_events_arrive(
    running: Unleash, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unleash, "PAGE", 2)
    whole = Shelf()
    sync(running.url, whole)
    shelf = Shelf()
    with proxy_of(running) as proxy:

        def meanwhile(number: int, _asked: Any) -> None:
            if number == 2:
                running.switch("one-page", "off")

        proxy.fault = meanwhile
        assert sync(proxy.url, shelf) is None
    before = {(row["flag"], row["changed_at"]) for row in whole.of(FlagChange)}
    assert before <= {(row["flag"], row["changed_at"]) for row in shelf.of(FlagChange)}


@pytest.mark.parametrize("nth", [2, 3])
@pytest.mark.parametrize("empty", [False, True])
def test_a_page_that_comes_twice_or_not_at_all_loses_and_doubles_nothing(
    running: Unleash, monkeypatch: pytest.MonkeyPatch, nth: int, empty: bool
) -> None:
    monkeypatch.setattr(unleash, "PAGE", 2)
    shelf, whole = Shelf(), Shelf()
    with proxy_of(running) as proxy:
        proxy.fault = (
            emptied("/search/events", nth, {"events": []})
            if empty
            else repeated(proxy.answer, "/search/events", nth)
        )
        assert sync(proxy.url, shelf) is None
    sync(running.url, whole)
    assert len(shelf.of(FlagChange)) == len(whole.of(FlagChange)) >= 4


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_sync_stopped_at_any_request_is_taken_up_again(
    running: Unleash, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    monkeypatch.setattr(unleash, "PAGE", 2)
    shelf, whole = Shelf(), Shelf()
    with proxy_of(running) as proxy:
        proxy.fault = lambda number, _: Reply({}, 418) if number >= stop else None
        assert sync(proxy.url, shelf) is not None
        proxy.fault = lambda number, _: Reply({}, cut=True) if number == stop else None
        proxy.forget()
        assert sync(proxy.url, shelf) is None
    sync(running.url, whole)
    assert len(shelf.of(FlagChange)) == len(whole.of(FlagChange))


def test_a_wrong_token_and_a_wrong_host_are_told_without_the_token(
    running: Unleash, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLEASH_TEST", "wrong-hush")
    error = sync(running.url, Shelf())
    assert error is not None
    assert "does not know the token" in error.what
    assert "hush" not in str(error)
    with Loopback(lambda _: Reply({"hello": "world"})) as other:
        error = sync(other.url, Shelf())
    assert error is not None
    assert "not Unleash's" in error.what


def test_projects_narrow_what_is_read(running: Unleash) -> None:
    shelf = Shelf()
    assert sync(running.url, shelf, projects=["nowhere"]) is None
    assert shelf.of(FlagChange) == []

"""Turns of a rotation from Opsgenie's timeline, which cuts turns where what was asked for ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.support.loopback import Asked, Loopback, Reply

from deploybook.config import Config
from deploybook.config.sources import OpsgenieOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask, Cursor, Rejected
from deploybook.records import Shift
from deploybook.sources import opsgenie_schedules

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = datetime(2025, 1, 6, 9, tzinfo=UTC)
WEEK = timedelta(weeks=1)


class Rota:
    """Opsgenie's timeline: weekly turns of two, with overrides, cut at both ends of what is asked for."""

    def __init__(self) -> None:
        self.users = ["ana@example.org", "bo@example.org"]
        self.override: tuple[datetime, datetime, str] | None = None
        self.more: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> Reply:
        assert asked.headers["Authorization"] == "GenieKey hush"
        if asked.path != "/v2/schedules/d875/timeline":
            return Reply({"message": "Schedule with id [NONE] does not exist"}, 404)
        assert asked.query["intervalUnit"] == "weeks"
        begin = datetime.fromisoformat(asked.query["date"])
        end = begin + WEEK * int(asked.query["interval"])
        turns, number = [], max((begin - START) // WEEK, 0)
        while (at := START + WEEK * number) < end:
            turns += self.turn(at, at + WEEK, self.users[number % 2])
            number += 1
        if self.override:
            turns.append((*self.override, "override"))
        periods = [
            {
                "startDate": max(first, begin).isoformat(), "endDate": min(last, end).isoformat(),
                "type": kind, "recipient": {"type": "user", "id": f"id-{who}", "name": who},
            }
            for first, last, who, kind in sorted(turns)
            if first < end and begin < last
        ]  # fmt: skip
        rotations = [{"id": "r1", "order": 1, "periods": periods + self.more}]
        found = {"startDate": begin.isoformat(), "endDate": end.isoformat()}
        return Reply({"data": found | {"finalTimeline": {"rotations": rotations}}})

    def turn(self, first: datetime, last: datetime, who: str) -> list[tuple[datetime, datetime, str, str]]:
        low, high = self.override[:2] if self.override else (last, last)
        parts = [(first, min(last, low)), (max(first, high), last)]
        kind = "default" if last > NOW else "historical"
        return [(begin, end, who, kind) for begin, end in parts if begin < end]


@pytest.fixture
def rota() -> Rota:
    return Rota()


@pytest.fixture
def server(rota: Rota, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("GENIE_TEST", "hush")
    with Loopback(rota.answer) as running:
        yield running


class Reader:
    """Pulls again and again with its own cursor, as the history does with a snapshot."""

    def __init__(self, server: Loopback, schedule: str = "d875") -> None:
        people = {"ana": {"name": "Ana", "email": "ana@example.org"}}
        config = Config.of({"people": people, "rotations": {"watch": {}}}, root=Path())
        given = {"token": "env:GENIE_TEST", "url": server.url, "schedules": {"watch": schedule}}
        (self.feed,) = opsgenie_schedules.feeds(OpsgenieOptions.model_validate(given), config)
        self.cursor: str | None = None
        self.said: list[str] = []

    def pull(self, now: datetime = NOW) -> list[Shift]:
        items = list(self.feed.pull(Ask(now, self.cursor, wait=lambda _: None)))
        self.said = [item.reason for item in items if isinstance(item, Rejected)]
        self.cursor = next(item.text for item in items if isinstance(item, Cursor))
        return [item for item in items if isinstance(item, Shift)]


def holder(turns: list[Shift], at: datetime) -> list[str]:
    return [turn.person for turn in turns if turn.from_ <= at < turn.to]


def test_turns_that_a_slice_cuts_are_whole_and_each_is_told_once(server: Loopback) -> None:
    reader = Reader(server)
    turns = reader.pull()
    assert len(server.asked) == 9
    assert all(before.to == after.from_ for before, after in pairwise(turns))
    assert {turn.to - turn.from_ for turn in turns[1:-1]} == {WEEK}
    assert {turn.person for turn in turns} == {"ana", "bo@example.org"}
    assert turns[0].from_ <= NOW - timedelta(days=365)
    assert turns[-1].to >= NOW + timedelta(days=365)
    assert reader.said == [
        'nobody is called so: under `people:`, give who it is `also_known_as: ["bo@example.org"]`'
    ]


def test_what_is_over_stands_and_an_override_changes_only_its_span(server: Loopback, rota: Rota) -> None:
    reader = Reader(server)
    before = reader.pull()
    first = NOW + timedelta(days=40)
    rota.override = (first, first + timedelta(hours=9), "cy@example.org")
    rota.users.reverse()
    server.forget()
    after = reader.pull(NOW + timedelta(hours=1))
    assert min(asked.query["date"] for asked in server.asked) == "2026-11-20T12:00:00Z"
    for hours in range(1, 24 * 360, 6):
        at = NOW - timedelta(hours=hours)
        assert holder(before, at) == holder(after, at)
    assert [(turn.from_, turn.person) for turn in after if turn.override] == [(first, "cy@example.org")]


def test_a_time_without_anybody_is_no_turn_and_a_strange_one_is_set_aside(
    server: Loopback, rota: Rota
) -> None:
    nobody = {"startDate": "2026-12-01T00:00:00Z", "endDate": "2026-12-02T00:00:00Z", "type": "default"}
    rota.more = [
        nobody,
        nobody | {"recipient": {"type": "escalation", "name": "All"}},
        nobody | {"endDate": "x"},
    ]
    reader = Reader(server)
    turns = reader.pull()
    assert {turn.person for turn in turns} == {"ana", "bo@example.org"}
    assert any("Opsgenie's answer is not as expected" in reason for reason in reader.said)


def test_a_schedule_that_is_not_there_and_a_wrong_key_are_told_with_the_next_step(server: Loopback) -> None:
    with pytest.raises(SourceError, match="has no such thing"):
        Reader(server, "NONE").pull()
    server.fault = lambda _number, _asked: Reply({"message": "no"}, 401)
    with pytest.raises(SourceError, match="does not know the token") as caught:
        Reader(server).pull()
    assert caught.value.next_step
    assert "hush" not in str(caught.value)

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.loopback import Asked, Loopback, Reply
from tests.support.shelf import Shelf

from deploybook.config import Config
from deploybook.config.sources import StatuspageOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.records import Incident
from deploybook.sources import statuspage

START = datetime(2025, 1, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def incident(number: int, days: float, *, open_: bool = False, part: str = "Shop") -> dict[str, Any]:
    """An incident as the API documents it, told in three updates, the newest first."""
    begun = START + timedelta(days=days)
    states = ["investigating", "monitoring"] if open_ else ["investigating", "monitoring", "resolved"]
    updates = [
        {
            "id": f"u{number}-{i}", "status": status, "body": "…", "created_at": stamp(begun),
            "display_at": stamp(begun + timedelta(minutes=20 * i)), "updated_at": stamp(NOW),
            "affected_components": [{"code": "c1", "name": part, "new_status": "degraded_performance"}],
        }
        for i, status in enumerate(states)
    ]  # fmt: skip
    return {
        "id": f"p{number}", "name": f"Broken {number}", "status": states[-1], "impact": "minor",
        "created_at": stamp(begun), "updated_at": stamp(NOW), "monitoring_at": None,
        "resolved_at": None if open_ else stamp(begun + timedelta(minutes=40)),
        "shortlink": f"https://stspg.test/{number}", "scheduled_for": None,
        "incident_updates": updates[::-1], "components": [{"id": "c1", "name": part}],
    }  # fmt: skip


class Board:
    """Statuspage: a page's incidents, the newest first, a hundred a page; the last fifty in public."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def answer(self, asked: Asked) -> Reply:
        found = sorted(self.rows, key=lambda row: str(row["created_at"]), reverse=True)
        if asked.path == "/api/v2/incidents.json":
            assert "Authorization" not in asked.headers
            return Reply({"page": {"id": "kct"}, "incidents": found[:50]})
        assert asked.headers["Authorization"] == "OAuth hush"
        if asked.path == "/v1/pages/kct/incidents":
            size, number = int(asked.query["limit"]), int(asked.query["page"])
            assert size <= 100
            return Reply(found[size * (number - 1) : size * number])
        one = next((row for row in found if asked.path == f"/v1/pages/kct/incidents/{row['id']}"), None)
        return Reply(one) if one else Reply({"error": "not found"}, 404)


@pytest.fixture
def board() -> Board:
    return Board([incident(n, n * 2.5) for n in range(1, 251)])


@pytest.fixture
def server(board: Board, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("BOARD_TEST", "hush")
    with Loopback(board.answer) as running:
        yield running


def sync(server: Loopback, shelf: Shelf, *, public: bool = False, now: datetime = NOW) -> SourceError | None:
    config = Config.of({"codebases": {"web": {"also_known_as": ["shop"]}}}, root=Path())
    key = {} if public else {"page": "kct", "token": "env:BOARD_TEST"}
    feed = statuspage.feed(StatuspageOptions.model_validate({"url": server.url} | key), config)
    return shelf.sync(feed, Ask(now, shelf.cursors.get(feed.name), wait=lambda _: None))


def of(shelf: Shelf, id_: str) -> dict[str, Any]:
    return next(row for row in shelf.of(Incident) if row["id"] == id_)


def whole(shelf: Shelf, board: Board) -> bool:
    return sorted(row["id"] for row in shelf.of(Incident)) == sorted(row["id"] for row in board.rows)


def test_all_of_a_page_arrives_once_and_a_sync_with_nothing_new_is_one_request(
    server: Loopback, board: Board
) -> None:
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert whole(shelf, board)
    one, began = of(shelf, "p4"), START + timedelta(days=10)
    assert (one["started_at"], one["resolved_at"]) == (began, began + timedelta(minutes=40))
    assert (one["codebases"], one["severity"], one["down"]) == (("web",), "minor", False)
    assert (one["title"], one["url"], one["detected_at"]) == ("Broken 4", "https://stspg.test/4", None)
    server.forget()
    assert sync(server, shelf) is None
    assert len(server.asked) == 1


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_a_sync_stopped_at_any_request_is_taken_up_again_with_what_came_since(
    server: Loopback, board: Board, stop: int
) -> None:
    shelf = Shelf()
    server.fault = lambda number, _: Reply({}, 418) if number >= stop else None
    assert sync(server, shelf) is not None
    board.rows += [incident(n, n * 2.5) for n in range(251, 371)]
    server.fault = lambda number, _: Reply({}, cut=True) if number == 1 else None
    server.forget()
    assert sync(server, shelf) is None
    assert whole(shelf, board)
    if stop == 4:
        assert server.asked[0].query["page"] == "3"


def test_an_open_incident_is_asked_for_until_it_is_over(server: Loopback, board: Board) -> None:
    board.rows[20] = incident(21, 52.5, open_=True)
    shelf = Shelf()
    sync(server, shelf)
    assert of(shelf, "p21")["resolved_at"] is None
    board.rows[20] = incident(21, 52.5)
    server.forget()
    assert sync(server, shelf) is None
    assert of(shelf, "p21")["resolved_at"] == START + timedelta(days=52.5, minutes=40)
    assert len(server.asked) == 2


def test_an_end_is_what_resolved_it_and_never_the_last_change(server: Loopback, board: Board) -> None:
    board.rows[:] = [incident(n, n) for n in (1, 2, 3)]
    began = START + timedelta(days=1)
    board.rows[0].update(status="postmortem", resolved_at=None)
    board.rows[1].update(incident_updates=[], resolved_at=None)
    board.rows[2].update(status="monitoring")
    shelf = Shelf()
    sync(server, shelf)
    assert of(shelf, "p1")["resolved_at"] == began + timedelta(minutes=40)
    assert of(shelf, "p2")["resolved_at"] is None
    assert of(shelf, "p3")["resolved_at"] is None
    assert [reason for reason in shelf.rejected if "no update says since when" in reason]


def test_one_written_down_afterwards_begins_when_its_first_update_says(
    server: Loopback, board: Board
) -> None:
    board.rows[:] = [incident(1, 30)]
    earlier = stamp(START)
    board.rows[0]["incident_updates"][-1]["display_at"] = earlier
    shelf = Shelf()
    sync(server, shelf)
    assert of(shelf, "p1")["started_at"] == START


def test_planned_maintenance_is_no_incident_and_an_outage_says_that_it_was_down(
    server: Loopback, board: Board
) -> None:
    board.rows[:] = [incident(n, n) for n in (1, 2, 3)]
    board.rows[0].update(status="completed", scheduled_for=stamp(START))
    board.rows[1]["incident_updates"][1]["affected_components"][0]["new_status"] = "major_outage"
    for update in board.rows[2]["incident_updates"]:
        update["affected_components"] = None
    shelf = Shelf()
    sync(server, shelf)
    assert [(row["id"], row["down"]) for row in sorted(shelf.of(Incident), key=lambda row: row["id"])] == [
        ("p2", True),
        ("p3", None),
    ]


def test_a_component_that_matches_nothing_is_listed_and_its_incident_kept(
    server: Loopback, board: Board
) -> None:
    board.rows[:] = [incident(1, 1, part="Old thing")]
    shelf = Shelf()
    sync(server, shelf)
    assert of(shelf, "p1")["codebases"] is None
    assert 'also_known_as: ["Old thing"]' in shelf.rejected[0]


@pytest.mark.parametrize("fault", ["twice", "thrice", "empty"])
def test_a_page_twice_is_asked_for_again_and_one_that_stays_so_or_is_empty_stops_the_sync(
    server: Loopback, board: Board, fault: str
) -> None:
    shelf = Shelf()
    first: list[Reply] = []

    def wrong(number: int, asked: Asked) -> Reply | None:
        first.append(board.answer(asked))
        if number == 2 or (number == 3 and fault == "thrice"):
            return Reply([]) if fault == "empty" else first[0]
        return None

    server.fault = wrong
    error = sync(server, shelf)
    says = {"twice": "", "thrice": "the same page twice", "empty": "an empty page"}[fault]
    assert says in (error.what if error else "")
    assert (error is None) == (fault == "twice")
    server.fault = None
    assert sync(server, shelf) is None
    assert whole(shelf, board)


def test_what_is_added_while_a_list_is_read_is_read_too(server: Loopback, board: Board) -> None:
    shelf = Shelf()

    def grow(number: int, asked: Asked) -> Reply | None:
        if number in {2, 3}:
            board.rows.extend(incident(number * 1000 + n, 640 + number + n / 100) for n in range(1, 40))
        return None

    server.fault = grow
    assert sync(server, shelf) is None
    server.fault = None
    assert sync(server, shelf) is None
    assert whole(shelf, board)


@pytest.mark.parametrize("skew", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_is_an_hour_off_loses_nothing(server: Loopback, board: Board, skew: timedelta) -> None:
    shelf = Shelf()
    newest = START + timedelta(days=625)
    assert sync(server, shelf, now=newest + skew) is None
    board.rows.append(incident(900, 625.01))
    assert sync(server, shelf, now=newest + skew) is None
    assert whole(shelf, board)


def test_a_public_page_tells_its_last_fifty_without_a_token_and_says_so(
    server: Loopback, board: Board
) -> None:
    shelf = Shelf()
    assert sync(server, shelf, public=True) is None
    assert len(shelf.of(Incident)) == 50
    assert "give `page:` and `token:`" in shelf.rejected[0]
    board.rows.append(incident(251, 627, open_=True))
    said = len(shelf.rejected)
    assert sync(server, shelf, public=True) is None
    assert (len(shelf.of(Incident)), len(shelf.rejected)) == (51, said)
    board.rows += [incident(n, n * 2.5) for n in range(252, 320)]
    assert sync(server, shelf, public=True) is None
    assert len(shelf.of(Incident)) == 101
    assert "give `page:` and `token:`" in shelf.rejected[said]
    assert "it was open when it was last told" in shelf.rejected[said + 1]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply({"error": "Could not authenticate"}, 401), "does not know the token (Could not authent"),
        (Reply({"error": "no"}, 403), "the token may not read this"),
        (Reply({"error": "not found"}, 404), "has no such thing"),
        (Reply({"error": "slow down"}, 429, {"Retry-After": "3600"}), "asks to wait 60 min"),
        (Reply({"error": "slow down"}, 420, {"Retry-After": "3600"}), "asks to wait 60 min"),
        (Reply({}, 500), "6 times: it answered 500"),
        (Reply([], cut=True), "was cut off"),
        (Reply({"hello": "world"}), "not Statuspage's"),
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

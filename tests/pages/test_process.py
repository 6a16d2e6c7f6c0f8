"""The process page: its sentence, the line of stations with its medians, a real change, the rollbacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from markupsafe import Markup
from tests.pages.support import SHOP, book

from deploybook.pages.process import process_page
from deploybook.pages.telling import Teller
from deploybook.pages.way import walk, way, weekdays
from deploybook.pipelines import read

THURSDAYS: dict[str, Any] = {
    "environments": ["staging", "production"],
    "cut_off": {"weekday": "wednesday", "time": "12:00"},
    "window": {"weekday": "thursday", "from": "10:00", "to": "14:00"},
}


def page(process: dict[str, Any], records: list[dict[str, Any]] | None = None) -> Any:
    made = book(records or [], {**SHOP, "process": process})
    return process_page(made, Teller(made))


def shipped(number: int, merged: str, staged: str, began: str, live: str) -> list[dict[str, Any]]:
    """A change of one deployment to staging and one to users, in November 2026."""
    change = {
        "type": "change", "codebase": "shop", "id": str(number), "title": f"Faster search {number}",
        "url": f"https://forge.test/{number}", "opened_at": f"2026-11-{merged[:2]}T06:00:00Z",
        "first_commit_at": f"2026-11-{merged[:2]}T05:00:00Z", "merged_at": f"2026-11-{merged}:00Z",
    }  # fmt: skip
    base = {"type": "deployment", "codebase": "shop", "outcome": "success", "changes": [str(number)]}
    first = {"id": f"s{number}", "environment": "staging", "finished_at": f"2026-11-{staged}:00Z"}
    last = {"id": f"p{number}", "environment": "production", "finished_at": f"2026-11-{live}:00Z"}
    return [change, {**base, **first}, {**base, **last, "started_at": f"2026-11-{began}:00Z"}]


FIVE = [
    row for n in range(5) for row in shipped(n, "10T08:00", "11T13:00", f"12T10:{n:02}", f"12T10:{n + 10:02}")
]


@pytest.mark.parametrize(
    ("process", "sentence"),
    [
        ({}, "A change goes out when somebody deploys it."),
        (THURSDAYS, "Merge by Wednesday noon, and it is live on Thursday."),
        (
            {**THURSDAYS, "cut_off": {"weekday": "thursday", "time": "09:30"}},
            "Merge by Thursday 09:30, and it is live the same day.",
        ),
        (
            {
                "cut_off": {"weekday": "daily", "time": "09:30"},
                "window": {"weekday": "daily", "from": "10:00", "to": "14:00"},
            },
            "Merge by 09:30, and it is live the same day, Monday to Friday.",
        ),
        ({"window": THURSDAYS["window"]}, "Changes reach users on Thursday, 10:00 to 14:00."),
    ],
)
def test_the_sentence_answers_when_a_change_goes_out(process: dict[str, Any], sentence: str) -> None:
    assert page(process).sentence == sentence


@pytest.mark.parametrize(
    ("days", "says"),
    [
        ((3,), "Thursday"),
        ((0, 2), "Monday and Wednesday"),
        ((0, 1, 2, 3), "Monday to Thursday"),
        ((3, 3), "Thursday"),
    ],
)
def test_days_of_the_week(days: tuple[int, ...], says: str) -> None:
    assert weekdays(days) == says


def test_the_line_has_medians_between_its_stations_and_gates_where_changes_pass_them() -> None:
    line = way(book(FIVE, {**SHOP, "process": THURSDAYS}), "shop", {})
    told = [(str(s.name), s.took.replace("\N{NO-BREAK SPACE}", " "), s.gate) for s in line.stations]
    assert line.changes == 5
    assert told == [
        ("First commit", "1 h", False),  # 05:00 to 06:00
        ("Pull request", "", False),  # reviews are not known
        ("First review", "", False),
        ("Merged", "28 h", False),  # Tuesday 08:00 to Wednesday 12:00
        ("Cut-off", "1 h", True),  # Wednesday 12:00 to 13:00
        ("Staging", "21 h", False),  # Wednesday 13:00 to Thursday 10:02
        ("Window", "10 min", True),
        ("Live", "", False),
    ]


def test_fewer_than_five_changes_make_no_median() -> None:
    line = way(book(FIVE[:12], {**SHOP, "process": THURSDAYS}), "shop", {})
    assert {station.took for station in line.stations} == {""}


def test_one_real_change_is_walked_with_its_own_times() -> None:
    made = book(FIVE[:3], {**SHOP, "process": THURSDAYS})
    told = walk(made, Teller(made), "shop")
    assert told is not None
    names = [s.name.striptags() if isinstance(s.name, Markup) else s.name for s in told.stations]
    spare = "28\N{NO-BREAK SPACE}h to spare"
    assert names == ["Tue 05:00", "Tue 06:00", "Tue 08:00", spare, "Wed 13:00", "Thu 10:00", "Thu 10:10"]
    assert "in the window" in str(told.stations[-2].words)


def test_without_history_the_page_stands() -> None:
    told = page(THURSDAYS)
    assert (told.way, told.walk, told.rollbacks) == (None, None, ())
    assert len(told.dates) == 6


def test_the_last_three_rollbacks_and_how_long_they_took() -> None:
    back = [
        {
            "type": "deployment", "codebase": "shop", "id": str(n), "environment": "production",
            "outcome": "success", "kind": "rollback", "started_at": f"2026-11-0{n}T10:00:00Z",
            "finished_at": f"2026-11-0{n}T10:0{n}:00Z",
        }
        for n in range(1, 6)
    ]  # fmt: skip
    told = page({}, back)
    assert [row[3].replace("\N{NO-BREAK SPACE}", " ") for row in told.rollbacks] == [
        "5 min",
        "4 min",
        "3 min",
    ]
    going_back = next(step for step in told.steps if step.title.startswith("Go back"))
    assert "3\N{NO-BREAK SPACE}min" in going_back.words


def test_who_is_on_call_and_how_to_go_back_are_said() -> None:
    config: dict[str, Any] = {
        **SHOP,
        "people": {"ana": {"name": "Ana"}, "bo": {}},
        "teams": {"till": {"members": ["ana"], "chat": "#till", "on_call": "pager"}},
        "rotations": {"pager": {"members": ["ana", "bo"], "every": "1w", "starts": date(2026, 11, 2)}},
    }
    text = b"name: Ship\non: {workflow_dispatch: {}, push: {branches: [main]}}\n"
    text += b"jobs: {a: {environment: production}}\n"
    made = replace(book([], config), pipelines={"shop": read({".github/workflows/ship.yml": text}, ())})
    say, _, back, *_ = process_page(made, Teller(made)).steps
    assert str(say.words).endswith('<a href="~/owners/#rotation-pager">Ana</a> is on call now.')
    assert "Start “Ship” (shop) by hand with the version before." in back.words
    never = text.replace(b"workflow_dispatch: {}, ", b"")
    nobody = replace(made, pipelines={"shop": read({".github/workflows/ship.yml": never}, ())})
    assert "by hand" not in process_page(nobody, Teller(nobody)).steps[2].words


def test_the_pipeline_to_users_is_drawn_where_nothing_was_deployed_yet_too() -> None:
    files = {
        ".github/workflows/ci.yml": b"name: CI\non: push\njobs: {a: {}, b: {needs: a}}\n",
        ".github/workflows/ship.yml": b"name: Ship\non: release\njobs: {a: {environment: production}}\n",
    }

    def drawn(*names: str) -> list[str]:
        some = {name: text for name, text in files.items() if name.endswith(names)}
        made = replace(book([], SHOP), pipelines={"shop": read(some, ())})
        return [each.name for each in process_page(made, Teller(made)).drawn]

    assert drawn("ci.yml", "ship.yml") == ["Ship"]
    assert drawn("ci.yml") == ["CI"]
    assert page({}).drawn == ()

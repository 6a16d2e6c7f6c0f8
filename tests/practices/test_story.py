"""The way up the ladder, from the history of answers, in a case that a person can check by eye."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests.pages.support import AS_OF, SHOP, book

from deploybook.pages.answers import Practices
from deploybook.pages.ladderstory import chapters, line, moves, together
from deploybook.pages.practices import practices_page
from deploybook.pages.telling import Teller

MOVED = date(2026, 6, 1)
CONFIG: dict[str, Any] = {
    **SHOP,
    "annotations": [
        {"on": MOVED, "text": "First weekly deploy", "cadence": "weekly"},
        {"on": date(2026, 8, 1), "text": "Of another", "cadence": "daily", "codebases": []},
        {"on": date(2027, 1, 1), "text": "Not yet", "cadence": "daily"},
    ],
}


def records() -> list[dict[str, Any]]:
    """Deployments once a quarter before the move, each Thursday after; small changes, reviewed since."""
    found: list[dict[str, Any]] = []
    days = [date(2026, 1, 15), date(2026, 4, 15)]
    day = date(2026, 6, 4)
    while day < AS_OF.date():
        days.append(day)
        day += timedelta(days=7)
    for number, when in enumerate(days):
        weekly = when > MOVED
        merged = f"{when - timedelta(days=1)}T10:00:00Z"
        found += [
            {"type": "change", "codebase": "shop", "id": str(number), "title": f"Change {number}",
             "merged_at": merged, "url": f"https://forge.test/{number}", "approvals": int(weekly),
             "approved_at": merged if weekly else None, "opened_at": merged, "additions": 5, "deletions": 5},
            {"type": "deployment", "codebase": "shop", "id": str(number), "environment": "production",
             "finished_at": f"{when}T10:00:00Z", "outcome": "success", "changes": [str(number)]},
        ]  # fmt: skip
    return found


def made() -> tuple[Any, Practices]:
    found = book(records(), CONFIG)
    return found, Practices(found, Teller(found))


def test_moves_are_the_annotations_with_a_cadence_that_are_about_it_and_over() -> None:
    found, _ = made()
    assert [(move.cadence, move.on) for move in moves(found, "shop")] == [("weekly", MOVED)]


def test_the_story_says_what_was_met_then_what_since_and_what_holds_it() -> None:
    weekly, now = chapters(*made(), "shop")
    assert weekly.title == "1 June 2026: it moved to weekly"
    assert weekly.says.startswith("First weekly deploy. Of ")
    met, lacked, unknown, unsaid = weekly.lines
    assert "changes are small" in met
    assert "every week (met by " in lacked
    assert "someone else reviews (met by " in lacked
    assert "a pipeline does it" in unknown
    assert unsaid.startswith("Nobody had said anything of: the team wants this, ")
    assert now.title == "Now: what holds it from daily"
    assert any(line.startswith("Not yet “somebody keeps it buildable”: no rotation") for line in now.lines)
    assert now.says.startswith("A deployment on 4 of 5 working days in 0 of the last 12 weeks.")


def test_a_row_of_the_overview_says_the_same() -> None:
    found, practices = made()
    then, since, holds = line(found, practices, "shop")
    assert then.startswith("1 Jun 2026: ")
    assert "someone else reviews" in since
    assert holds.startswith("on most working days")
    (row,) = practices_page(found, practices).ways
    assert row[1:] == (then, since, holds)


def test_all_of_it_in_a_few_sentences() -> None:
    found, practices = made()
    moved, holds = together(found, practices)[0], together(found, practices)[-1]
    then, _, _ = line(found, practices, "shop")
    met, of = then.removeprefix("1 Jun 2026: ").removesuffix(" met").split(" of ")
    assert moved.startswith(f"It moved to weekly on 1 June 2026, with {met} of {of} practices met")
    assert holds.startswith("What holds most from daily: “on most working days” (1 of 1)")
    assert together(*without_moves())[:-1] == ()


def without_moves() -> tuple[Any, Practices]:
    found = book(records(), SHOP)
    return found, Practices(found, Teller(found))


def test_without_an_annotation_nothing_is_made_up() -> None:
    found = book(records(), SHOP)
    practices = Practices(found, Teller(found))
    assert [chapter.title for chapter in chapters(found, practices, "shop")] == [
        "Now: what holds it from daily"
    ]
    assert line(found, practices, "shop")[:2] == ("no annotation says when", "–")

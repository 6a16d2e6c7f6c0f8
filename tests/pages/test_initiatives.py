"""Initiatives: what belongs to them, how far they are, what they cost."""

from __future__ import annotations

from typing import Any

import pytest
from tests.pages.support import SHOP, book, change, deployment

from deploybook.pages.initiatives import Moved, Overview, belonging_of, pages
from deploybook.pages.telling import Teller

CONFIG: dict[str, Any] = {
    **SHOP,
    "initiatives": {
        "Gift cards": {"labels": ["init/gift"], "milestones": ["Cards"], "owner": "ana", "due": "2026-12-04",
                       "about": "Cards in every shop."},
        "Passkeys": {"labels": ["init/keys"]},
    },
    "people": {"ana": {"name": "Ana Adler"}},
    "flags": {"gift": {"label": "flag:gift"}},
}  # fmt: skip


def issue(id_: str, title: str, **fields: Any) -> dict[str, Any]:
    return {"type": "issue", "id": id_, "title": title} | fields


ISSUES = [
    issue("E-1", "Gift cards", kind="epic"),
    issue("S-1", "Sell them", parent="E-1"),
    issue("S-2", "Refund them", parent="S-1", state="closed"),
    issue("S-3", "Turn in circles", parent="S-4"),
    issue("S-4", "Turn in circles", parent="S-3"),
]
RECORDS = [
    *ISSUES,
    change("1", "Add a", "2026-11-16T09:00:00Z", labels=["Init/Gift", "flag:gift"]),
    change("2", "Add b", "2026-11-16T09:00:00Z", milestone="Cards"),
    change("3", "Add c", "2026-11-16T09:00:00Z", issues=[{"id": "S-2", "title": "Refund them"}]),
    change("4", "Add d", "2026-11-16T09:00:00Z", issues=[{"id": "9", "title": "x", "labels": ["init/gift"]}]),
    change("5", "Add e", "2026-11-16T09:00:00Z", issues=[{"id": "S-3", "title": "Turn in circles"}]),
    change("6", "Add f", "2026-11-19T09:00:00Z", labels=["init/gift"]),
    deployment("0", "2026-10-20T09:00:00Z", revision="a"),
    deployment("1", "2026-11-17T10:00:00Z", ["1", "2", "3", "4", "5"]),
    {"type": "incident", "id": "88", "title": "Wrong totals", "started_at": "2026-11-17T10:30:00Z",
     "codebases": ["shop"], "caused_by": [{"deployment": "shop/1"}]},
]  # fmt: skip


@pytest.mark.parametrize(
    ("id_", "names"),
    [
        ("1", {"Gift cards"}), ("2", {"Gift cards"}), ("3", {"Gift cards"}), ("4", {"Gift cards"}),
        ("5", set()), ("6", {"Gift cards"}),
    ],
)  # fmt: skip
def test_a_change_belongs_by_label_milestone_issue_or_the_epic_above_it(id_: str, names: set[str]) -> None:
    made = book(RECORDS, CONFIG)
    assert belonging_of(made).of(made.change["shop", id_]) == names


def test_its_page_says_what_is_live_waits_and_is_open_and_what_it_cost() -> None:
    made = book(RECORDS, CONFIG)
    found = {page.path: page.model for page in pages(made, Teller(made))}
    gift = found["shipped/initiatives/gift-cards"]
    assert isinstance(gift, Moved)
    assert gift.sentence.replace("\u00a0", " ") == "Four changes are live; one waits and one issue is open."
    assert [fact.value for fact in gift.facts if fact.term == "Owner"] == ["Ana Adler"]
    assert [len(gift.weeks), len(gift.incidents), len(gift.open_issues)] == [1, 1, 1]
    assert gift.flags[0][:2] == ("gift", {"state": "quiet", "text": "not known"})
    empty = found["shipped/initiatives/passkeys"]
    assert isinstance(empty, Moved)
    assert empty.sentence == "No change belongs to it yet."
    overview = found["shipped/initiatives"]
    assert isinstance(overview, Overview)
    assert overview.sentence.replace("\u00a0", " ") == "Two initiatives, one of which moved this week."


def test_without_initiatives_there_is_no_page() -> None:
    made = book(RECORDS)
    assert list(pages(made, Teller(made))) == []

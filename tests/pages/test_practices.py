"""What the page of practices says first adds up to what it shows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.pages.support import SHOP, book, change, deployment

from deploybook.pages.answers import Practices
from deploybook.pages.practices import Cell, PracticesPage, practices_page
from deploybook.pages.telling import Teller

RECORDS = [
    change("1", "Add a", "2026-11-16T09:00:00Z", approvals=1),
    deployment("1", "2026-11-17T10:00:00Z", ["1"]),
]
TWO: dict[str, Any] = {**SHOP, "codebases": {**SHOP["codebases"], "till": {}}}


def page(records: list[dict[str, Any]], config: dict[str, Any]) -> PracticesPage:
    made = book(records, config)
    return practices_page(made, Practices(made, Teller(made)))


def weekly(page_: PracticesPage) -> list[list[str]]:
    """The words of each weekly practice, a codebase each."""
    rows = (row for group in page_.weekly for row in group.rows)
    return [[cell.word for cell in row.cells if isinstance(cell, Cell)] for row in rows]


@pytest.mark.parametrize("records", [[], RECORDS])
def test_of_one_codebase_each_practice_is_met_or_told_as_what_it_is(records: list[dict[str, Any]]) -> None:
    made = page(records, SHOP)
    words = Counter(word for (word,) in weekly(made))
    assert made.sentence.startswith(f"{words['met']} of {words.total()} weekly practices ")
    assert made.sentence.endswith(" met.")
    assert "codebase" not in made.sentence
    if words["not applicable"]:
        assert made.lead.endswith((" do not apply.", " one does not apply."))


def test_what_applies_to_no_codebase_is_not_met_in_all() -> None:
    made = page(RECORDS, TWO)
    everywhere = [row for row in weekly(made) if "met" in row and set(row) <= {"met", "not applicable"}]
    nowhere = [row for row in weekly(made) if set(row) == {"not applicable"}]
    assert nowhere, "no practice applies to neither, so the test would tell nothing"
    assert made.sentence.startswith(f"{len(everywhere)} of ")
    assert made.sentence.endswith(" met in all two\xa0codebases.")


def test_what_to_take_next_names_both_of_two_codebases_and_counts_the_others_of_three() -> None:
    titles = [gap.title for gap in page([], TWO).first]
    assert any(title.endswith((": shop and till", ": till and shop")) for title in titles)
    three = {**TWO, "codebases": {**TWO["codebases"], "desk": {}}}
    assert any(gap.title.endswith(" and 2\u00a0others") for gap in page([], three).first)

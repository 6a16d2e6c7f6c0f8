"""What is known of a few is not told as if it were of all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.pages.support import change, deployment
from tests.support.books import counted

from deploybook.pages import trust
from deploybook.pages.codebase import lead, sentence
from deploybook.pages.five import codebase_scope
from deploybook.pages.metrics import metrics_page
from deploybook.pages.outliers import OutliersPage, outliers_page
from deploybook.pages.readings import read
from deploybook.pages.recent import Recent
from deploybook.pages.telling import Teller

LIVE = datetime.fromisoformat("2026-11-03T09:00:00+00:00")


def plain(text: object) -> str:
    return str(text).replace("\N{NO-BREAK SPACE}", " ")


def changes(*days: float | None, **fields: object) -> list[dict[str, object]]:
    """Changes that went live together, so many days after their first commit; none where it is unknown."""
    made = [
        change(
            str(n), f"Add {n}", (LIVE - timedelta(minutes=18)).isoformat(),
            first_commit_at=None if lead is None else (LIVE - timedelta(days=lead)).isoformat(), **fields,
        )
        for n, lead in enumerate(days)
    ]  # fmt: skip
    return [*made, deployment("1", LIVE.isoformat(), [str(each["id"]) for each in made])]


def said(*days: float | None) -> str:
    book = counted(changes(*days))
    reading = read(book, "codebase", "shop", "change_lead_time_p50")
    return plain(sentence(codebase_scope(Recent(book), "shop"), reading))


def outliers(records: list[dict[str, object]]) -> OutliersPage:
    book = counted(records)
    return outliers_page(book, Teller(book))


@pytest.mark.parametrize(
    ("days", "sentence_"),
    [
        ((8, 2, 3), "Three changes of shop reached users in 26 weeks, after 2 days, 3 days and 8 days."),
        (
            (*[None] * 9, 8, 2, 3),
            "12 changes of shop reached users in 26 weeks; the lead time of three is known:"
            " 2 days, 3 days and 8 days.",
        ),
        ((2, 2, 2, 2, 2), "Half of shop’s changes reach users within 2 days."),
        (
            (*[None] * 6, 2, 2, 2, 2, 2),
            "In shop, half of the five of 11 changes with a known lead time reached users within 2 days.",
        ),
    ],
)
def test_how_many_changes_and_of_how_many_the_lead_time_is_known(
    days: tuple[float | None, ...], sentence_: str
) -> None:
    assert said(*days) == sentence_


def test_a_change_whose_time_went_before_the_merge_is_not_said_to_have_waited() -> None:
    (line,) = outliers(changes(*[1] * 30, 133)).lines
    assert plain(line.where) == "before the merge 19 weeks"


def test_where_every_stage_is_known_the_longest_is_named() -> None:
    opened = (LIVE - timedelta(days=2)).isoformat()
    approved = (LIVE - timedelta(days=1)).isoformat()
    stages = {"opened_at": opened, "first_review_at": approved, "approved_at": approved, "approvals": 1}
    lines = outliers(changes(*[3] * 30, 133, **stages)).lines
    assert "coding 19 weeks" in [plain(line.where) for line in lines]


def test_the_slowest_change_is_held_against_half_of_the_changes() -> None:
    page = outliers(changes(*[1] * 30, 133))
    assert (
        plain(page.sentence) == "The slowest change took 19 weeks; half of shop’s changes take 24 h or less."
    )


def test_where_few_lead_times_are_known_half_is_of_those() -> None:
    page = outliers(changes(*[None] * 30, 1, 2, 3))
    assert plain(page.sentence) == (
        "The slowest change took 3 days; half of the three known of shop’s changes take 2 days or less."
    )


def test_one_without_a_known_start_is_told_in_the_singular() -> None:
    panels = {str(panel.id): plain(panel.reason) for panel in outliers(changes(None)).panels}
    assert panels["duration"] == "none is known in 26 weeks; 1 has no known start or finish"
    assert panels["size"] == "none is known in 26 weeks; 1 has no known size"


def test_what_was_far_by_another_measure_is_not_nothing() -> None:
    records = changes(*[None] * 30)
    for record in records[:30]:
        record |= {"additions": 900 if record["id"] == "7" else 5, "deletions": 1}
    assert plain(outliers(records).sentence) == (
        "One change was far from the usual, by size; no lead time is known."
    )
    timed = changes(*[2] * 30)
    for record in timed[:30]:
        record |= {"additions": 900 if record["id"] == "7" else 5, "deletions": 1}
    assert plain(outliers(timed).sentence) == "One change was far from the usual, by size; no lead time was."


def test_an_outlier_panel_without_a_dot_says_what_it_needs_and_not_twice_the_same() -> None:
    for panel in outliers(changes(None)).panels:
        assert panel.number is None
        assert panel.wanted != panel.reason
        assert panel.wanted[0].isupper()


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (
            ((10, 10, "deployment"), (0, 87, "change"), (0, 0, "incident")),
            "All 10 deployments found what they belong to; the lead time of none of 87 changes is known.",
        ),
        (
            ((1, 1, "deployment"), (533, 533, "change"), (0, 0, "incident")),
            "The one deployment found what it belongs to; the lead time of all 533 changes is known.",
        ),
        (
            ((0, 0, "deployment"), (1, 2, "change"), (0, 0, "incident")),
            "The lead time of 1 of 2 changes is known.",
        ),
    ],
)
def test_trust_says_what_is_known_of_what(told: tuple[tuple[int, int, str], ...], says: str) -> None:
    assert trust.sentence(told) == says


def test_over_two_years_it_says_where_the_weekly_median_is() -> None:
    panel = metrics_page(counted(changes(2, 3)), weeks=104).panels[1]
    assert panel.empty_title == "Not drawn one by one."
    says = plain(panel.empty)
    assert says.startswith(
        "Over 104 weeks, the 2 changes are not drawn as a dot each. The weekly median is on"
    )
    assert '<a href="~/metrics/shop/">the page of shop</a>' in says
    assert "change_lead_time" not in says


def test_where_no_first_commit_is_known_the_panel_says_so() -> None:
    panel = metrics_page(counted(changes(None, None))).panels[1]
    assert (
        panel.empty == "Of 2\N{NO-BREAK SPACE}changes, no lead time is known: it needs their first commits."
    )


def test_the_longest_of_some_stages_is_called_that_of_those_known() -> None:
    book = counted(changes(2, 3))
    reading = read(book, "codebase", "shop", "change_lead_time_p50")
    says = plain(lead(book, codebase_scope(Recent(book), "shop"), reading))
    assert says.startswith("The one stage that is known is waiting, merged to live: 18 min in the middle.")
    opened = (LIVE - timedelta(days=1)).isoformat()
    book = counted(changes(2, 3, opened_at=opened))
    says = plain(lead(book, codebase_scope(Recent(book), "shop"), reading))
    assert says.startswith("The longest known stage is coding: 1.5 days in the middle.")

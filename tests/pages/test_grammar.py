"""Sentences with a number in them read well where it is none or one, and say what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest
from tests.pages.support import SHOP, book, change, deployment

from deploybook.pages.deployments import by_year, index, year_page
from deploybook.pages.figures import Figure
from deploybook.pages.incidents import incidents_page
from deploybook.pages.owners import owners_page
from deploybook.pages.readings import Reading, Verdict
from deploybook.pages.recent import last_was, needed_fix
from deploybook.pages.rollup import RollupPage, pages
from deploybook.pages.shipped import waiting_page
from deploybook.pages.summary import headline
from deploybook.pages.telling import Teller
from deploybook.pages.weekline import weekline
from deploybook.pages.weeknews import adds_up
from deploybook.periods import Week

READ = {**SHOP, "sources": [{"alertmanager": {"url": "https://a.test"}}]}
"""A site whose incidents are read."""


def plain(text: object) -> str:
    return str(text).replace("\N{NO-BREAK SPACE}", " ")


def november(*records: Mapping[str, object]) -> RollupPage:
    """The page of November 2026."""
    made = book([deployment("0", "2026-10-30T09:00:00Z"), *records])
    (model,) = [p.model for p in pages(made, Teller(made), "month") if p.path == "shipped/2026-11"]
    assert isinstance(model, RollupPage)
    return model


def many(count: int, **fields: object) -> list[dict[str, object]]:
    """So many changes, live on 3 November in one deployment."""
    ids = [str(n) for n in range(count)]
    return [
        *(change(id_, f"Add {id_}", "2026-11-02T09:00:00Z", **fields) for id_ in ids),
        deployment("1", "2026-11-03T09:00:00Z", ids),
    ]


@pytest.mark.parametrize(
    ("failed", "of", "says", "unread"),
    [
        (0, 12, "none needed a fix", "none is known to have needed a fix"),
        (2, 12, "two needed a fix", "two are known to have needed a fix"),
        (0, 1, "it needed no fix", "it is not known to have needed a fix"),
        (1, 1, "it needed a fix", "it needed a fix"),
    ],
)
def test_how_many_needed_a_fix_reads_well_for_none_and_for_one_and_where_incidents_are_not_read(
    failed: int, of: int, says: str, unread: str
) -> None:
    assert needed_fix(book([], READ), failed, of) == says
    assert needed_fix(book([]), failed, of) == unread


def test_deployments_that_needed_no_fix() -> None:
    made = book([deployment("1", "2026-11-03T09:00:00Z"), deployment("2", "2026-11-04T09:00:00Z")], READ)
    years = by_year(made)
    assert (
        plain(index(made, years).sentence) == "Two deployments reached users in 26 weeks; none needed a fix."
    )
    page = year_page(made, "shop", 2026, years["shop"])
    assert plain(page.sentence) == "Two deployments of shop reached users in 2026; none needed a fix."


def test_the_archive_counts_what_reached_users_as_the_page_of_the_year_does() -> None:
    elsewhere = deployment("2", "2026-11-04T09:00:00Z", environment="staging")
    failed = deployment("3", "2026-11-05T09:00:00Z", outcome="failure")
    made = book([deployment("1", "2026-11-03T09:00:00Z"), elsewhere, failed])
    years = by_year(made)
    ((_, (link,)),) = index(made, years).codebases
    assert link.text == "2026 (1)"
    assert year_page(made, "shop", 2026, years["shop"]).sentence.startswith("One")


def test_nothing_in_these_weeks_is_told_apart_from_nothing_at_all() -> None:
    old = book([deployment("1", "2024-10-02T09:00:00Z")])
    assert plain(last_was(old)) == plain(last_was(old, "shop")) == "the last was on Wed 2 Oct 2024"
    assert last_was(old, "another") == last_was(book([])) == ""
    said = plain(index(old, by_year(old)).sentence)
    assert said == "No deployment reached users in 26 weeks; the last was on Wed 2 Oct 2024."


@pytest.mark.parametrize(
    ("teams", "sentence"),
    [
        ((None,), "One codebase, and it has no owner."),
        (("till",), "One codebase, with an owner."),
        ((None, None), "None of 2 codebases has an owner."),
        ((None, "till"), "One of 2 codebases has an owner."),
        (("till", "till"), "Two codebases, each with an owner."),
        ((), "No codebase is configured."),
    ],
)
def test_how_many_codebases_have_an_owner(teams: tuple[str | None, ...], sentence: str) -> None:
    codebases = {f"c{n}": {**SHOP["codebases"]["shop"]} for n in range(len(teams))}
    for n, team in enumerate(teams):
        if team:
            codebases[f"c{n}"]["team"] = team
    made = book([], {**SHOP, "codebases": codebases, "teams": {"till": {"name": "Till"}}})
    assert plain(owners_page(made).sentence) == sentence


def test_a_month_calls_changes_large_only_where_their_size_is_known() -> None:
    page = november(*many(8))
    assert not page.sized
    assert plain(page.areas[0].more) == "And 3 more, told by the weeks below."
    page = november(*many(6, additions=5, deletions=1))
    assert page.sized
    assert plain(page.areas[0].more) == "And 1 smaller one, told by the weeks below."


def test_the_one_deployment_of_a_month_needed_a_fix() -> None:
    incident = {
        "type": "incident", "id": "9", "started_at": "2026-11-03T10:00:00Z", "codebases": ["shop"],
        "caused_by": [{"deployment": "shop/1"}],
    }  # fmt: skip
    assert plain(november(*many(1), incident).lead) == "One deployment went to users; it needed a fix."


def test_a_month_that_is_running_says_nothing_yet_of_itself_alone() -> None:
    assert november().sentence == "Nothing has reached users this month yet."


def test_what_waits_without_words_says_how_many_more_there_are() -> None:
    made = book(
        [deployment("0", "2026-11-01T09:00:00Z")]
        + [change(str(n), f"Add {n}", "2026-11-02T09:00:00Z") for n in range(33)]
    )
    page = waiting_page(made, Teller(made))
    assert (len(page.undescribed), page.more_undescribed) == (30, 3)


@pytest.mark.parametrize(
    ("titles", "says"),
    [
        (["Add a", "Add b"], "Nothing is left out: the 2 changes of the week are all told."),
        (["Add a"], "Nothing is left out: the 1 change of the week is told."),
        (
            ["Add a", "chore: tidy"],
            "Nothing is left out: 1 told and 1 behind the scenes make the 2 changes of the week.",
        ),
    ],
)
def test_the_parts_of_a_week_without_those_that_are_nothing(titles: list[str], says: str) -> None:
    made = book([change(str(n), title, "2026-11-02T09:00:00Z") for n, title in enumerate(titles)])
    assert plain(adds_up([Teller(made)(each) for each in made.changes])).startswith(says)


@pytest.mark.parametrize(("failed", "says"), [(0, "it needed no fix."), (1, "it needed a fix.")])
def test_the_headline_of_one_deployment(failed: int, says: str) -> None:
    week, few = date(2026, 11, 16), Verdict("few")
    often = Figure(week, 1, 1, None, 0, "deployments")
    breaks = Figure(week, failed, failed, 1, 0, "share")
    frequency = Reading("deployment_frequency", "count", (often,), frozenset(), (), frozenset(), few)
    failing = Reading("change_fail_rate", "share", (breaks,), frozenset(), (), frozenset(), few)
    assert plain(headline(book([], READ), frequency, failing)) == f"One deployment reached users; {says}"


@pytest.mark.parametrize(
    ("days", "finding"),
    [
        ((17,), "The one deployment went out outside the window"),
        ((19,), "The one deployment went out in the window"),
        ((17, 18), "None of two deployments went out in the window"),
        ((17, 19), "One of two deployments went out in the window"),
    ],
)
def test_how_many_went_out_in_the_window_on_thursday(days: tuple[int, ...], finding: str) -> None:
    window = {"weekday": "thursday", "from": "10:00", "to": "14:00"}
    went = [deployment(str(day), f"2026-11-{day}T11:00:00Z") for day in days]
    line = weekline(book(went, {**SHOP, "process": {"window": window}}), Week(2026, 47))
    assert line is not None
    assert line.title == finding


@pytest.mark.parametrize(
    ("tied", "lead"),
    [
        (0, "None of them is tied to a deployment or a flag; each says why it is not."),
        (1, "One of them is tied to a deployment or a flag, one because somebody said so; each of the others"
            " says why it is not."),
        (2, "Two of them are tied to a deployment or a flag, two because somebody said so."),
    ],
)  # fmt: skip
def test_how_many_incidents_are_tied(tied: int, lead: str) -> None:
    incidents = [
        {"type": "incident", "id": str(n), "started_at": "2026-11-10T09:00:00Z", "codebases": ["shop"],
         "caused_by": [{"deployment": "shop/1"}] if n < tied else []}
        for n in range(2)
    ]  # fmt: skip
    assert incidents_page(book([deployment("1", "2026-11-03T09:00:00Z"), *incidents])).lead == lead

"""The home page: what shipped last, and when, in words that are still true months later."""

from __future__ import annotations

from tests.pages.support import SHOP, book, change, deployment

from deploybook.pages.home import HomePage, home_page
from deploybook.pages.telling import Teller

BEFORE = deployment("0", "2025-01-01T09:00:00Z", revision="a")


def home(*live: str) -> HomePage:
    """The page as of Friday 20 November 2026, where these instants each brought a change."""
    records = [BEFORE]
    for number, instant in enumerate(live, 1):
        records += [
            change(str(number), f"Add {number}", "2025-01-02T09:00:00Z"),
            deployment(str(number), instant, [str(number)]),
        ]
    made = book(records)
    return home_page(made, Teller(made))


def test_without_a_deployment_it_says_how_one_becomes_known() -> None:
    made = book([change("1", "Add 1", "2026-11-17T09:00:00Z")])
    page = home_page(made, Teller(made))
    assert page.sentence == "No deployment is known yet."
    assert "say under deployments" in page.nothing
    assert "told here" in home().nothing


def test_what_went_live_this_week_is_told_by_its_day() -> None:
    page = home("2026-11-17T10:00:00Z")
    assert page.news_title == "Shipped this week"
    assert [item.when for item in page.news] == ["live Tue"]
    assert page.all_news.words == "Week 47"


def test_what_went_live_in_an_older_week_is_told_by_its_date() -> None:
    page = home("2026-06-29T10:00:00Z", "2026-07-01T10:00:00Z")
    assert page.news_title == "Last shipped, in week 27"
    assert {item.when for item in page.news} == {"live Mon 29\xa0Jun", "live Wed 1\xa0Jul"}
    assert page.all_news.words == "All 2 of week 27"


def test_of_another_year_the_year_is_told_too() -> None:
    page = home("2025-06-30T10:00:00Z")
    assert page.news_title == "Last shipped, in week 27, 2025"
    assert [item.when for item in page.news] == ["live Mon 30\xa0Jun\xa02025"]
    assert page.all_news.words == "Week 27, 2025"


def test_without_a_source_of_incidents_it_does_not_say_that_nothing_is_wrong() -> None:
    incidents = home().parts[-1]
    assert incidents.title == "Incidents are not read"
    assert incidents.lines[0] == "Whether anything is wrong is unknown."


def test_where_incidents_are_read_and_none_is_open_it_says_so() -> None:
    shop = {"deployments": {"from": "records"}, "incidents": {"from": "records"}}
    made = book([BEFORE], {**SHOP, "codebases": {"shop": shop}})
    incidents = home_page(made, Teller(made)).parts[-1]
    assert (incidents.title, incidents.lines) == ("No open incident", ("Nothing is known to be wrong.",))

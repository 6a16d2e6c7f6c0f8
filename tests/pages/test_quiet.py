"""Nothing in these weeks is told apart from nothing at all: an old history has a last deployment."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.pages.support import change, deployment
from tests.support.books import counted

from deploybook.pages.book import Book
from deploybook.pages.codebase import CodebasePage
from deploybook.pages.codebase import pages as codebase_pages
from deploybook.pages.deployments import by_year
from deploybook.pages.how_we_count import count_page
from deploybook.pages.metrics import metrics_page
from deploybook.pages.outliers import outliers_page
from deploybook.pages.process import process_page
from deploybook.pages.recent import Recent
from deploybook.pages.telling import Teller
from deploybook.pages.trust import trust_page

LAST = "the last was on Wed 2 Oct 2024"
NEVER = counted([change("1", "Add 1", "2026-11-01T09:00:00Z")])
OLD = counted(
    [
        deployment("0", "2024-09-01T09:00:00Z"),
        change("1", "Add 1", "2024-10-01T09:00:00Z", first_commit_at="2024-09-30T09:00:00Z"),
        deployment("1", "2024-10-02T09:00:00Z", ["1"]),
    ]
)
"""As of November 2026."""


def plain(text: object) -> str:
    return str(text).replace("\N{NO-BREAK SPACE}", " ")


def codebase(book: Book) -> CodebasePage:
    (page,) = codebase_pages(book, Teller(book), Recent(book), by_year(book), ["shop"])
    assert isinstance(page.model, CodebasePage)
    return page.model


def empties(book: Book) -> list[str]:
    """What stands in place of each chart of the metrics page."""
    return [plain(panel.empty) for panel in metrics_page(book).panels]


def test_the_panels_say_when_the_last_deployment_was() -> None:
    assert empties(OLD) == [
        f"No deployment in 26 weeks; {LAST}.",
        f"No deployment in 26 weeks, so no lead time; {LAST}.",
        f"No deployment in 26 weeks, so none failed; {LAST}.",
        "No deployment of 26 weeks is known to have failed, so there is nothing to recover from.",
        f"No deployment in 26 weeks, so none was a repair; {LAST}.",
    ]


def test_where_none_was_ever_read_the_panels_say_what_it_needs() -> None:
    says = empties(NEVER)
    assert says[0] == "No deployment is known yet. Say under deployments where they are read from."
    assert says[1] == "A lead time needs changes, deployments and the commits between them."
    assert not any("the last was" in each for each in says)


def test_the_codebase_says_when_its_last_deployment_was() -> None:
    page = codebase(OLD)
    assert (plain(page.sentence), plain(page.last)) == (
        f"Nothing of shop has reached users in 26 weeks; {LAST}.", LAST,
    )  # fmt: skip
    assert codebase(NEVER).last == ""


@pytest.mark.parametrize(
    ("book", "sentence"),
    [
        (OLD, f"Nothing reached users in 26 weeks; {LAST}."),
        (NEVER, "No change is known to have reached users in 26 weeks."),
        (
            counted([deployment("1", "2026-11-01T09:00:00Z", None)]),
            "No change is known to have reached users in 26 weeks.",
        ),
    ],
)
def test_outliers(book: Book, sentence: str) -> None:
    assert plain(outliers_page(book, Teller(book)).sentence) == sentence


@pytest.mark.parametrize(
    ("book", "sentence"),
    [
        (OLD, f"Nothing of 26 weeks could find each other; {LAST}."),
        (NEVER, "Nothing is known yet that could find each other."),
    ],
)
def test_trust(book: Book, sentence: str) -> None:
    assert plain(trust_page(book).sentence) == sentence


@pytest.mark.parametrize(
    ("book", "says"),
    [
        (OLD, "The last deployment was on Wed 2 Oct 2024. When changes reach users again, the median time"),
        (NEVER, "Once deployments are read, the median time"),
    ],
)
def test_the_way_of_a_change(book: Book, says: str) -> None:
    assert plain(process_page(book, Teller(book)).no_way).startswith(says)


def rules(*records: Mapping[str, object]) -> str:
    return plain(count_page(counted(records)).sentence)


def test_the_rules_stand_alone_only_where_no_deployment_was_read() -> None:
    alone = "These are the rules; the numbers come with the first deployments."
    assert count_page(NEVER).sentence == alone
    assert plain(count_page(OLD).sentence) == f"No deployment reached users in 26 weeks; {LAST}."
    one, two = deployment("1", "2026-11-01T09:00:00Z"), deployment("2", "2026-11-08T09:00:00Z")
    assert rules(one) == "The one deployment of these weeks needed no fix."
    assert rules(one, two) == "None of 2 deployments of these weeks needed a fix."
    near = {"type": "incident", "id": "9", "started_at": "2026-11-08T10:00:00Z", "codebases": ["shop"]}
    assert rules(one, two, near) == (
        "None of 2 deployments of these weeks needed a fix; by another rule it would be 1."
    )

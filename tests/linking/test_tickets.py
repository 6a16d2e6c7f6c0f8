from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pages.support import SHOP, book, change, deployment

from deploybook.linking.tickets import by_key, linked
from deploybook.pages.telling import Teller
from deploybook.records import Change, Issue, IssueLink

KNOWN = by_key(
    [
        Issue(id="SHOP-12", title="Pay with one tap", url="https://jira.acme.test/12", labels=("a",)),
        Issue(id="SHOP-1", title="Another"), Issue(id="shop-web/7", title="A forge's own"),
    ]
)  # fmt: skip


def made(title: str, branch: str | None = None, body: str | None = None, *issues: IssueLink) -> Change:
    at = datetime(2026, 11, 16, tzinfo=UTC)
    return Change(
        codebase="shop", id="1", title=title, merged_at=at, branch=branch, body=body, issues=issues or None
    )


@pytest.mark.parametrize(
    ("title", "branch", "body", "keys"),
    [
        ("SHOP-12: pay", None, None, ["SHOP-12"]),
        ("Pay", "feature/SHOP-12-pay", None, ["SHOP-12"]),
        ("Pay", None, "Closes SHOP-1 and SHOP-12.", ["SHOP-1", "SHOP-12"]),
        ("SHOP-123 is another, XSHOP-12 and SHOP-12a are none", None, None, []),
        ("Use UTF-8 and SHA-256", None, None, []),
        ("SHOP-12 [SHOP-12] (SHOP-12)", "SHOP-12", "SHOP-12", ["SHOP-12"]),
    ],
)
def test_a_change_is_tied_to_the_issues_that_it_names(
    title: str, branch: str | None, body: str | None, keys: list[str]
) -> None:
    assert [issue.id for issue in linked(made(title, branch, body), KNOWN).issues or ()] == keys


def test_what_the_forge_links_stays_first_and_is_not_told_twice() -> None:
    own = IssueLink(id="SHOP-12", title="As the forge has it")
    assert linked(made("SHOP-12 and SHOP-1", None, None, own), KNOWN).issues == (own, KNOWN["SHOP-1"])


@given(st.text(max_size=80))
def test_no_text_ties_a_change_to_an_issue_that_is_not_known(text: str) -> None:
    assert {issue.id for issue in linked(made(text, text, text), KNOWN).issues or ()} <= set(KNOWN)


def test_its_issue_gives_a_change_its_words() -> None:
    issue = {"type": "issue", "id": "SHOP-12", "title": "Shoppers pay with one tap", "kind": "story"}
    told = book(
        [
            change("1", "SHOP-12 wip", "2026-11-16T09:00:00Z"), issue,
            deployment("0", "2026-10-20T09:00:00Z", revision="a"),
            deployment("1", "2026-11-17T09:00:00Z", ["1"]),
        ],
        SHOP,
    )  # fmt: skip
    (one,) = told.changes
    assert Teller(told)(one).words == "Shoppers pay with one tap"

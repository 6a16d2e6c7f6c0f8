"""What guards the release branch and the environments, as GitHub tells it to whom it tells what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.sources.github.support import NOW, TOKEN, Book
from tests.support.github_server import Hub
from tests.support.loopback import Reply

from deploybook.records import BranchRule, EnvironmentRule

GUARDED = {
    "name": "main", "protected": True, "_links": {"html": "https://github.test/acme/shop/tree/main"},
    "protection": {
        "enabled": True,
        "required_status_checks": {
            "enforcement_level": "everyone", "contexts": ["test"], "checks": [{"context": "test"}]
        },
    },
}  # fmt: skip
PROTECTION = {
    "required_pull_request_reviews": {"required_approving_review_count": 1},
    "required_status_checks": {"contexts": ["test", "lint"]},
    "enforce_admins": {"enabled": True},
}
RULESET: list[dict[str, Any]] = [
    {"type": "deletion"},
    {"type": "pull_request", "parameters": {"required_approving_review_count": 2}},
    {"type": "required_status_checks",
     "parameters": {"required_status_checks": [{"context": "scan"}, {"context": "test"}]}},
]  # fmt: skip
ENVIRONMENT: dict[str, Any] = {
    "name": "Production", "html_url": "https://github.test/acme/shop/deployments",
    "protection_rules": [
        {"type": "wait_timer", "wait_timer": 30},
        {"type": "required_reviewers", "prevent_self_review": True, "reviewers": [
            {"type": "User", "reviewer": {"login": "ana-acme"}},
            {"type": "Team", "reviewer": {
                "slug": "payments", "html_url": "https://github.test/orgs/acme/teams/payments"}},
        ]},
        {"type": "branch_policy"},
    ],
    "deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False},
}  # fmt: skip


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TEST", TOKEN)


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def book(hub: Hub, tmp_path: Path) -> Iterator[Book]:
    with hub.serve() as server:
        yield Book(server, tmp_path)


def rule(book: Book) -> dict[str, Any]:
    assert book.sync(only="rules") == {"github:shop/rules": None}
    (found,) = book.rows(BranchRule)
    return found


def test_a_branch_without_rules_asks_for_nothing(book: Book) -> None:
    found = rule(book)
    assert (found["branch"], found["protected"], found["reviews"], found["checks"]) == ("main", False, 0, ())
    assert found["read_at"] == NOW


def test_protection_and_rulesets_count_together(book: Book, hub: Hub) -> None:
    hub.branch, hub.protection, hub.ruleset = GUARDED, PROTECTION, RULESET
    found = rule(book)
    assert (found["protected"], found["reviews"], found["admins"]) == (True, 2, True)
    assert found["checks"] == ("test", "lint", "scan")
    assert found["url"] == "https://github.test/acme/shop/tree/main"


def test_protection_that_the_token_may_not_read_is_unknown_and_its_checks_are_not(
    book: Book, hub: Hub
) -> None:
    hub.branch, hub.ruleset = GUARDED, None
    found = rule(book)
    assert (found["protected"], found["reviews"], found["admins"]) == (True, None, None)
    assert found["checks"] == ("test",)


def test_what_a_ruleset_asks_for_is_known_even_then(book: Book, hub: Hub) -> None:
    hub.branch, hub.ruleset = GUARDED, RULESET
    assert rule(book)["reviews"] == 2


def test_checks_that_are_switched_off_are_none(book: Book, hub: Hub) -> None:
    checks = {"enforcement_level": "off", "contexts": ["test"], "checks": []}
    hub.branch = {**GUARDED, "protection": {"enabled": False, "required_status_checks": checks}}
    assert (rule(book)["checks"], rule(book)["reviews"]) == ((), 0)


def test_an_environment_tells_who_approves_how_long_it_waits_and_from_where(book: Book, hub: Hub) -> None:
    hub.environments = [ENVIRONMENT, {"name": "staging"}]
    book.sync(only="rules")
    guarded, plain = book.rows(EnvironmentRule)
    assert (guarded["environment"], guarded["wait_minutes"]) == ("production", 30)
    assert guarded["reviewers"] == ("ana-acme", "@acme/payments")
    assert (guarded["self_review"], guarded["branches"]) == (False, ("protected",))
    assert plain["environment"] == "staging"
    assert (plain["reviewers"], plain["wait_minutes"], plain["branches"]) == (None, None, None)


def test_environments_that_may_not_be_read_stop_nothing(book: Book, hub: Hub) -> None:
    hub.environments = None
    assert rule(book)["protected"] is False


def test_the_configured_branch_is_asked_for_whatever_its_name(hub: Hub, tmp_path: Path) -> None:
    hub.branch = {"name": "release/2.x", "protected": False}
    with hub.serve() as server:
        book = Book(server, tmp_path, branch="release/2.x")
        assert rule(book)["branch"] == "release/2.x"
        assert "/repos/acme/shop" not in {each.path for each in server.asked}


def test_they_are_read_once_a_day_and_what_is_gone_is_forgotten(book: Book, hub: Hub) -> None:
    hub.environments = [ENVIRONMENT]
    rule(book)
    book.server.forget()
    book.sync(NOW + timedelta(hours=1), only="rules")
    assert book.server.asked == []
    hub.branch = GUARDED
    book.sync(NOW + timedelta(hours=21), only="rules")
    assert book.rows(BranchRule)[0]["protected"] is True
    # A clock that was set back does not put the next reading off.
    hub.branch = {"name": "main", "protected": False}
    book.sync(NOW, only="rules")
    assert book.rows(BranchRule)[0]["protected"] is False


@pytest.mark.parametrize("stop", range(1, 6))
def test_a_reading_that_was_stopped_is_made_again_whole(book: Book, hub: Hub, stop: int) -> None:
    hub.branch, hub.protection, hub.environments = GUARDED, PROTECTION, [ENVIRONMENT]
    book.server.fault = lambda number, asked: Reply({}, 418) if number >= stop else None
    assert book.sync(only="rules")["github:shop/rules"] is not None
    assert book.rows(BranchRule) == []
    book.server.fault = None
    assert rule(book)["reviews"] == 1
    assert len(book.rows(EnvironmentRule)) == 1

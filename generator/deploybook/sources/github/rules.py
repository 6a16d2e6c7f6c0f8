"""What guards the release branch and the environments: branch rules, required checks, reviewers.

Nothing of it has a history, so that it is read once a day, by a handful of requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from deploybook.feed import Ask, Cursor, Item, Unchanged
from deploybook.records import BranchRule, EnvironmentRule
from deploybook.sources.github.door import Door, Place
from deploybook.sources.http import Absent, Refused

DAY = timedelta(hours=20)
"""Between two readings; less than a day, so that a daily sync reads daily."""


def rules(door: Door, place: Place, branch: str | None, ask: Ask) -> Iterator[Item]:
    """The rules of the release branch and of every environment, all there are; once a day.

    Args:
        door: GitHub.
        place: The repository.
        branch: The release branch; without one, the repository's default.
        ask: What is asked.

    Raises:
        SourceError: GitHub cannot be reached, or has no such repository or branch.
    """
    read_at = _read_at(ask.cursor)
    if read_at is not None and timedelta(0) <= ask.as_of - read_at < DAY:
        yield Unchanged()
        return
    client = door.client(ask)
    name = branch or str(client.get(place.rest).content["default_branch"])
    at = f"{place.rest}/branches/{quote(name, safe='')}"
    head = _mapping(client.get(at).content)
    # A branch that rulesets alone guard counts as protected as well, but has no protection of its own.
    own = _mapping(head.get("protection"))
    guarded = head.get("protected") is True and own.get("enabled") is not False
    protection = _mapping(_perhaps(door, ask, f"{at}/protection")) if guarded else {}
    ruleset = _perhaps(door, ask, f"{place.rest}/rules/branches/{quote(name, safe='')}?per_page=100")
    yield branch_rule(place, name, head, protection, ruleset, ask.as_of)
    yield from _environments(door, place, ask)
    yield Cursor(json.dumps({"read_at": ask.as_of.isoformat()}))


def branch_rule(  # noqa: PLR0917
    place: Place,
    name: str,
    head: dict[str, Any],
    protection: dict[str, Any],
    ruleset: Any,
    read_at: datetime,
) -> BranchRule:
    """One record of a branch's protection and of the rulesets that hold for it.

    Args:
        place: The repository.
        name: The branch's.
        head: The branch, as REST gives it.
        protection: Its protection; empty where there is none, or where the token may not read it.
        ruleset: The rules of rulesets that are active for it; anything but a list is unknown.
        read_at: When.
    """
    rows = [each for each in ruleset if isinstance(each, dict)] if isinstance(ruleset, list) else []
    own = _mapping(head.get("protection"))
    said = head.get("protected")
    guarded = said is True and own.get("enabled") is not False
    asked: list[int | None] = [_reviews(protection)] if protection or not guarded else [None]
    checks = [*_contexts(own.get("required_status_checks"))]
    checks += _contexts(protection.get("required_status_checks"))
    for row in rows:
        values = _mapping(row.get("parameters"))
        if row.get("type") == "pull_request":
            asked.append(_whole(values.get("required_approving_review_count")) or 0)
        if row.get("type") == "required_status_checks":
            checks += [
                str(each["context"])
                for each in values.get("required_status_checks") or ()
                if isinstance(each, dict) and each.get("context")
            ]
    known = [count for count in asked if count is not None]
    most = max(known, default=0)
    admins = _mapping(protection.get("enforce_admins")).get("enabled")
    return BranchRule(
        codebase=place.codebase,
        branch=name,
        read_at=read_at,
        protected=bool(said) or bool(rows) if isinstance(said, bool) else True if rows else None,
        # What cannot be read may ask for more, but not for less.
        reviews=most if most or None not in asked else None,
        checks=tuple(dict.fromkeys(checks)) if isinstance(said, bool) or checks else None,
        admins=admins if isinstance(admins, bool) else None,
        url=_mapping(head.get("_links")).get("html"),
    )


def _reviews(protection: dict[str, Any]) -> int:
    wanted = protection.get("required_pull_request_reviews")
    return (_whole(_mapping(wanted).get("required_approving_review_count")) or 0) if wanted else 0


def _contexts(found: Any) -> Iterator[str]:
    """The names of checks: newer servers say `checks`, older ones only `contexts`."""
    required = _mapping(found)
    if required.get("enforcement_level") == "off":
        return
    for each in required.get("checks") or ():
        if isinstance(each, dict) and each.get("context"):
            yield str(each["context"])
    for each in required.get("contexts") or ():
        if each:
            yield str(each)


def _environments(door: Door, place: Place, ask: Ask) -> Iterator[EnvironmentRule]:
    address: str | None = f"{place.rest}/environments?per_page=100"
    while address:
        try:
            answer = door.client(ask).get(address)
        except (Absent, Refused):
            return
        for row in _mapping(answer.content).get("environments") or ():
            if isinstance(row, dict) and row.get("name"):
                yield environment_rule(place, row, ask.as_of)
        address = answer.next_page


def environment_rule(place: Place, row: dict[str, Any], read_at: datetime) -> EnvironmentRule:
    """An environment's protection rules; what an older server does not tell is unknown."""
    told = row.get("protection_rules")
    found = {str(each.get("type")): each for each in told or () if isinstance(each, dict)}
    review, timer = found.get("required_reviewers"), found.get("wait_timer")
    prevented = _mapping(review).get("prevent_self_review")
    limit = row.get("deployment_branch_policy")
    branches: tuple[str, ...] | None = None
    if "deployment_branch_policy" in row and limit is None:
        branches = ()
    elif _mapping(limit).get("protected_branches"):
        branches = ("protected",)
    return EnvironmentRule(
        codebase=place.codebase,
        environment=str(row["name"]).strip().lower(),
        read_at=read_at,
        reviewers=None if told is None else tuple(_reviewers(_mapping(review))),
        self_review=not prevented if isinstance(prevented, bool) else None,
        wait_minutes=None if told is None else _whole(_mapping(timer).get("wait_timer")) or 0,
        branches=branches,
        url=row.get("html_url"),
    )


def _reviewers(review: dict[str, Any]) -> Iterator[str]:
    for each in review.get("reviewers") or ():
        who = _mapping(_mapping(each).get("reviewer"))
        if who.get("login"):
            yield str(who["login"])
        elif who.get("slug"):
            # A team says whose it is only in its address: .../orgs/acme/teams/payments.
            owner = str(who.get("html_url") or "").partition("/orgs/")[2].partition("/")[0]
            yield f"@{owner}/{who['slug']}" if owner else str(who["slug"])


def _perhaps(door: Door, ask: Ask, address: str) -> Any:
    """The answer; `None` where the token may not read it, or an older server has no such thing."""
    try:
        return door.client(ask).get(address).content
    except (Absent, Refused):
        return None


def _read_at(cursor: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads(cursor or "{}")["read_at"])
    except (ValueError, TypeError, KeyError):
        return None


def _mapping(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _whole(found: Any) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None

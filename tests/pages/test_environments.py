"""The environments page: what runs where, since when, how far ahead, who may deploy, and the ways on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.pages.support import AS_OF, SHOP, book, change, deployment

from deploybook.pages.environments import EnvironmentsPage, environments_page
from deploybook.pages.pipelines import approvals, to_users
from deploybook.pipelines import Job, Pipeline

CONFIG: dict[str, Any] = {
    **SHOP,
    "process": {"environments": ["staging", "production"]},
    "links": {"Board": "https://watch.test/?s={codebase}&e={environment}&from={from_ms}&to={to_ms}"},
    "people": {"ana": {"name": "Ana", "github": "ana-x"}},
}
RECORDS = [
    change("1", "Add one", "2026-11-16T10:00:00Z"),
    change("2", "Add two", "2026-11-17T10:00:00Z"),
    change("3", "Add three", "2026-11-18T10:00:00Z"),
    deployment("p1", "2026-11-17T09:00:00Z", ["1"], version="v1"),
    deployment("s3", "2026-11-18T12:00:00Z", ["1", "2", "3"], environment="staging", version="v3"),
    deployment("s4", "2026-11-19T12:00:00Z", [], environment="staging", version="v4", outcome="failure"),
    deployment("x", "2026-11-19T12:00:00Z", ["1"], environment="sandbox"),
]


def page(records: list[dict[str, Any]], config: dict[str, Any] = CONFIG) -> EnvironmentsPage:
    return environments_page(book(records, config))


def test_what_runs_is_the_last_that_succeeded_and_how_far_it_is_ahead() -> None:
    staging, production = page(RECORDS).environments
    (row,) = staging.rows
    assert row[0] == "shop"
    assert isinstance(row[1], dict)
    assert row[1]["text"] == "v3"
    assert "2\xa0changes ahead" in [str(cell) for cell in row]
    (live,) = production.rows
    assert isinstance(live[1], dict)
    assert live[1]["text"] == "v1"
    assert len(live) == len(row) - 1


def test_an_environment_that_nobody_named_is_shown_as_such() -> None:
    (sandbox,) = page(RECORDS).unnamed
    assert (sandbox.name, len(sandbox.rows)) == ("sandbox", 1)
    assert "does not name it" in sandbox.says


def test_it_says_first_which_environments_the_configuration_does_not_name() -> None:
    named = "A change goes through staging and production, in this order."
    assert page(RECORDS).lead == f"{named} Deployments also name sandbox; process.environments does not."
    assert page(RECORDS[:5]).lead == named
    assert page(RECORDS, SHOP).lead == (
        "Users are in production. Deployments also name sandbox and staging; process.environments does not."
    )
    assert page(RECORDS[:4], SHOP).lead == "There is one: production, where users are."


def test_each_leads_to_its_view_of_yesterday_and_today_all_day_long() -> None:
    yesterday = datetime(AS_OF.year, AS_OF.month, AS_OF.day - 1, tzinfo=UTC)
    tomorrow = yesterday.replace(day=AS_OF.day + 1)
    begin, end = (round(at.timestamp() * 1000) for at in (yesterday, tomorrow))
    staging, _ = page(RECORDS).environments
    assert f"https://watch.test/?s=shop&amp;e=staging&amp;from={begin}&amp;to={end}" in str(
        staging.rows[0][3]
    )
    later, _ = environments_page(book(RECORDS, CONFIG, as_of=AS_OF + timedelta(hours=1))).environments
    assert later == staging


def test_who_may_deploy_is_what_files_and_rules_say() -> None:
    rule = {
        "type": "environment_rule", "codebase": "shop", "environment": "Production",
        "read_at": "2026-11-19T00:00:00Z", "reviewers": ["ana-x", "@acme/till"], "self_review": False,
        "wait_minutes": 10, "branches": ["protected"],
    }  # fmt: skip
    made = book([rule], CONFIG)
    jobs = (Job("ship", "ship", environments=("Production",)),)
    made = replace(made, pipelines={"shop": (Pipeline("github", "x.yml", "Deliver", (), jobs),)})
    assert approvals(made, "shop", "production") == (
        "its pipeline, Deliver; Ana or @acme/till approves, not of their own; after 10\xa0min; "
        "only from protected branches"
    )
    assert approvals(made, "shop", "staging") == "no file says"
    ((ship,),) = (each.jobs for each in to_users(made, "shop", {}))
    assert ship.gate
    assert ship.says == (
        "deploys to Production",
        "Ana or @acme/till approves, not of their own",
        "after 10\xa0min",
        "only from protected branches",
    )

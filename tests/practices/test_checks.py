"""Each practice, met and not met and not measured, in cases that a person can check by eye."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.pages.support import AS_OF, SHOP, book

from deploybook.config import Config, tree
from deploybook.pages.standing import Standing
from deploybook.pages.telling import Teller
from deploybook.practices import CHECKS, Answer, Statement, answer, statements
from deploybook.practices.ways import way_of

Record = dict[str, Any]


def facts_of(records: list[Record], config: Any = SHOP, said: tuple[Statement, ...] = ()) -> Any:
    made = book(records, config)
    return Standing(made, Teller(made), said).facts("shop", AS_OF)


def ask(
    id_: str, records: list[Record], config: Any = SHOP, *said: Statement, stage: str = "weekly"
) -> Answer:
    check = next(check for check in CHECKS if check.id == id_ and check.stage == stage)
    return answer(check, facts_of(records, config, said))


def on(days_before: float, hour: int = 12) -> str:
    return (AS_OF.replace(hour=hour) - timedelta(days=days_before)).isoformat()


def change(id_: int, days_before: float = 5, **more: Any) -> Record:
    made = {"type": "change", "codebase": "shop", "id": str(id_), "title": f"Change {id_}"}
    return {**made, "merged_at": on(days_before), **more}


def deployment(id_: int, days_before: float = 2, **more: Any) -> Record:
    made = {"type": "deployment", "codebase": "shop", "id": str(id_), "environment": "production"}
    return {**made, "finished_at": on(days_before), "outcome": "success", **more}


def test_ids_are_unique_within_a_ladder_and_each_check_says_what_it_asks() -> None:
    assert len({(check.stage, check.id) for check in CHECKS}) == len(CHECKS)
    assert [len([c for c in CHECKS if c.stage == stage]) for stage in ("weekly", "daily")] == [33, 17]
    assert all(check.about.endswith(".") and check.step.endswith(".") for check in CHECKS)


def test_a_page_that_is_not_there_is_to_be_written_first() -> None:
    for id_, stage in (("know.process", "weekly"), ("team.when-wrong", "daily")):
        found = ask(id_, [], stage=stage)
        assert found.says.startswith("There is no page on")
        assert found.step == "Write it, as a page of docs, and set reviewed: in its head."


def test_with_nothing_at_hand_nothing_is_guessed() -> None:
    facts = facts_of([])
    for check in CHECKS:
        found = answer(check, facts)
        assert found.status != "met", check.id
        assert found.says


def test_pull_requests_and_direct_pushes() -> None:
    pulls = [change(n, url=f"https://forge.test/{n}", opened_at=on(6)) for n in range(19)]
    assert ask("source.pull-requests", pulls).status == "met"


@pytest.mark.parametrize(("approved", "status"), [(9, "met"), (8, "not_met")])
def test_nine_of_ten_reviewed_is_enough(approved: int, status: str) -> None:
    good = [change(n, approvals=1, approved_at=on(5.5)) for n in range(approved)]
    bad = [change(n, approvals=0) for n in range(approved, 10)]
    found = ask("source.reviewed", [*good, *bad, deployment(1, changes=[str(n) for n in range(10)])])
    assert (found.status, found.value) == (status, approved / 10)


def test_unknown_reviews_are_not_measured() -> None:
    assert ask("source.reviewed", [change(1), deployment(1, changes=["1"])]).status == "not_measured"


@pytest.mark.parametrize(("hours", "status"), [(5.9, "met"), (6.0, "not_met")])
def test_a_deployment_of_six_hours_is_too_long(hours: float, status: str) -> None:
    end = AS_OF - timedelta(days=1)
    started = (end - timedelta(hours=hours)).isoformat()
    record = {**deployment(1), "started_at": started, "finished_at": end.isoformat()}
    assert ask("deploy.duration", [record]).status == status


def test_a_deployment_without_a_start_has_no_duration() -> None:
    assert ask("deploy.duration", [deployment(1)]).status == "not_measured"


@pytest.mark.parametrize(("weeks", "status"), [(10, "met"), (9, "not_met")])
def test_ten_of_twelve_weeks(weeks: int, status: str) -> None:
    records = [deployment(n, 7 * n) for n in range(1, weeks + 1)]
    found = ask("deploy.weekly", records)
    assert (found.status, found.value) == (status, weeks)
    assert len(found.evidence) == 12 - weeks


def test_this_week_does_not_count_before_it_is_over() -> None:
    assert ask("deploy.weekly", [deployment(1, 0.1)]).status == "not_applicable"


def test_four_of_five_working_days() -> None:
    # 20 November 2026 is a Friday: from 7 to 11 days before are the Monday to Friday of the week before.
    week = [deployment(10 * w + d, 7 * w + d) for w in range(1, 11) for d in range(4)]
    found = ask("deploy.daily", week, stage="daily")
    assert (found.status, found.value) == ("met", 10)
    thin = [each for each in week if int(each["id"]) % 10 < 3]
    assert ask("deploy.daily", thin, stage="daily").status == "not_met"


def test_a_pipeline_made_nine_of_ten() -> None:
    made = [deployment(n, pipeline_run=f"r{n}") for n in range(9)]
    assert ask("deploy.pipeline", [*made, deployment(9)]).value == 0.9
    assert ask("deploy.pipeline", [*made, deployment(9)]).status == "met"
    assert ask("deploy.pipeline", [*made[:8], deployment(9)]).status == "not_met"
    assert ask("deploy.pipeline", [deployment(9)]).status == "not_measured"


def test_what_runs_in_production_is_known_however_old_its_deployment() -> None:
    owned = {
        **SHOP,
        "codebases": {"shop": {"deployments": {"from": "records"}, "team": "till"}},
        "teams": {"till": {"name": "The till"}},
        "process": {"environments": ["production"]},
    }
    found = ask("deploy.production-defined", [deployment(1, 200, revision="a" * 40)], owned)
    assert (found.status, found.says) == (
        "met", "Production is named, has an owner, and what runs there is known.",
    )  # fmt: skip
    assert ask("deploy.production-defined", [deployment(1, 200)], owned).says == (
        "What runs in production is not known."
    )
    assert ask("deploy.production-defined", []).says == (
        "The environments are not configured, production has no owner and what runs in production is"
        " not known."
    )


def test_a_rollback_in_minutes_or_a_drill() -> None:
    end = AS_OF - timedelta(days=3)
    back = {**deployment(2), "kind": "rollback", "finished_at": end.isoformat()}
    quick = {**back, "started_at": (end - timedelta(minutes=15)).isoformat()}
    slow = {**back, "started_at": (end - timedelta(minutes=16)).isoformat()}
    assert ask("deploy.revert", [deployment(1, 9), quick], stage="daily").status == "met"
    assert ask("deploy.revert", [deployment(1, 9), slow], stage="daily").status == "not_met"
    assert ask("deploy.revert", [deployment(1, 9)], stage="daily").status == "not_measured"
    drill = Statement("deploy.revert", "bo", AS_OF.date(), None, met=True, drill="revert")
    assert ask("deploy.revert", [deployment(1, 9)], SHOP, drill, stage="daily").status == "met"
    old = replace(drill, on=AS_OF.date() - timedelta(days=91))
    assert ask("deploy.revert", [deployment(1, 9)], SHOP, old, stage="daily").status == "not_measured"


def test_small_is_the_median_of_what_is_known() -> None:
    sizes = [
        change(1, additions=390, deletions=10),
        change(2, additions=1, deletions=0),
        change(3, additions=9000, deletions=1),
    ]
    assert ask("team.small", sizes).value == 400
    assert ask("team.small", sizes).status == "met"
    assert ask("team.small", [*sizes, change(4, additions=500, deletions=0)]).value == 450
    assert ask("team.small", [change(5)]).status == "not_measured"


def test_what_people_say_counts_until_it_is_due_again() -> None:
    said = Statement("team.demos", "ana", date(2026, 9, 1), date(2026, 12, 1), met=True)
    assert ask("team.demos", []).status == "not_measured"
    assert ask("team.demos", [], SHOP, said).status == "met"
    assert ask("team.demos", [], SHOP, replace(said, met=False)).status == "not_met"
    assert ask("team.demos", [], SHOP, replace(said, renew=date(2026, 11, 19))).status == "not_measured"
    assert ask("team.demos", [], SHOP, replace(said, codebases=("other",))).status in ("met", "not_measured")


def test_an_exemption_with_a_reason_ends_on_its_day() -> None:
    said = Statement(
        "deploy.weekly", "ana", date(2026, 9, 1), date(2026, 12, 1), None, exempt=True, note="closed"
    )
    found = ask("deploy.weekly", [deployment(1, 8)], SHOP, said)
    assert (found.status, "closed" in found.says) == ("not_applicable", True)
    ended = replace(said, renew=date(2026, 11, 19))
    assert ask("deploy.weekly", [deployment(1, 8)], SHOP, ended).status == "not_met"


def test_a_codebase_may_have_a_limit_of_its_own_with_a_reason() -> None:
    said = Statement("deploy.weekly", "ana", date(2026, 9, 1), None, None, threshold=1, note="a library")
    found = ask("deploy.weekly", [deployment(1, 8)], SHOP, said)
    assert (found.status, "a library" in found.says, found.threshold) == ("met", True, 1)
    over = replace(said, renew=date(2026, 11, 19))
    found = ask("deploy.weekly", [deployment(1, 8)], SHOP, over)
    assert (found.status, found.threshold) == ("not_met", 10)


def test_each_practice_says_how_it_is_met() -> None:
    ways = [way_of(check) for check in CHECKS]
    assert all(way.reads and way.how.endswith(".") for way in ways)
    stated_ = [way_of(check).write for check in CHECKS if "practices.yml" in way_of(check).reads]
    found, problems = statements("\n".join(stated_).encode(), frozenset(check.id for check in CHECKS))
    assert (len(found) >= len(stated_), problems) == (True, ())


def test_what_is_to_be_written_is_read_as_it_stands() -> None:
    """Every piece of configuration that the page offers is one that the program takes."""
    base: dict[str, Any] = {"site": {"name": "x"}, "codebases": {"shop": {}}, "people": {"ana": {}, "bo": {}}}
    tried = 0
    for check in CHECKS:
        root, wrong = tree.read(way_of(check).write.encode(), "deploybook.yml")
        written = root.plain() if root and isinstance(root.plain(), dict) else {}
        if wrong or not set(written) <= set(Config.model_fields) or not written:
            continue
        tried += 1
        teams = {"checkout": {}, **written.get("teams", {})}
        rotation = {"build-keeper": {"members": ["ana", "bo"], "every": "1w", "starts": "2026-01-05"}}
        people = {**base["people"], **written.get("people", {})}
        merged = {**base, "rotations": rotation, **written, "teams": teams, "people": people}
        merged["codebases"] = {"shop-web": {}, **base["codebases"], **written.get("codebases", {})}
        Config.of(merged, root=Path())
    assert tried >= 15


def test_daily_buy_in_needs_two_people() -> None:
    team = Statement("team.buy-in", "ana", date(2026, 9, 1), None, met=True)
    product = replace(team, by="dana")
    assert ask("team.buy-in", [], SHOP, team, stage="daily").status == "not_measured"
    assert ask("team.buy-in", [], SHOP, team, product, stage="daily").status == "met"
    assert ask("team.buy-in", [], SHOP, team, replace(product, met=False), stage="daily").status == "not_met"


def test_practices_yml_is_read_and_each_wrong_entry_is_told() -> None:
    text = b"""
- {practice: team.demos, met: true, by: ana, on: 2026-09-18, renew: 2026-12-18, teams: [till]}
- {practice: team.nothing, met: true, by: ana, on: 2026-09-18}
- {practice: team.demos, met: maybe, by: ana, on: soon}
- {practice: deploy.weekly, exempt: true, by: ana, on: 2026-09-18, until: 2026-12-01}
- {practice: deploy.weekly, threshold: 2, by: ana, on: 2026-09-18, because: a library}
- {practice: deploy.weekly, exempt: true, by: ana, on: 2026-09-18, because: closed for ever}
"""
    found, problems = statements(text, frozenset(check.id for check in CHECKS))
    assert [each.practice for each in found] == ["team.demos", "deploy.weekly"]
    assert found[0].teams == ("till",)
    assert found[0].about("shop", "till")
    assert not found[0].about("shop", "other")
    assert found[1].threshold == 2
    assert [(each.where, each.key) for each in problems] == [
        ("practices.yml:3", "practice"),
        ("practices.yml:4", "on"),
        ("practices.yml:4", "met"),
        ("practices.yml:5", "because"),
        ("practices.yml:7", "until"),
    ]


RULE = {"type": "branch_rule", "codebase": "shop", "branch": "main", "read_at": on(1)}


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"protected": True, "reviews": 1, "checks": ["ci"]}, "met"),
        ({"protected": True, "reviews": 0, "checks": ["ci"]}, "not_met"),
        ({"protected": True, "reviews": 1, "checks": []}, "not_met"),
        ({"protected": False}, "not_met"),
        ({"protected": True, "checks": ["ci"]}, "not_measured"),
        ({"protected": True}, "not_measured"),
    ],
)
def test_a_branch_asks_for_a_review_and_for_checks(rule: Record, status: str) -> None:
    assert ask("source.protected", [RULE | rule]).status == status


def test_rules_that_were_not_read_or_are_of_another_branch_are_not_measured() -> None:
    config = {**SHOP, "codebases": {"shop": {"deployments": {"from": "records"}, "release_branch": "trunk"}}}
    assert ask("source.protected", []).status == "not_measured"
    assert ask("source.protected", [RULE | {"protected": False}], config).status == "not_measured"


def test_who_stopped_deploying_does_not_deploy_weekly() -> None:
    long_ago = [deployment(1, 200)]
    assert ask("deploy.weekly", long_ago).status == "not_met"
    assert ask("deploy.daily", long_ago, stage="daily").status == "not_met"
    assert ask("deploy.weekly", []).status == "not_applicable"


def test_uptime_that_nobody_reads_is_not_measured() -> None:
    assert ask("manage.uptime", []).status == "not_measured"


TEAM: Record = {
    **SHOP,
    "codebases": {"shop": {"deployments": {"from": "records"}, "team": "till"}},
    "teams": {"till": {"members": ["ana"], "notify": ["env:TILL"]}},
    "people": {"ana": {"notify": ["env:ANA"]}},
}


def sent(*rows: tuple[str, str, float | None]) -> pa.Table:
    """Notices: key, target, and how many days before they were accepted; none waits."""
    return pa.Table.from_pylist(
        [
            {"key": key, "to": to, "sent_at": None if days is None else AS_OF - timedelta(days=days)}
            for key, to, days in rows
        ],
        schema=pa.schema([("key", pa.string()), ("to", pa.string()), ("sent_at", pa.timestamp("us", "UTC"))]),
    )


def told(check_id: str, stage: str, notices: pa.Table | None, records: list[Record]) -> Answer:
    made = replace(book(records, TEAM), notices=notices)
    check = next(check for check in CHECKS if check.id == check_id and check.stage == stage)
    return answer(check, Standing(made, Teller(made), ()).facts("shop", AS_OF))


TILL = "team:till>env:TILL"


def test_the_team_was_told_of_every_deployment_since_notices_are_sent() -> None:
    records = [deployment(1, 30), deployment(2, 5), deployment(3, 2)]
    both = [(f"{TILL}|deployed|shop|production|{n}", TILL, 5 - n) for n in (2, 3)]
    start = (f"{TILL}|cut-off|x", TILL, 10)
    assert told("talk.news", "weekly", None, records).status == "not_measured"
    assert told("talk.news", "weekly", sent(start, *both), records).status == "met"
    found = told("talk.news", "weekly", sent(start, both[0]), records)
    assert (found.status, [row.says for row in found.evidence]) == ("not_met", ["shop/3, planned"])


def test_a_target_that_takes_nothing_for_a_day_is_seen() -> None:
    fine = (f"{TILL}|cut-off|x", TILL, 0.1)
    waits = (f"{TILL}|cut-off|y", TILL, None)
    assert told("observe.notify", "daily", sent(fine, waits), []).status == "met"
    stale = (f"{TILL}|cut-off|x", TILL, 3)
    assert told("observe.notify", "daily", sent(stale, waits), []).status == "not_met"
    moved = (f"{TILL}_OF_OLD|cut-off|y", f"{TILL}_OF_OLD", None)
    assert told("observe.notify", "daily", sent(fine, moved), []).status == "met"


def unusual(*rows: tuple[str, float]) -> pa.Table:
    return pa.Table.from_pylist([
        {"codebase": "shop", "kind": "deployment", "id": id_, "environment": "production",
         "at": AS_OF - timedelta(days=days), "measure": "duration"}
        for id_, days in rows
    ])  # fmt: skip


def outlier_answer(config: Record, *rows: tuple[str, float]) -> Answer:
    made = replace(book([deployment(int(id_), days) for id_, days in rows], config))
    made = replace(made, tables={"outliers": unusual(*rows)} if rows else {"outliers": unusual(("9", 1))[:0]})
    check = next(check for check in CHECKS if check.id == "measure.outliers")
    return answer(check, Standing(made, Teller(made), ()).facts("shop", AS_OF))


def test_outliers_of_more_than_thirty_days_need_a_note() -> None:
    assert outlier_answer(SHOP).status == "met"
    assert outlier_answer(SHOP, ("1", 29)).status == "met"
    assert outlier_answer(SHOP, ("1", 31)).status == "not_met"
    assert ask("measure.outliers", [], stage="daily").status == "not_measured"


@pytest.mark.parametrize(
    ("note", "status"),
    [
        ({"on": date(2026, 10, 20), "text": "The cluster moved"}, "met"),
        ({"on": date(2026, 11, 1), "text": "shop/1 waited for the cluster"}, "met"),
        ({"on": date(2026, 11, 1), "text": "shop/12 waited for the cluster"}, "not_met"),
    ],
)
def test_a_note_is_of_its_day_or_says_its_name(note: Record, status: str) -> None:
    assert outlier_answer({**SHOP, "annotations": [note]}, ("1", 31)).status == status


def test_a_public_site_does_not_claim_what_it_may_not_show() -> None:
    config = {**SHOP, "site": {**SHOP["site"], "public": True}}
    for check_id in ("talk.chat", "talk.news", "know.owner", "branch.keeper", "talk.decides"):
        assert ask(check_id, [], config).status == "not_measured"

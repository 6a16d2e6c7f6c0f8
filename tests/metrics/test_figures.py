"""Each metric by a case that a person can check by hand. The week is that of Monday 16 November 2026."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.metrics.support import at, change, deployment, figures, incident, run, settings, tables

WEEK = "2026-11-16"


def one(
    metric: str,
    *,
    scope: str = "codebase",
    name: str = "shop",
    start: str = WEEK,
    given: Any = None,
    **rows: Any,
) -> tuple[float | None, int | None, int | None, int]:
    """Value, numerator, denominator and missing of one week's figure."""
    row = figures(tables(**rows), given, metric)[(scope, name, "week", start, metric)]
    return row["value"], row["numerator"], row["denominator"], row["missing"]


def test_frequency_counts_successes_and_a_roll_out_once() -> None:
    made = [
        deployment(id="1", at=at("2026-11-16 00:00")),
        deployment(id="2", at=at("2026-11-22 23:59")),
        deployment(id="3", at=at("2026-11-18 10:00"), outcome="failure", reached=False),
        deployment(id="4", at=at("2026-11-18 10:00"), counted=False, environment="prod-us"),
        deployment(id="5", at=at("2026-11-23 00:00")),
    ]
    assert one("deployment_frequency", deployments=made) == (2, 2, None, 0)


def test_a_quiet_week_has_a_frequency_of_0_and_no_fail_rate() -> None:
    made = [deployment(id="1", at=at("2026-11-03 10:00"))]
    assert one("deployment_frequency", deployments=made) == (0, 0, None, 0)
    assert one("change_fail_rate", deployments=made) == (None, 0, 0, 0)


def test_a_sunday_night_in_utc_is_already_monday_in_berlin() -> None:
    made = [deployment(id="1", at=at("2026-11-15 23:30"))]
    assert (
        one("deployment_frequency", deployments=made, given=settings(zone=ZoneInfo("Europe/Berlin")))[0] == 1
    )
    made.append(deployment(id="2", at=at("2026-11-08 10:00")))
    assert one("deployment_frequency", deployments=made)[0] == 0


def test_deployment_days_are_working_days_of_those_gone_by() -> None:
    made = [
        deployment(id="1", at=at("2026-11-16 10:00")),
        deployment(id="2", at=at("2026-11-16 12:00")),
        deployment(id="3", at=at("2026-11-17 12:00")),
        deployment(id="4", at=at("2026-11-21 12:00")),  # a Saturday
    ]
    holiday = settings(holidays=frozenset({at("2026-11-17 00:00").date()}))
    assert one("deployment_days", deployments=made, given=holiday) == (1, 1, 4, 0)


def test_lead_time_is_the_median_of_the_changes_and_negative_is_unknown() -> None:
    seconds = [100, 200, 400, -5, None]
    made = [
        change(id=str(n), deployed_at=at("2026-11-17 10:00"), lead_time_seconds=value)
        for n, value in enumerate(seconds)
    ]
    assert one("change_lead_time_p50", changes=made) == (200, None, 3, 2)
    # Type 7: at 0.9 of the way from the 1st to the 3rd, 0.8 between 200 and 400.
    assert one("change_lead_time_p90", changes=made) == (360, None, 3, 2)
    target = settings(lead_time_limit_seconds=200)
    assert one("change_lead_time_within_target", changes=made, given=target, scope="site", name="") == (
        2 / 3, 2, 3, 2,
    )  # fmt: skip


def test_the_site_has_no_medians() -> None:
    made = [change(id="1", deployed_at=at("2026-11-17 10:00"), lead_time_seconds=1)]
    rows = figures(tables(changes=made))
    assert {row["metric"] for row in rows.values() if row["scope"] == "site" and "_p" in row["metric"]} <= {
        "stopped_promotions"
    }


def test_three_readings_of_one_case() -> None:
    evidence: list[tuple[str, ...]] = [("said",), ("undone",), ("near",), ()]
    made = [
        deployment(
            id=str(n),
            at=at("2026-11-17 10:00") + timedelta(hours=n),
            evidence=found,
            needed_intervention=bool(found) and found != ("near",),
        )
        for n, found in enumerate(evidence)
    ]
    assert one("change_fail_rate_said", deployments=made) == (0.25, 1, 4, 0)
    assert one("change_fail_rate", deployments=made) == (0.5, 2, 4, 0)
    assert one("change_fail_rate_near", deployments=made) == (0.75, 3, 4, 0)


def test_a_person_s_word_takes_a_failure_out_of_all_three() -> None:
    made = [
        deployment(id="1", at=at("2026-11-17 10:00"), evidence=("near",), corrected="near; ana: load test")
    ]
    assert one("change_fail_rate_near", deployments=made) == (0, 0, 1, 0)


def test_a_failure_that_reached_users_counts_and_one_that_did_not_does_not() -> None:
    made = [
        deployment(id="1", at=at("2026-11-17 10:00")),
        deployment(
            id="2", at=at("2026-11-17 11:00"), outcome="failure", reached=True, needed_intervention=True
        ),
        deployment(id="3", at=at("2026-11-17 12:00"), outcome="failure", reached=False),
    ]
    assert one("change_fail_rate", deployments=made) == (0.5, 1, 2, 0)


def test_rework_is_hotfixes_reverts_and_rollbacks() -> None:
    kinds = ["planned", "hotfix", "revert", "rollback", "planned"]
    made = [deployment(id=str(n), at=at("2026-11-17 10:00"), kind=kind) for n, kind in enumerate(kinds)]
    assert one("deployment_rework_rate", deployments=made) == (0.6, 3, 5, 0)


def test_recovery_is_in_the_week_of_its_end_and_an_open_failure_is_missing_in_its_own() -> None:
    made = [
        deployment(
            id="1", at=at("2026-11-13 10:00"), needed_intervention=True,
            recovered_at=at("2026-11-16 10:00"), recovery_seconds=3 * 86400,
        ),
        deployment(id="2", at=at("2026-11-17 10:00"), needed_intervention=True),
    ]  # fmt: skip
    assert one("failed_deployment_recovery_time_p50", deployments=made) == (3 * 86400, None, 1, 1)
    assert one("failed_deployment_recovery_time_p50", deployments=made, start="2026-11-09")[0] is None


def test_an_incident_of_two_deployments_is_restored_once_and_detected_twice() -> None:
    made = [
        incident(
            id="i", deployment=name, deployment_environment="production", matched_by="said",
            started_at=at("2026-11-17 10:00"), detected_at=at("2026-11-17 10:10"),
            resolved_at=at("2026-11-17 11:00"), time_to_restore_seconds=3600, time_to_detect_seconds=seconds,
        )
        for name, seconds in (("1", 600), ("2", 1200))
    ]  # fmt: skip
    assert one("time_to_restore_p50", incidents=made) == (3600, None, 1, 0)
    assert one("time_to_detect_p50", incidents=made) == (900, None, 2, 0)


def test_an_incident_of_two_codebases_counts_once_for_their_team() -> None:
    made = [
        incident(
            id="i", codebase=name, started_at=at("2026-11-17 10:00"), resolved_at=at("2026-11-17 11:00"),
            time_to_restore_seconds=3600,
        )
        for name in ("shop", "till")
    ]  # fmt: skip
    both = settings(codebases=("shop", "till"), teams={"shop": "web", "till": "web"})
    assert one("time_to_restore_p50", incidents=made, given=both, scope="team", name="web")[2] == 1


def test_a_change_of_two_codebases_in_one_repository_counts_once_for_their_team() -> None:
    made = [
        change(id="7", codebase=name, deployed_at=at("2026-11-17 10:00"), lead_time_seconds=60)
        for name in ("shop", "till")
    ]
    both = settings(codebases=("shop", "till"), teams={"shop": "web", "till": "web"})
    mono = settings(
        codebases=("shop", "till"),
        teams={"shop": "web", "till": "web"},
        repositories={"shop": "r", "till": "r"},
    )
    assert one("change_lead_time_p50", changes=made, given=both, scope="team", name="web")[2] == 2
    assert one("change_lead_time_p50", changes=made, given=mono, scope="team", name="web")[2] == 1
    assert one("change_lead_time_p50", changes=made, given=mono, name="till")[2] == 1


def test_batches_and_reviews() -> None:
    changes = [
        change(id="1", deployed_at=at("2026-11-17 10:00"), additions=3, deletions=1, approved=True),
        change(id="2", deployed_at=at("2026-11-17 10:00"), additions=10, deletions=0, approved=False),
        change(id="3", deployed_at=at("2026-11-17 10:00")),
    ]
    made = [
        deployment(id="0", at=at("2026-11-16 09:00"), baseline=True),
        deployment(id="1", at=at("2026-11-17 10:00"), changes=3),
        deployment(id="2", at=at("2026-11-18 10:00"), changes=0),
        deployment(id="3", at=at("2026-11-18 11:00"), matched=False),
    ]
    assert one("batch_lines_p50", changes=changes) == (7, None, 2, 1)
    assert one("reviewed_share", changes=changes) == (0.5, 1, 2, 1)
    assert one("batch_changes_p50", deployments=made) == (1.5, None, 2, 1)


def test_a_stopped_promotion_is_once_a_revision_and_not_one_that_reached_users() -> None:
    red = {"outcome": "failure", "deploys_to": "Production"}
    runs = [
        run(id="1", revision="a", finished_at=at("2026-11-17 10:00"), **red),
        run(id="1", revision="a", attempt=2, finished_at=at("2026-11-17 11:00"), **red),
        run(
            id="2", revision="b", finished_at=at("2026-11-17 12:00"), outcome="failure", deploys_to="staging"
        ),
        run(id="3", revision="c", finished_at=at("2026-11-17 13:00"), **red),
    ]
    verdicts = [
        {"codebase": "shop", "environment": "production", "revision": revision, "verdict": verdict,
         "judged_at": at("2026-11-18 10:00")}
        for revision, verdict in (("a", "fail"), ("d", "no_proof"), ("e", "pass"))
    ]  # fmt: skip
    reached = [deployment(id="9", at=at("2026-11-17 13:00"), outcome="failure", pipeline_run="3")]
    assert one("stopped_promotions", pipeline_runs=runs, verdicts=verdicts, deployments=reached)[0] == 2


def test_green_time_and_breaks_follow_the_newest_finished_run() -> None:
    runs = [
        run(id="1", finished_at=at("2026-11-16 00:00")),
        run(id="2", finished_at=at("2026-11-17 00:00"), outcome="failure"),
        run(id="3", finished_at=at("2026-11-17 06:00"), outcome="cancelled"),
        run(id="4", finished_at=at("2026-11-17 12:00"), pipeline="lint"),
        run(id="5", finished_at=at("2026-11-18 00:00")),
        run(id="6", finished_at=at("2026-11-19 00:00"), branch="topic", outcome="failure"),
        run(id="7", finished_at=at("2026-11-19 00:00"), trigger="pull_request", outcome="failure"),
    ]
    week, day = 7 * 86400, 86400
    assert one("green_time", pipeline_runs=runs) == (6 / 7, week - day, week, 0)
    assert one("break_duration_p50", pipeline_runs=runs) == (day, None, 1, 0)


def test_a_pipeline_that_is_not_required_breaks_nothing() -> None:
    runs = [
        run(id="1", finished_at=at("2026-11-16 00:00")),
        run(id="2", finished_at=at("2026-11-17 00:00"), outcome="failure", pipeline="nightly"),
    ]
    required = settings(required={"shop": ("ci",)})
    assert one("green_time", pipeline_runs=runs, given=required)[0] == 1
    assert one("green_time", pipeline_runs=runs)[0] == 1 / 7


def test_a_break_still_open_is_missing() -> None:
    runs = [run(id="1", finished_at=at("2026-11-20 00:00"), outcome="failure")]
    assert one("break_duration_p50", pipeline_runs=runs) == (None, None, 0, 1)
    assert one("green_time", pipeline_runs=runs) == (0, 0, 3 * 86400, 0)


def commit(revision: str, when: str) -> Any:
    from deploybook.linking.model import BranchCommit

    return BranchCommit(codebase="shop", revision=revision, committed_at=at(when))


def test_a_commit_is_tested_when_all_required_pipelines_ran_to_an_end() -> None:
    commits = [
        commit("a", "2026-11-16 10:00"),
        commit("b", "2026-11-17 10:00"),
        commit("c", "2026-11-18 10:00"),
    ]
    runs = [
        run(id="1", revision="a", finished_at=at("2026-11-16 11:00")),
        run(id="2", revision="a", finished_at=at("2026-11-16 11:00"), pipeline="lint", outcome="failure"),
        run(id="3", revision="b", finished_at=at("2026-11-17 11:00")),
        run(id="4", revision="c", finished_at=at("2026-11-18 11:00")),
        run(id="5", revision="c", finished_at=at("2026-11-18 11:00"), pipeline="lint", outcome="cancelled"),
    ]
    assert one("tested_commits", branch_commits=commits, pipeline_runs=runs) == (1 / 3, 1, 3, 0)
    required = settings(required={"shop": ("ci",)})
    assert one("tested_commits", branch_commits=commits, pipeline_runs=runs, given=required)[0] == 1


def case(name: str, outcome: str, when: str, revision: str = "a", job: str | None = None) -> dict[str, Any]:
    return {
        "codebase": "shop", "name": name, "outcome": outcome, "revision": revision, "job": job,
        "started_at": at(when),
    }  # fmt: skip


def test_flaky_is_a_pass_and_a_fail_on_one_revision_and_job_for_30_days() -> None:
    cases = [
        case("wobbly", "fail", "2026-10-20 10:00"),
        case("wobbly", "pass", "2026-10-20 11:00"),
        case("broken", "pass", "2026-11-17 10:00", revision="a"),
        case("broken", "error", "2026-11-17 10:00", revision="b"),
        case("legs", "pass", "2026-11-17 10:00", job="linux"),
        case("legs", "fail", "2026-11-17 10:00", job="mac"),
        case("skipped", "skip", "2026-11-17 10:00"),
    ]
    # Sunday 15 November less 30 days is 17 October: still in. A week later it is not.
    assert one("flaky_share", test_case_runs=cases, start="2026-11-09") == (1, 1, 1, 0)
    assert one("flaky_share", test_case_runs=cases) == (0, 0, 2, 0)


def test_a_pair_of_revision_and_pipeline_is_flaky_when_its_outcome_changed() -> None:
    runs = [
        run(id="1", revision="a", finished_at=at("2026-11-17 10:00"), outcome="failure"),
        run(id="1", revision="a", attempt=2, finished_at=at("2026-11-17 11:00")),
        run(id="2", revision="b", finished_at=at("2026-11-17 12:00"), outcome="failure"),
        run(id="3", revision="b", finished_at=at("2026-11-17 13:00"), pipeline="lint"),
    ]
    assert one("flaky_run_share", pipeline_runs=runs) == (1 / 3, 1, 3, 0)


def test_coverage_is_the_newest_report_of_a_revision_on_the_branch() -> None:
    reports = [
        {
            "codebase": "shop",
            "revision": revision,
            "unit": unit,
            "measured_at": at(when),
            "covered": n,
            "total": 10,
        }
        for revision, unit, when, n in (
            ("a", "lines", "2026-11-16 10:00", 5),
            ("a", "lines", "2026-11-17 10:00", 7),
            ("a", "branches", "2026-11-18 10:00", 1),
            ("topic", "lines", "2026-11-19 10:00", 9),
        )
    ]
    assert one("coverage", coverage=reports, branch_commits=[commit("a", "2026-11-16 09:00")]) == (
        0.7,
        7,
        10,
        0,
    )


def span(state: str, start: str, end: str, monitor: str = "ping") -> dict[str, Any]:
    return {"codebase": "shop", "monitor": monitor, "state": state, "from": at(start), "to": at(end)}


def test_uptime_counts_overlapping_outages_once_and_knows_nothing_before_the_first_record() -> None:
    seen = [
        span("up", "2026-11-18 00:00", "2026-11-19 00:00"),
        span("down", "2026-11-19 00:00", "2026-11-19 06:00"),
        span("down", "2026-11-19 03:00", "2026-11-19 12:00", monitor="probe"),
    ]
    assert one("uptime", availability=seen) == (0.9, 5 * 86400 - 12 * 3600, 5 * 86400, 0)


def test_without_a_monitor_uptime_is_by_incidents_and_beside_it_where_there_is_one() -> None:
    told = [
        incident(id="i", down=True, started_at=at("2026-11-16 00:00"), resolved_at=at("2026-11-16 16:48"))
    ]
    assert one("uptime", incidents=told)[0] == 0.9
    both: Any = {"incidents": told, "availability": [span("up", "2026-11-16 00:00", "2026-11-23 00:00")]}
    assert one("uptime", **both)[0] == 1
    assert one("uptime_incidents", **both)[0] == 0.9


def test_an_incident_open_for_more_than_30_days_is_unknown_from_then_on() -> None:
    told = [incident(id="i", down=True, started_at=at("2026-10-18 00:00"))]
    # Down until 17 November 00:00, a day of the week; after that nobody knows.
    assert one("uptime", incidents=told) == (0, 0, 86400, 6 * 86400)


def flag_change(state: str, when: str, environment: str = "production") -> dict[str, Any]:
    return {
        "flag": "one-page", "environment": environment, "state": state, "changed_at": at(when),
        "codebases": ["shop"],
    }  # fmt: skip


def test_a_flag_s_changes_are_released_when_it_is_switched_on() -> None:
    behind = [
        change(id="1", flags=("one-page",), deployed_at=at("2026-11-16 10:00")),
        change(id="2", flags=("one-page",), deployed_at=at("2026-11-18 10:00")),
    ]
    switched = [flag_change("0.1", "2026-11-17 10:00"), flag_change("on", "2026-11-18 09:00")]
    found = one("flag_time_to_on_p50", scope="flag", name="one-page", changes=behind, flag_changes=switched)
    assert found == (43200, None, 2, 0)


def test_a_switch_failed_when_it_was_off_again_in_a_day_or_an_incident_names_it() -> None:
    switched = [
        flag_change("on", "2026-11-16 08:00", "staging"),
        flag_change("on", "2026-11-16 10:00"),
        flag_change("off", "2026-11-16 12:00"),
        flag_change("on", "2026-11-18 10:00"),
        flag_change("off", "2026-11-20 10:00"),
        flag_change("on", "2026-11-21 10:00"),
    ]
    told = [incident(id="i", started_at=at("2026-11-19 20:00"), flag="one-page")]
    where: Any = {"scope": "flag", "name": "one-page", "flag_changes": switched, "incidents": told}
    assert one("flag_switch_fail_rate", **where) == (2 / 3, 2, 3, 0)
    assert one("flag_recovery_time_p50", **where) == (25 * 3600, None, 2, 0)


def test_the_fail_rate_with_a_flag_and_without() -> None:
    changes = [change(id="1", flags=("one-page",), deployment="1", deployed_at=at("2026-11-17 10:00"))]
    made = [
        deployment(id="1", at=at("2026-11-17 10:00"), needed_intervention=True),
        deployment(id="2", at=at("2026-11-18 10:00")),
        deployment(id="3", at=at("2026-11-19 10:00")),
    ]
    where: Any = {"scope": "flag", "name": "one-page", "changes": changes, "deployments": made}
    assert one("change_fail_rate", **where) == (1, 1, 1, 0)
    assert one("change_fail_rate_without", **where) == (0, 0, 2, 0)


def test_every_figure_of_the_interface_is_there_for_a_codebase_without_an_event() -> None:
    rows = figures(
        tables(deployments=[deployment(id="1", at=at("2026-11-17 10:00"))]),
        settings(codebases=("shop", "quiet")),
    )
    shop = {key[4] for key in rows if key[:2] == ("codebase", "shop")}
    quiet = {key[4] for key in rows if key[:2] == ("codebase", "quiet")}
    assert shop == quiet
    assert rows[("codebase", "quiet", "week", WEEK, "deployment_frequency")]["value"] == 0

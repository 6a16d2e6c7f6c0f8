"""The same figures from plain SQL over random rows, and laws that hold for all of them."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from tests.metrics.support import at, change, deployment, figures, settings, tables

from deploybook.linking.model import LinkedChange, LinkedDeployment, to_table

ZONES = ["Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata"]
CODEBASES = ("shop", "till", "desk")


def rows(seed: int) -> tuple[list[LinkedDeployment], list[LinkedChange]]:
    dice = random.Random(seed)

    def moment() -> Any:
        return at("2025-09-01 00:00") + timedelta(minutes=dice.randrange(440 * 1440))

    deployments, changes = [], []
    for n in range(300):
        failed = dice.random() < 0.2
        deployments.append(
            deployment(
                id=str(n), codebase=dice.choice(CODEBASES), at=moment(), counted=dice.random() < 0.9,
                outcome=dice.choice(["success"] * 4 + ["failure"]), reached=dice.random() < 0.9,
                needed_intervention=failed, evidence=("said",) if failed and dice.random() < 0.5 else (),
                kind=dice.choice(["planned", "hotfix", "rollback"]),
            )
        )  # fmt: skip
    for n in range(600):
        lead = dice.choice([None, -1, dice.randrange(10**6)])
        changes.append(
            change(id=str(n), codebase=dice.choice(CODEBASES), deployed_at=moment(), lead_time_seconds=lead)
        )
    return deployments, changes


@pytest.mark.parametrize(("seed", "zone"), list(enumerate(ZONES)))
def test_plain_sql_gives_the_same_figures(seed: int, zone: str) -> None:
    deployments, changes = rows(seed)
    chosen = settings(zone=ZoneInfo(zone), codebases=CODEBASES, teams=dict.fromkeys(CODEBASES, "web"))
    found: dict[Any, Any] = {}
    for metric in ("deployment_frequency", "change_lead_time_p50"):
        found |= figures(tables(deployments=deployments, changes=changes), chosen, metric)
    con = duckdb.connect()
    con.register("deployments", to_table(LinkedDeployment, deployments))
    con.register("changes", to_table(LinkedChange, changes))
    checked = 0
    for period in ("week", "month", "quarter"):
        start = f"date_trunc('{period}', timezone('{zone}', moment))::date"
        plain = con.execute(f"""
            select codebase, {start.replace("moment", '"at"')},
              count(*) filter (outcome = 'success'),
              count(*) filter (reached and needed_intervention) / nullif(count(*) filter (reached), 0),
              count(*) filter (reached and kind <> 'planned') / nullif(count(*) filter (reached), 0),
              count(*) filter (reached and list_contains(evidence, 'said'))
                / nullif(count(*) filter (reached), 0)
            from deployments where counted group by all
        """).fetchall()
        names = (
            "deployment_frequency",
            "change_fail_rate",
            "deployment_rework_rate",
            "change_fail_rate_said",
        )
        for codebase, day, *values in plain:
            for metric, value in zip(names, values, strict=True):
                assert found[("codebase", codebase, period, str(day), metric)]["value"] == value
                checked += 1
        leads = con.execute(f"""
            select codebase, {start.replace("moment", "deployed_at")},
              quantile_cont(lead_time_seconds, 0.5) filter (lead_time_seconds >= 0),
              quantile_cont(lead_time_seconds, 0.9) filter (lead_time_seconds >= 0)
            from changes group by all
        """).fetchall()
        for codebase, day, *values in leads:
            for metric, value in zip(("change_lead_time_p50", "change_lead_time_p90"), values, strict=True):
                known = found[("codebase", codebase, period, str(day), metric)]["value"]
                assert known == (None if value is None else pytest.approx(value, abs=0.51))
                checked += 1
    assert checked > 1000


def test_months_add_up_to_their_quarter_and_codebases_to_team_and_site() -> None:
    deployments, _changes = rows(7)
    chosen = settings(codebases=CODEBASES, teams=dict.fromkeys(CODEBASES, "web"))
    found = figures(tables(deployments=deployments), chosen, "deployment_frequency")
    by_quarter: dict[Any, float] = defaultdict(float)
    by_scope: dict[Any, float] = defaultdict(float)
    for (scope, name, period, start, metric), row in found.items():
        if metric != "deployment_frequency":
            continue
        if period == "month":
            year, month = int(start[:4]), int(start[5:7])
            by_quarter[(scope, name, f"{year}-{(month - 1) // 3 * 3 + 1:02}-01")] += row["value"]
        by_scope[(scope, period, start)] += row["value"]
    for (scope, name, start), total in by_quarter.items():
        assert found[(scope, name, "quarter", start, "deployment_frequency")]["value"] == total
    for (scope, period, start), total in by_scope.items():
        assert by_scope[("site", period, start)] == total, scope


def test_shuffled_rows_and_another_deployment_elsewhere_change_nothing_here() -> None:
    deployments, _changes = rows(11)
    chosen = settings(codebases=CODEBASES, teams=dict.fromkeys(CODEBASES, "web"))
    first = figures(tables(deployments=deployments), chosen, "deployment_frequency")
    shuffled = random.Random(3).sample(deployments, len(deployments))
    assert figures(tables(deployments=shuffled), chosen, "deployment_frequency") == first
    more = [*deployments, deployment(id="new", codebase="till", at=at("2026-03-03 10:00"))]
    wider = figures(tables(deployments=more), chosen, "deployment_frequency")
    for key, row in first.items():
        if key[:2] == ("codebase", "shop"):
            assert wider[key] == row
        if key[4] == "deployment_frequency":
            assert wider[key]["value"] >= row["value"]

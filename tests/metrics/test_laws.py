"""Laws that hold for any history."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st
from tests.metrics.support import at, deployment, figures, settings, tables

from deploybook.linking.model import LinkedDeployment

CODEBASES = ("shop", "till")
FIRST = at("2026-06-20 00:00")
MOMENTS = st.integers(0, 150 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes))
FEW = trying(max_examples=6, deadline=None)


@st.composite
def histories(draw: st.DrawFn) -> list[LinkedDeployment]:
    rows = draw(st.lists(st.tuples(MOMENTS, st.sampled_from(CODEBASES), st.booleans()), max_size=12))
    return [
        deployment(id=str(n), codebase=codebase, at=moment, needed_intervention=failed)
        for n, (moment, codebase, failed) in enumerate(rows)
    ]


def counted(rows: list[LinkedDeployment], zone: str = "Europe/Berlin") -> dict[Any, Any]:
    chosen = settings(zone=ZoneInfo(zone), codebases=CODEBASES, teams=dict.fromkeys(CODEBASES, "web"))
    return figures(tables(deployments=rows), chosen, "deployment_frequency")


@FEW
@given(histories(), MOMENTS)
def test_one_more_deployment_lowers_no_frequency_and_moves_no_other_codebase(
    rows: list[LinkedDeployment], moment: Any
) -> None:
    before = counted(rows)
    after = counted([*rows, deployment(id="new", codebase="shop", at=moment)])
    for key, row in before.items():
        if key[4] == "deployment_frequency":
            # A codebase's periods begin with its first event: until it has one, with the site's.
            now = after[key]["value"] if key in after else 0
            assert now >= row["value"]
        if key[:2] == ("codebase", "till"):
            assert after[key] == row


@FEW
@given(histories().flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_the_order_of_rows_does_not_matter(
    rows: tuple[list[LinkedDeployment], list[LinkedDeployment]],
) -> None:
    assert counted(rows[0]) == counted(rows[1])


@FEW
@given(histories(), st.sampled_from(("America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland")))
def test_the_parts_of_a_period_add_up_to_it_and_a_time_zone_moves_only_its_borders(
    rows: list[LinkedDeployment], zone: str
) -> None:
    for place in ("UTC", zone):
        totals: dict[Any, int] = defaultdict(int)
        for (scope, name, period, start, metric), row in counted(rows, place).items():
            if metric in ("deployment_frequency", "change_fail_rate"):
                totals[(scope, name, period, metric)] += row["numerator"]
                quarter = f"{start[:5]}{(int(start[5:7]) - 1) // 3 * 3 + 1:02}"
                totals[(scope, name, period, metric, quarter)] += row["numerator"]
        for scope, name, codebases in (
            ("codebase", "shop", ("shop",)), ("team", "web", CODEBASES), ("site", "", CODEBASES),
        ):  # fmt: skip
            own = [row for row in rows if row.codebase in codebases]
            failed = [row for row in own if row.needed_intervention]
            for metric, events in (("deployment_frequency", own), ("change_fail_rate", failed)):
                for period in ("week", "month", "quarter"):
                    assert totals[(scope, name, period, metric)] == len(events)
        for key, total in totals.items():
            if len(key) == 5 and key[2] == "month":
                assert totals[(*key[:2], "quarter", *key[3:])] == total

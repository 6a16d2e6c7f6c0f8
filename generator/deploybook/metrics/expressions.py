"""Every metric as an Ibis expression, by the parts of `ready`. Loaded only where one has to be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import ibis
from ibis import _

from deploybook.metrics import branch, flags, flow, instability, outlying, ready, testing, throughput, uptime
from deploybook.metrics.daily import Daily, asked
from deploybook.metrics.grain import grain, inputs
from deploybook.metrics.measures import Count, Expressed, Percentile, Rate, summed
from deploybook.metrics.part import Figure, Part


@cache
def parts(*, shared_repositories: bool) -> Mapping[str, Expressed]:
    """Every part, with the expression that makes it, by its name."""
    made = grain(shared_repositories=shared_repositories)
    of = inputs(), made
    by_deployment = [
        *throughput.of_deployments(),
        *instability.of_deployments(),
        *flow.of_deployments(),
    ]
    by_change = [*throughput.of_changes(made), *flow.of_changes()]
    by_recovery = instability.of_recoveries(made)
    restore = Percentile("time_to_restore_p50", "seconds", _.time_to_restore_seconds)
    detect = Percentile("time_to_detect_p50", "seconds", _.time_to_detect_seconds)
    stopped = Count("stopped_promotions", "promotions")
    broken = Percentile("break_duration_p50", "seconds", _.seconds)
    changed = Rate("flaky_run_share", _.changed)
    switched = Rate("flag_switch_fail_rate", _.failed)
    off = Percentile("flag_recovery_time_p50", "seconds", _.length)
    on = Percentile("flag_time_to_on_p50", "seconds", _.length)
    others = Rate("change_fail_rate_without", _.needed_intervention, _.reached)

    def shares(metric: str) -> tuple[Figure, ...]:
        return (Figure(metric, "share", "rate"),)

    flaky = Daily(
        rows=lambda: testing.case_runs(*of),
        steps=lambda: testing.steps(*of),
        late=lambda since: testing.late(*of, since),
        told=lambda late: testing.told(*of, late),
        since=lambda late, told, since: testing.steps_since(late, told, made, since),
        table=lambda days: testing.flaky_share(days, made),
    )
    runs, commits, flagged = ("pipeline_runs",), ("branch_commits",), ("flag_changes",)
    told, seen = ("incidents",), ("incidents", "availability")
    delivered, covered = throughput.delivered, Part("coverage", ("coverage",), shares("coverage"))
    every = [
        summed("deployments", ("deployments",), throughput.deployments, by_deployment, of, apart=True),
        throughput.deployment_days(*of),
        summed("changes", ("changes",), delivered, by_change, of, apart=True, by_repository=True),
        summed("recoveries", ("deployments",), instability.recovered, by_recovery, of, apart=True),
        summed("restored", told, instability.restored, [restore], of),
        summed("detected", told, instability.detected, [detect], of),
        summed("stopped", ("pipeline_runs", "verdicts"), branch.stopped_promotions, [stopped], of),
        summed("green", runs, branch.green_spans, [branch.GREEN_TIME], of),
        summed("breaks", runs, branch.break_ends, [broken], of),
        summed("tested", commits, branch.tried_commits, [branch.TESTED_COMMITS], of, opens=False),
        Expressed(Part("flaky", ("test_case_runs",), shares("flaky_share"), daily=True), flaky.whole, flaky),
        summed("flaky_runs", runs, testing.flaky_runs, [changed], of),
        Expressed(covered, lambda: testing.coverage(*of)),
        summed("uptime", seen, uptime.watched, uptime.UPTIME, of),
        summed("switches", flagged, flags.switched_on, [switched], of),
        summed("switch_recoveries", flagged, flags.switched_off, [off], of),
        summed("time_to_on", ("changes",), flags.released, [on], of),
        summed("without", ("deployments",), flags.without, [others], of, opens=False),
    ]
    return {each.part.name: each for each in every}


def beyond() -> Any:
    """The expression of `compute.outliers`."""
    return outlying.beyond(inputs(), grain(shared_repositories=False))


def compiled() -> ready.Ready:
    """What `ready` is to hold of this source: all expressions in DuckDB's SQL."""
    expressions: dict[str, Callable[[], Any]] = {ready.OUTLIERS: beyond}
    for shared in (True, False):
        known = parts(shared_repositories=shared).values()
        for each in known:
            expressions |= _of(each, each.part.runs_as(shared_repositories=shared))
    compile = ibis.duckdb.connect().compile
    sql = {name: str(compile(expression())) for name, expression in expressions.items()}
    return ready.Ready(source=ready.source(), parts=tuple(each.part for each in known), sql=sql)


def _of(each: Expressed, name: str) -> dict[str, Callable[[], Any]]:
    """The expressions of a part, by the names that they run under."""
    daily = each.daily
    return dict(asked(name, lambda: daily).values()) if daily else {name: each.table}

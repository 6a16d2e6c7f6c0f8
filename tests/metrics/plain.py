"""Figures once more, from the exported Parquet by plain SQL: what anyone who doubts a number can run.

`python -m tests.metrics.plain <site>/data <time zone>` holds the figures of a built site against its rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

REACHED = "counted and reached"
FAILED = f"{REACHED} and needed_intervention"
REWORK = f"{REACHED} and kind <> 'planned'"
SIZED = "counted and outcome = 'success' and matched and not baseline"
DEPLOYMENTS = {
    "deployment_frequency": "count(*) filter (counted and outcome = 'success')",
    "change_fail_rate": f"count(*) filter ({FAILED}) / nullif(count(*) filter ({REACHED}), 0)",
    "deployment_rework_rate": f"count(*) filter ({REWORK}) / nullif(count(*) filter ({REACHED}), 0)",
    "batch_changes_p50": f"quantile_cont(changes, 0.5) filter ({SIZED})",
}
RECOVERIES = {
    "failed_deployment_recovery_time_p50": "quantile_cont(recovery_seconds, 0.5)",
    "failed_deployment_recovery_time_p90": "quantile_cont(recovery_seconds, 0.9)",
}
CHANGES = {
    "change_lead_time_p50": "quantile_cont(lead_time_seconds, 0.5)",
    "change_lead_time_p90": "quantile_cont(lead_time_seconds, 0.9)",
    "coding_time_p50": "quantile_cont(coding_seconds, 0.5)",
    "review_time_p50": "quantile_cont(review_seconds, 0.5)",
    "waiting_time_p50": "quantile_cont(waiting_seconds, 0.5)",
    "batch_lines_p50": "quantile_cont(additions + deletions, 0.5)",
}
RESTORED = {"time_to_restore_p50": "quantile_cont(floor(epoch(resolved_at) - epoch(started_at)), 0.5)"}
SOURCES = (
    ("deployments", "coalesce(finished_at, started_at)", "counted", DEPLOYMENTS),
    ("deployments", "coalesce(recovered_at, finished_at)", FAILED, RECOVERIES),
    ("changes", "deployed_at", "deployed_at is not null and state <> 'undone'", CHANGES),
    (
        "(select distinct on (id, codebase) * from incidents)",
        "resolved_at",
        "resolved_at is not null and codebase is not null",
        RESTORED,
    ),
)


def compare(folder: Path, zone: str) -> tuple[int, list[str]]:
    """How many figures of codebases were compared, and each that differs, as a sentence."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    for name in ("changes", "deployments", "incidents", "metrics"):
        con.execute(f"create view {name} as from '{folder / name}.parquet'")
    checked, wrong = 0, []
    for source, at, where, metrics in SOURCES:
        for period in ("week", "month", "quarter"):
            start = f"date_trunc('{period}', timezone('{zone}', {at}))::date"
            for metric, value in metrics.items():
                rows = con.sql(f"""
                    with plain as (select codebase as name, {start} as period_start, {value} as value
                      from {source} where {where} group by all),
                    told as (from metrics
                      where scope = 'codebase' and period = '{period}' and metric = '{metric}')
                    select name, period_start, plain.value, told.value, told.name is null, plain.name is null
                    from plain full join told using (name, period_start)
                    where year(period_start) >= 2000""").fetchall()
                for name, day, own, told, absent, quiet in rows:
                    checked += 1
                    slack = 0.5 if metric.endswith(("_p50", "_p90")) else 0  # seconds are whole in the table
                    same = own == told if None in (own, told) else abs(own - told) <= slack + 1e-9
                    # A period in which nothing happened is in the table of figures alone.
                    same = not told if quiet else same
                    if absent or not same:
                        wrong.append(f"{name} {period} {day} {metric}: {told}, by plain SQL {own}")
    return checked, wrong


if __name__ == "__main__":
    count, differing = compare(Path(sys.argv[1]), sys.argv[2])
    told = "".join(f"{each}\n" for each in differing)
    sys.stdout.write(f"{told}{count} figures compared, {len(differing)} differ\n")
    sys.exit(bool(differing))

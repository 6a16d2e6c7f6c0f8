# ruff: noqa: E501 - SQL reads best in its own lines
"""All metric tables over a simulated history, beside hand-written SQL, with the peak of memory.

Run as `python benchmarks/metrics.py --scale 0.02`; 1 is a million deployments, three million changes,
ten million pipeline runs and fifty million test case runs of 200 codebases in five years.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import ibis

from deploybook.linking.model import BranchCommit, LinkedChange, LinkedDeployment, LinkedIncident, to_table
from deploybook.metrics import Settings, Tables, compute_arrow
from deploybook.metrics.compute import FAMILIES

AS_OF = datetime(2026, 11, 23, tzinfo=UTC)
ZONE = "Europe/Berlin"
CODEBASES = 200
TEAMS = 20
MOMENT = "timestamptz '2021-11-23 00:00+00' + to_seconds((hash(i * 7919) % 157766400)::bigint)"
CODEBASE = f"'codebase-' || (hash(i) % {CODEBASES})"
ROWS = {
    "deployments": (
        1_000_000,
        f"""{CODEBASE} as codebase, i::varchar as id, 'production' as environment, true as live, true as counted,
        {MOMENT} as "at", {MOMENT} as finished_at, 'success' as outcome, true as reached,
        case hash(i * 3) % 10 when 0 then 'rollback' when 1 then 'hotfix' else 'planned' end as kind,
        true as matched, false as baseline, hash(i * 5) % 10 = 0 as needed_intervention,
        case when hash(i * 5) % 10 = 0 then ['said'] else []::varchar[] end as evidence,
        (hash(i * 11) % 3000)::bigint as duration_seconds, (hash(i * 13) % 900)::bigint as rollback_seconds,
        {MOMENT} + interval 1 hour as recovered_at, (hash(i * 17) % 9000)::bigint as recovery_seconds,
        (hash(i * 19) % 9)::bigint as changes""",
    ),
    "changes": (
        3_000_000,
        f"""{CODEBASE} as codebase, i::varchar as id, 'live' as state, 'production' as environment,
        (i // 3)::varchar as deployment, []::varchar[] as flags, {MOMENT} as deployed_at, {MOMENT} as merged_at,
        (hash(i * 3) % 900000)::bigint as lead_time_seconds, (hash(i * 5) % 90000)::bigint as coding_seconds,
        (hash(i * 7) % 9000)::bigint as pickup_seconds, (hash(i * 11) % 90000)::bigint as review_seconds,
        (hash(i * 13) % 600000)::bigint as waiting_seconds, (hash(i * 17) % 500)::bigint as additions,
        (hash(i * 19) % 300)::bigint as deletions, hash(i * 23) % 8 > 0 as approved""",
    ),
    "pipeline_runs": (
        10_000_000,
        f"""{CODEBASE} as codebase, i::varchar as id, 'ci-' || (hash(i * 3) % 3) as pipeline,
        case hash(i * 5) % 12 when 0 then 'failure' when 1 then 'cancelled' else 'success' end as outcome,
        'r' || (i // 4) as revision, case hash(i * 7) % 3 when 0 then 'main' else 'topic' end as branch,
        'push' as trigger, {MOMENT} as started_at, {MOMENT} as finished_at, 1::bigint as attempt""",
    ),
    "test_case_runs": (
        50_000_000,
        f"""{CODEBASE} as codebase, 'unit' as suite, 'case-' || (hash(i * 3) % 500) as name,
        case hash(i * 5) % 50 when 0 then 'fail' else 'pass' end as outcome, 'r' || (i // 400) as revision,
        'linux' as job, {MOMENT} as started_at""",
    ),
}


def starts(at: str) -> str:
    """The first days of an instant's week, month and quarter."""
    local = f"timezone('{ZONE}', {at})"
    return ", ".join(f"date_trunc('{period}', {local})" for period in ("week", "month", "quarter"))


def by_hand(select: str, source: str, at: str, where: str = "true") -> str:
    """The figures of one family as one would write them."""
    return f"""
        select scoped.name, start, {select} from (
          select *, unnest([codebase, 'team-' || (substr(codebase, 10)::int % {TEAMS})]) as name,
            [{starts(at)}] as starts from {source} where {where}) scoped, unnest(starts) as u(start)
        group by scoped.name, start"""


def sql() -> dict[str, str]:
    """Hand-written SQL of the families that carry the weight."""
    stages = ("coding", "pickup", "review", "waiting")
    return {
        "deployments": by_hand(
            """count(*), count(*) filter (needed_intervention), count(*) filter (list_contains(evidence, 'said')),
            count(*) filter (needed_intervention or list_contains(evidence, 'near')),
            count(*) filter (kind <> 'planned'), quantile_cont(duration_seconds, 0.5),
            quantile_cont(rollback_seconds, 0.5) filter (kind = 'rollback'), quantile_cont(changes, 0.5)""",
            "deployments",
            '"at"',
        ),
        "changes": by_hand(
            "quantile_cont(lead_time_seconds, 0.5), quantile_cont(lead_time_seconds, 0.9), "
            + ", ".join(f"quantile_cont({stage}_seconds, 0.5)" for stage in stages)
            + ", quantile_cont(additions + deletions, 0.5), count(*) filter (approved)",
            "changes",
            "deployed_at",
        ),
        "flaky_runs": by_hand(
            "count(*), count(*) filter (changed)",
            """(select codebase, revision, pipeline, min(finished_at) as "at",
                count(distinct outcome) > 1 as changed from pipeline_runs
                where outcome <> 'cancelled' group by all)""",
            '"at"',
        ),
        "flaky": by_hand(
            "count(*), sum(flaky::int)",
            """(select codebase, name as test, revision, job, min(started_at) as "at",
                count(distinct outcome) > 1 as flaky from test_case_runs group by all)""",
            '"at"',
        ).replace("select *, unnest", 'select codebase, "at", flaky, unnest'),
    }


def timed(work: Callable[[], Any]) -> float:
    """Seconds of the work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Write the rows, run both, print the ratio."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--scale", type=float, default=0.02)
    asked.add_argument("--memory", default="4GB", help="DuckDB's limit")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        con = ibis.duckdb.connect(memory_limit=options.memory, temp_directory=folder)
        for name, (count, select) in ROWS.items():
            file = Path(folder) / f"{name}.parquet"
            rows = f"select {select} from range({int(count * options.scale)}) as t(i)"
            duckdb.sql(f"copy ({rows}) to '{file}' (format parquet)")
            con.read_parquet(file, table_name=name)
        ratios(con)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB")


def ratios(con: Any) -> None:
    """Time each family both ways."""
    names = [f"codebase-{n}" for n in range(CODEBASES)]
    settings = Settings(
        zone=ZoneInfo(ZONE),
        as_of=AS_OF,
        codebases=tuple(names),
        teams={name: f"team-{n % TEAMS}" for n, name in enumerate(names)},
        branches=dict.fromkeys(names, "main"),
    )
    tables = simulated(con)
    total = [0.0, 0.0]
    for family, statement in sql().items():
        hand = timed(con.con.sql(statement).arrow)
        ours = timed(partial(compute_arrow, tables, settings, [FAMILIES[family]]))
        total = [total[0] + hand, total[1] + ours]
        print(f"{family:12} by hand {hand:7.2f} s   deploybook {ours:7.2f} s   ratio {ours / hand:5.2f}")
    print(
        f"{'together':12} by hand {total[0]:7.2f} s   deploybook {total[1]:7.2f} s   ratio {total[1] / total[0]:5.2f}"
    )
    print(f"all families {timed(lambda: compute_arrow(tables, settings)):7.2f} s")


def simulated(con: Any) -> Tables:
    """The tables: those written, with the columns that they lack as unknown, and empty ones."""
    linked: dict[str, Any] = {"deployments": LinkedDeployment, "changes": LinkedChange}
    made: dict[str, Any] = {}
    for name, row in linked.items():
        table = con.table(name)
        empty = to_table(row, []).schema
        lacking = {
            field: ibis.null(ibis.memtable(to_table(row, []))[field].type())
            for field in empty.names
            if field not in table.columns
        }
        made[name] = table.mutate(**lacking)
    text = {"deploys_to": ibis.null("string"), "job": ibis.null("string")}
    made["pipeline_runs"] = con.table("pipeline_runs").mutate(**text)
    made["test_case_runs"] = con.table("test_case_runs").mutate(run=ibis.null("string"))
    made["incidents"] = ibis.memtable(to_table(LinkedIncident, []))
    made["branch_commits"] = ibis.memtable(to_table(BranchCommit, []))
    instant = "timestamp('UTC', 6)"
    word = dict.fromkeys(
        ("codebase", "revision", "unit", "environment", "verdict", "monitor", "state", "flag"), "string"
    )
    made["coverage"] = ibis.memtable(
        [], schema={**word, "measured_at": instant, "covered": "int64", "total": "int64"}
    )
    made["flag_changes"] = ibis.memtable(
        [], schema={**word, "changed_at": instant, "codebases": "array<string>"}
    )
    made["availability"] = ibis.memtable([], schema={**word, "from": instant, "to": instant})
    made["verdicts"] = ibis.memtable([], schema={**word, "judged_at": instant})
    return Tables(**made)


if __name__ == "__main__":
    main()

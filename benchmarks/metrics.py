# ruff: noqa: E501 - SQL reads best in its own lines
"""All metric tables over a simulated history, beside hand-written SQL for the same figures, with the peak of memory.

Run as `python benchmarks/metrics.py --scale 0.02`; 1 is a million deployments, three million changes,
ten million pipeline runs and fifty million test case runs of 200 codebases in five years. Every figure of both is
compared: a ratio of two different tables would say nothing.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa

from deploybook.metrics import INPUTS, Engine, Settings, compute_arrow

AS_OF = datetime(2026, 11, 23, tzinfo=UTC)
ZONE = "Europe/Berlin"
CODEBASES = 200
TEAMS = 20
SPAN = 157766400
"""Five years in seconds."""


def _moment(of: str) -> str:
    return f"timestamptz '2021-11-23 00:00+00' + to_seconds((hash({of}) % {SPAN})::bigint)"


def _codebase(of: str) -> str:
    return f"'codebase-' || (hash({of}) % {CODEBASES})"


ROWS = {
    "deployments": (
        1_000_000,
        f"""{_codebase("i")} as codebase, i::varchar as id, 'production' as environment, true as counted,
        {_moment("i * 7919")} as "at", {_moment("i * 7919")} as finished_at,
        case when hash(i * 29) % 50 = 0 then 'failure' else 'success' end as outcome, hash(i * 29) % 100 > 0 as reached,
        case hash(i * 3) % 10 when 0 then 'rollback' when 1 then 'hotfix' else 'planned' end as kind,
        true as matched, false as baseline, hash(i * 5) % 10 = 0 as needed_intervention,
        case when hash(i * 5) % 10 = 0 then ['said'] else []::varchar[] end as evidence,
        (hash(i * 11) % 3000)::bigint as duration_seconds, (hash(i * 13) % 900)::bigint as rollback_seconds,
        {_moment("i * 7919")} + interval 1 hour as recovered_at, (hash(i * 17) % 9000)::bigint as recovery_seconds,
        (hash(i * 19) % 9)::bigint as changes""",
    ),
    "changes": (
        3_000_000,
        f"""{_codebase("i // 3")} as codebase, i::varchar as id, 'live' as state, 'production' as environment,
        (i // 3)::varchar as deployment,
        case when hash(i * 31) % 50 = 0 then ['flag-' || hash(i * 37) % 20] else []::varchar[] end as flags,
        {_moment("(i // 3) * 7919")} as deployed_at,
        (hash(i * 3) % 900000)::bigint as lead_time_seconds, (hash(i * 5) % 90000)::bigint as coding_seconds,
        case when hash(i * 41) % 9 > 0 then (hash(i * 7) % 9000)::bigint end as pickup_seconds,
        (hash(i * 11) % 90000)::bigint as review_seconds,
        (hash(i * 13) % 600000)::bigint as waiting_seconds, (hash(i * 17) % 500)::bigint as additions,
        (hash(i * 19) % 300)::bigint as deletions, hash(i * 23) % 8 > 0 as approved""",
    ),
    "pipeline_runs": (
        10_000_000,
        f"""{_codebase("i // 4")} as codebase, i::varchar as id, 'ci-' || (hash(i * 3) % 3) as pipeline,
        case hash(i * 5) % 12 when 0 then 'failure' when 1 then 'cancelled' else 'success' end as outcome,
        'r' || (i // 4) as revision, case hash(i // 4) % 3 when 0 then 'main' else 'topic' end as branch,
        'push' as trigger, {_moment("i * 43")} as started_at, {_moment("i * 43")} as finished_at, 1::bigint as attempt""",
    ),
    "test_case_runs": (
        50_000_000,
        f"""{_codebase("i // 400")} as codebase, 'unit' as suite, 'case-' || (hash(i * 3) % 500) as name,
        case hash(i * 5) % 50 when 0 then 'fail' else 'pass' end as outcome, 'r' || (i // 400) as revision,
        'linux' as job, {_moment("i // 400")} as started_at""",
    ),
}


def _percentile(metric: str, value: str, share: float = 0.5, of: str = "true") -> str:
    known = f"({of}) and {value} >= 0"
    return f"""round_even(quantile_cont({value}, {share}) filter (scope <> 'site' and {known}), 0) as "{metric} value",
      count(*) filter ({known}) as "{metric} denominator", count(*) filter (({of}) and not coalesce({known}, false)) as "{metric} missing" """


def _rate(metric: str, of: str, among: str = "true", missing: str = "false") -> str:
    return f"""count(*) filter (({of}) and ({among})) / nullif(count(*) filter ({among}), 0) as "{metric} value",
      count(*) filter (({of}) and ({among})) as "{metric} numerator", count(*) filter ({among}) as "{metric} denominator",
      count(*) filter ({missing}) as "{metric} missing" """


def _count(metric: str, of: str) -> str:
    return f'count(*) filter ({of}) as "{metric} value"'


def by_hand(rows: str, *columns: str) -> str:
    """The figures of events with `sort`, `key` and `at`, as one would write them."""
    return f"""
      with events as ({rows}),
      placed as (
        select events.*, coalesce(s.scope, sort) as scope, coalesce(s.name, key) as name, p.period,
          date_trunc(p.period, timezone('{ZONE}', "at"))::date as period_start
        from events left join whose s using (sort, key) cross join (values ('week'), ('month'), ('quarter')) p(period)
        where "at" <= '{AS_OF}')
      select scope, name, period, period_start, {", ".join(columns)} from placed group by all"""


CARRIED = """select distinct unnest(flags) as flag, codebase, environment, deployment as id from changes where len(flags) > 0"""
DEPLOYED = f"""select 'codebase' as sort, codebase as key, d.* from deployments d where counted
  union all by name select 'flag' as sort, flag as key, d.* from deployments d join ({CARRIED}) using (codebase, environment, id) where counted"""
DELIVERED = """select 'codebase' as sort, codebase as key, c.*, deployed_at as "at" from changes c where state <> 'undone'
  union all by name select 'flag' as sort, unnest(flags) as key, c.*, deployed_at as "at" from changes c where state <> 'undone' and len(flags) > 0"""
ENDED = "(select * from pipeline_runs where outcome in ('success', 'failure'))"
WITH_STATES = f"""with
  run as (select codebase, finished_at as "at", (outcome = 'failure')::int as red,
      lag((outcome = 'failure')::int) over unit as before, lead(finished_at) over unit as rest
    from {ENDED} where branch = 'main' window unit as (partition by codebase, pipeline order by finished_at, id)),
  marks as (
    select codebase, "at", (before is null)::int as known, red - coalesce(before, 0) as red from run
    union all select codebase, "at" + interval 30 day, -1, -red from run where rest is null)"""
SQL = {
    "deployments": by_hand(
        DEPLOYED,
        _count("deployment_frequency", "outcome = 'success'"),
        _percentile("deployment_duration_p50", "duration_seconds", of="outcome <> 'running'"),
        _percentile("rollback_duration_p50", "rollback_seconds", of="kind = 'rollback'"),
        _rate("change_fail_rate", "needed_intervention", "reached"),
        _rate("change_fail_rate_said", "list_contains(evidence, 'said')", "reached"),
        _rate("change_fail_rate_near", "needed_intervention or list_contains(evidence, 'near')", "reached"),
        _rate("deployment_rework_rate", "kind <> 'planned'", "reached"),
        _percentile("batch_changes_p50", "changes", of="outcome = 'success' and matched and not baseline")
        .replace("round_even(", "(")
        .replace(", 0) as", ") as"),
    ),
    "deployment_days": f"""
      with days as (select distinct coalesce(s.scope, sort) as scope, coalesce(s.name, key) as name, timezone('{ZONE}', "at")::date as day
        from ({DEPLOYED}) left join whose s using (sort, key) where outcome = 'success' and "at" <= '{AS_OF}')
      select scope, name, period, date_trunc(period, day)::date as period_start, count(*) as "deployment_days value"
      from days, (values ('week'), ('month'), ('quarter')) p(period) where isodow(day) < 6 group by all""",
    "changes": by_hand(
        DELIVERED,
        _percentile("change_lead_time_p50", "lead_time_seconds"),
        _percentile("change_lead_time_p90", "lead_time_seconds", 0.9),
        *(
            _percentile(f"{stage}_time_p50", f"{stage}_seconds")
            for stage in ("coding", "pickup", "review", "waiting")
        ),
        _percentile("batch_lines_p50", "(additions + deletions)")
        .replace("round_even(", "(")
        .replace(", 0) as", ") as"),
        _rate("reviewed_share", "approved", "approved is not null", "approved is null"),
    ),
    "recoveries": by_hand(
        f"""select * replace (coalesce(recovered_at, "at") as "at") from ({DEPLOYED}) where reached and needed_intervention""",
        _percentile("failed_deployment_recovery_time_p50", "recovery_seconds"),
        _percentile("failed_deployment_recovery_time_p90", "recovery_seconds", 0.9),
    ),
    "flaky_runs": by_hand(
        f"""select 'codebase' as sort, codebase as key, min("at") as "at", bool_or(changed) as changed from (
              select codebase, revision, pipeline, min(finished_at) as "at", count(distinct outcome) > 1 as changed
              from {ENDED} where finished_at <= '{AS_OF}' group by all)
            group by codebase, revision, pipeline""",
        _rate("flaky_run_share", "changed"),
    ),
    "green": f"""
      {WITH_STATES},
      cuts as (select distinct "at" from borders),
      merged as (select codebase, "at", sum(known) as known, sum(red) as red from (
          select * from marks where "at" <= '{AS_OF}' union all
          select codebase, "at", 0, 0 from (select distinct codebase from marks), cuts) group by all),
      spans as (select codebase, "at", lead("at") over (partition by codebase order by "at") as until,
          sum(known) over (partition by codebase order by "at") as known, sum(red) over (partition by codebase order by "at") as red from merged),
      events as (select 'codebase' as sort, codebase as key, "at", (epoch(until)::bigint - epoch("at")::bigint) as length, red from spans where known > 0 and until is not null)
      select s.scope, s.name, p.period, date_trunc(p.period, timezone('{ZONE}', "at"))::date as period_start,
        sum(if(red > 0, 0, length)) as "green_time numerator", sum(length) as "green_time denominator"
      from events join whose s using (sort, key) cross join (values ('week'), ('month'), ('quarter')) p(period) group by all""",
    "breaks": f"""
      {WITH_STATES},
      merged as (select codebase, "at", sum(red) as red from marks where "at" <= '{AS_OF}' group by all),
      spans as (select codebase, "at", sum(red) over (partition by codebase order by "at") > 0 as broken from merged),
      turns as (select *, lag(broken) over (partition by codebase order by "at") as before from spans),
      ends as (select *, lead("at") over (partition by codebase order by "at") as ended from turns where broken <> coalesce(before, false)),
      """
    + by_hand(
        """select 'codebase' as sort, codebase as key, coalesce(ended, "at") as "at", epoch(ended)::bigint - epoch("at")::bigint as seconds from ends where broken""",
        _percentile("break_duration_p50", "seconds"),
    )
    .lstrip()
    .removeprefix("with "),
    "flaky": f"""
      with cases as (select codebase, suite, name, revision, job, outcome, started_at as "at" from test_case_runs where outcome <> 'skip' and started_at <= '{AS_OF}'),
      flakes as (select codebase, suite, name, greatest(min("at") filter (outcome = 'pass'), min("at") filter (outcome <> 'pass')) as "at"
        from cases where revision is not null group by codebase, suite, name, revision, job
        having bool_or(outcome = 'pass') and bool_or(outcome <> 'pass')),
      told as (select codebase, suite, name, "at", true as ran from cases union all select codebase, suite, name, "at", false from flakes),
      days as (select distinct codebase, suite, name, ran, timezone('{ZONE}', "at")::date as day from told),
      spans as (select *, least(day + 30, coalesce(lead(day) over (partition by codebase, suite, name, ran order by day), day + 30)) as rest from days),
      steps as (select codebase, ran, day, count(*) as step from spans group by all union all select codebase, ran, rest, -count(*) from spans group by all),
      scoped as (select s.scope, s.name, ran, day, step from steps join whose s on sort = 'codebase' and key = codebase),
      marks as (select scope, name, ran, day, 0 as step from (select scope, name, min(day) as since from scoped group by all) f, (values (true), (false)) r(ran), (select distinct day from ends) e where day >= since),
      daily as (select scope, name, day, sum(step) filter (ran) as ran, sum(step) filter (not ran) as flaky from (from scoped union all from marks) group by all),
      running as (select scope, name, day, sum(ran) over run as ran, sum(flaky) over run as flaky from daily window run as (partition by scope, name order by day))
      select scope, name, period, period_start, flaky as "flaky_share numerator", ran as "flaky_share denominator" from running join ends using (day)""",
}
"""By part of the metrics: the same figures, with the flags, scopes and counts of what is missing."""


def compare(con: Any, hand: pa.Table, ours: pa.Table) -> int:
    """How many figures were compared.

    Raises:
        SystemExit: One differs.
    """
    checked = 0
    con.register("hand", hand)
    con.register("ours", ours)
    for column in hand.column_names[4:]:
        metric, part = column.split(" ")
        percentile = metric.endswith(("_p50", "_p90"))
        differ, found = con.sql(f"""
            select count(*) filter (o.metric is null or abs(coalesce(h."{column}", 0) - coalesce(o.{part}, 0)) > 1e-9), count(*)
            from hand h left join (from ours where metric = '{metric}') o using (scope, name, period, period_start)
            where not ({percentile} and scope = 'site')""").fetchall()[0]
        if differ:
            raise SystemExit(f"{column}: {differ} of {found} figures differ")
        checked += found
    con.unregister("hand")
    con.unregister("ours")
    return checked


def main() -> None:
    """Write the rows, run both, print the ratio."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--scale", type=float, default=0.02)
    asked.add_argument("--memory", default="2GB", help="DuckDB's limit")
    asked.add_argument("--only", nargs="*", help="parts to run")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        backend = ibis.duckdb.connect(memory_limit=options.memory, temp_directory=folder)
        backend.con.execute("SET TimeZone = 'UTC'")
        rows = {}
        for name, (count, select) in ROWS.items():
            file = Path(folder) / f"{name}.parquet"
            made = f"select {select} from range({max(int(count * options.scale), 4)}) as t(i)"
            backend.con.execute(f"copy ({made}) to '{file}' (format parquet)")
            read = backend.read_parquet(file, table_name=name)
            lacking = {
                field: ibis.null(kind) for field, kind in INPUTS[name].items() if field not in read.columns
            }
            rows[name] = read.mutate(**lacking)
        ratios(backend, rows, Path(folder) / "sql", options.only or list(SQL))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB")


class Timed(Engine):
    """An engine that keeps the processor seconds of each part."""

    def __init__(self, *args: Any) -> None:
        self.spent: dict[str, float] = {}
        super().__init__(*args)

    def run(self, name: str, expression: Callable[[], Any]) -> pa.Table:
        """The rows."""
        started = time.process_time()
        rows = super().run(name, expression)
        self.spent[name.partition(" ")[0]] = time.process_time() - started
        return rows


def ratios(backend: Any, rows: dict[str, Any], cache: Path, chosen: list[str]) -> None:
    """Seconds of processor time each part both ways (others may use the machine), the SQL of ours compiled before as on every day but the first."""
    names = [f"codebase-{n}" for n in range(CODEBASES)]
    settings = Settings(
        zone=ZoneInfo(ZONE),
        as_of=AS_OF,
        codebases=tuple(names),
        teams={name: f"team-{n % TEAMS}" for n, name in enumerate(names)},
        flags=tuple(f"flag-{n}" for n in range(20)),
        branches=dict.fromkeys(names, "main"),
    )
    con = backend.con
    small = Engine({name: table.limit(4) for name, table in rows.items()}, backend, cache)
    compute_arrow(small, settings)
    engine = Timed(rows, backend, cache)
    engine.settle(settings)
    con.execute("create temp view whose as select kind as sort, key, scope, name from counted_scopes")
    con.execute("create temp view ends as select * from counted_ends")
    con.execute("create temp view borders as select * from counted_borders")
    hand: dict[str, tuple[pa.Table, float]] = {}
    for part in chosen:
        started = time.process_time()
        hand[part] = con.sql(SQL[part]).to_arrow_table(), time.process_time() - started
    started = time.process_time()
    ours = compute_arrow(engine, settings, chosen)
    spent = time.process_time() - started
    for part, (_rows, seconds) in hand.items():
        print(f"{part:16} by hand {seconds:7.2f} s   deploybook {engine.spent[part]:7.2f} s")
    total = sum(seconds for _rows, seconds in hand.values())
    print(f"{'one long table':16} {'':17}   deploybook {spent - sum(engine.spent.values()):7.2f} s")
    print(f"{'together':16} by hand {total:7.2f} s   deploybook {spent:7.2f} s   ratio {spent / total:5.2f}")
    checked = sum(compare(con, rows, ours) for rows, _seconds in hand.values())
    print(f"{checked} numbers are the same in both")


if __name__ == "__main__":
    main()

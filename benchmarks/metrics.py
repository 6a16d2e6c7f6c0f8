# ruff: noqa: E501 - SQL reads best in its own lines
"""All metric tables over a simulated history, beside hand-written SQL for the same figures, with the peak of memory.

Run as `python -m benchmarks.metrics --scale 0.02`; 1 is a million deployments, three million changes,
ten million pipeline runs and fifty million test case runs of 200 codebases in five years. Every figure of both is
compared: a ratio of two different tables would say nothing. `--data DIR` keeps the simulated rows for another run;
`--only` runs some parts, `--apart` each in a process of its own, so that each has its own peak.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
from benchmarks.by_hand import queries

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
        case when hash(i * 31) % 50 = 0 then ['flag-' || hash(i // 3) % {CODEBASES} % 20] else []::varchar[] end as flags,
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
        'push' as trigger, {_moment("i * 43")} as started_at, {_moment("i * 43")} as finished_at, 1::bigint as attempt,
        case when hash(i * 47) % 20 = 0 then 'production' end as deploys_to""",
    ),
    "test_case_runs": (
        50_000_000,
        f"""{_codebase("i // 400")} as codebase, 'unit' as suite, 'case-' || (hash(i * 3) % 500) as name,
        case hash(i * 5) % 50 when 0 then 'fail' else 'pass' end as outcome, 'r' || (i // 400) as revision,
        'linux' as job, {_moment("i // 400")} as started_at""",
    ),
    "branch_commits": (
        800_000,
        f"""{_codebase("i * 3")} as codebase, 'r' || (i * 3) as revision, {_moment("i * 53")} as committed_at""",
    ),
    "incidents": (
        100_000,
        f"""{_codebase("i")} as codebase, i::varchar as id, 'production' as environment,
        case when hash(i * 3) % 2 = 0 then i::varchar end as deployment, case when hash(i * 3) % 4 = 0 then 'said' end as matched_by,
        case when hash(i * 5) % 20 = 0 then 'flag-' || hash(i) % {CODEBASES} % 20 end as flag,
        {_moment("i * 61")} as started_at, {_moment("i * 61")} + interval 5 minute as detected_at,
        case when hash(i * 7) % 99 > 0 then {_moment("i * 61")} + to_minutes((hash(i * 11) % 300)::bigint) end as resolved_at,
        (hash(i * 11) % 300 * 60)::bigint as time_to_restore_seconds, 300::bigint as time_to_detect_seconds,
        case when hash(i * 13) % 3 > 0 then hash(i * 13) % 3 = 1 end as down""",
    ),
    "availability": (
        500_000,
        f"""'codebase-' || (hash(i) % {CODEBASES} // 2) as codebase, case when hash(i * 3) % 3 = 0 then 'down' else 'up' end as state,
        {_moment("i * 67")} as "from", {_moment("i * 67")} + to_seconds((hash(i * 5) % 900)::bigint) as "to" """,
    ),
    "coverage": (
        800_000,
        f"""{_codebase("i * 3")} as codebase, 'r' || (i * 3 + hash(i) % 2) as revision,
        case when hash(i * 3) % 3 = 0 then 'branches' else 'lines' end as unit, {_moment("i * 71")} as measured_at,
        (hash(i * 5) % 9000)::bigint as covered, 9000::bigint as total""",
    ),
    "flag_changes": (
        4_000,
        f"""'flag-' || hash(i) % 20 as flag, 'production' as environment, case when hash(i * 3) % 2 = 0 then 'on' else 'off' end as state,
        {_moment("i * 73")} as changed_at, []::varchar[] as codebases""",
    ),
    "verdicts": (
        200_000,
        f"""{_codebase("i")} as codebase, 'production' as environment, 'r' || i as revision,
        case hash(i * 3) % 9 when 0 then 'fail' else 'pass' end as verdict, {_moment("i * 79")} as judged_at""",
    ),
}
"""By input: how many rows at scale 1, and what a row is made of its number."""

NAMES = [f"codebase-{n}" for n in range(CODEBASES)]
SETTINGS = Settings(
    zone=ZoneInfo(ZONE),
    as_of=AS_OF,
    codebases=tuple(NAMES),
    teams={name: f"team-{n % TEAMS}" for n, name in enumerate(NAMES)},
    flags=tuple(f"flag-{n}" for n in range(20)),
    branches=dict.fromkeys(NAMES, "main"),
    required=dict.fromkeys(NAMES[::3], ("ci-0", "ci-1")),
    lead_time_limit_seconds=345_600,
    recovery_limit_seconds=3_600,
)
CLOSED, OPENER = {"tested", "without"}, "deployments"
"""Parts whose events open no scope's history: they are told in periods that another part opened."""
SQL = queries(ZONE, AS_OF, lead_time_limit=345_600, recovery_limit=3_600)


class Timed(Engine):
    """An engine that keeps the processor seconds of each part."""

    def __init__(self, *args: Any) -> None:
        self.spent: dict[str, float] = {}
        super().__init__(*args)

    def run(self, name: str, expression: Callable[[], Any], apart: str | None = None) -> pa.Table:
        """The rows."""
        started = time.process_time()
        rows = super().run(name, expression, apart)
        self.spent[name.partition(" ")[0]] = time.process_time() - started
        return rows


def simulate(con: Any, folder: Path, scale: float) -> None:
    """Write the rows of every input as Parquet, where they are not there already."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (count, select) in ROWS.items():
        file = folder / f"{name}.parquet"
        if not file.exists():
            made = f"select {select} from range({max(int(count * scale), 4)}) as t(i)"
            con.execute(f"copy ({made}) to '{file}' (format parquet)")


def laid(backend: Any, folder: Path) -> dict[str, str]:
    """The inputs as SQL on the connection, columns that nobody simulates empty."""
    rows = {}
    for name in ROWS:
        read = backend.read_parquet(folder / f"{name}.parquet")
        lacking = {
            field: ibis.null(kind) for field, kind in INPUTS[name].items() if field not in read.columns
        }
        backend.create_view(name, read.mutate(**lacking))
        rows[name] = f"FROM {name}"
    return rows


def peak() -> float:
    """The most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ratios(backend: Any, data: Path, cache: Path, chosen: list[str]) -> None:
    """Processor seconds of each part both ways, ours first for its peak, the SQL of ours compiled before.

    Others may use the machine, so time on the clock says little; and compiling is done on the first day alone.
    """
    con, rows = backend.con, laid(backend, data)
    compute_arrow(Engine({name: f"{sql} LIMIT 4" for name, sql in rows.items()}, backend, cache), SETTINGS)
    engine = Timed(rows, backend, cache)
    started = time.process_time()
    ours = compute_arrow(engine, SETTINGS, {*chosen, *([OPENER] if CLOSED & set(chosen) else [])})
    spent, most = time.process_time() - started, peak()
    con.execute("create temp view whose as select kind as sort, key, scope, name from counted_scopes")
    con.execute("create temp view release as select codebase, release as branch from counted_branches")
    con.execute("create temp view demanded as from counted_required")
    con.execute("create temp table holidays (day date)")
    con.register("ours", ours)
    # What is written by hand sorts every value in memory: it may have all that it asks for, ours may not.
    con.execute("SET memory_limit = '8GB'")
    total, checked = 0.0, 0
    for part in chosen:
        started = time.process_time()
        hand = con.sql(SQL[part]).to_arrow_table()
        seconds = time.process_time() - started
        total += seconds
        print(f"{part:17} by hand {seconds:7.2f} s   deploybook {engine.spent[part]:7.2f} s", flush=True)
        if part in CLOSED:
            con.register("hand", hand)
            hand = con.sql(
                "from hand semi join ours using (scope, name, period, period_start)"
            ).to_arrow_table()
        checked += compare(con, hand)
    table = spent - sum(engine.spent.values())
    ours_alone = table + sum(engine.spent[part] for part in chosen)
    print(f"{'one long table':17} {'':17}   deploybook {table:7.2f} s")
    summary(total, ours_alone, most)
    print(f"{checked} numbers are the same in both; with the SQL by hand the peak is {peak():.0f} MiB")


def summary(hand: float, ours: float, most: float) -> None:
    """Say how both compare; `apart` reads it again."""
    print(
        f"{'together':17} by hand {hand:7.2f} s   deploybook {ours:7.2f} s   ratio {ours / hand:5.2f}"
        f"   peak {most:.0f} MiB",
        flush=True,
    )


SUMMARY = re.compile(r"together +by hand +(\S+) s +deploybook +(\S+) s.*peak (\d+) MiB")


def apart(parts: list[str], options: list[str]) -> None:
    """Each part in a process of its own, then all together, with the peak of the worst.

    Raises:
        SystemExit: A part failed.
    """
    found = []
    for part in parts:
        command = [sys.executable, "-m", "benchmarks.metrics", *options, "--only", part]
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
        print(done.stdout, end="", flush=True)
        told = SUMMARY.search(done.stdout)
        if done.returncode or told is None:
            raise SystemExit(f"{part} failed")
        found.append([float(number) for number in told.groups()])
    hand, ours, peaks = zip(*found, strict=True)
    print("\nall parts")
    summary(sum(hand), sum(ours), max(peaks))


def compare(con: Any, hand: pa.Table) -> int:
    """How many figures were compared with those of the table `ours`.

    Raises:
        SystemExit: One differs.
    """
    checked = 0
    con.register("hand", hand)
    for column in hand.column_names[4:]:
        metric, part = column.split(" ")
        percentile = metric.endswith(("_p50", "_p90"))
        slack = 0.5 + 1e-6 if percentile and part == "value" else 1e-9  # seconds are whole in the table
        differ, found = con.sql(f"""
            select count(*) filter (abs(coalesce(h."{column}", 0) - coalesce(o.{part}, 0)) > {slack}), count(*)
            from (from hand where not ({percentile} and scope = 'site')) h
              full join (from ours where metric = '{metric}') o using (scope, name, period, period_start)""").fetchall()[0]
        if differ:
            raise SystemExit(f"{column}: {differ} of {found} figures differ")
        checked += found
    con.unregister("hand")
    return checked


def main() -> None:
    """Write the rows, run both, print the ratio."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--scale", type=float, default=0.02)
    asked.add_argument("--memory", default="2GB", help="DuckDB's limit for ours")
    asked.add_argument("--threads", type=int, default=2)
    asked.add_argument("--data", type=Path, help="where simulated rows are kept")
    asked.add_argument("--only", nargs="*", choices=list(SQL), help="parts to run")
    asked.add_argument("--apart", action="store_true", help="each part in a process of its own")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or Path(folder) / "data"
        backend = ibis.duckdb.connect(
            memory_limit=options.memory,
            temp_directory=folder,
            threads=options.threads,
            preserve_insertion_order=False,
        )
        backend.con.execute("SET TimeZone = 'UTC'")
        simulate(backend.con, data, options.scale)
        if options.apart:
            backend.disconnect()
            same = [f"--memory={options.memory}", f"--threads={options.threads}", f"--data={data}"]
            apart(options.only or list(SQL), same)
        else:
            ratios(backend, data, Path(folder) / "sql", options.only or list(SQL))


if __name__ == "__main__":
    main()

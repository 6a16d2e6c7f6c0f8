# ruff: noqa: E501 - SQL reads best in its own lines
"""Every figure once more, from exported Parquet by plain SQL: what anyone who doubts a number can run.

`python -m tests.metrics.plain SITE/data EXPORT deploybook.yml` holds all figures of a built site against its rows:
linked ones as the site serves them below `data/`, and `test_case_runs` of `deploybook export --format parquet`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
from benchmarks.by_hand import queries

from deploybook.config import load
from deploybook.metrics import Settings, ready, settings_of
from deploybook.metrics.model import INPUTS
from deploybook.sources.local import release_branches, repositories

SERVED = (
    "changes",
    "deployments",
    "incidents",
    "branch_commits",
    "pipeline_runs",
    "coverage",
    "availability",
)
CLOSED = {"tested", "without"}
"""Parts whose events open no scope's history: what is before it is not told."""
LISTS = {"changes": ("flags",), "deployments": ("evidence",), "flag_changes": ("codebases",)}


def connect(data: Path, export: Path, settings: Settings) -> duckdb.DuckDBPyConnection:
    """The files as tables by the names of the inputs, lists as lists again, and what the site chose as rows."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    files = {name: data / f"{name}.parquet" for name in (*SERVED, "verdicts")}
    files |= {"flag_changes": data / "flags.parquet", "test_case_runs": export / "test_case_runs.parquet"}
    for name, file in files.items():
        if not file.exists():
            columns = ", ".join(f'null::{_type(kind)} as "{field}"' for field, kind in INPUTS[name].items())
            con.execute(f"create view {name} as select {columns} where false")
            continue
        known = {column for column, *_rest in con.sql(f"describe from '{file}'").fetchall()}
        split = "".join(
            f", case when coalesce({field}, '') = '' then []::varchar[] else string_split({field}, ' ') end as {field}"
            for field in LISTS.get(name, ())
        )
        leave = f" exclude ({', '.join(LISTS[name])})" if name in LISTS else ""
        lacking = "".join(
            f', null::{_type(kind)} as "{field}"'
            for field, kind in INPUTS[name].items()
            if field not in known and (name, field) != ("deployments", "at")
        )
        placed = ', coalesce(finished_at, started_at) as "at"' if name == "deployments" else ""
        con.execute(f"create view {name} as select *{leave}{split}{placed}{lacking} from '{file}'")
    rows = [("codebase", name, "codebase", name) for name in settings.codebases]
    rows += [("codebase", name, "team", team) for name, team in settings.teams.items()]
    rows += [("codebase", name, "site", "") for name in settings.codebases]
    _small(con, "whose", ("sort", "key", "scope", "name"), rows)
    _small(con, "release", ("codebase", "branch"), list(settings.branches.items()))
    _small(con, "demanded", ("codebase", "pipeline"),
           [(name, each) for name, them in settings.required.items() for each in them])  # fmt: skip
    con.execute("create table holidays (day date)")
    con.executemany("insert into holidays values (?)", [(day,) for day in settings.holidays] or [(None,)])
    con.execute("delete from holidays where day is null")
    return con


def _type(kind: str) -> str:
    return {
        "string": "varchar", "int64": "bigint", "boolean": "boolean", "array<string>": "varchar[]",
    }.get(kind, "timestamptz")  # fmt: skip


def _small(
    con: duckdb.DuckDBPyConnection, name: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]
) -> None:
    con.execute(f"create table {name} ({', '.join(f'{column} varchar' for column in columns)})")
    if rows:
        con.executemany(f"insert into {name} values ({', '.join('?' * len(columns))})", rows)


def compare(data: Path, export: Path, settings: Settings) -> tuple[dict[str, int], list[str]]:
    """How many numbers of each metric were compared and are not nothing, and each that differs, as a sentence."""
    con = connect(data, export, settings)
    con.execute(f"create view told as from '{data}/metrics.parquet'")
    written = queries(
        settings.zone.key, settings.as_of, tuple(map(str.lower, settings.live)),
        near_hours=settings.near_hours,
        lead_time_limit=settings.lead_time_limit_seconds,
        recovery_limit=settings.recovery_limit_seconds,
        repositories=settings.repositories if settings.shared_repositories else None,
    )  # fmt: skip
    checked: dict[str, int] = {}
    wrong = []
    for part in ready.parts():
        hand = con.sql(
            f"from ({written[part.name]}) where period_start >= date '2000-01-01'"
        ).to_arrow_table()
        con.register("hand", hand)
        if part.name in CLOSED:
            hand = con.sql(
                "from hand semi join told using (scope, name, period, period_start)"
            ).to_arrow_table()
            con.register("hand", hand)
        for column in hand.column_names[4:]:
            metric, number = column.split(" ")
            percentile = metric.endswith(("_p50", "_p90"))
            slack = 0.5 + 1e-6 if percentile and number == "value" else 1e-9  # seconds are whole in the table
            rows = con.sql(f"""
                select scope, name, period, period_start, h."{column}", t.{number},
                  t.metric is null or abs(coalesce(h."{column}", 0) - coalesce(t.{number}, 0)) > {slack}
                from (from hand where not ({percentile} and scope = 'site')) h
                  full join (from told where metric = '{metric}') t using (scope, name, period, period_start)
                where h."{column}" <> 0 or t.{number} <> 0""").fetchall()
            for scope, name, period, day, own, other, differs in rows:
                checked[metric] = checked.get(metric, 0) + 1
                if differs:
                    wrong.append(f"{scope} {name} {period} {day} {column}: {other}, by plain SQL {own}")
    return checked, wrong


def main(data: Path, export: Path, file: Path) -> int:
    """Compare a built site with its rows; 1 where a figure differs."""
    config = load(file)
    as_of = datetime.fromisoformat(json.loads((data / "build.json").read_text())["as_of"])
    local = repositories(config, config.build_dir)
    checked, wrong = compare(
        data, export, settings_of(config, as_of, branches=release_branches(local, config))
    )
    told = "".join(f"{each}\n" for each in wrong)
    counts = "".join(f"{metric:45} {count:8}\n" for metric, count in sorted(checked.items()))
    sys.stdout.write(f"{counts}{told}{sum(checked.values())} numbers compared, {len(wrong)} differ\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*(Path(each) for each in sys.argv[1:4])))

"""All figures as one long table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from deploybook.metrics import branch, flags, flow, instability, testing, throughput, uptime
from deploybook.metrics.grain import Facts, Grain, grain
from deploybook.metrics.measures import Count, Figure, Wide, summarise
from deploybook.metrics.model import KEYS, SCHEMA, Settings, Tables
from deploybook.metrics.throughput import working_days_by_period
from deploybook.periods import KINDS, Kind, local_date, period_on

Family = Callable[[Tables, Grain], list[Wide]]
"""What makes the wide tables of some figures."""
_KEY_SCHEMA = pa.schema([SCHEMA.field(name) for name in KEYS])


def _deployments(tables: Tables, made: Grain) -> list[Wide]:
    measures = [*throughput.of_deployments(), *instability.of_deployments(), *flow.of_deployments()]
    return [summarise(throughput.deployments(tables), measures, made)]


def _changes(tables: Tables, made: Grain) -> list[Wide]:
    measures = [*throughput.of_changes(made.settings), *flow.of_changes()]
    return [summarise(throughput.delivered(tables, made), measures, made)]


def _stopped(tables: Tables, made: Grain) -> list[Wide]:
    stopped = Facts(branch.stopped_promotions(tables, made))
    return [summarise(stopped, [Count("stopped_promotions", "promotions")], made)]


FAMILIES: dict[str, Family] = {
    "deployments": _deployments,
    "deployment_days": lambda tables, made: [throughput.deployment_days(tables, made)],
    "changes": _changes,
    "recoveries": lambda tables, made: [instability.recoveries(tables, made)],
    "restored": lambda tables, made: [instability.restored(tables, made)],
    "detected": lambda tables, made: [instability.detected(tables, made)],
    "stopped": _stopped,
    "green": lambda tables, made: [branch.green_time(tables, made)],
    "breaks": lambda tables, made: [branch.break_duration(tables, made)],
    "tested": lambda tables, made: [branch.tested_commits(tables, made)],
    "flaky": lambda tables, made: [testing.flaky_share(tables, made)],
    "flaky_runs": lambda tables, made: [testing.flaky_runs(tables, made)],
    "coverage": lambda tables, made: [testing.coverage(tables, made)],
    "uptime": lambda tables, made: [uptime.uptime(tables, made)],
    "switches": flags.of_switches,
    "time_to_on": lambda tables, made: [flags.time_to_on(tables, made)],
    "without": lambda tables, made: [flags.without(tables, made)],
}
"""Figures that are made together, by name."""


def compute(tables: Tables, settings: Settings) -> Any:
    """Every metric of every codebase, team and flag, and of the site, by week, month and quarter.

    Periods in which nothing happened are there, from a scope's first event to `settings.as_of`.
    """
    return ibis.memtable(compute_arrow(tables, settings))


def compute_arrow(
    tables: Tables, settings: Settings, families: Iterable[Family] = tuple(FAMILIES.values())
) -> pa.Table:
    """The same in memory, with `model.SCHEMA`; in the order of scope, name, period, start and metric."""
    made = grain(settings)
    done = [(wide, wide.table.to_pyarrow()) for family in families for wide in family(tables, made)]
    spine = _spine(done, made)
    parts: list[pa.Table] = []
    for wide, found in done:
        aligned = _align(spine, found)
        parts += [_long(spine, aligned, figure, made) for figure in wide.figures]
    table = pa.concat_tables([SCHEMA.empty_table(), *parts])
    return table.sort_by([(name, "ascending") for name in (*KEYS, "metric")])


def _spine(done: list[tuple[Wide, pa.Table]], made: Grain) -> pa.Table:
    """Every scope with every period from its first event on; one without events, from the site's."""
    firsts: dict[tuple[str, str, Kind], date] = {}
    for wide, found in done:
        if wide.opens:
            least = found.group_by(["scope", "name", "period"]).aggregate([("period_start", "min")])
            for row in least.to_pylist():
                key = (row["scope"], row["name"], row["period"])
                firsts[key] = min(firsts.get(key, date.max), row["period_start_min"])
    settings = made.settings
    asked = [
        *(("codebase", name) for name in settings.codebases),
        *(("team", name) for name in settings.teams.values()),
        *(("flag", name) for name in settings.flags),
    ]
    for kind in KINDS:
        if opened := firsts.get(("site", "", kind)):
            for scope, name in asked:
                firsts.setdefault((scope, name, kind), opened)
    last = local_date(settings.as_of, settings.zone)
    columns: dict[str, list[Any]] = {name: [] for name in KEYS}
    for (scope, name, kind), first in sorted(firsts.items()):
        period = period_on(kind, first)
        while period.start <= last:
            for column, value in zip(KEYS, (scope, name, kind, period.start), strict=True):
                columns[column].append(value)
            period = period.next()
    return pa.table(columns, schema=_KEY_SCHEMA)


def _align(spine: pa.Table, found: pa.Table) -> pa.Table:
    """The rows of `found` in the order of the spine, null where there are none."""
    keyed = found.set_column(3, "period_start", found["period_start"].cast(pa.date32()))
    numbered = spine.append_column("nth", pa.array(range(len(spine)), pa.int64()))
    return numbered.join(keyed, list(KEYS), join_type="left outer").sort_by("nth")


def _long(spine: pa.Table, aligned: pa.Table, figure: Figure, made: Grain) -> pa.Table:
    """One metric's rows: the value by the figure's kind, and what it was made from."""
    size = len(spine)
    nothing = pa.nulls(size, pa.int64())

    def column(suffix: str) -> Any:
        name = f"{figure.metric}__{suffix}"
        return aligned[name] if name in aligned.column_names else None

    def counts(suffix: str) -> Any:
        found = column(suffix)
        return nothing if found is None else pc.fill_null(found.cast(pa.int64()), 0)

    numerator, denominator = counts("n"), counts("d")
    missing = pc.fill_null(counts("x"), 0)
    match figure.kind:
        case "count":
            value = numerator.cast(pa.float64())
        case "days":
            value = numerator.cast(pa.float64())
            gone = working_days_by_period(made.settings)
            pairs = zip(spine["period"].to_pylist(), spine["period_start"].to_pylist(), strict=True)
            denominator = pa.array([gone.get(pair, 0) for pair in pairs], pa.int64())
        case "rate":
            known = pc.if_else(pc.greater(denominator, 0), denominator, None)
            value = pc.divide(numerator.cast(pa.float64()), known.cast(pa.float64()))
        case _:
            value = column("v").cast(pa.float64())
            if figure.unit == "seconds":
                value = pc.round(value)
    constant = [pa.array([text] * size, pa.string()) for text in (figure.metric, figure.unit)]
    keys = [spine[name] for name in KEYS]
    columns = [*keys, constant[0], value, constant[1], numerator, denominator, missing]
    table = pa.table(columns, schema=SCHEMA)
    return table.filter(pc.not_equal(table["scope"], "site")) if figure.kind == "percentile" else table

"""All figures as one long table."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _

from deploybook.metrics import branch, flags, flow, instability, testing, throughput, uptime
from deploybook.metrics.daily import Daily
from deploybook.metrics.grain import Grain
from deploybook.metrics.measures import Count, Figure, FigureKind, Part, Percentile, Rate, summed
from deploybook.metrics.model import KEYS, SCHEMA, Settings, Shape, Tables
from deploybook.metrics.outliers import beyond
from deploybook.metrics.reference import working_days_by_period
from deploybook.metrics.running import Compiled, Runs, asked, grain_of, inputs
from deploybook.periods import KINDS, Kind, local_date, period_on

_COUNTED: dict[FigureKind, str] = {"count": "nx", "days": "nx", "rate": "ndx", "percentile": "dx"}
"""Which of numerator, denominator and missing each kind of figure has: 0 where nothing happened."""
_DELIVERED = frozenset({"deployments", "changes", "branch_commits"})
"""Inputs that nearly every history has."""
_KEY_SCHEMA = pa.schema([SCHEMA.field(name) for name in KEYS])


def parts(tables: Tables, made: Grain) -> list[Part]:
    """Every metric, with the expression that makes it."""
    of = (tables, made)
    by_deployment = [
        *throughput.of_deployments(),
        *instability.of_deployments(),
        *flow.of_deployments(),
    ]
    by_change = [*throughput.of_changes(made.shape), *flow.of_changes()]
    by_recovery = instability.of_recoveries(made.shape)
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
    return [
        summed("deployments", ("deployments",), throughput.deployments, by_deployment, of, apart=True),
        throughput.deployment_days(*of),
        summed("changes", ("changes",), throughput.delivered, by_change, of, apart=True),
        summed("recoveries", ("deployments",), instability.recovered, by_recovery, of, apart=True),
        summed("restored", told, instability.restored, [restore], of),
        summed("detected", told, instability.detected, [detect], of),
        summed("stopped", ("pipeline_runs", "verdicts"), branch.stopped_promotions, [stopped], of),
        summed("green", runs, branch.green_spans, [branch.GREEN_TIME], of),
        summed("breaks", runs, branch.break_ends, [broken], of),
        summed("tested", commits, branch.tried_commits, [branch.TESTED_COMMITS], of, opens=False),
        Part("flaky", ("test_case_runs",), shares("flaky_share"), flaky.whole, daily=flaky),
        summed("flaky_runs", runs, testing.flaky_runs, [changed], of),
        Part("coverage", ("coverage",), shares("coverage"), lambda: testing.coverage(*of)),
        summed("uptime", seen, uptime.watched, uptime.UPTIME, of),
        summed("switches", flagged, flags.switched_on, [switched], of),
        summed("switch_recoveries", flagged, flags.switched_off, [off], of),
        summed("time_to_on", ("changes",), flags.released, [on], of),
        summed("without", ("deployments",), flags.without, [others], of, opens=False),
    ]


def prepare(cache: Path, settings: Settings, *, only_deliveries: bool = False) -> None:
    """Compile for DuckDB what is going to be counted, so that it is at hand then.

    Args:
        cache: The folder in which an engine is going to look for it.
        settings: The site's choices.
        only_deliveries: Only what is made of changes and deployments alone.
    """
    compiled, shape = Compiled(ibis.duckdb.connect().compile, cache), Shape.of(settings)
    for part in parts(inputs(), grain_of(shape)):
        if only_deliveries and not _DELIVERED.issuperset(part.needs):
            continue
        name = _named(part, shape)
        for expression in asked(name, part.daily).values() if part.daily else [(name, part.table)]:
            compiled.sql(*expression)
    compiled.sql(*beyond(shape))


def compute_arrow(engine: Runs, settings: Settings, only: Container[str] | None = None) -> pa.Table:
    """Every metric of every codebase, team and flag, and of the site, by week, month and quarter.

    Periods in which nothing happened are there, from a scope's first event to `settings.as_of`.

    Args:
        engine: With the inputs laid down.
        settings: The site's choices.
        only: Names of parts, where a few of them will do.

    Returns:
        `model.SCHEMA`; in the order of scope, name, period, start and metric.
    """
    engine.settle(settings)
    shape = Shape.of(settings)
    chosen = [part for part in parts(inputs(), grain_of(shape)) if only is None or part.name in only]
    done = [
        (
            part,
            _run(engine, part, _named(part, shape)) if any(map(engine.filled, part.needs)) else None,
        )
        for part in chosen
    ]
    spine = _spine(done, settings)
    gone = working_days_by_period(settings)
    metrics = sorted(figure.metric for part in chosen for figure in part.figures)
    found: list[pa.Table] = []
    for part, rows in done:
        aligned = None if rows is None else _align(spine, rows)
        for figure in part.figures:
            # A number a row in the order asked for: sorting by the words themselves takes ten times as long.
            first = metrics.index(figure.metric)
            nth = pa.array(range(first, len(spine) * len(metrics), len(metrics)), pa.int64())
            found.append(_long(spine, aligned, figure, gone, nth))
    if not found:
        return SCHEMA.empty_table()
    return pa.concat_tables(found).sort_by("nth").drop_columns("nth")


def _named(part: Part, shape: Shape) -> str:
    """A part's expression with all that it depends on."""
    return f"{part.name} {shape}"


def _run(engine: Runs, part: Part, name: str) -> pa.Table:
    return engine.run_daily(name, part.daily) if part.daily else engine.run(name, part.table, part.apart)


def _spine(done: list[tuple[Part, pa.Table | None]], settings: Settings) -> pa.Table:
    """Every scope with every period from its first event on; one without events, from the site's."""
    firsts: dict[tuple[str, str, Kind], date] = {}
    for part, found in done:
        if part.opens and found is not None:
            least = found.group_by(["scope", "name", "period"]).aggregate([("period_start", "min")])
            for row in least.to_pylist():
                key = (row["scope"], row["name"], row["period"])
                firsts[key] = min(firsts.get(key, date.max), row["period_start_min"])
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


def _long(
    spine: pa.Table, aligned: pa.Table | None, figure: Figure, gone: Mapping[tuple[Kind, date], int], nth: Any
) -> pa.Table:
    """One metric's rows: the value by the figure's kind, and what it was made from."""
    size = len(spine)

    def column(suffix: str) -> Any:
        name = f"{figure.metric}__{suffix}"
        held = aligned is not None and name in aligned.column_names
        return aligned[name] if aligned is not None and held else pa.nulls(size, pa.float64())

    def counts(suffix: str) -> Any:
        found = column(suffix).cast(pa.int64())
        return pc.fill_null(found, 0) if suffix in _COUNTED[figure.kind] else found

    numerator, denominator, missing = counts("n"), counts("d"), counts("x")
    match figure.kind:
        case "count":
            value = numerator.cast(pa.float64())
        case "days":
            value = numerator.cast(pa.float64())
            pairs = zip(spine["period"].to_pylist(), spine["period_start"].to_pylist(), strict=True)
            denominator = pa.array([gone.get(pair, 0) for pair in pairs], pa.int64())
        case "rate":
            known = pc.if_else(pc.greater(denominator, 0), denominator, None)
            value = pc.divide(numerator.cast(pa.float64()), known.cast(pa.float64()))
        case _:
            value = column("v").cast(pa.float64())
            if figure.unit == "seconds":
                # Engines interpolate with other last bits: a half is one only after these are gone.
                value = pc.round(pc.round(value, 6))
    constant = [pa.array([text] * size, pa.string()) for text in (figure.metric, figure.unit)]
    keys = [spine[name] for name in KEYS]
    columns = [*keys, constant[0], value, constant[1], numerator, denominator, missing]
    table = pa.table(columns, schema=SCHEMA).append_column("nth", nth)
    return table.filter(pc.not_equal(table["scope"], "site")) if figure.kind == "percentile" else table

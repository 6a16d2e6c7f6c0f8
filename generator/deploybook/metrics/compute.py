"""All figures as one long table."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deploybook.metrics import ready
from deploybook.metrics.model import KEYS, SCHEMA, Settings
from deploybook.metrics.part import Figure, FigureKind, Part
from deploybook.metrics.reference import working_days_by_period
from deploybook.metrics.running import Runs
from deploybook.periods import KINDS, Kind, local_date, period_on

_COUNTED: dict[FigureKind, str] = {"count": "nx", "days": "nx", "rate": "ndx", "percentile": "dx"}
"""Which of numerator, denominator and missing each kind of figure has: 0 where nothing happened."""
_KEY_SCHEMA = pa.schema([SCHEMA.field(name) for name in KEYS])


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
    shared = settings.shared_repositories
    chosen = [part for part in ready.parts() if only is None or part.name in only]
    done = [
        (part, _run(engine, part, shared=shared) if any(map(engine.filled, part.needs)) else None)
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


def outliers(engine: Runs, settings: Settings) -> pa.Table:
    """codebase, kind (change, deployment), id, environment, at, measure, value, limit, of.

    Measures: `lead_time`, the stages as `coding_time`, `size` (lines of a change, changes of a deployment),
    `duration`, `recovery`; times in seconds. `of` is how many values the limit was
    made from: of a few, the greatest is always beyond it.
    """
    engine.settle(settings)
    return engine.run(ready.OUTLIERS, lambda: _expressions().beyond())


def _run(engine: Runs, part: Part, *, shared: bool) -> pa.Table:
    """The rows of a part."""
    name = part.runs_as(shared_repositories=shared)

    def expressed() -> Any:
        return _expressions().parts(shared_repositories=shared)[part.name]

    if part.daily:
        return engine.run_daily(name, lambda: expressed().daily)
    return engine.run(name, lambda: expressed().table(), part.apart)


def _expressions() -> Any:
    """Loaded only where SQL is not ready, or for another engine: it loads Ibis."""
    from deploybook.metrics import expressions  # noqa: PLC0415

    return expressions


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

"""Outliers: the changes and deployments beyond the 95th percentile of their own codebase's last 26 weeks."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from deploybook.metrics.grain import Grain
from deploybook.metrics.model import STAGES, Tables
from deploybook.metrics.throughput import originals

WEEKS = 26
BEYOND = 0.95


def beyond(tables: Tables, made: Grain) -> Any:
    """codebase, kind, id, environment, at, measure, value, limit, of; as `compute.outliers` tells them."""
    values = ibis.union(*_changes(tables), *_deployments(tables))
    recent = values.filter(
        _.at + ibis.interval(weeks=WEEKS) > made.as_of, _.at <= made.as_of, _.value.notnull(), _.value >= 0
    )
    # Rounded, for engines interpolate with other last bits, and a value may be its own limit.
    limit = _.value.quantile(BEYOND).round(6)
    limits = recent.group_by("codebase", "kind", "measure").agg(limit=limit, of=_.count())
    limited = recent.inner_join(limits, ["codebase", "kind", "measure"])
    return limited.filter(_.value > _["limit"]).order_by(
        "codebase", _.at.desc(), "kind", "id", "environment", "measure"
    )


def _changes(tables: Tables) -> list[Any]:
    live = originals(tables).filter(_.deployed_at.notnull(), _.state != "undone")
    measures = {
        "lead_time": _.lead_time_seconds,
        **{f"{stage}_time": _[f"{stage}_seconds"] for stage in STAGES},
        "size": _.additions + _.deletions,
    }
    return [_values(live, "change", _.deployed_at, name, value) for name, value in measures.items()]


def _deployments(tables: Tables) -> list[Any]:
    live = tables.deployments.filter(_.counted)
    return [
        _values(live, "deployment", _.at, "duration", _.duration_seconds),
        _values(live.filter(~_.baseline, _.matched), "deployment", _.at, "size", _.changes),
        _values(live.filter(_.needed_intervention), "deployment", _.at, "recovery", _.recovery_seconds),
    ]


def _values(rows: Any, kind: str, at: Any, measure: str, value: Any) -> Any:
    return rows.select(
        "codebase",
        "id",
        "environment",
        kind=ibis.literal(kind),
        at=at,
        measure=ibis.literal(measure),
        value=value.cast("float64"),
    )

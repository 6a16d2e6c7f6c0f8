"""How often what goes to users needs intervention, and how soon that ends."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from deploybook.metrics.grain import Facts, Grain
from deploybook.metrics.measures import Measure, Percentile, Rate
from deploybook.metrics.model import Tables
from deploybook.metrics.throughput import deployments

REWORK = ("hotfix", "revert", "rollback")


def of_deployments() -> list[Measure]:
    """Change fail rate, headline, narrow and wide; rework rate."""
    acquitted = _.corrected.notnull() & ~_.needed_intervention
    said, near = _.evidence.contains("said"), _.needed_intervention | _.evidence.contains("near")
    return [
        Rate("change_fail_rate", _.needed_intervention, _.reached),
        Rate("change_fail_rate_said", said & ~acquitted, _.reached),
        Rate("change_fail_rate_near", near & ~acquitted, _.reached),
        Rate("deployment_rework_rate", _.kind.isin(REWORK), _.reached),
    ]


def recovered(tables: Tables, made: Grain) -> Facts:
    """Failed deployments by their end; one that has not ended is missing in its own period."""

    def failed(rows: Any) -> Any:
        return rows.filter(_.reached & _.needed_intervention).mutate(at=ibis.coalesce(_.recovered_at, _.at))

    facts = deployments(tables, made)
    return Facts(failed(facts.rows), failed(facts.flagged))


def of_recoveries(made: Grain) -> list[Measure]:
    """From a failed deployment's finish to its end."""
    limit = made.clock.recovery_limit_seconds.as_scalar()
    known = _.recovery_seconds.notnull() & (_.recovery_seconds >= 0)
    name = "failed_deployment_recovery"
    return [
        Rate(
            f"{name}_within_target",
            _.recovery_seconds <= limit,
            known & limit.notnull(),
            ~known,
        ),
        Percentile(f"{name}_time_p50", "seconds", _.recovery_seconds),
        Percentile(f"{name}_time_p90", "seconds", _.recovery_seconds, 0.9),
    ]


def restored(tables: Tables, _made: Grain) -> Facts:
    """Incidents, each once whatever it is tied to, by their end; one still open by its start."""
    rows = tables.incidents.filter(_.codebase.notnull()).mutate(at=ibis.coalesce(_.resolved_at, _.started_at))
    return Facts(rows, rows.filter(_.flag.notnull()), ("id",))


def detected(tables: Tables, _made: Grain) -> Facts:
    """Incidents once for each deployment that they are tied to, by the detection."""
    tied = tables.incidents.filter(_.codebase.notnull(), _.deployment.notnull())
    return Facts(tied.mutate(at=ibis.coalesce(_.detected_at, _.started_at)))

"""How often what goes to users needs intervention, and how soon that ends."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from deploybook.metrics.grain import Facts, Grain
from deploybook.metrics.measures import NO, Measure, Percentile, Rate, Wide, summarise
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


def recoveries(tables: Tables, made: Grain) -> Wide:
    """From a failed deployment's finish to its end, by the end; one not ended is missing in its period."""
    facts = deployments(tables)

    def failed(rows: Any) -> Any:
        return rows.filter(_.reached & _.needed_intervention).mutate(at=ibis.coalesce(_.recovered_at, _.at))

    limit = made.settings.recovery_limit_seconds
    known = _.recovery_seconds.notnull() & (_.recovery_seconds >= 0)
    name = "failed_deployment_recovery"
    measures: list[Measure] = [
        Rate(
            f"{name}_within_target",
            NO if limit is None else _.recovery_seconds <= limit,
            NO if limit is None else known,
            ~known,
        ),
        Percentile(f"{name}_time_p50", "seconds", _.recovery_seconds),
        Percentile(f"{name}_time_p90", "seconds", _.recovery_seconds, 0.9),
    ]
    return summarise(Facts(failed(facts.rows), failed(facts.flagged)), measures, made)


def restored(tables: Tables, made: Grain) -> Wide:
    """Time to restore, an incident once, by its end; one still open is missing in the period of its start."""
    rows = tables.incidents.filter(_.codebase.notnull()).mutate(at=ibis.coalesce(_.resolved_at, _.started_at))
    measure = Percentile("time_to_restore_p50", "seconds", _.time_to_restore_seconds)
    return summarise(Facts(rows, rows.filter(_.flag.notnull()), ("id",)), [measure], made)


def detected(tables: Tables, made: Grain) -> Wide:
    """Time to detect, once for each deployment that an incident is tied to, by the detection."""
    tied = tables.incidents.filter(_.codebase.notnull(), _.deployment.notnull())
    rows = tied.mutate(at=ibis.coalesce(_.detected_at, _.started_at))
    measure = Percentile("time_to_detect_p50", "seconds", _.time_to_detect_seconds)
    return summarise(Facts(rows), [measure], made)

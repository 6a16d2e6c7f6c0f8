"""What goes to users: deployments and changes, the rows that most figures are made from."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import ibis
from ibis import _

from deploybook.metrics.grain import FIRST_DAY, Facts, Grain, in_scopes_and_days
from deploybook.metrics.measures import NO, Count, Figure, Measure, Percentile, Rate, Wide
from deploybook.metrics.model import KEYS, Settings, Tables
from deploybook.periods import KINDS, WORKING_DAYS, Kind, days, first_day, local_date

STAGES = ("coding", "pickup", "review", "waiting")


def deployments(tables: Tables) -> Facts:
    """Deployments that counts include, a roll-out once, by their finish; and by the flags they carried."""
    rows = tables.deployments.filter(_.counted)
    carried = by_flag(tables).filter(_.deployment.notnull())
    pairs = carried.select("flag", "codebase", "environment", id="deployment").distinct()
    return Facts(rows, rows.inner_join(pairs, ["codebase", "environment", "id"]))


def delivered(tables: Tables, made: Grain) -> Facts:
    """Changes by when they first went live; those undone inside one deployment are no news."""

    def live(rows: Any) -> Any:
        return rows.filter(_.deployed_at.notnull(), _.state != "undone").mutate(at=_.deployed_at)

    repositories = made.settings.repositories
    rows, flagged = live(tables.changes), live(by_flag(tables))
    if len(set(repositories.values())) == len(repositories):
        return Facts(rows, flagged)
    known = ibis.memtable(
        {"codebase": list(repositories), "repository": list(repositories.values())},
        schema={"codebase": "string", "repository": "string"},
    )

    def named(rows: Any) -> Any:
        return rows.left_join(known, "codebase").mutate(repository=ibis.coalesce(_.repository, _.codebase))

    return Facts(named(rows), named(flagged), ("repository", "id"))


def by_flag(tables: Tables) -> Any:
    """Changes once for each of their flags, with `flag`."""
    return tables.changes.filter(_.flags.length() > 0).mutate(flag=_.flags.unnest())


def of_deployments() -> list[Measure]:
    """Frequency, and how long deployments and rollbacks take."""
    success = _.outcome == "success"
    return [
        Count("deployment_frequency", "deployments", success, success & _.finished_at.isnull()),
        Percentile("deployment_duration_p50", "seconds", _.duration_seconds),
        Percentile("rollback_duration_p50", "seconds", _.rollback_seconds, of=_.kind == "rollback"),
    ]


def of_changes(settings: Settings) -> list[Measure]:
    """Lead time and its stages; the share within the target, where one is set."""
    limit = settings.lead_time_limit_seconds
    known = _.lead_time_seconds.notnull() & (_.lead_time_seconds >= 0)
    return [
        Rate(
            "change_lead_time_within_target",
            NO if limit is None else _.lead_time_seconds <= limit,
            NO if limit is None else known,
            ~known,
        ),
        Percentile("change_lead_time_p50", "seconds", _.lead_time_seconds),
        Percentile("change_lead_time_p90", "seconds", _.lead_time_seconds, 0.9),
        *(Percentile(f"{stage}_time_p50", "seconds", _[f"{stage}_seconds"]) for stage in STAGES),
    ]


def deployment_days(tables: Tables, made: Grain) -> Wide:
    """Working days with at least one successful deployment."""
    facts = deployments(tables)
    success = _.outcome == "success"
    held = in_scopes_and_days(
        Facts(facts.rows.filter(success), facts.flagged.filter(success)), made
    ).distinct()
    rows = [(day, kind, first_day(kind, day)) for day in _working_days(made.settings) for kind in KINDS]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    working = ibis.memtable(
        dict(zip(("day", "period", "period_start"), map(list, columns), strict=True)),
        schema={"day": "date", "period": "string", "period_start": "date"},
    )
    table = held.inner_join(working, "day").group_by(*KEYS).agg(deployment_days__n=_.count())
    return Wide(table, (Figure("deployment_days", "days", "days"),))


def working_days_by_period(settings: Settings) -> Counter[tuple[Kind, date]]:
    """How many working days each period has had by the clock's day, that one included, by kind and start."""
    return Counter((kind, first_day(kind, day)) for day in _working_days(settings) for kind in KINDS)


def _working_days(settings: Settings) -> list[date]:
    last = local_date(settings.as_of, settings.zone)
    return [
        day
        for day in days(FIRST_DAY, last + timedelta(days=1))
        if day.weekday() in WORKING_DAYS and day not in settings.holidays
    ]

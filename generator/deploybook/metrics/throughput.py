"""What goes to users: deployments and changes, the rows that most figures are made from."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from deploybook.metrics.grain import Facts, Grain, in_scopes_and_days
from deploybook.metrics.measures import Count, Expressed, Measure, Percentile, Rate
from deploybook.metrics.model import KEYS, STAGES, Tables
from deploybook.metrics.part import Figure, Part


def deployments(tables: Tables, _made: Grain) -> Facts:
    """Deployments that counts include, a roll-out once, by their finish; and by the flags they carried."""
    rows = tables.deployments.filter(_.counted)
    carried = by_flag(tables).filter(_.deployment.notnull())
    pairs = carried.select("flag", "codebase", "environment", id="deployment").distinct()
    return Facts(rows, rows.inner_join(pairs, ["codebase", "environment", "id"]))


def delivered(tables: Tables, made: Grain) -> Facts:
    """Changes by when they first went live; those undone inside one deployment are no news."""

    def live(rows: Any) -> Any:
        return rows.filter(_.deployed_at.notnull(), _.state != "undone").mutate(at=_.deployed_at)

    rows, flagged = live(originals(tables)), live(by_flag(tables))
    if not made.shared_repositories:
        return Facts(rows, flagged)

    def named(rows: Any) -> Any:
        joined = rows.left_join(made.repositories, "codebase")
        return joined.mutate(repository=ibis.coalesce(_.repository, _.codebase))

    return Facts(named(rows), named(flagged), ("repository", "id"))


def originals(tables: Tables) -> Any:
    """Changes without the picks of others: one piece of news is counted as what it is told as."""
    return tables.changes.filter(_.original.isnull())


def by_flag(tables: Tables) -> Any:
    """Changes once for each of their flags, with `flag`."""
    return originals(tables).filter(_.flags.length() > 0).mutate(flag=_.flags.unnest())


def of_deployments() -> list[Measure]:
    """Frequency, and how long deployments and rollbacks take."""
    success = _.outcome == "success"
    return [
        Count("deployment_frequency", "deployments", success, success & _.finished_at.isnull()),
        Percentile("deployment_duration_p50", "seconds", _.duration_seconds, of=_.outcome != "running"),
        Percentile("rollback_duration_p50", "seconds", _.rollback_seconds, of=_.kind == "rollback"),
    ]


def of_changes(made: Grain) -> list[Measure]:
    """Lead time and its stages; the share within the target, where one is set."""
    limit = made.clock.lead_time_limit_seconds.as_scalar()
    known = _.lead_time_seconds.notnull() & (_.lead_time_seconds >= 0)
    return [
        Rate(
            "change_lead_time_within_target",
            _.lead_time_seconds <= limit,
            known & limit.notnull(),
            ~known,
        ),
        Percentile("change_lead_time_p50", "seconds", _.lead_time_seconds),
        Percentile("change_lead_time_p90", "seconds", _.lead_time_seconds, 0.9),
        *(Percentile(f"{stage}_time_p50", "seconds", _[f"{stage}_seconds"]) for stage in STAGES),
    ]


def deployment_days(tables: Tables, made: Grain) -> Expressed:
    """Working days with at least one successful deployment."""

    def table() -> Any:
        facts = deployments(tables, made)
        success = _.outcome == "success"
        chosen = Facts(facts.rows.filter(success), facts.flagged.filter(success))
        held = in_scopes_and_days(chosen, made).distinct()
        return held.inner_join(made.working_days, "day").group_by(*KEYS).agg(deployment_days__n=_.count())

    figures = (Figure("deployment_days", "days", "days"),)
    return Expressed(Part("deployment_days", ("deployments",), figures), table)

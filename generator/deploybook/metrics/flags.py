"""Flags: from delivered to switched on, and how switching went."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from deploybook.metrics.grain import Facts, Grain
from deploybook.metrics.model import Tables
from deploybook.metrics.spans import one, seconds, whole
from deploybook.metrics.throughput import by_flag, deployments

OFF = ("off", "0", "0.0")
UNDONE_HOURS = 24
"""A switch taken back so soon needed intervention."""


def switches(tables: Tables, made: Grain) -> Any:
    """flag, on_at, off_at, next_on_at: from on in a first live environment to off in all; or with no end."""
    live = made.live.environment
    told = tables.flag_changes.filter(_.environment.lower().isin(live), _.changed_at <= made.as_of)
    states = told.select(
        "flag", environment=_.environment.lower(), at=_.changed_at, on=one(~_.state.isin(OFF))
    )
    each = ibis.window(group_by=["flag", "environment"], order_by=["at", "on"])
    steps = states.select("flag", "at", by=_.on - _.on.lag().over(each).fill_null(0))
    merged = steps.group_by("flag", "at").agg(by=_.by.sum())
    run = ibis.cumulative_window(group_by="flag", order_by="at")
    totals = merged.select("flag", "at", on=_.by.sum().over(run) > 0)
    order = ibis.window(group_by="flag", order_by="at")
    turns = totals.mutate(before=_.on.lag().over(order).fill_null(False)).filter(_.on != _.before)
    spans = turns.select(
        "flag", "on", on_at=_.at, off_at=_.at.lead().over(order), next_on_at=_.at.lead(2).over(order)
    )
    return spans.filter(_.on).drop("on")


def of_codebases(tables: Tables) -> Any:
    """flag, codebase: where a flag's changes are, and what its switches name."""
    named = tables.flag_changes.filter(_.codebases.length() > 0).select("flag", codebase=_.codebases.unnest())
    return by_flag(tables).select("flag", "codebase").union(named, distinct=True)


def judged(tables: Tables, made: Grain) -> Any:
    """`switches` with `failed`: an incident names the flag or came near with no cause, or it was off soon."""
    spans = switches(tables, made)
    told = tables.incidents.select("id", "codebase", "flag", "matched_by", started=_.started_at).distinct()
    named = told.filter(_.flag.notnull()).select("flag", "started")
    blamed = spans.inner_join(named, "flag").filter(
        _.started >= _.on_at, _.next_on_at.isnull() | (_.started < _.next_on_at)
    )
    causeless = told.filter(_.flag.isnull(), _.matched_by.fill_null("") != "said")
    # Seconds are worked out on both sides before they meet: there are many more pairs than rows.
    began = causeless.select("codebase", "started", second=whole(_.started)).distinct()
    until = spans.select("flag", "on_at", until=whole(_.on_at) + made.clock.near_seconds.as_scalar())
    near = (
        until.inner_join(of_codebases(tables), "flag")
        .inner_join(began, "codebase")
        .filter(_.started >= _.on_at, _.second <= _.until)
    )
    marks = blamed.select("flag", "on_at").union(near.select("flag", "on_at"), distinct=True)
    soon = ibis.coalesce(seconds(_.on_at, _.off_at) <= UNDONE_HOURS * 3600, ibis.literal(False))
    return spans.left_join(marks.mutate(marked=True), ["flag", "on_at"]).select(
        "flag", "on_at", "off_at", failed=_.marked.notnull() | soon
    )


def switched_on(tables: Tables, made: Grain) -> Facts:
    """Switch-ons, by the switch."""
    return Facts(None, judged(tables, made).mutate(at=_.on_at))


def switched_off(tables: Tables, made: Grain) -> Facts:
    """Switch-ons that needed intervention, by the end; `length` is how long until they were off again."""
    failed = judged(tables, made).filter(_.failed)
    return Facts(None, failed.mutate(at=ibis.coalesce(_.off_at, _.on_at), length=seconds(_.on_at, _.off_at)))


def released(tables: Tables, made: Grain) -> Facts:
    """Changes once for each of their flags: `length` from delivered to switched on; while off, unknown."""
    changes = by_flag(tables).filter(
        _.deployed_at.notnull(), _.state != "undone", _.deployed_at <= made.as_of
    )
    behind = changes.select("flag", "codebase", "id", "deployed_at")
    spans = switches(tables, made).select("flag", "on_at", "off_at")
    first = (
        behind.inner_join(spans, "flag")
        .filter(_.off_at.isnull() | (_.off_at > _.deployed_at))
        .group_by("flag", "codebase", "id")
        .agg(on_at=ibis.greatest(_.on_at, _.deployed_at).min())
    )
    rows = behind.left_join(first, ["flag", "codebase", "id"]).select(
        "flag", at=ibis.coalesce(_.on_at, _.deployed_at), length=seconds(_.deployed_at, _.on_at)
    )
    return Facts(None, rows)


def without(tables: Tables, made: Grain) -> Facts:
    """The deployments of a flag's codebases that did not carry its changes."""
    facts = deployments(tables, made)
    carried = facts.flagged.select("flag", "codebase", "environment", "id")
    others = facts.rows.inner_join(of_codebases(tables), "codebase").anti_join(
        carried, ["flag", "codebase", "environment", "id"]
    )
    return Facts(None, others)

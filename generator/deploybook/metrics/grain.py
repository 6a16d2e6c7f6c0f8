"""Whose an event is and when it was: scopes, weeks, months and quarters, as joins that every engine has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
from ibis import _

from deploybook.metrics.model import INPUTS, PREFIX, Tables
from deploybook.metrics.reference import REFERENCE


@dataclass(frozen=True)
class Grain:
    """The tables of `reference.REFERENCE` as expressions name them.

    Whether a repository holds several codebases is the one choice of a site that shapes an expression itself;
    all others are rows of these.
    """

    shared_repositories: bool
    clock: Any
    live: Any
    days: Any
    places: Any
    ends: Any
    borders: Any
    working_days: Any
    scopes: Any
    branches: Any
    required: Any
    repositories: Any

    @property
    def as_of(self) -> Any:
        """The clock, as a value to compare with."""
        return self.clock.as_of.as_scalar()


def _unbound(name: str) -> Any:
    """An input or a small table as expressions name it."""
    return ibis.table({**INPUTS, **REFERENCE}[name], name=PREFIX + name)


def inputs() -> Tables:
    """All inputs."""
    return Tables(**{name: _unbound(name) for name in INPUTS})


def grain(*, shared_repositories: bool) -> Grain:
    """The small tables."""
    return Grain(shared_repositories, **{name: _unbound(name) for name in REFERENCE})


@dataclass(frozen=True)
class Facts:
    """Events to summarise: each in the period of its instant `at`.

    Args:
        rows: A table with `codebase`, `at`, and what the measures look at; or `None`: flags alone count.
        flagged: The same columns and `flag`: those of the rows that belong to a flag, once a flag.
        once: Columns that say which rows are one event told by several codebases; a scope counts it once.
    """

    rows: Any = None
    flagged: Any = None
    once: tuple[str, ...] = ()


def keyed(facts: Facts, columns: dict[str, Any], made: Grain) -> Any:
    """The rows up to the clock, with `kind` and `key` (a codebase, or a flag), `utc_day` and `columns`."""
    chosen = {**columns, "at": _.at, "utc_day": _.at.date()}
    told = []
    if facts.rows is not None:
        told.append(facts.rows.select(kind=ibis.literal("codebase"), key=_.codebase, **chosen))
    if facts.flagged is not None:
        told.append(facts.flagged.select(kind=ibis.literal("flag"), key=_.flag, **chosen))
    rows = ibis.union(*told) if len(told) > 1 else told[0]
    return rows.filter(_.at <= made.as_of)


def in_scopes_and_periods(facts: Facts, columns: dict[str, Any], made: Grain) -> Any:
    """The rows with the `KEYS` of each figure that they count in, and `columns`."""
    once = {name: _[name] for name in facts.once}
    rows = keyed(facts, {**columns, **once, **({"teller": _.codebase} if once else {})}, made)
    joined = rows.inner_join(made.places, "utc_day").left_join(made.scopes, ["kind", "key"])
    placed = joined.select(
        *(name for name in (*columns, *once) if name),
        *(("at", "teller") if once else ()),
        "period",
        scope=ibis.coalesce(_.scope, _.kind),
        name=ibis.coalesce(_.name, _.key),
        period_start=(_.at < _.turn).ifelse(_.first, _.then),
    )
    if not once:
        return placed
    window = ibis.window(group_by=["scope", "name", "period", *once], order_by=["at", "teller"])
    return placed.mutate(nth=ibis.row_number().over(window)).filter(_.nth == 0)


def in_scopes_and_days(facts: Facts, made: Grain) -> Any:
    """`scope`, `name` and local `day` of each row."""
    rows = keyed(facts, {}, made)
    return (
        rows.inner_join(made.days, "utc_day")
        .left_join(made.scopes, ["kind", "key"])
        .select(
            scope=ibis.coalesce(_.scope, _.kind),
            name=ibis.coalesce(_.name, _.key),
            day=(_.at < _.turn).ifelse(_.first, _.then),
        )
    )

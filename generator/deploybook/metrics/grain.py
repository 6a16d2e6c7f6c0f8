"""Whose an event is and when it was: scopes, weeks, months and quarters, as joins that every engine has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
from ibis import _

from deploybook.metrics.model import Settings
from deploybook.periods import KINDS, days, first_day, local_date, to_utc

INSTANT = pa.timestamp("us", tz="UTC")
FIRST_DAY = date(2000, 1, 1)
"""The first day that figures know: a clock at 0 must not draw fifty years of empty weeks."""


@dataclass(frozen=True)
class Grain:
    """Small tables that events are joined to."""

    settings: Settings
    days: Any
    """utc_day, turn, first, then: before `turn` in that UTC day the local day is `first`, then `then`."""
    places: Any
    """The same for the first days of periods, three rows a UTC day: utc_day, turn, period, first, then."""
    scopes: Any
    """kind, key, scope, name: a codebase is itself, its team and the site; any other key is itself alone."""
    as_of: Any
    """The clock, as an expression."""


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


def grain(settings: Settings) -> Grain:
    """The small tables for these settings."""
    local, places = _calendar(settings.zone, local_date(settings.as_of, settings.zone))
    rows = [
        *(("codebase", name, "codebase", name) for name in sorted({*settings.codebases, *settings.teams})),
        *(("codebase", name, "team", team) for name, team in sorted(settings.teams.items())),
        *(("codebase", name, "site", "") for name in sorted({*settings.codebases, *settings.teams})),
    ]
    columns = dict.fromkeys(("kind", "key", "scope", "name"), pa.string())
    scopes = pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows], pa.schema(columns))
    as_of = ibis.literal(settings.as_of.astimezone(UTC))
    return Grain(settings, ibis.memtable(local), ibis.memtable(places), ibis.memtable(scopes), as_of)


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


def period_ends(settings: Settings) -> Any:
    """period, period_start, day: the last day of each period, or the clock's day where that is earlier."""
    last = local_date(settings.as_of, settings.zone)
    ends: dict[tuple[str, date], date] = {}
    for day in days(FIRST_DAY, last + timedelta(days=1)):
        for kind in KINDS:
            ends[(kind, first_day(kind, day))] = day
    return ibis.memtable(
        pa.table(
            {
                "period": [kind for kind, _start in ends],
                "period_start": pa.array([start for _kind, start in ends], pa.date32()),
                "day": pa.array(ends.values(), pa.date32()),
            }
        )
    )


def boundaries(settings: Settings) -> list[datetime]:
    """Every instant at which a week, month or quarter begins, up to the clock's, in order; in UTC."""
    last = local_date(settings.as_of, settings.zone)
    starts = set(_calendar(settings.zone, last)[1].column("first").to_pylist())
    return sorted(to_utc(start, time(), settings.zone) for start in starts if start <= last)


@lru_cache(maxsize=8)
def _calendar(zone: ZoneInfo, last: date) -> tuple[pa.Table, pa.Table]:
    """`days` and `places` of `Grain`, from 2000 to the day after `last`."""
    known, firsts, turns, thens = [], [], [], []
    for day in days(FIRST_DAY, last + timedelta(days=2)):
        first = local_date(datetime.combine(day, time(), tzinfo=UTC), zone)
        turn = to_utc(first + timedelta(days=1), time(), zone)
        known.append(day)
        firsts.append(first)
        turns.append(turn)
        thens.append(local_date(turn, zone))
    columns = {"utc_day": known, "turn": pa.array(turns, INSTANT), "first": firsts, "then": thens}
    local = pa.table(columns)
    places = [
        pa.table(
            {
                **columns,
                "period": [kind] * len(known),
                "first": [first_day(kind, day) for day in firsts],
                "then": [first_day(kind, day) for day in thens],
            }
        )
        for kind in KINDS
    ]
    return local, pa.concat_tables(places)

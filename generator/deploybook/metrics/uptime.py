"""The share of time not down, as monitors saw it, else as incidents tell it."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from deploybook.metrics.grain import Facts, Grain
from deploybook.metrics.measures import Measure, Ratio
from deploybook.metrics.model import Tables
from deploybook.metrics.spans import seconds, states

NEVER_CLOSED_DAYS = 30
"""An incident open for longer was probably never closed: from then on nobody knows."""
COUNTERS = ("watched", "seen_down", "told", "told_down", "in_doubt")


UPTIME: list[Measure] = [
    Ratio(
        "uptime",
        (_.known & ~_.down).ifelse(_.length, 0),
        _.known.ifelse(_.length, 0),
        _.unclear.ifelse(_.length, 0),
    ),
    Ratio(
        "uptime_incidents",
        (_.known_told & (_.told_down == 0)).ifelse(_.length, 0),
        _.known_told.ifelse(_.length, 0),
        _.unclear_told.ifelse(_.length, 0),
    ),
]
"""`uptime` by monitors where a codebase has any, else by incidents; `uptime_incidents` by these alone."""


def watched(tables: Tables, made: Grain) -> Facts:
    """Spans by what is known of them: by monitors where a codebase has any, else by incidents."""
    monitors = tables.availability.select("codebase").distinct().mutate(monitored=True)
    rows = states(_steps(tables, made), COUNTERS, made, cut=True).left_join(monitors, "codebase")
    timed = rows.select(
        "codebase", "at", *COUNTERS, monitored=_.monitored.fill_null(False), length=seconds(_.at, _.until)
    )
    doubt = (_.in_doubt > 0) & (_.told_down == 0)
    # Where one kind of record begins before the other, only the one that is counted by opens the known time.
    seen = timed.mutate(
        known=_.monitored.ifelse(_.watched > 0, (_.told > 0) & ~doubt),
        down=_.monitored.ifelse(_.seen_down > 0, _.told_down > 0),
        unclear=~_.monitored & (_.told > 0) & doubt,
        known_told=(_.told > 0) & ~doubt,
        unclear_told=(_.told > 0) & doubt,
    ).filter(_.known | _.unclear | _.known_told | _.unclear_told)
    return Facts(seen)


def _steps(tables: Tables, made: Grain) -> Any:
    monitored = tables.availability.select("codebase", "state", start=_["from"], end=_["to"])
    down = monitored.filter(_.state == "down", _.start < _.end)
    told = tables.incidents.filter(
        _.down.notnull(),
        _.codebase.notnull(),
        _.started_at <= made.as_of,
        _.environment.isnull() | _.environment.lower().isin(made.live.environment),
    )
    incidents = told.select("codebase", "id", "down", "started_at", "resolved_at").distinct()
    closed = ibis.coalesce(_.resolved_at <= made.as_of, ibis.literal(False))
    limit = _.started_at + ibis.interval(days=NEVER_CLOSED_DAYS)
    bad = incidents.filter(_.down).select(
        "codebase", start=_.started_at, end=closed.ifelse(_.resolved_at, limit)
    )
    stale = incidents.filter(_.down, ~closed).select("codebase", at=limit)
    first_seen = monitored.group_by("codebase").agg(at=_.start.min())
    first_told = incidents.group_by("codebase").agg(at=_.started_at.min())
    return ibis.union(
        _step(first_seen, "at", "watched", 1),
        _step(first_told, "at", "told", 1),
        _step(stale, "at", "in_doubt", 1),
        *(_step(down, side, "seen_down", sign) for side, sign in (("start", 1), ("end", -1))),
        *(_step(bad, side, "told_down", sign) for side, sign in (("start", 1), ("end", -1))),
    )


def _step(rows: Any, at: str, counter: str, by: int) -> Any:
    amounts = {name: ibis.literal(by if name == counter else 0, "int64") for name in COUNTERS}
    return rows.select("codebase", at=_[at], **amounts)

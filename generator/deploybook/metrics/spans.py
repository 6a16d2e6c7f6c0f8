"""States that last: how much of a period each took, worked out from the instants at which they change."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from deploybook.metrics.grain import Grain


def states(steps: Any, counters: tuple[str, ...], made: Grain, *, cut: bool) -> Any:
    """codebase, at, until and the counters' totals: the spans between steps, up to the clock.

    Args:
        steps: codebase, at, and by how much each counter goes up or down there.
        counters: The columns that count.
        made: Whose clock and periods.
        cut: Also cut the spans at the borders of weeks, months and quarters: each lies in one of each.
    """
    borders = made.borders if cut else made.clock.select(at=_.as_of)
    nothing = dict.fromkeys(counters, ibis.literal(0, "int64"))
    chosen = steps.filter(_.at <= made.as_of).select("codebase", "at", *counters)
    marks = chosen.select("codebase").distinct().cross_join(borders).mutate(**nothing)
    sums = {name: _[name].sum() for name in counters}
    merged = chosen.union(marks.select("codebase", "at", *counters)).group_by("codebase", "at").agg(**sums)
    order = ibis.window(group_by="codebase", order_by="at")
    run = ibis.cumulative_window(group_by="codebase", order_by="at")
    totals = {name: _[name].sum().over(run).cast("int64") for name in counters}
    return merged.select("codebase", "at", until=_.at.lead().over(order), **totals).filter(_.until.notnull())


def one(flag: Any) -> Any:
    """1 where it is so, else 0: not every engine turns a truth into a number."""
    return flag.ifelse(1, 0).cast("int64")


def whole(instant: Any) -> Any:
    """An instant as whole seconds, its fraction cut off, which engines round each its way."""
    return instant.truncate("s").epoch_seconds().cast("int64")


def seconds(start: Any, end: Any) -> Any:
    """Whole seconds between two instants."""
    return whole(end) - whole(start)

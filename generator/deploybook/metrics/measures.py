"""Kinds of figure (a count, a rate, a percentile) and how events are summed up into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
from ibis import _

from deploybook.metrics.daily import Daily
from deploybook.metrics.grain import Facts, Grain, in_scopes_and_periods
from deploybook.metrics.model import KEYS, Tables
from deploybook.metrics.part import Figure, FigureKind, Part

YES = ibis.literal(True)
NO = ibis.literal(False)
ZERO = ibis.literal(0)


@dataclass(frozen=True)
class Count:
    """How many events; `missing` of them are placed or known only in part."""

    metric: str
    unit: str
    of: Any = YES
    missing: Any = NO


@dataclass(frozen=True)
class Rate:
    """How many of the events `among` are `of` too; a rate of nothing is unknown."""

    metric: str
    of: Any
    among: Any = YES
    missing: Any = NO
    unit: str = "share"


@dataclass(frozen=True)
class Percentile:
    """The interpolated percentile (type 7) of a value over the events `of`; unknown or negative is missing.

    The whole site has none.
    """

    metric: str
    unit: str
    value: Any
    share: float = 0.5
    of: Any = YES


@dataclass(frozen=True)
class Ratio:
    """A sum of whole numbers, as seconds or lines, over another one; unknown where that is 0."""

    metric: str
    of: Any
    among: Any
    missing: Any = ZERO
    unit: str = "share"


Measure = Count | Rate | Percentile | Ratio
_KIND: dict[type, FigureKind] = {
    Count: "count",
    Rate: "rate",
    Percentile: "percentile",
    Ratio: "rate",
}


@dataclass(frozen=True)
class Expressed:
    """A part with the expression that makes it.

    Args:
        part: What it is.
        table: Makes the expression: the keys, and for each figure its columns.
        daily: How it is made of steps from day to day, where it is.
    """

    part: Part
    table: Callable[[], Any]
    daily: Daily | None = None


def summed(
    name: str,
    needs: tuple[str, ...],
    facts: Callable[[Tables, Grain], Facts],
    measures: Sequence[Measure],
    sources: tuple[Tables, Grain],
    *,
    opens: bool = True,
    apart: bool = False,
    by_repository: bool = False,
) -> Expressed:
    """The part that summarises events by measures; `apart` where their events cost little to find again."""
    figures = tuple(Figure(each.metric, each.unit, _KIND[type(each)]) for each in measures)
    held_apart = needs[0] if apart else None
    part = Part(name, needs, figures, opens, held_apart, by_repository=by_repository)
    return Expressed(part, lambda: summarise(facts(*sources), measures, sources[1]))


def summarise(facts: Facts, measures: Sequence[Measure], made: Grain) -> Any:
    """The measures of events, by scope and period."""
    columns: dict[str, Any] = {}
    totals: dict[str, Any] = {}
    for measure in measures:
        name = measure.metric
        match measure:
            case Percentile():
                columns[f"{name}__of"] = measure.of
                columns[f"{name}__v"] = (measure.of & (measure.value >= 0)).ifelse(measure.value, ibis.null())
                known = _[f"{name}__v"].notnull()
                rated = _.scope != "site"
                totals[f"{name}__v"] = _[f"{name}__v"].cast("float64").quantile(measure.share, where=rated)
                totals[f"{name}__d"] = _[f"{name}__v"].count()
                totals[f"{name}__x"] = _.count(where=_[f"{name}__of"] & ~known)
            case Rate():
                columns[f"{name}__n"] = measure.of & measure.among
                columns[f"{name}__d"] = measure.among
                columns[f"{name}__x"] = measure.missing
                totals |= {column: _.count(where=_[column]) for column in (f"{name}__{s}" for s in "ndx")}
            case Ratio():
                columns |= {
                    f"{name}__n": measure.of,
                    f"{name}__d": measure.among,
                    f"{name}__x": measure.missing,
                }
                totals |= {column: _[column].sum() for column in (f"{name}__{s}" for s in "ndx")}
            case Count():
                columns[f"{name}__n"] = measure.of
                columns[f"{name}__x"] = measure.missing
                totals |= {column: _.count(where=_[column]) for column in (f"{name}__{s}" for s in "nx")}
    rows = in_scopes_and_periods(facts, columns, made)
    return rows.group_by(*KEYS).agg(**totals)

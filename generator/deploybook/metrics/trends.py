"""Process behaviour charts (XmR): which points of a short series are a signal, and which are noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from statistics import median

LEAST = 12
"""Known points that limits need."""
SPREAD = 3.145
"""Natural process limits from the median moving range: 3 divided by 0.954."""
RUN = 8
"""Points in a row on one side of the centre that are a signal."""


@dataclass(frozen=True)
class Point:
    """A figure of a period, by the period's first day; unknown is `None`."""

    start: date
    value: float | None


@dataclass(frozen=True)
class Segment:
    """Periods under one way of working, the first and last day with a point included.

    Without limits (too few points, or a moving range of 0) `centre`, `lower` and `upper` are `None`.
    """

    first: date
    last: date
    known: int
    centre: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Signal:
    """A point that stands out, and why: `above` or `below` its limits, or a `run` on one side."""

    start: date
    because: str


def limits(
    points: Sequence[Point],
    shifts: Sequence[date] = (),
    *,
    least: float | None = 0.0,
    most: float | None = None,
) -> list[Segment]:
    """Centre and natural process limits of a series, anew from each shift of the baseline.

    The centre is the median, as the ranges' median is: one wild week moves neither.

    Args:
        points: In order of time.
        shifts: Days on which the way of working changed: the first period from then on is new.
        least: What the figure cannot be lower than: the lower limit neither. `None` for no such bound.
        most: The same upwards, as 1 for a share.
    """
    found = []
    for part in _split(points, shifts):
        values = [point.value for point in part if point.value is not None]
        first, last = part[0].start, part[-1].start
        ranges = [abs(after - before) for before, after in pairwise(values)]
        step = median(ranges) if len(values) >= LEAST else 0
        if step == 0:
            found.append(Segment(first, last, len(values)))
            continue
        centre = float(median(values))
        lower, upper = centre - SPREAD * step, centre + SPREAD * step
        found.append(
            Segment(
                first,
                last,
                len(values),
                centre,
                lower if least is None else max(lower, least),
                upper if most is None else min(upper, most),
            )
        )
    return found


def signals(points: Sequence[Point], segments: Sequence[Segment]) -> list[Signal]:
    """Points outside their segment's limits, and those of eight or more in a row on one side of its centre.

    A point on the centre ends a run; an unknown one neither ends nor adds to it.
    """
    found = []
    for segment in segments:
        if segment.centre is None or segment.lower is None or segment.upper is None:
            continue
        run: list[date] = []
        side = 0
        for point in points:
            if point.value is None or not segment.first <= point.start <= segment.last:
                continue
            if point.value > segment.upper:
                found.append(Signal(point.start, "above"))
            elif point.value < segment.lower:
                found.append(Signal(point.start, "below"))
            here = (point.value > segment.centre) - (point.value < segment.centre)
            run = [*run, point.start] if here and here == side else [point.start]
            side = here
            if here and len(run) >= RUN:
                found += [Signal(start, "run") for start in (run if len(run) == RUN else run[-1:])]
    return sorted(found, key=lambda signal: (signal.start, signal.because))


def _split(points: Sequence[Point], shifts: Sequence[date]) -> list[list[Point]]:
    parts: list[list[Point]] = []
    rest = sorted(shifts)
    for point in points:
        passed = [shift for shift in rest if shift <= point.start]
        rest = rest[len(passed) :]
        if not parts or passed:
            parts.append([])
        parts[-1].append(point)
    return parts

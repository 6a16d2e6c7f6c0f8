"""Where ticks and labels go: pure arithmetic on pixels and values."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from deploybook import words

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
_TIMES = (
    *((1.0, "1 s"), (10.0, "10 s"), (MINUTE, "1 min"), (5 * MINUTE, "5 min"), (15 * MINUTE, "15 min")),
    *((HOUR, "1 h"), (4 * HOUR, "4 h"), (12 * HOUR, "12 h"), (DAY, "1 day"), (3 * DAY, "3 days")),
    *((7 * DAY, "7 days"), (30 * DAY, "30 days"), (90 * DAY, "90 days"), (365 * DAY, "1 year")),
    *((3 * 365 * DAY, "3 years"), (10 * 365 * DAY, "10 years")),
)
_COMMON = ("1 day", "7 days", "1 h", "30 days", "1 min", "4 h", "15 min", "1 year", "12 h", "3 days")
"""Which of them go first where not all have room."""

_CHAR = 6.6
"""Width of a letter of 12 px in Arial on average; Source Sans is narrower."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, in the axis' own unit, and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """The values an axis runs over, with its ticks."""

    low: float
    high: float
    ticks: tuple[Tick, ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Give how far along the axis a value lies, 0 at its low end and 1 at its high one."""
        if self.log:
            value = max(value, self.low)
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def text_width(text: str, size: float = 12, *, bold: bool = False) -> float:
    """Estimate the width of a text in pixels, rather too wide than too narrow."""
    return len(text) * _CHAR * size / 12 * (1.07 if bold else 1)


def counts(top: float) -> Scale:
    """Give an axis for counts, from zero to a round number, with two or three ticks above zero at most."""
    top = max(top, 1)
    size = 10.0 ** math.floor(math.log10(top))
    step = next(
        part
        for part in (1.0, *(size * factor / 10 for factor in (2, 5, 10, 20, 50, 100)))
        if part >= 1 and top / part <= 3
    )
    ticks = tuple(Tick(step * place, words.number(step * place)) for place in range(int(top // step) + 2))
    above = ticks[-1].at
    high = above if top % step and top >= 0.7 * above else max(top, step)
    return Scale(0, high, tuple(tick for tick in ticks if tick.at <= high))


def shares(top: float) -> Scale:
    """Give an axis for shares between 0 and 1, from zero."""
    step = next(part for part in (0.01, 0.02, 0.05, 0.1, 0.25, 0.5) if top / part <= 3 or part == 0.5)
    high = min(1.0, max(top, step))
    ticks = (
        Tick(step * n, f"{step * n * 100:.0f}{words.NBSP}%")
        for n in range(math.floor(high / step + 1e-9) + 1)
    )
    return Scale(0, high, tuple(ticks))


def times(values: Sequence[float], pixels: float, gap: float = 18, *, short: bool = False) -> Scale:
    """Give a log axis for lengths of time in seconds, with ticks that people say.

    Args:
        values: What must fit on it; what is shorter than a second counts as one.
        pixels: Length of the axis.
        gap: Least distance of two labels.
        short: Write "7 d" instead of "7 days".
    """
    scale = _log_scale(values, _TIMES, pixels, gap)
    if not short:
        return scale
    ticks = (
        Tick(tick.at, re.sub("(day|year)s?$", lambda unit: unit[1][0], tick.label)) for tick in scale.ticks
    )
    return Scale(scale.low, scale.high, tuple(ticks), log=True)


def sizes(values: Sequence[float], unit: str, pixels: float, gap: float) -> Scale:
    """Give a log axis for counts from one up, the unit written on its largest tick but one."""
    decades = tuple((10.0**power, words.number(10**power)) for power in range(10))
    scale = _log_scale(values, decades, pixels, gap)
    if not unit or not scale.ticks:
        return scale
    place = max(0, len(scale.ticks) - 2)
    named = (Tick(t.at, f"{t.label} {unit}") if n == place else t for n, t in enumerate(scale.ticks))
    return Scale(scale.low, scale.high, tuple(named), log=True)


def months(first: date, weeks: int, pixels: float) -> tuple[Tick, ...]:
    """Give ticks at the starts of months, in weeks since the first Monday, as many as have room.

    The first names its year where that has room, and so does each January.
    """
    starts = []
    at = date(first.year, first.month, 1)
    while (at - first).days < weeks * 7:
        if at >= first:
            starts.append(at)
        at = date(at.year + at.month // 12, at.month % 12 + 1, 1)
    per_week = pixels / weeks
    for step in (1, 2, 3, 6, 12):
        shown = [day for day in starts if (day.month - 1) % step == 0]
        if len(shown) < 2 or 365 / 12 / 7 * step * per_week >= text_width("Mmm", 12) + 10:
            break
    roomy = 365 / 12 / 7 * step * per_week >= text_width("Mmm 2026") + 6
    ticks = []
    for place, day in enumerate(shown):
        name = words.month(day, short=True)
        if roomy and (place == 0 or day.month == 1):
            name = f"{name} {day.year}"
        elif day.month == 1:
            name = str(day.year)
        where = (day - first).days / 7
        if where * per_week + text_width(name) <= pixels + 30:
            ticks.append(Tick(where, name))
    return tuple(ticks)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart: positions near the wanted ones, in their order, at least `gap` from each other."""
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    placed = [0.0] * len(wanted)
    floor = low
    for n in order:
        placed[n] = max(wanted[n], floor)
        floor = placed[n] + gap
    ceiling = high
    for n in reversed(order):
        placed[n] = min(placed[n], ceiling)
        ceiling = placed[n] - gap
    return placed


def _log_scale(
    values: Sequence[float], steps: Sequence[tuple[float, str]], pixels: float, gap: float
) -> Scale:
    least = max(steps[0][0], min(values, default=steps[0][0]))
    most = max(least, max(values, default=least))
    low, high = least / 1.25, most * 1.25
    if high / low < 10:  # never so close that a day's difference looks like a gulf
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(10), middle * math.sqrt(10)
    ticks: list[tuple[float, Tick]] = []
    for value, label in sorted(steps, key=lambda step: _COMMON.index(step[1]) if step[1] in _COMMON else 99):
        place = math.log(value / low) / math.log(high / low) * pixels
        if low <= value <= high and all(abs(place - other) >= gap for other, _ in ticks):
            ticks.append((place, Tick(value, label.replace(" ", words.NBSP))))
    return Scale(low, high, tuple(tick for _, tick in sorted(ticks, key=lambda pair: pair[0])), log=True)

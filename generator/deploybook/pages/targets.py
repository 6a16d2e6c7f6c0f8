"""Targets: where a metric stands, what is left, and whether the present way of working can reach it."""

from __future__ import annotations

from datetime import date

from deploybook import words
from deploybook.config.models import Target
from deploybook.pages.book import Book
from deploybook.pages.readings import Reading, worded


def target_of(book: Book, *metrics: str) -> Target | None:
    """The first target that is set among several metrics."""
    return next((book.config.targets[name] for name in metrics if name in book.config.targets), None)


def limit_seconds(book: Book, metric: str) -> float | None:
    """The upper target of a duration: the median's, else the 90th percentile's."""
    for name in (f"{metric}_p50", f"{metric}_p90"):
        target = book.config.targets.get(name)
        if target and target.at_most is not None:
            return float(target.at_most)
    return None


def weekly_value(target: Target | None) -> float | None:
    """The target as a line on a weekly chart; none where it is of another period."""
    if target is None or target.per not in (None, "week"):
        return None
    bound = target.at_least if target.at_least is not None else target.at_most
    return None if bound is None else float(bound)


def progress(reading: Reading, target: Target | None) -> str:
    """Where a metric stands against its target, in a sentence or two; empty without one.

    How it will go on is only said where natural limits allow it: inside them, weeks will fall on both sides.
    """
    value = weekly_value(target)
    if target is None or value is None:
        return ""
    least = target.at_least is not None
    bound = f"at {'least' if least else 'most'} {worded(reading.nature, value)}"
    by = f" by {_day(target.by)}" if target.by else ""
    judged = [f for f in reading.figures if f.value is not None and f.start not in reading.hollow]
    met = sum((f.value or 0) >= value if least else (f.value or 0) <= value for f in judged)
    each = " a week" if reading.nature == "count" else ""
    says = f"Target: {bound}{each}{by}. Met in {met} of {words.count(len(judged), 'week')}"
    if not judged:
        return f"Target: {bound}{each}{by}. No week can be judged yet."
    return f"{says}; {_pace(reading, value, least=least)}" if _has_limits(reading) else f"{says}."


def _has_limits(reading: Reading) -> bool:
    return bool(reading.segments) and reading.segments[-1].upper is not None


def _pace(reading: Reading, value: float, *, least: bool) -> str:
    """What the limits of the present way of working say about a target."""
    segment = reading.segments[-1]
    lower, upper = segment.lower or 0.0, segment.upper or 0.0
    if (least and lower >= value) or (not least and upper <= value):
        return "at this pace every week will meet it."
    if (least and upper < value) or (not least and lower > value):
        edge = worded(reading.nature, upper if least else lower)
        return f"at this pace none will, the limits end at {edge}."
    return "at this pace some will meet it and some will not."


def _day(day: date) -> str:
    return f"{day.day}{words.NBSP}{words.month(day, short=True)}{words.NBSP}{day.year}"

"""The five metrics as the home page has them: this week's figure, and 26 weeks small."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from deploybook import words
from deploybook.pages import readings, targets
from deploybook.pages.book import Book
from deploybook.pages.doubt import doubt
from deploybook.pages.figures import Figure
from deploybook.pages.five import Spark
from deploybook.pages.recent import Recent

_DOTS = 120
"""More dots than these are one blot at this size."""
_SHORTEST = 60.0


@dataclass(frozen=True)
class Dots:
    """Events one by one, in places from 0 to 1: to the right by time, up by length on a log scale."""

    points: tuple[tuple[float, float], ...]
    label: str
    target: float | None


@dataclass(frozen=True)
class MetricRow:
    """One of the five, small."""

    name: str
    href: Markup
    number: str
    words: str
    note: str
    signal: bool
    spark: Spark | None
    dots: Dots | None
    doubt: str
    """Why it is shown grey; empty where it is not."""


def five_small(book: Book) -> Iterator[MetricRow]:
    """The five, in their order."""
    recent = Recent(book)
    yield _weekly(book, "Deployments", "deployment-frequency", "deployment_frequency", "this week")
    yield _lead_time(book, recent)
    yield _weekly(book, "Change fail rate", "change-fail-rate", "change_fail_rate", "deployments")
    yield _recovery(book, recent)
    yield _weekly(book, "Rework", "rework-rate", "deployment_rework_rate", "deployments")


def _weekly(book: Book, name: str, anchor: str, metric: str, noun: str) -> MetricRow:
    reading = readings.read(book, "site", "", metric)
    number, unit = _now(reading.of(book.this_week.start), noun, metric)
    limits = reading.verdict.limits
    band = None
    if limits is not None and limits.lower is not None and limits.upper is not None:
        band = (limits.lower, limits.upper)
    signal = reading.verdict.signal
    values = tuple(figure.value for figure in reading.figures)
    label = f"{name} by week, {len(values)} weeks; the last {number} {unit}"
    return MetricRow(
        name, Markup(f"~/metrics/#{anchor}"), number, unit, "" if band is None else "no signal", signal,
        Spark(values, label, band, signal), None, _doubted(book, metric),
    )  # fmt: skip


def _lead_time(book: Book, recent: Recent) -> MetricRow:
    """The share within the target; where none is set, how many of the week's changes have a lead time."""
    name, anchor = "Lead time", "change-lead-time"
    if targets.limit_seconds(book, "change_lead_time") is not None:
        return _weekly(book, name, anchor, "change_lead_time_within_target", "within target")
    known = [
        (c.deployed_at, float(c.lead_time_seconds))
        for c in recent.changes
        if c.deployed_at is not None and c.lead_time_seconds is not None
    ]
    this = sum(book.this_week.contains(at, book.zone) for at, _ in known)
    number, unit = (words.number(this), "with a lead time") if this else ("–", "none this week")
    label = f"Changes by lead time, on a log scale: {len(known)} in {readings.WEEKS} weeks"
    return MetricRow(
        name, Markup(f"~/metrics/#{anchor}"), number, unit, "no target is set" if known else "", False, None,
        _dots(recent.since, book.as_of, known, label, None), _doubted(book, "change_lead_time_p50"),
    )  # fmt: skip


def _recovery(book: Book, recent: Recent) -> MetricRow:
    """A dot a failure: they are few, and a rate of few says little."""
    limit = targets.limit_seconds(book, "failed_deployment_recovery_time")
    known = [
        (d.recovered_at or d.at, float(d.recovery_seconds))
        for d in recent.failed
        if d.recovery_seconds is not None
    ]
    this = [seconds for at, seconds in known if book.this_week.contains(at, book.zone)]
    number, unit = "–", "none this week"
    if this and limit is None:
        number, unit = words.number(len(this)), "recovered"
    elif this and limit is not None:
        number = f"{sum(seconds <= limit for seconds in this)} of {len(this)}"
        unit = f"within {words.duration(limit)}"
    label = (
        f"Failures by the time until they were over, on a log scale: {len(known)} in {readings.WEEKS} weeks"
    )
    if limit is not None:
        within = sum(seconds <= limit for _, seconds in known)
        label += f", {within} of them within {words.duration(limit)}"
    return MetricRow(
        "Recovery", Markup("~/metrics/#recovery-time"), number, unit, "", False, None,
        _dots(recent.since, book.as_of, known, label, limit),
        _doubted(book, "failed_deployment_recovery_time_p50" if limit is None
                 else "failed_deployment_recovery_within_target"),
    )  # fmt: skip


def _dots(
    first: datetime, last: datetime, events: Iterable[tuple[datetime, float]], label: str, limit: float | None
) -> Dots | None:
    drawn = sorted(events)[-_DOTS:]
    if not drawn:
        return None
    lengths = [max(seconds, _SHORTEST) for _, seconds in drawn]
    ends = [*lengths, max(limit, _SHORTEST)] if limit is not None else lengths
    low, high = math.log(min(ends)), math.log(max(ends))

    def height(seconds: float) -> float:
        return round((math.log(max(seconds, _SHORTEST)) - low) / (high - low), 3) if high > low else 0.5

    span = (last - first).total_seconds() or 1.0
    points = tuple((round((at - first).total_seconds() / span, 3), height(seconds)) for at, seconds in drawn)
    return Dots(points, label, height(limit) if limit is not None else None)


def _doubted(book: Book, metric: str) -> str:
    found = doubt(book, "site", "", metric)
    return found.short if found else ""


def _now(now: Figure | None, noun: str, metric: str) -> tuple[str, str]:
    if now is None or now.numerator is None:
        return "–", "none this week"
    if metric == "deployment_frequency":
        return words.number(now.numerator), noun
    if not now.denominator:
        return "–", "none this week"
    return f"{words.number(now.numerator)} of {words.number(now.denominator)}", noun

"""Figures that are doubted: less of them is known than before, or a source of theirs is no longer read.

A figure whose rows went missing still looks like one. Pages show it grey and say why, so that nobody takes a
collector that broke for a change in how people work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from deploybook import words
from deploybook.pages.book import Book, SourceStatus
from deploybook.pages.figures import Figure

NOW = 4
"""Weeks, this one included, whose coverage is looked at."""
BEFORE = 26
"""Weeks before those that it is held against."""
FALL = 0.2
"""How much less of the rows must be known: of one in five we know less than before."""
ENOUGH = 10
"""Rows that each of the two needs: fewer say nothing about a share."""

_PARTS = {
    "change_lead_time": ("changes", "deployments"),
    "change_fail_rate": ("deployments", "incidents"),
    "failed_deployment_recovery": ("deployments", "incidents"),
    "deployment": ("deployments",),
    "uptime": ("availability", "incidents"),
}
"""Record tables that a metric is made from, by the beginning of its name; the first that fits."""


@dataclass(frozen=True)
class Doubt:
    """Why a figure is doubted: in a few words for a table, and as a sentence."""

    short: str
    says: str


def doubt(book: Book, scope: str, name: str, metric: str) -> Doubt | None:
    """Why a metric of a scope is doubted now; `None` where it is not.

    Args:
        book: What is known.
        scope: `site`, `codebase`, `team` or `flag`.
        name: Whose; empty for the site.
        metric: A name of the interface.
    """
    return _stale(book, _codebases(book, scope, name), metric) or _fallen(_series(book, scope, name, metric))


def _codebases(book: Book, scope: str, name: str) -> frozenset[str]:
    if scope == "codebase":
        return frozenset({name})
    if scope == "team":
        return frozenset(each for each in book.codebases if book.config.codebases[each].team == name)
    return frozenset(book.codebases)


def _stale(book: Book, codebases: frozenset[str], metric: str) -> Doubt | None:
    """The source longest unread of those that told a row of it."""
    limit = book.config.site.stale_after
    parts = next((tables for start, tables in _PARTS.items() if metric.startswith(start)), ())
    if limit is None:
        return None
    told = {source for part in parts for one in (*codebases, None) for source in book.tellers(part, one)}
    old = [
        (source.last_read, source)
        for source in book.sources
        if source.name in told and source.last_read is not None and book.as_of - source.last_read > limit
    ]
    if not old:
        return None
    read_at, source = min(old, key=lambda each: each[0])
    return _unread(source, book.as_of - read_at)


def _unread(source: SourceStatus, age: timedelta) -> Doubt:
    long_ago = words.duration(age.total_seconds())
    return Doubt(
        f"{source.name} last read {long_ago} ago",
        f"{source.name} was last read {long_ago} before this page was made: what happened since may be "
        "missing.",
    )


def _series(book: Book, scope: str, name: str, metric: str) -> list[tuple[float, float]]:
    """Rows known and rows in all of each week, oldest first."""
    return [_coverage(figure) for figure in book.figures.series(scope, name, "week", metric)]


def _coverage(figure: Figure) -> tuple[float, float]:
    """A count has its unknown rows among those it counts; a share or a time has them beside."""
    if figure.denominator is None:
        rows = figure.numerator or 0
        return rows - figure.missing, rows
    return figure.denominator, figure.denominator + figure.missing


def _fallen(weeks: list[tuple[float, float]]) -> Doubt | None:
    now, before = _sum(weeks[-NOW:]), _sum(weeks[-NOW - BEFORE : -NOW])
    if now is None or before is None or round(before - now, 6) < FALL:
        return None
    is_, was = words.percent(now), words.percent(before)
    return Doubt(
        f"{is_} of rows known, {was} before",
        f"Of the last {NOW} weeks’ rows {is_} are known, of the {BEFORE} weeks before {was}: "
        "see what no longer tells of them.",
    )


def _sum(weeks: Iterable[tuple[float, float]]) -> float | None:
    """The share known; `None` where there are too few rows to speak of one."""
    pairs = list(weeks)
    rows = sum(of for _, of in pairs)
    return sum(known for known, _ in pairs) / rows if rows >= ENOUGH else None

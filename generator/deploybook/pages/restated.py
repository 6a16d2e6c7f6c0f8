"""Restatements as a page tells them: the old figure, the new one, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.metrics import Restatement
from deploybook.pages.beside import figure_words
from deploybook.pages.book import Book
from deploybook.pages.deployments import Item
from deploybook.pages.figures import Figure
from deploybook.periods import Period
from deploybook.text import slug


@dataclass(frozen=True)
class Restated:
    """A settled figure that changed, for a page."""

    figure: str
    whose: Item
    period: str
    old: str
    new: str
    since: Markup
    cause: str


def told(book: Book) -> Iterator[Restated]:
    """Restatements for a page."""
    for each in book.kept.restatements:
        whose = Item(each.name or "the whole site", _page(each.scope, each.name))
        yield Restated(
            figure=each.metric,
            whose=whose,
            period=Period(each.period, each.period_start).id,  # type: ignore[arg-type]
            old=_figure(each, each.old, each.old_parts),
            new=_figure(each, each.new, each.new_parts),
            since=words.moment(each.published_at, book.zone, "long"),
            cause=each.cause or "the cause is not known",
        )


def _figure(each: Restatement, value: float | None, parts: tuple[int | None, int | None]) -> str:
    unit = "seconds" if each.metric.endswith(("_p50", "_p90")) and not each.metric.startswith("batch") else ""
    counted = each.metric in ("deployment_frequency", "deployment_days", "stopped_promotions")
    unit = unit or ("" if counted or each.metric.startswith("batch") else "share")
    figure = Figure(each.period_start, value, parts[0], parts[1], 0, unit)
    return figure_words(each.metric, figure)[0]


def _page(scope: str, name: str) -> Markup:
    if scope == "site":
        return Markup("~/metrics/")
    return (
        Markup(f"~/metrics/{slug(name)}/")
        if scope == "codebase"
        else Markup(f"~/metrics/{scope}s/{slug(name)}/")
    )

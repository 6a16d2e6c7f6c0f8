"""`metrics/`: the five metrics of the whole site on one page, sums and rates of sums, never averages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.charts.model import Cell, Chart
from deploybook.pages import plots, readings, uptime
from deploybook.pages.book import MANY_CODEBASES, Book
from deploybook.pages.doubt import doubt
from deploybook.pages.five import Spark, spark
from deploybook.pages.page import Page
from deploybook.pages.panel import Panel
from deploybook.pages.panels import Seen, panels
from deploybook.pages.plots import FlagNote
from deploybook.pages.readings import LONG, WEEKS
from deploybook.pages.recent import Recent, duration_or_dash, freshness, middle, week_range
from deploybook.pages.summary import headline, quarter, three_readings
from deploybook.text import slug
from deploybook.words import NBSP

Words = Markup | str


@dataclass(frozen=True)
class CodebaseRow:
    """A codebase in the table."""

    name: str
    href: Markup
    deployments: Cell
    by_week: Spark | None
    """None where there are many codebases: each has its own page."""
    lead: Cell
    lead_by_week: Spark | None
    failed: Cell
    recovery: Cell
    doubted: tuple[bool, bool]
    """Whether deployments and lead time by week are shown grey."""


@dataclass(frozen=True)
class MetricsPage:
    """The model of `metrics/` and of its 104 weeks."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    zone: str
    asof: tuple[Words, ...]
    panels: tuple[Panel, ...]
    notes: tuple[FlagNote, ...]
    uptime: Chart | None
    codebases: tuple[CodebaseRow, ...]
    readings: Words
    long: bool


def pages(book: Book) -> Iterator[Page]:
    """The site's metrics at a glance, and over 104 weeks."""
    yield Page("metrics", "metrics.md.jinja", "Metrics", metrics_page(book))
    yield Page(
        "metrics/two-years",
        "metrics.md.jinja",
        "Metrics, 104 weeks",
        metrics_page(book, weeks=LONG),
        search=False,
    )


def metrics_page(book: Book, *, weeks: int = WEEKS) -> MetricsPage:
    """The model of the site's metrics."""
    recent = Recent(book, weeks)
    notes = plots.flag_notes(book, plots.first_monday(book, weeks))
    frequency = readings.read(book, "site", "", "deployment_frequency", weeks=weeks)
    failing = readings.read(book, "site", "", "change_fail_rate", weeks=weeks)
    up = readings.read(book, "site", "", "uptime", weeks=weeks)
    return MetricsPage(
        kicker=f"Metrics, {week_range(book, weeks)}",
        sentence=headline(book, frequency, failing),
        lead=quarter(book),
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        asof=tuple(_asof(book)),
        panels=tuple(panels(Seen(book, recent, notes, weeks), frequency, failing)),
        notes=notes,
        uptime=uptime.chart(book, up) if weeks == WEEKS else None,
        codebases=tuple(_codebases(book, recent)) if weeks == WEEKS else (),
        readings=three_readings(book, recent),
        long=weeks != WEEKS,
    )


def _asof(book: Book) -> Iterator[Words]:
    yield from freshness(book)
    yield f"week {book.this_week.number} is provisional"
    if again := len(book.kept.restatements):
        says = words.count(again, "past figure") + " restated"
        yield Markup('<a href="~/metrics/trust/#restated">{}</a>').format(says)
    yield Markup('<a href="~/metrics/trust/">can it be trusted?</a>')
    count = len(book.codebases)
    if count > 1:
        yield f"{count} codebases, added up, never averaged"


def codebase_href(name: str) -> Markup:
    """Where a codebase's metrics are."""
    return Markup(f"~/metrics/{slug(name)}/")


def _codebases(book: Book, recent: Recent) -> Iterator[CodebaseRow]:
    drawn = len(book.codebases) <= MANY_CODEBASES
    for name in book.codebases:
        deployments = [d for d in recent.deployments_of.get(name, []) if d.outcome == "success"]
        reached = [d for d in recent.deployments_of.get(name, []) if d.reached]
        lead = middle(c.lead_time_seconds for c in recent.changes_of.get(name, []))
        recovery = middle(d.recovery_seconds for d in recent.failed_of.get(name, []))
        frequency = readings.read(book, "codebase", name, "deployment_frequency")
        times = readings.read(book, "codebase", name, "change_lead_time_p50")
        href = codebase_href(name)
        failed = sum(d.needed_intervention for d in reached)
        yield CodebaseRow(
            name=name,
            href=href,
            deployments=Cell(words.number(len(deployments)), href + Markup("#deployments")),
            by_week=spark(frequency, f"{name}: deployments a week over {WEEKS} weeks") if drawn else None,
            lead=Cell(duration_or_dash(lead), href + Markup("#rows") if lead is not None else None),
            lead_by_week=spark(times, f"{name}: median lead time by week over {WEEKS} weeks")
            if drawn
            else None,
            failed=Cell(
                f"{failed} of{NBSP}{len(reached)}" if reached else "–",
                href + Markup("#why") if reached else None,
            ),
            recovery=Cell(
                duration_or_dash(recovery), href + Markup("#why") if recovery is not None else None
            ),
            doubted=(
                doubt(book, "codebase", name, frequency.metric) is not None,
                doubt(book, "codebase", name, times.metric) is not None,
            ),
        )

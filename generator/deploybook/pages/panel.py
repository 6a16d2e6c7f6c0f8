"""One of the five on the metrics page: its figure, the sample behind it, its chart, its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.charts.model import Caption, Cell, Chart, Target
from deploybook.config.models import Target as Aim
from deploybook.pages import plots, readings, targets
from deploybook.pages.book import Book
from deploybook.pages.doubt import Doubt
from deploybook.pages.figures import Figure
from deploybook.pages.plots import FlagNote
from deploybook.pages.readings import Reading


@dataclass(frozen=True)
class Rows:
    """The table behind a chart."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Panel:
    """One of the five: its figure and its chart."""

    id: Markup
    title: str
    question: str
    number: str | None
    unit: str
    href: Markup
    sample: Markup
    """What stands below the figure."""
    reason: Markup
    """What stands there where this week has none."""
    chart: Chart | None
    rows: Rows | None
    empty_title: str
    empty: Markup | str
    """What stands in place of the chart, and why."""
    target: str
    doubt: str
    """Why it is shown grey; empty where it is not."""


@dataclass(frozen=True)
class Sample:
    """The second figure of a panel: that of all the weeks, leading to its rows."""

    path: str
    says: str
    rest: str = ""

    def after(self, when: str) -> Markup:
        """The sample after what the figure is of: "this week", or why it has none."""
        return Markup('{}; <a href="~/{}">{}</a>{}').format(when, Markup(self.path), self.says, self.rest)


def panel(
    id_: str, title: str, question: str, *,
    number: str | None, unit: str, href: Markup, sample: Sample, quiet: str,
    chart: Chart | None, rows: Rows | None, empty: Markup | str, target: str, doubt: Doubt | None,
    empty_title: str = "Nothing to draw.",
) -> Panel:  # fmt: skip
    """A panel.

    Args:
        id_: Its anchor.
        title: The metric's name.
        question: What it answers.
        number: This week's figure; none where nothing happened.
        unit: What the figure counts.
        href: Where the figure leads.
        sample: All the weeks' figure.
        quiet: Why this week has no figure.
        chart: None where there is nothing to draw.
        rows: The table behind the chart.
        empty: What to do where there is nothing to draw.
        empty_title: That there is nothing.
        target: Where it stands against its target.
        doubt: Why it is doubted.
    """
    return Panel(
        Markup(id_), title, question, number, unit, href,
        sample.after("this week"), sample.after(quiet), chart, rows, empty_title, empty, target,
        doubt.says if doubt else "",
    )  # fmt: skip


def this_week(book: Book) -> Markup:
    """Where this week's deployments are told."""
    href = book.week_href(book.this_week)
    return href + Markup("#how-they-went-out") if book.deployments_in(book.this_week) else href


def now(book: Book, reading: Reading) -> Figure | None:
    """This week's figure."""
    return reading.of(book.this_week.start)


def aim_line(aim: Aim | None, worded: Callable[[float], str]) -> Target | None:
    """The target as a line on a weekly chart; none where it is of another period."""
    goal = targets.weekly_value(aim)
    return Target(goal, f"target {worded(goal)}") if goal is not None else None


def weekly_rows(book: Book, reading: Reading, column: str, says: Callable[[Figure], str]) -> Rows:
    """The weeks behind a line, newest first."""
    year = book.this_week.year
    return Rows(
        ("Week", column),
        tuple(
            (Cell(plots.week_label(f.start, year), plots.week_link(book, f.start)), Cell(says(f)))
            for f in reversed(reading.figures)
        ),
    )


def line(
    book: Book,
    reading: Reading,
    notes: tuple[FlagNote, ...],
    *,
    title: str,
    about: str,
    column: str,
    says: Callable[[Figure], str],
    target: Target | None,
) -> tuple[Chart | None, Rows]:
    """A metric by week as a line, with the rows behind it.

    Args:
        book: What is known.
        reading: The weeks.
        notes: Flags.
        title: The finding.
        about: What is drawn.
        column: The heading of the figure in the rows.
        says: A week's figure in words.
        target: A line across.
    """
    description = f"Line chart, {about[0].lower()}{about[1:]} {title}."
    caption = Caption(title, f"{about} {readings.band(reading)}".strip(), description)
    data = plots.weekly(book, reading, caption, column, says, notes=notes, target=target)
    return plots.draw(book, data), weekly_rows(book, reading, column, says)


def amount(noun: str) -> Callable[[Figure], str]:
    """Says a count with its noun: "9 deployments"."""
    return lambda figure: words.count(int(figure.value or 0), noun)

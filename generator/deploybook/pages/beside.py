"""What is counted beside the five: this quarter and the last, each figure with its sample and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.pages.book import Book
from deploybook.pages.figures import Figure
from deploybook.pages.recent import part
from deploybook.periods import period_of
from deploybook.text import slug
from deploybook.words import NBSP


@dataclass(frozen=True)
class Beside:
    """One companion: its name, where its rows are, and two quarters of it."""

    name: str
    href: Markup
    now: str
    now_small: str
    before: str
    before_small: str


_ROWS = "rows"
_COMPANIONS = (
    ("Changes in a deployment", "batch_changes_p50", "deployments"),
    ("Lines in a change", "batch_lines_p50", _ROWS),
    ("Reviewed by someone else", "reviewed_share", _ROWS),
    ("Deployment duration", "deployment_duration_p50", "deployments"),
    ("Rollback duration", "rollback_duration_p50", "deployments"),
    ("Stopped promotions", "stopped_promotions", "~/metrics/release-branch/#stopped"),
    ("Time to detect", "time_to_detect_p50", "~/incidents/"),
    ("Time to restore", "time_to_restore_p50", "~/incidents/"),
    ("Release branch green", "green_time", "~/metrics/release-branch/"),
    ("Break of the release branch", "break_duration_p50", "~/metrics/release-branch/"),
    ("Commits tested", "tested_commits", "~/metrics/release-branch/"),
    ("Coverage", "coverage", "~/metrics/release-branch/#coverage"),
    ("Flaky test cases", "flaky_share", "~/metrics/flaky-tests/"),
    ("Runs that changed on a re-run", "flaky_run_share", "~/metrics/flaky-tests/"),
    ("Uptime", "uptime", "~/uptime/"),
)
_TIMES = frozenset({"green_time", "uptime"})


def companions(book: Book, scope: str, name: str) -> Iterator[Beside]:
    """Every companion that has a figure in one of the two quarters."""
    now = period_of("quarter", book.as_of, book.zone)
    before = now.previous()
    page = f"~/metrics/{slug(name)}/" if scope == "codebase" else f"~/metrics/{scope}s/{slug(name)}/"
    for label, metric, where in _COMPANIONS:
        pair = [book.figures.one(scope, name, "quarter", metric, period.start) for period in (now, before)]
        if all(figure is None or figure.value is None for figure in pair):
            continue
        href = where if where.startswith("~") else f"{page}#{where}"
        (says, small), (past, past_small) = (figure_words(metric, figure) for figure in pair)
        yield Beside(label, Markup(href), says, small, past, past_small)


def figure_words(metric: str, figure: Figure | None) -> tuple[str, str]:
    """A figure in words, and its sample."""
    if figure is None or figure.value is None:
        return "–", "no data"
    missing = f"{words.number(figure.missing)} unknown" if figure.missing else ""
    if figure.unit == "seconds":
        sample = f"median of {words.number(figure.denominator or 0)}"
        return words.duration(figure.value), _joined(sample, missing)
    if figure.unit == "share":
        if metric in _TIMES:
            whole = words.duration(figure.denominator or 0)
            unknown = f"{words.duration(figure.missing)} unknown" if figure.missing else ""
            return words.percent(figure.value, 2 if metric == "uptime" else 0), _joined(
                f"of {whole}", unknown
            )
        if metric == "coverage":
            sample = (
                f"{words.number(figure.numerator or 0)} of{NBSP}{words.number(figure.denominator or 0)} lines"
            )
            return words.percent(figure.value), sample
        return part(int(figure.numerator or 0), int(figure.denominator or 0)), missing
    if metric.endswith("_p50"):
        return words.number(round(figure.value, 1)), _joined(
            f"median of {words.number(figure.denominator or 0)}", missing
        )
    return words.number(figure.value), missing


def _joined(first: str, second: str) -> str:
    return f"{first}, {second}" if second else first

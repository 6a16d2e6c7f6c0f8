"""The five panels of the site's metrics: this week's figure, the weeks before as a chart, and their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.charts.model import Caption, Dot, Dots, Target
from deploybook.linking.model import LinkedChange, LinkedDeployment
from deploybook.pages import plots, readings, targets
from deploybook.pages.book import Book
from deploybook.pages.doubt import Doubt, doubt
from deploybook.pages.five import of
from deploybook.pages.panel import (
    Panel,
    Rows,
    Sample,
    aim_line,
    amount,
    line,
    now,
    panel,
    this_week,
    weekly_rows,
)
from deploybook.pages.plots import FlagNote
from deploybook.pages.readings import WEEKS, Reading
from deploybook.pages.recent import Recent, deployment_name, duration_or_dash, last_was, part, with_likely
from deploybook.pages.summary import recovery_title, rework_kinds
from deploybook.pages.telling import number
from deploybook.text import slug
from deploybook.words import NBSP

MANY_DOTS = 700
"""More events than this are not drawn one by one."""


@dataclass(frozen=True)
class Seen:
    """What all five are made from: the rows of so many weeks, and the flags of their charts."""

    book: Book
    recent: Recent
    notes: tuple[FlagNote, ...]
    weeks: int

    def reading(self, metric: str) -> Reading:
        """A metric of the whole site in these weeks."""
        return readings.read(self.book, "site", "", metric, weeks=self.weeks)

    def quiet(self, so: str = "") -> str:
        """That nothing was deployed in these weeks, and when it last was; empty where no time is known."""
        if self.recent.deployments or not (last := last_was(self.book)):
            return ""
        return f"No deployment in {self.weeks} weeks{f', {so}' if so else ''}; {last}."

    def doubt(self, metric: str) -> Doubt | None:
        """Why it is doubted now."""
        return doubt(self.book, "site", "", metric)


def panels(seen: Seen, frequency: Reading, failing: Reading) -> Iterator[Panel]:
    """The five, in their order.

    Args:
        seen: The weeks.
        frequency: The site's deployment frequency in them.
        failing: The site's change fail rate in them.
    """
    yield _frequency(seen, frequency)
    yield _lead_time(seen)
    yield _failing(seen, failing)
    yield _recovery(seen)
    yield _rework(seen)


def _frequency(seen: Seen, reading: Reading) -> Panel:
    book, weeks = seen.book, seen.weeks
    aim = targets.target_of(book, "deployment_frequency")
    title = readings.finding(reading, book, words.count(int(reading.verdict.value or 0), "deployment"))
    days = seen.reading("deployment_days")
    chart, rows = line(
        book, reading, seen.notes, title=title, about="Deployments a week.", column="Deployments",
        says=amount("deployment"), target=aim_line(aim, words.number),
    )  # fmt: skip
    figure = now(book, reading)
    count = int(figure.numerator or 0) if figure else 0
    working = f", on {days.numerator} of {days.denominator} working days" if days.denominator else ""
    total = f"{words.number(reading.numerator)} in {weeks} weeks"
    return panel(
        "deployment-frequency",
        "Deployment frequency",
        "How often do we reach users?",
        number=words.number(count),
        unit="deployment" if count == 1 else "deployments",
        href=this_week(book),
        sample=Sample("deployments/", total, working),
        quiet="no deployment this week",
        chart=chart,
        rows=rows,
        empty=seen.quiet() or "No deployment is known yet. Say under deployments where they are read from.",
        target=targets.progress(reading, aim),
        doubt=seen.doubt("deployment_frequency"),
    )


def _lead_time(seen: Seen) -> Panel:
    book, recent, weeks = seen.book, seen.recent, seen.weeks
    limit = targets.limit_seconds(book, "change_lead_time")
    reading = seen.reading("change_lead_time_within_target")
    changes = recent.once(recent.changes)
    known = [c for c in changes if c.lead_time_seconds is not None]
    within = f"within {words.duration(limit)}" if limit is not None else ""
    figure = now(book, reading)
    if limit is not None:
        judged = _judged(reading)
        title = readings.finding(reading, book, f"{judged} {within}" if judged else "")
        number_ = of(figure) if figure and figure.denominator else None
        total = with_likely(reading.numerator, reading.denominator) if reading.denominator else "none"
        column = f"{within.capitalize()}, of changes"
        rows = weekly_rows(book, reading, column, of)
    else:
        title = f"{words.count(len(known), 'change', start=True)} with a known lead time"
        this = [c for c in changes if c.deployed_at and book.this_week.contains(c.deployed_at, book.zone)]
        number_, total = words.number(len(this)), words.number(len(changes))
        rows = None
    drawn = known if len(known) <= MANY_DOTS and weeks == WEEKS else []
    chart = plots.draw(book, _changes(seen, drawn, title, limit))
    if chart is None and limit is not None and reading.known:
        chart, rows = line(
            book, reading, seen.notes, title=title, column=column, says=of, target=None,
            about=f"Share of the week’s changes live {within} of their first commit.",
        )  # fmt: skip
    unknown = len(changes) - len(known)
    rest = f"; {words.number(unknown)} without a known first commit" if unknown else ""
    return panel(
        "change-lead-time",
        "Change lead time",
        "How long from first commit to users?",
        number=number_,
        unit=within if limit is not None else "changes",
        href=book.week_href(book.this_week),
        sample=Sample("metrics/#by-codebase", f"{total} in {weeks} weeks", rest),
        quiet="no change reached users this week",
        chart=chart,
        rows=rows,
        empty_title="Not drawn one by one." if known else "Nothing to draw.",
        empty=_not_one_by_one(seen, len(known)) if known else _no_lead_time(seen, len(changes)),
        target=targets.progress(reading, targets.target_of(book, "change_lead_time_within_target")),
        doubt=seen.doubt("change_lead_time_within_target"),
    )


def _not_one_by_one(seen: Seen, known: int) -> Markup:
    """Why there is no dot a change, where the weekly median is, and what a target would add."""
    many = words.count(known, "change")
    why = f"{many} are too many for a dot each." if known > MANY_DOTS else (
        f"Over {seen.weeks} weeks, the {many} are not drawn as a dot each."
        if known > 1 else f"Over {seen.weeks} weeks, the one change is not drawn as a dot."
    )  # fmt: skip
    names = seen.book.codebases
    path, where = f"metrics/{slug(names[0])}/" if names else "metrics/", names[0] if names else ""
    if len(names) > 1:
        path, where = "metrics/#by-codebase", "each codebase"
    return Markup(
        '{} The weekly median is on <a href="~/{}">the page of {}</a>. With a target for the lead time, '
        "under targets in deploybook.yml, the share of changes within it would be drawn here."
    ).format(why, Markup(path), where)


def _no_lead_time(seen: Seen, changes: int) -> str:
    needs = "A lead time needs changes, deployments and the commits between them."
    if changes:
        return f"Of {words.count(changes, 'change')}, no lead time is known: it needs their first commits."
    return seen.quiet("so no lead time") or needs


def _changes(seen: Seen, known: list[LinkedChange], title: str, limit: float | None) -> Dots | None:
    """A dot a change, by its lead time."""
    book = seen.book
    about = "Each dot is a change, by its time from first commit to users, on a log scale."
    if limit is not None:
        about += " Hollow: over the target."
    caption = Caption(title, about, f"{about} {title}. {len(known)} changes in {seen.weeks} weeks.")
    dots = (
        Dot(
            at=(c.deployed_at or c.merged_at).astimezone(book.zone),
            seconds=float(c.lead_time_seconds or 0),
            name=f"{c.codebase} {number(c)}",
            worded=words.duration(c.lead_time_seconds or 0),
            href=book.change_href(c),
        )
        for c in known
    )
    return _dots(seen, caption, "Lead time", dots, limit) if known else None


def _dots(seen: Seen, caption: Caption, column: str, dots: Iterable[Dot], limit: float | None) -> Dots:
    return Dots(
        caption=caption,
        column=column,
        first=plots.first_monday(seen.book, seen.weeks),
        weeks=seen.weeks,
        dots=tuple(dots),
        flags=plots.chart_flags(seen.notes),
        target=Target(limit, f"target {words.duration(limit)}") if limit is not None else None,
    )


def _failing(seen: Seen, reading: Reading) -> Panel:
    series = seen.book.figures.series("site", "", "week", "stopped_promotions")
    start = reading.figures[0].start if reading.figures else None
    stopped = sum(int(f.value or 0) for f in series if start is not None and f.start >= start)
    beside = Markup('; <a href="~/deployments/#stopped-before-users">{} stopped before users</a>')
    return _rate(
        seen,
        reading,
        ("change-fail-rate", "Change fail rate", "How often does a deployment need a fix?"),
        title=readings.finding(reading, seen.book, _judged(reading)),
        column="Failed, of all",
        about="Of the week’s deployments. Hollow: fewer than five.",
        path="deployments/#failed",
        rest=beside.format(words.spelled(stopped)) if stopped else "",
        empty=seen.quiet("so none failed") or "No deployment is known yet, so none has failed.",
    )


def _rework(seen: Seen) -> Panel:
    book = seen.book
    reading = seen.reading("deployment_rework_rate")
    this = [d for d in seen.recent.deployments if d.reached and book.this_week.contains(d.at, book.zone)]
    title = readings.finding(reading, book, _judged(reading))
    if kinds := rework_kinds(this):
        title += f": {kinds} this week" if ":" not in title else f" ({kinds})"
    return _rate(
        seen,
        reading,
        ("rework-rate", "Rework rate", "How much deploying is repair?"),
        title=title,
        column="Rework, of all",
        about="Hotfixes, reverts, rollbacks, of the week’s deployments. Hollow: fewer than five.",
        path="deployments/#rework",
        empty=seen.quiet("so none was a repair") or "No deployment is known yet, so none was a repair.",
    )


def _rate(
    seen: Seen, reading: Reading, called: tuple[str, str, str], *,
    title: str, column: str, about: str, path: str, empty: str, rest: str = "",
) -> Panel:  # fmt: skip
    """A share of the week's deployments; `called` is its anchor, its name and its question."""
    book = seen.book
    aim = targets.target_of(book, reading.metric)
    chart, rows = line(
        book, reading, seen.notes, title=title, column=column, says=of, about=about,
        target=aim_line(aim, words.percent),
    )  # fmt: skip
    figure = now(book, reading)
    some = with_likely(reading.numerator, reading.denominator) if reading.denominator else "none"
    total = f"{some} in {seen.weeks} weeks"
    return panel(
        *called,
        number=of(figure) if figure and figure.denominator else None,
        unit="deployments",
        href=this_week(book),
        sample=Sample(path, total, rest),
        quiet="no deployment this week",
        chart=chart,
        rows=rows,
        empty=empty,
        target=targets.progress(reading, aim),
        doubt=seen.doubt(reading.metric),
    )


def _judged(reading: Reading) -> str:
    judged = reading.of(reading.verdict.week) if reading.verdict.week else None
    return of(judged) if judged else ""


def _recovery(seen: Seen) -> Panel:
    book, recent, weeks = seen.book, seen.recent, seen.weeks
    limit = targets.limit_seconds(book, "failed_deployment_recovery_time")
    reading = seen.reading("failed_deployment_recovery_within_target")
    ended = [d for d in recent.failed if d.recovery_seconds is not None]
    open_ = len(recent.failed) - len(ended)
    this = [d for d in ended if d.recovered_at and book.this_week.contains(d.recovered_at, book.zone)]
    chart = plots.draw(book, _recoveries(seen, ended, this, limit))
    number_, total = words.number(len(this)) if this else None, words.number(len(ended))
    if limit is not None:
        total = part(reading.numerator, reading.denominator)
        within = sum(d.recovery_seconds is not None and d.recovery_seconds <= limit for d in this)
        number_ = f"{within} of{NBSP}{len(this)}" if this else None
    rest = f"; {words.count(open_, 'failure')} not over" if open_ else ""
    return panel(
        "recovery-time",
        "Recovery time",
        "How fast are users out of trouble?",
        number=number_,
        unit=f"within {words.duration(limit)}" if limit is not None else "recovered",
        href=this_week(book),
        sample=Sample("deployments/#failed", f"{total} in {weeks} weeks", rest),
        quiet="no failure was over this week",
        chart=chart,
        rows=Rows(chart.columns, chart.rows) if chart else None,
        empty="No failure of these weeks is known to be over."
        if recent.failed
        else f"No deployment of {weeks} weeks is known to have failed, so there is nothing to recover from.",
        target=targets.progress(reading, targets.target_of(book, "failed_deployment_recovery_within_target")),
        doubt=seen.doubt("failed_deployment_recovery_within_target"),
    )


def _recoveries(
    seen: Seen, ended: list[LinkedDeployment], this: list[LinkedDeployment], limit: float | None
) -> Dots | None:
    """A dot a failed deployment, by the time until it was over; the week's last two with their length."""
    book, title = seen.book, recovery_title(this, ended)
    about = "Each dot is a failed deployment, by the time until it was over, on a log scale."
    caption = Caption(title, about, f"{about} {title}. {len(ended)} in {seen.weeks} weeks.")
    labelled = {id(d) for d in this[-2:]}
    dots = (
        Dot(
            at=(d.recovered_at or d.at).astimezone(book.zone),
            seconds=float(d.recovery_seconds or 0),
            name=deployment_name(d),
            worded=duration_or_dash(d.recovery_seconds),
            href=book.deployment_href(d),
            label=duration_or_dash(d.recovery_seconds) if id(d) in labelled else "",
        )
        for d in ended[-MANY_DOTS:]
    )
    return _dots(seen, caption, "Recovery", dots, limit) if ended else None

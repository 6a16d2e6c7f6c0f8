"""`metrics/`: the five metrics of the whole site on one page, sums and rates of sums, never averages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.charts.model import Caption, Cell, Chart, Dot, Dots, Target
from deploybook.linking.model import LinkedDeployment
from deploybook.pages import plots, readings, restated, targets, uptime
from deploybook.pages.book import Book, Figure
from deploybook.pages.five import Spark, of, spark
from deploybook.pages.page import Page
from deploybook.pages.plots import FlagNote
from deploybook.pages.readings import LONG, WEEKS, Reading
from deploybook.pages.recent import (
    Recent,
    deployment_name,
    duration_or_dash,
    freshness,
    middle,
    part,
    week_range,
    with_likely,
)
from deploybook.pages.telling import number
from deploybook.periods import period_of
from deploybook.text import slug
from deploybook.words import NBSP

MANY_DOTS = 1200
"""More events than this are not drawn one by one."""
Words = Markup | str


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
    sample: Words
    reason: Words
    chart: Chart | None
    rows: Rows | None
    empty: str
    target: str


@dataclass(frozen=True)
class CodebaseRow:
    """A codebase in the table."""

    name: str
    href: Markup
    deployments: Cell
    by_week: Spark
    lead: Cell
    lead_by_week: Spark
    failed: Cell
    recovery: Cell


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
        sentence=headline(frequency, failing),
        lead=quarter(book),
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        asof=tuple(_asof(book)),
        panels=(
            _frequency(book, frequency, notes, weeks),
            _lead_time(book, recent, notes, weeks),
            _failing(book, failing, notes),
            _recovery(book, recent, notes, weeks),
            _rework(book, recent, notes, weeks),
        ),
        notes=notes,
        uptime=uptime.chart(book, up) if weeks == WEEKS else None,
        codebases=tuple(_codebases(book, recent)) if weeks == WEEKS else (),
        readings=three_readings(book, recent),
        long=weeks != WEEKS,
    )


def headline(frequency: Reading, failing: Reading) -> str:
    """The finding: how deploying goes, and whether it breaks more. A trend is only told where a signal is."""
    often, breaks = frequency.verdict, failing.verdict
    if not frequency.numerator:
        return "Nothing has reached users in these weeks."
    if often.up:
        told = "We deploy more often than ever" if often.record else "We deploy more often than before"
        if often.kind == "above" and not often.record:
            told = "We deployed more often than chance explains"
    elif often.down:
        told = "We deploy less often than before"
    elif often.kind == "none":
        told = "We deploy about as often as before"
    else:
        told = f"{words.count(frequency.numerator, 'deployment', start=True)} reached users"
    if breaks.up:
        link = "but" if often.up else "and"
        return f"{told}, {link} it breaks more often than before."
    if breaks.down:
        return f"{told}, and it breaks less often than before."
    if breaks.kind == "none":
        return f"{told}, and it breaks no more often than before."
    if failing.denominator:
        failed = words.spelled(failing.numerator) if failing.numerator else "none"
        return f"{told}; {failed} of {failing.denominator} needed a fix."
    return f"{told}."


def quarter(book: Book) -> str:
    """This quarter in two sentences made from its numbers, the last quarter's beside them."""
    now = period_of("quarter", book.as_of, book.zone)
    says = _quarter_so_far(book, now.start, f"In the {_ORDER[now.number]} quarter so far")
    before = now.previous()
    count = book.figures.one("site", "", "quarter", "deployment_frequency", before.start)
    failed = book.figures.one("site", "", "quarter", "change_fail_rate", before.start)
    if count is None or not count.numerator or failed is None:
        return f"{says}."
    told = part(int(failed.numerator or 0), int(failed.denominator or 0))
    deployments = words.count(int(count.numerator), "deployment")
    return f"{says}. The whole {_ORDER[before.number]} quarter had {deployments}; {told} needed a fix."


_ORDER = {1: "first", 2: "second", 3: "third", 4: "fourth"}


def _quarter_so_far(book: Book, start: object, when: str) -> str:
    def one(metric: str) -> Figure | None:
        return next((f for f in book.figures.series("site", "", "quarter", metric) if f.start == start), None)

    count, failed, changes = (
        one(name) for name in ("deployment_frequency", "change_fail_rate", "reviewed_share")
    )
    if count is None or not count.numerator:
        return f"{when}, nothing has reached users"
    brought = int((changes.denominator or 0) + changes.missing) if changes else 0
    says = f"{when}, {words.count(int(count.numerator), 'deployment')} brought users"
    says += f" {words.count(brought, 'change')}"
    if failed is not None and failed.denominator:
        says += f"; {part(int(failed.numerator or 0), int(failed.denominator))} needed a fix"
    return says


def three_readings(book: Book, recent: Recent) -> Words:
    """How the three readings of the change fail rate differ, and why."""
    reached = [d for d in recent.deployments if d.reached]
    counting = book.config.counting
    headline_, said, near = (count_failed(reached, reading) for reading in ("headline", "said", "near"))
    rule = (
        f"A deployment failed when an incident, a deployment or a person said so, when it was undone within"
        f" {counting.undone_days:g}{NBSP}days, or when a hotfix mended it within"
        f" {counting.mended_hours:g}{NBSP}hours: {headline_} of {len(reached)}."
    )
    if said == headline_ == near:
        differ = "Counting by what was said alone, or with incidents nearby, gives the same."
    else:
        differ = (
            f"Counting by what was said alone gives {said}; adding incidents that began within"
            f" {counting.near_hours:g}{NBSP}hours gives {near}."
        )
    return Markup('{} {} <a href="~/metrics/how-we-count/#change-fail-rate">How we count</a>').format(
        rule, differ
    )


def count_failed(deployments: list[LinkedDeployment], reading: str) -> int:
    """How many failed by one of the three readings: `headline`, `said`, `near`."""

    def failed(deployment: LinkedDeployment) -> bool:
        if reading == "headline":
            return deployment.needed_intervention
        if deployment.corrected is not None and not deployment.needed_intervention:
            return False
        if reading == "said":
            return "said" in deployment.evidence
        return deployment.needed_intervention or "near" in deployment.evidence

    return sum(map(failed, deployments))


def _asof(book: Book) -> Iterator[Words]:
    yield from freshness(book)
    yield f"week {book.this_week.number} is provisional"
    if again := len(restated.find(book)):
        says = words.count(again, "past figure") + " restated"
        yield Markup('<a href="~/metrics/trust/#restated">{}</a>').format(says)
    yield Markup('<a href="~/metrics/trust/">can it be trusted?</a>')
    count = len(book.codebases)
    if count > 1:
        yield f"{count} codebases, added up, never averaged"


def _now(book: Book, reading: Reading) -> Figure | None:
    return reading.of(book.this_week.start)


def _rows(book: Book, reading: Reading, column: str, says: Callable[[Figure], str]) -> Rows:
    return Rows(
        ("Week", column),
        tuple(
            (
                Cell(plots.week_label(f.start, book.this_week.year), plots.week_link(book, f.start)),
                Cell(says(f)),
            )
            for f in reversed(reading.figures)
        ),
    )


def _amount(noun: str) -> Callable[[Figure], str]:
    return lambda figure: words.count(int(figure.value or 0), noun)


def _line(
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
    description = f"Line chart, {about[0].lower()}{about[1:]} {title}."
    subtitle = f"{about} {readings.band(reading)}".strip()
    caption = Caption(title, subtitle, description)
    data = plots.weekly(book, reading, caption, column, says, notes=notes, target=target)
    return plots.draw(book, data), _rows(book, reading, column, says)


def _frequency(book: Book, reading: Reading, notes: tuple[FlagNote, ...], weeks: int) -> Panel:
    target = targets.target_of(book, "deployment_frequency")
    goal = targets.weekly_value(target)
    verdict = reading.verdict
    title = readings.finding(reading, book, words.count(int(verdict.value or 0), "deployment"))
    now = _now(book, reading)
    days = readings.read(book, "site", "", "deployment_days", weeks=weeks)
    chart, rows = _line(
        book, reading, notes, title=title, about="Deployments a week.", column="Deployments",
        says=_amount("deployment"),
        target=Target(goal, f"target {words.number(goal)}") if goal is not None else None,
    )  # fmt: skip
    count = int(now.numerator or 0) if now else 0
    working = f", on {days.numerator} of {days.denominator} working days" if days.denominator else ""
    return Panel(
        id=Markup("deployment-frequency"),
        title="Deployment frequency",
        question="How often do we reach users?",
        number=words.number(count),
        unit="deployment" if count == 1 else "deployments",
        href=_this_week(book),
        sample=_sample("deployments/", f"{words.number(reading.numerator)} in {weeks} weeks", working),
        reason="",
        chart=chart,
        rows=rows,
        empty="No deployment is known yet. Say under deployments where they are read from.",
        target=targets.progress(reading, target),
    )


def _this_week(book: Book) -> Markup:
    href = book.week_href(book.this_week)
    return href + Markup("#how-they-went-out") if book.deployments_in(book.this_week) else href


def _sample(path: str, says: str, rest: str = "", when: str = "this week") -> Markup:
    """The second figure of a panel: so many in the weeks, a link to their rows."""
    return Markup('{}; <a href="~/{}">{}</a>{}').format(when, Markup(path), says, rest)


def _lead_time(book: Book, recent: Recent, notes: tuple[FlagNote, ...], weeks: int) -> Panel:
    limit = targets.limit_seconds(book, "change_lead_time")
    reading = readings.read(book, "site", "", "change_lead_time_within_target", weeks=weeks)
    changes = recent.once(recent.changes)
    known = [c for c in changes if c.lead_time_seconds is not None]
    within = f"within {words.duration(limit)}" if limit is not None else ""
    now = _now(book, reading)
    if limit is not None:
        verdict = reading.verdict
        judged = reading.of(verdict.week) if verdict.week else None
        title = readings.finding(reading, book, f"{of(judged)} {within}" if judged else "")
        number_ = of(now) if now and now.denominator else None
        total = with_likely(reading.numerator, reading.denominator)
        column = f"{within.capitalize()}, of changes"
        rows = _rows(book, reading, column, of)
    else:
        title = f"{words.count(len(known), 'change', start=True)} with a known lead time"
        this = [c for c in changes if c.deployed_at and book.this_week.contains(c.deployed_at, book.zone)]
        number_, total = words.number(len(this)), words.number(len(changes))
        rows = None
    unknown = len(changes) - len(known)
    target = Target(limit, f"target {words.duration(limit)}") if limit is not None else None
    dots = None
    if known and len(known) <= MANY_DOTS and weeks == WEEKS:
        about = "Each dot is a change, by its time from first commit to users, on a log scale."
        if limit is not None:
            about += " Hollow: over the target."
        dots = Dots(
            caption=Caption(title, about, f"{about} {title}. {len(known)} changes in {weeks} weeks."),
            column="Lead time",
            first=plots.first_monday(book, weeks),
            weeks=weeks,
            dots=tuple(
                Dot(
                    at=(c.deployed_at or c.merged_at).astimezone(book.zone),
                    seconds=float(c.lead_time_seconds or 0),
                    name=f"{c.codebase} {number(c)}",
                    worded=words.duration(c.lead_time_seconds or 0),
                    href=book.change_href(c),
                )
                for c in known
            ),
            flags=plots.chart_flags(notes),
            target=target,
        )
    chart = plots.draw(book, dots)
    if chart is None and limit is not None and reading.known:
        chart, rows = _line(
            book, reading, notes, title=title, column=column, says=of, target=None,
            about=f"Share of the week’s changes live {within} of their first commit.",
        )  # fmt: skip
    rest = f"; {words.number(unknown)} without a known first commit" if unknown else ""
    return Panel(
        id=Markup("change-lead-time"),
        title="Change lead time",
        question="How long from first commit to users?",
        number=number_,
        unit=within if limit is not None else "changes",
        href=book.week_href(book.this_week),
        sample=_sample("metrics/#by-codebase", f"{total} in {weeks} weeks", rest),
        reason=_sample(
            "metrics/#by-codebase", f"{total} in {weeks} weeks", rest, "no change reached users this week"
        ),
        chart=chart,
        rows=rows,
        empty="A lead time needs changes, deployments and the commits between them."
        if not known
        else "Too many changes to draw one by one: set change_lead_time_p50 under targets, and the share"
        " within it is drawn.",
        target=targets.progress(reading, targets.target_of(book, "change_lead_time_within_target")),
    )


def _failing(book: Book, reading: Reading, notes: tuple[FlagNote, ...]) -> Panel:
    target = targets.target_of(book, "change_fail_rate")
    goal = targets.weekly_value(target)
    title = readings.finding(reading, book, _judged(reading))
    chart, rows = _line(
        book, reading, notes, title=title, column="Failed, of all", says=of,
        about="Of the week’s deployments. Hollow: fewer than five.",
        target=Target(goal, f"target {words.percent(goal)}") if goal is not None else None,
    )  # fmt: skip
    now = _now(book, reading)
    total = f"{with_likely(reading.numerator, reading.denominator)} in {len(reading.figures)} weeks"
    start = reading.figures[0].start if reading.figures else None
    series = book.figures.series("site", "", "week", "stopped_promotions")
    stopped = sum(int(f.value or 0) for f in series if start is not None and f.start >= start)
    beside = Markup('; <a href="~/deployments/#stopped-before-users">{} stopped before users</a>')
    rest = beside.format(words.spelled(stopped)) if stopped else ""
    return Panel(
        id=Markup("change-fail-rate"),
        title="Change fail rate",
        question="How often does a deployment need a fix?",
        number=of(now) if now and now.denominator else None,
        unit="deployments",
        href=_this_week(book),
        sample=_sample("deployments/#failed", total, rest),
        reason=_sample("deployments/#failed", total, rest, "no deployment this week"),
        chart=chart,
        rows=rows,
        empty="No deployment is known yet, so none has failed.",
        target=targets.progress(reading, target),
    )


def _judged(reading: Reading) -> str:
    judged = reading.of(reading.verdict.week) if reading.verdict.week else None
    return of(judged) if judged else ""


def _recovery(book: Book, recent: Recent, notes: tuple[FlagNote, ...], weeks: int) -> Panel:
    limit = targets.limit_seconds(book, "failed_deployment_recovery_time")
    reading = readings.read(book, "site", "", "failed_deployment_recovery_within_target", weeks=weeks)
    ended = [d for d in recent.failed if d.recovery_seconds is not None]
    open_ = len(recent.failed) - len(ended)
    this = [d for d in ended if d.recovered_at and book.this_week.contains(d.recovered_at, book.zone)]
    target = Target(limit, f"target {words.duration(limit)}") if limit is not None else None
    title = recovery_title(this, ended)
    about = "Each dot is a failed deployment, by the time until it was over, on a log scale."
    labelled = {id(d) for d in this[-2:]}
    dots = Dots(
        caption=Caption(title, about, f"{about} {title}. {len(ended)} in {weeks} weeks."),
        column="Recovery",
        first=plots.first_monday(book, weeks),
        weeks=weeks,
        dots=tuple(
            Dot(
                at=(d.recovered_at or d.at).astimezone(book.zone),
                seconds=float(d.recovery_seconds or 0),
                name=deployment_name(d),
                worded=duration_or_dash(d.recovery_seconds),
                href=book.deployment_href(d),
                label=duration_or_dash(d.recovery_seconds) if id(d) in labelled else "",
            )
            for d in ended[-MANY_DOTS:]
        ),
        flags=plots.chart_flags(notes),
        target=target,
    )
    chart = plots.draw(book, dots if ended else None)
    rest = f"; {words.count(open_, 'failure')} not over" if open_ else ""
    within = sum(
        d.recovery_seconds is not None and limit is not None and d.recovery_seconds <= limit for d in this
    )
    number_ = None
    if this:
        number_ = f"{within} of{NBSP}{len(this)}" if limit is not None else words.number(len(this))
    total = words.number(len(ended))
    if limit is not None:
        total = part(reading.numerator, reading.denominator)
    return Panel(
        id=Markup("recovery-time"),
        title="Recovery time",
        question="How fast are users out of trouble?",
        number=number_,
        unit=f"within {words.duration(limit)}" if limit is not None else "recovered",
        href=_this_week(book),
        sample=_sample("deployments/#failed", f"{total} in {weeks} weeks", rest),
        reason=_sample(
            "deployments/#failed", f"{total} in {weeks} weeks", rest, "no failure was over this week"
        ),
        chart=chart,
        rows=Rows(chart.columns, chart.rows) if chart else None,
        empty="No deployment is known to have failed, so there is nothing to recover from.",
        target=targets.progress(reading, targets.target_of(book, "failed_deployment_recovery_within_target")),
    )


def recovery_title(this: list[LinkedDeployment], ended: list[LinkedDeployment]) -> str:
    """What this week's recoveries say; without any, when the last was."""
    if len(this) == 1:
        return f"This week’s failure was over in {words.duration(this[0].recovery_seconds or 0)}"
    if this:
        longest = words.duration(max(d.recovery_seconds or 0 for d in this))
        count = "Both" if len(this) == 2 else f"All {words.spelled(len(this))}"
        return f"{count} failures of this week were over within {longest}"
    if ended:
        return "No failure had to be recovered from this week"
    return "No failed deployment"


def _rework(book: Book, recent: Recent, notes: tuple[FlagNote, ...], weeks: int) -> Panel:
    reading = readings.read(book, "site", "", "deployment_rework_rate", weeks=weeks)
    target = targets.target_of(book, "deployment_rework_rate")
    goal = targets.weekly_value(target)
    this = [d for d in recent.deployments if d.reached and book.this_week.contains(d.at, book.zone)]
    title = readings.finding(reading, book, _judged(reading))
    if kinds := rework_kinds(this):
        title += f": {kinds} this week" if ":" not in title else f" ({kinds})"
    chart, rows = _line(
        book, reading, notes, title=title, column="Rework, of all", says=of,
        about="Hotfixes, reverts, rollbacks, of the week’s deployments. Hollow: fewer than five.",
        target=Target(goal, f"target {words.percent(goal)}") if goal is not None else None,
    )  # fmt: skip
    now = _now(book, reading)
    return Panel(
        id=Markup("rework-rate"),
        title="Rework rate",
        question="How much deploying is repair?",
        number=of(now) if now and now.denominator else None,
        unit="deployments",
        href=_this_week(book),
        sample=_sample(
            "deployments/#rework",
            f"{with_likely(reading.numerator, reading.denominator)} in {len(reading.figures)} weeks",
        ),
        reason=_sample(
            "deployments/#rework",
            f"{with_likely(reading.numerator, reading.denominator)} in {len(reading.figures)} weeks",
            when="no deployment this week",
        ),
        chart=chart,
        rows=rows,
        empty="No deployment is known yet, so none was a repair.",
        target=targets.progress(reading, target),
    )


def rework_kinds(deployments: list[LinkedDeployment]) -> str:
    """The repairs among deployments in words: "one hotfix and two rollbacks"; empty without any."""
    kinds = Counter(d.kind for d in deployments)
    return words.joined(
        [words.count(kinds[kind], kind, "hotfixes" if kind == "hotfix" else None, words=True)
         for kind in ("hotfix", "revert", "rollback") if kinds[kind]] or [""]
    )  # fmt: skip


def codebase_href(name: str) -> Markup:
    """Where a codebase's metrics are."""
    return Markup(f"~/metrics/{slug(name)}/")


def _codebases(book: Book, recent: Recent) -> Iterator[CodebaseRow]:
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
            by_week=spark(frequency, f"{name}: deployments a week over {WEEKS} weeks"),
            lead=Cell(duration_or_dash(lead), href + Markup("#rows") if lead is not None else None),
            lead_by_week=spark(times, f"{name}: median lead time by week over {WEEKS} weeks"),
            failed=Cell(
                f"{failed} of{NBSP}{len(reached)}" if reached else "–",
                href + Markup("#why") if reached else None,
            ),
            recovery=Cell(
                duration_or_dash(recovery), href + Markup("#why") if recovery is not None else None
            ),
        )

"""`metrics/<codebase>/`: how long a change takes, where it waits, what failed and why, and every row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from markupsafe import Markup

from deploybook import words
from deploybook.charts.model import Caption, Chart, Stage, Stages, Target
from deploybook.linking.model import LinkedChange
from deploybook.pages import beside, deployments, drill, five, plots, readings, targets
from deploybook.pages.beside import Beside
from deploybook.pages.book import Book
from deploybook.pages.deployments import Entry, Item
from deploybook.pages.five import Line, Scope
from deploybook.pages.page import Page
from deploybook.pages.plots import FlagNote
from deploybook.pages.readings import LONG, WEEKS, Reading
from deploybook.pages.recent import (
    Recent,
    duration_or_dash,
    freshness,
    last_was,
    middle,
    needed_a_fix,
    needed_fix,
    of_whom,
)
from deploybook.pages.telling import Teller, number
from deploybook.periods import Week
from deploybook.text import link, slug
from deploybook.words import FEW, NBSP

OPEN_WEEKS = 2
STAGE_WEEKS = 12
SHOWN_FAILURES = 3
STAGES = (
    ("Coding", "coding_seconds"),
    ("Pickup", "pickup_seconds"),
    ("Review", "review_seconds"),
    ("Waiting, merged to live", "waiting_seconds"),
)


@dataclass(frozen=True)
class ChangeRow:
    """A change that reached users."""

    words: str
    href: Markup
    small: tuple[Markup | str, ...]
    when: Markup
    deployment: Markup | None
    stages: tuple[str, ...]
    lead: str


@dataclass(frozen=True)
class WeekRows:
    """The changes of a week."""

    title: str
    rows: tuple[ChangeRow, ...]


@dataclass(frozen=True)
class CodebasePage:
    """The model of a codebase's metrics."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    zone: str
    asof: tuple[Markup | str, ...]
    stale: str
    chart: Chart | None
    long: Chart | None
    long_notes: tuple[FlagNote, ...]
    notes: tuple[FlagNote, ...]
    source: Markup
    target: str
    stages: Chart | None
    lines: tuple[Line, ...]
    failed: tuple[Entry, ...]
    more_failed: int
    last: str
    """When its last deployment to users was; empty where none is known."""
    years: tuple[Item, ...]
    newest: tuple[Entry, ...]
    open_weeks: tuple[WeekRows, ...]
    folds: tuple[WeekRows, ...]
    beside: tuple[Beside, ...]
    flags: tuple[Item, ...]


def pages(
    book: Book, tell: Teller, recent: Recent, years: deployments.ByYear, names: Sequence[str]
) -> Iterator[Page]:
    """A page for each of some codebases."""
    for name in names:
        model = codebase_page(
            book, tell, five.codebase_scope(recent, name), sorted(years.get(name, ()), reverse=True)
        )
        yield Page(f"metrics/{slug(name)}", "codebase.md.jinja", f"{name} metrics", model, toc=True)


def codebase_page(book: Book, tell: Teller, scope: Scope, years: list[int]) -> CodebasePage:
    """The model of one codebase's page."""
    name = scope.name
    reading = readings.read(book, "codebase", name, "change_lead_time_p50")
    notes = plots.flag_notes(book, plots.first_monday(book, WEEKS), name)
    long_notes = plots.flag_notes(book, plots.first_monday(book, LONG), name)
    failed = [d for d in reversed(scope.deployments) if d.reached and d.needed_intervention]
    weeks = list(_weeks(book, tell, scope.changes))
    long = readings.read(book, "codebase", name, "change_lead_time_p50", weeks=LONG)
    flags = sorted(book.once(_flags).get(name, ()))
    rows = Markup(f"~/metrics/{slug(name)}/")
    last = last_was(book, name)
    return CodebasePage(
        kicker=_kicker(book, name),
        sentence=sentence(scope, reading, last),
        lead=lead(book, scope, reading),
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        asof=tuple(_asof(book, name)),
        stale=_stale(book, name),
        chart=_lead_chart(book, reading, notes),
        long=_lead_chart(book, long, long_notes) if len(long.figures) > WEEKS else None,
        long_notes=long_notes,
        notes=notes,
        source=_source(scope),
        target=targets.progress(reading, targets.target_of(book, "change_lead_time_p50")),
        stages=_stage_chart(book, scope),
        lines=tuple(five.five(book, scope, rows)),
        failed=tuple(deployments.entry(book, d) for d in failed[:SHOWN_FAILURES]),
        last=last,
        more_failed=max(0, len(failed) - SHOWN_FAILURES),
        years=tuple(Item(str(year), deployments.year_href(name, year)) for year in years),
        newest=tuple(deployments.entry(book, d) for d in list(reversed(scope.deployments))[:6]),
        open_weeks=tuple(weeks[:OPEN_WEEKS]),
        folds=tuple(weeks[OPEN_WEEKS:]),
        beside=tuple(beside.companions(book, "codebase", name)),
        flags=tuple(Item(flag, Markup(f"~/metrics/flags/{slug(flag)}/")) for flag in flags),
    )


def _flags(book: Book) -> dict[str, set[str]]:
    """The flags that changes of each codebase were behind."""
    found: dict[str, set[str]] = defaultdict(set)
    for change in book.changes:
        found[change.codebase].update(change.flags)
    return found


def _kicker(book: Book, name: str) -> str:
    team = book.config.codebases[name].team
    if team is None:
        return f"{name}, last {WEEKS} weeks"
    title = book.config.teams[team].name if team in book.config.teams else None
    return f"{name}, the {title or team} team’s codebase"


def sentence(scope: Scope, reading: Reading, last: str = "") -> str:
    """How long a change takes here, and whether that is more than chance explains.

    Args:
        scope: The codebase.
        reading: Its lead time by week.
        last: When its last deployment was, where one is known.
    """
    known = [c.lead_time_seconds for c in scope.changes if c.lead_time_seconds is not None]
    if not scope.deployments:
        told = f"Nothing of {scope.name} has reached users in {WEEKS} weeks"
        return f"{told}; {last}." if last else f"{told}."
    if not known:
        count = words.count(len(scope.deployments), "deployment", start=True)
        return f"{count} of {scope.name} in {WEEKS} weeks; how long its changes took is unknown."
    middle_ = middle(known)
    every = len(scope.changes)
    if len(known) < FEW:
        told = f"{words.count(every, 'change', start=True)} of {scope.name} reached users in {WEEKS} weeks"
        lengths = words.joined([words.duration(value) for value in sorted(known)])
        if len(known) == every:
            return f"{told}, after {lengths}."
        return f"{told}; the lead time of {words.spelled(len(known))} is known: {lengths}."
    told = f"Half of {of_whom(scope.name)} changes reach users within {duration_or_dash(middle_)}"
    if len(known) * 2 < every:
        some = f"the {words.spelled(len(known))} of {words.count(every, 'change')} with a known lead time"
        told = f"In {scope.name}, half of {some} reached users within {duration_or_dash(middle_)}"
    if reading.verdict.down:
        return f"{told}, and it is getting faster."
    if reading.verdict.up:
        return f"{told}, and it is getting slower."
    return f"{told}."


def lead(book: Book, scope: Scope, reading: Reading) -> str:
    """Where the time goes, what it was before the way of working changed, and how this week went."""
    says = []
    stages = stage_medians(book, scope)
    if stages:
        _, longest = max(stages, key=lambda stage: stage[1])
        says.append(f"{_longest(stages)}: {words.duration(longest)} in the middle.")
    limits = [segment for segment in reading.segments if segment.centre is not None]
    if len(limits) > 1 and limits[-1].last == reading.segments[-1].last:
        before, now = limits[-2], limits[-1]
        says.append(
            f"Weeks centre on {words.duration(now.centre or 0)} since {words.month(now.first)}"
            f" {now.first.year}; before, on {words.duration(before.centre or 0)}."
        )
    week = [d for d in scope.deployments if d.reached and book.this_week.contains(d.at, book.zone)]
    failed = sum(d.needed_intervention for d in week)
    if week:
        count = words.count(len(week), "deployment", words=True)
        how_many = words.spelled(failed, start=True) if failed else "None"
        says.append(
            f"{needed_fix(book, failed, 1, 'This week’s one deployment')}."
            if len(week) == 1
            else f"{how_many} of this week’s {count} {needed_a_fix(book, failed)}."
        )
    return " ".join(says)


def _asof(book: Book, name: str) -> Iterator[Markup | str]:
    codebase = book.config.codebases[name]
    yield from freshness(book)
    if codebase.team:
        yield Markup('<a href="~/metrics/teams/{}/">{}</a>').format(
            Markup(slug(codebase.team)), f"team {codebase.team}"
        )
    if not book.config.site.public:
        if source := link(codebase.repository if (codebase.repository or "").startswith("http") else None):
            yield Markup('<a href="{}">source</a>').format(source)
        week, _ = book.this_week.bounds(book.zone)
        span = drill.Span(name, book.config.live[0], "", week, week + timedelta(days=7))
        for way in drill.ways(book, span):
            yield Markup('<a href="{}">{}</a>').format(way.href, way.words)


def _stale(book: Book, name: str) -> str:
    """What could not be read of this codebase; empty where all was."""
    failing = [s for s in book.sources if s.error and (s.name.endswith(f":{name}") or ":" not in s.name)]
    if not failing:
        return ""
    return f"{failing[0].name} could not be read: its last good data is shown."


def _lead_chart(book: Book, reading: Reading, notes: tuple[FlagNote, ...]) -> Chart | None:
    limit = book.config.targets.get("change_lead_time_p50")
    goal = float(limit.at_most) if limit and limit.at_most is not None else None
    week = reading.of(reading.verdict.week) if reading.verdict.week else None
    says = words.duration(week.value) if week is not None and week.value is not None else ""
    title = readings.finding(reading, book, says)
    sub = "First commit to live, median of the week’s changes, log scale."
    gaps = any(figure.value is None for figure in reading.figures)
    if gaps:
        sub += " A gap is a week without a known lead time."
    caption = Caption(title, f"{sub} {readings.band(reading)}".strip(), f"Line chart. {sub} {title}.")
    data = plots.weekly(
        book, reading, caption, "Median lead time",
        lambda figure: "–" if figure.value is None else
        f"{words.duration(figure.value)} of {words.count(int(figure.denominator or 0), 'change')}",
        notes=notes, target=Target(goal, f"target {words.duration(goal)}") if goal else None, room="full",
    )  # fmt: skip
    last = reading.figures[-1] if reading.figures else None
    if last is not None and last.value is not None:
        signal = ", signal" if last.start in reading.signals else ""
        data = replace(data, last=words.duration(last.value) + signal)
    return plots.draw(book, data)


def _source(scope: Scope) -> Markup:
    unknown = sum(c.lead_time_seconds is None for c in scope.changes)
    rest = f", {words.number(unknown)} without a known lead time" if unknown else ""
    return Markup(
        '{} in {} weeks{}. <a href="#rows">Rows below</a> · '
        '<a href="~/metrics/how-we-count/#change-lead-time">How we count</a>'
    ).format(words.count(len(scope.changes), "change"), WEEKS, rest)


def stage_medians(book: Book, scope: Scope) -> list[tuple[str, float]]:
    """Each stage's median over the last weeks, of the changes where it is known."""
    since = book.as_of - timedelta(weeks=STAGE_WEEKS)
    recent = [c for c in scope.changes if c.deployed_at and c.deployed_at > since]
    found = ((name, middle(getattr(c, column) for c in recent)) for name, column in STAGES)
    return [(name, value) for name, value in found if value is not None]


def _longest(stages: list[tuple[str, float]]) -> str:
    """Which stage is the longest; where some are unknown, that it is so of those that are known."""
    name = max(stages, key=lambda stage: stage[1])[0].lower()
    if len(stages) == 1:
        return f"The one stage that is known is {name}"
    return f"The longest {'stage' if len(stages) == len(STAGES) else 'known stage'} is {name}"


def _stage_chart(book: Book, scope: Scope) -> Chart | None:
    stages = stage_medians(book, scope)
    if not stages:
        return None
    title = _longest(stages)
    sub = (
        f"Median time in each stage, last {STAGE_WEEKS} weeks. Medians of stages do not add up to the"
        " median of the whole."
    )
    data = Stages(
        Caption(title, sub, f"Bars after each other. {sub} {title}."),
        tuple(Stage(name, value, words.duration(value), Markup("#rows")) for name, value in stages),
    )
    return plots.draw(book, data)


def _weeks(book: Book, tell: Teller, changes: list[LinkedChange]) -> Iterator[WeekRows]:
    by_week: dict[Week, list[LinkedChange]] = defaultdict(list)
    for change in reversed(changes):
        if change.deployed_at is not None:
            by_week[Week.of(change.deployed_at, book.zone)].append(change)
    for week, rows in by_week.items():
        known = [c.lead_time_seconds for c in rows if c.lead_time_seconds is not None]
        count = words.count(len(rows), "change")
        if len(known) < len(rows):
            count += f", {words.spelled(len(known)) if known else 'none'} with a known lead time"
        says = f", median {duration_or_dash(middle(known))}" if known else ""
        title = f"Week{NBSP}{week.number}" + (f", {week.year}" if week.year != book.this_week.year else "")
        yield WeekRows(f"{title}: {count}{says}", tuple(_row(book, tell, change) for change in rows))


def _row(book: Book, tell: Teller, change: LinkedChange) -> ChangeRow:
    told = tell(change)
    small: list[Markup | str] = [number(change)]
    if told.person and not book.config.site.public:
        small.append(told.person)
    if told.state is not None:
        small.append(told.state.says)
    if change.lead_time_seconds is None:
        small.append(why_unknown(change))
    deployment = book.deployment.get((change.codebase, change.environment or "", change.deployment or ""))
    stages = (change.coding_seconds, change.pickup_seconds, change.review_seconds, change.waiting_seconds)
    return ChangeRow(
        words=told.words,
        href=told.url or told.href,
        small=tuple(small),
        when=words.moment(change.deployed_at or change.merged_at, book.zone, "short"),
        deployment=book.deployment_href(deployment) if deployment else None,
        stages=tuple(duration_or_dash(stage) for stage in stages),
        lead=duration_or_dash(change.lead_time_seconds),
    )


def why_unknown(change: LinkedChange) -> str:
    """Why a change has no lead time."""
    if change.first_commit_at is None:
        return "first commit unknown"
    if change.deployed_at is not None and change.first_commit_at > change.deployed_at:
        return "live before its first commit: a clock went backwards"
    return "lead time unknown"

"""What spans weeks: months and quarters rolled up to what is large, and the news of one area or one team."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedChange, LinkedDeployment
from deploybook.pages.book import Book
from deploybook.pages.feeds import Key, Scope, area_scopes, keys, team_scopes
from deploybook.pages.initiatives import Belonging, belonging_of, slugs
from deploybook.pages.page import Page
from deploybook.pages.telling import Teller, Told, area_anchor
from deploybook.pages.week import Link
from deploybook.pages.weeknews import (
    NEWS_KINDS,
    Line,
    Row,
    by_area,
    foremost,
    highlights,
    is_news,
    is_out,
    kinds,
    row,
)
from deploybook.periods import Kind, Period, Week, period_of, periods_between

_LARGE = 5
"""News of an area that a month tells; the weeks tell the rest."""
_WEEKS = 13
_MOST = 200
"""Weeks that the page of an area or a team tells; those before it counts."""


@dataclass(frozen=True)
class AreaPart:
    """The large news of an area."""

    name: str
    anchor: Markup
    rows: tuple[Row, ...]
    more: str


@dataclass(frozen=True)
class Rolled:
    """A month or a quarter with what reached users in it."""

    period: Period
    changes: list[LinkedChange]
    deployments: list[LinkedDeployment]


@dataclass(frozen=True)
class RollupPage:
    """The model of a month or a quarter."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    zone: str
    sized: bool
    """Whether it is known how large most of the changes are, so that some may be called the large ones."""
    areas: tuple[AreaPart, ...]
    initiatives: tuple[tuple[object, ...], ...]
    weeks: tuple[tuple[object, ...], ...]
    prev: Link | None
    next: Link | None


@dataclass(frozen=True)
class ScopePart:
    """A week of an area or a team."""

    title: Markup
    rows: tuple[Line, ...]


@dataclass(frozen=True)
class ScopePage:
    """The model of an area or a team."""

    kicker: str
    sentence: str
    simulated: bool
    zone: str
    feed: Markup
    json: Markup
    weeks: tuple[ScopePart, ...]
    earlier: tuple[tuple[object, ...], ...]
    nothing: str


def pages(book: Book, tell: Teller, kind: Kind) -> Iterator[Page]:
    """Months, or quarters."""
    belonging = belonging_of(book)
    by_period: dict[Period, list[LinkedChange]] = defaultdict(list)
    for change in book.delivered:
        if change.deployed_at is not None:
            by_period[period_of(kind, change.deployed_at, book.zone)].append(change)
    went: dict[Period, list[LinkedDeployment]] = defaultdict(list)
    for deployment in book.live_deployments:
        went[period_of(kind, deployment.at, book.zone)].append(deployment)
    first = book.weeks[0].bounds(book.zone)[0]
    for period in periods_between(kind, first, book.as_of, book.zone):
        model = rollup_page(book, tell, Rolled(period, by_period[period], went[period]), belonging)
        yield Page(
            f"shipped/{period.id}", "rollup.md.jinja", period_name(period), model, search=False, toc=True
        )


def scope_pages(book: Book, tell: Teller) -> Iterator[Page]:
    """Areas and teams."""
    scopes = [*area_scopes(book), *team_scopes(book)]
    if not scopes:
        return
    found: dict[Key, dict[Period, list[Told]]] = defaultdict(lambda: defaultdict(list))
    for change in reversed(book.delivered):
        item = tell(change)
        if change.deployed_at is not None:
            week = Week.of(change.deployed_at, book.zone)
            for key in keys(item):
                found[key][week].append(item)
    for scope in scopes:
        yield Page(
            f"shipped/{scope.folder}", "scope-news.md.jinja", f"{scope.title}: shipped",
            scope_page(book, scope, found[scope.key]), search=False,
        )  # fmt: skip


def period_name(period: Period) -> str:
    """November 2026, or the fourth quarter of 2026."""
    if period.kind == "month":
        return f"{words.month(period.start)} {period.year}"
    ordinal = ("first", "second", "third", "fourth")[period.number - 1]
    return f"{ordinal.capitalize()} quarter of {period.year}"


def rollup_page(book: Book, tell: Teller, rolled: Rolled, belonging: Belonging) -> RollupPage:
    """The model of a month or a quarter."""
    period, changes = rolled.period, rolled.changes
    told = [tell(change) for change in changes]
    running = period.contains(book.as_of, book.zone)
    sized = 2 * sum(c.additions is not None and c.deletions is not None for c in changes) >= len(changes)
    after, before = period.start - timedelta(days=7), period.end
    weeks = [week for week in book.weeks if after < week.start < before]
    moved: Counter[str] = Counter()
    rank: dict[tuple[str, str], tuple[object, ...]] = {}
    for change, item in zip(changes, told, strict=True):
        names = belonging.of(change)
        moved.update(names)
        size = (change.additions or 0) + (change.deletions or 0)
        rank[item.codebase, item.id] = (
            is_out(item), not names, not item.authored, not item.described, NEWS_KINDS.index(item.kind)
            if item.kind in NEWS_KINDS else len(NEWS_KINDS), -size,
        )  # fmt: skip
    folders = slugs(book)
    return RollupPage(
        kicker=period_name(period),
        sentence=_sentence(told, period.kind if running else ""),
        lead=_lead(told, rolled.deployments),
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        sized=sized,
        areas=tuple(_areas(book, told, rank, sized=sized)),
        initiatives=tuple(
            (
                {"text": name, "href": Markup("~/shipped/initiatives/{}/").format(folders[name])},
                words.number(moved[name]),
                book.config.initiatives[name].about or "–",
            )
            for name in book.config.initiatives
            if moved[name]
        ),
        weeks=tuple(_week_row(book, tell, week) for week in reversed(weeks)),
        prev=_link(period.previous()) if weeks and period.start > book.weeks[0].start else None,
        next=None if running else _link(period.next()),
    )


def _sentence(told: list[Told], running: str) -> str:
    """How many of which kinds; `running` is the kind of a period that is not over, else empty."""
    if not told:
        return f"Nothing has reached users this {running} yet." if running else "Nothing reached users."
    so_far = " so far" if running else ""
    if len(told) == 1:
        return f"One change reached users{so_far}."
    return f"{words.count(len(told), 'change', words=True, start=True)} reached users{so_far}: {kinds(told)}."


def _lead(told: list[Told], deployments: list[LinkedDeployment]) -> str:
    top = highlights(told)[:2]
    says = f"{words.count(len(deployments), 'deployment', start=True)} went to users."
    failed = sum(deployment.needed_intervention for deployment in deployments)
    if failed and len(deployments) == 1:
        says = "One deployment went to users; it needed a fix."
    elif failed:
        says += f" {words.spelled(failed, start=True)} needed a fix."
    if top:
        says += " Among what is new: " + "; ".join(item.words.rstrip(".") for item in top) + "."
    return says


def _areas(
    book: Book, told: list[Told], rank: dict[tuple[str, str], tuple[object, ...]], *, sized: bool
) -> Iterator[AreaPart]:
    for name, news in by_area(book, told):
        items = sorted(news, key=lambda item: rank[item.codebase, item.id])
        rest = len(items) - _LARGE
        others = words.count(rest, "smaller one") if sized else f"{words.number(rest)} more"
        more = f"And {others}, told by the weeks below." if rest > 0 else ""
        yield AreaPart(name, area_anchor(name), tuple(_row(item, book.zone) for item in items[:_LARGE]), more)


def _row(item: Told, zone: ZoneInfo) -> Row:
    """A row that leads to where the change is told whole; the anchor is its week's."""
    when = Markup("live {}").format(words.moment(item.live_at, zone, "day")) if item.live_at else Markup()
    whole = row(replace(item, when=when))
    return Row(whole.type, whole.words, item.href, Markup(), whole.more, whole.meta)


def _week_row(book: Book, tell: Teller, week: Period) -> tuple[object, ...]:
    told = [tell(change) for change in book.changes_in(week)]
    top = foremost(book, told)
    return (
        {"text": f"Week {week.number}, {week.year}", "href": book.week_href(week)},
        words.number(len(told)),
        top.words if top else "–",
    )


def _link(period: Period) -> Link:
    return Link(Markup("~/shipped/{}/").format(period.id), period_name(period))


def _shown(weeks: list[Period], by_week: dict[Period, list[Told]]) -> int:
    """How many of the newest weeks are told whole: as many as fit a page, and one at least."""
    total = 0
    for count, week in enumerate(weeks[:_WEEKS]):
        total += sum(map(is_news, by_week[week]))
        if count and total > _MOST:
            return count
    return _WEEKS


def scope_page(book: Book, scope: Scope, by_week: dict[Period, list[Told]]) -> ScopePage:
    """The model of an area's or a team's news, newest week first."""
    weeks = sorted(by_week, reverse=True)
    total = sum(map(len, by_week.values()))
    parts = []
    shown = _shown(weeks, by_week)
    for week in weeks[:shown]:
        news = [item for item in by_week[week] if is_news(item)]
        behind = len(by_week[week]) - len(news)
        title = Markup('<a href="{}">Week {}</a>, {}').format(
            book.week_href(week), week.number, words.week_days(week.start)
        )
        if behind:
            title += f"; {behind} behind the scenes"
        parts.append(ScopePart(title, tuple(_line(item) for item in news)))
    kind = "Area" if scope.area is not None else "Team"
    return ScopePage(
        kicker=f"{kind}: {scope.title}",
        sentence=f"{words.count(total, 'change', words=True, start=True)} reached users, the last "
        f"in week {weeks[0].number} of {weeks[0].year}."
        if weeks
        else "Nothing of it has reached users yet.",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        feed=Markup("~/shipped/{}/feed.xml").format(scope.folder),
        json=Markup("~/shipped/{}/feed.json").format(scope.folder),
        weeks=tuple(parts),
        earlier=tuple(
            (
                {"text": f"Week {week.number}, {week.year}", "href": book.week_href(week)},
                words.number(len(by_week[week])),
            )
            for week in weeks[shown:]
        ),
        nothing="When a change of it goes live, it is told here and in its feed.",
    )


def _line(item: Told) -> Line:
    meta: list[Markup | str] = [item.label, item.codebase, item.number]
    if item.state is not None:
        meta.insert(0, item.state.says)
    return Line(item.words, item.href, Markup(), tuple(meta))

"""`shipped/`: the archive of weeks, and `shipped/waiting/`: merged and not yet live."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedChange
from deploybook.pages.book import Book
from deploybook.pages.feeds import Scope, area_scopes, team_scopes
from deploybook.pages.page import Page
from deploybook.pages.telling import Teller, Told, ago
from deploybook.pages.week import Link
from deploybook.pages.weeknews import NEWS_KINDS, foremost, is_news
from deploybook.periods import Kind, Period, periods_between

UNDESCRIBED = 30
"""So many of those without words of their own are listed, the longest waiting first."""


@dataclass(frozen=True)
class Year:
    """The weeks of an ISO year, newest first."""

    title: str
    months: tuple[Link, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class ShippedPage:
    """The model of the archive."""

    kicker: str
    sentence: str
    simulated: bool
    zone: str
    years: tuple[Year, ...]
    feeds: tuple[Link, ...]
    areas: tuple[Link, ...]
    teams: tuple[Link, ...]


@dataclass(frozen=True)
class WaitingRow:
    """A change that waits."""

    anchor: Markup
    words: str
    href: Markup | str
    meta: tuple[object, ...]


@dataclass(frozen=True)
class WaitingGroup:
    """What waits in one codebase."""

    codebase: str
    says: Markup
    hold: str
    rows: tuple[WaitingRow, ...]
    more: tuple[WaitingRow, ...]
    """Dependencies and what is behind the scenes, folded."""


@dataclass(frozen=True)
class WaitingPage:
    """The model of what waits."""

    kicker: str
    sentence: str
    lead: Markup
    simulated: bool
    zone: str
    undescribed: tuple[tuple[object, ...], ...]
    more_undescribed: int
    groups: tuple[WaitingGroup, ...]


def pages(book: Book, tell: Teller) -> Iterator[Page]:
    """The archive, and what waits."""
    yield Page("shipped", "shipped.md.jinja", "All weeks", shipped_page(book, tell))
    yield Page("shipped/waiting", "waiting.md.jinja", "Waiting", waiting_page(book, tell), toc=True)


def shipped_page(book: Book, tell: Teller) -> ShippedPage:
    """The archive: a line a week, by year, newest first."""
    years: dict[int, list[tuple[object, ...]]] = defaultdict(list)
    for week in reversed(book.weeks):
        years[week.year].append(_week_row(book, tell, week))
    total = len(book.delivered)
    since = f" since {words.month(book.weeks[0].start)} {book.weeks[0].start.year}" if total else ""
    return ShippedPage(
        kicker="All weeks",
        sentence=f"{words.count(total, 'change', start=True)} reached users{since}."
        if total
        else "No change is known to have reached users yet.",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        years=tuple(Year(str(year), tuple(_months(book, year)), tuple(rows)) for year, rows in years.items()),
        feeds=(
            Link(Markup("~/shipped/feed.xml"), "Atom feed"),
            Link(Markup("~/shipped/feed.json"), "JSON feed"),
        ),
        areas=tuple(_scope(scope) for scope in area_scopes(book)),
        teams=tuple(_scope(scope) for scope in team_scopes(book)),
    )


def _scope(scope: Scope) -> Link:
    return Link(Markup("~/shipped/{}/").format(scope.folder), scope.title)


def _months(book: Book, year: int) -> Iterator[Link]:
    """The year's quarters and months that the book has, newest first."""
    first = book.weeks[0].bounds(book.zone)[0]
    kinds: tuple[Kind, ...] = ("quarter", "month")
    for kind in kinds:
        for period in reversed(periods_between(kind, first, book.as_of, book.zone)):
            if period.year == year:
                name = f"Q{period.number}" if kind == "quarter" else words.month(period.start)
                yield Link(Markup("~/shipped/{}/").format(period.id), name)


def _week_row(book: Book, tell: Teller, week: Period) -> tuple[object, ...]:
    told = [tell(change) for change in book.changes_in(week)]
    deployments = book.deployments_in(week)
    top = foremost(book, told)
    best = top.words if top else ("–" if not told else "only behind the scenes")
    first, last = week.start, week.end
    when = words.days(first, last.fromordinal(last.toordinal() - 1)).rpartition(" ")[0]
    return (
        {"text": f"Week {week.number}", "href": book.week_href(week), "small": when},
        best,
        words.number(len(told)),
        words.number(len(deployments)),
        words.number(sum(deployment.needed_intervention for deployment in deployments)),
    )


def waiting_page(book: Book, tell: Teller) -> WaitingPage:
    """What is merged and not live: by codebase, how long, for which window, and what holds it."""
    by_codebase: dict[str, list[LinkedChange]] = defaultdict(list)
    for change in book.waiting:
        by_codebase[change.codebase].append(change)
    total = len(book.waiting)
    windows = book.calendar.next_windows(book.as_of, 1)
    lead = Markup()
    if total and windows and windows[0].cut_off is not None:
        ready = sum(change.merged_at <= windows[0].cut_off for change in book.waiting)
        cut_off = words.moment(windows[0].cut_off, book.zone, "when")
        lead = Markup("{} {} in time for the window on {}; its cut-off is {}.").format(
            words.count(ready, "change", words=True, start=True),
            "is" if ready < 2 else "are",
            words.day(windows[0].start, book.zone),
            cut_off,
        )
    undescribed = [item for change in book.waiting if not (item := tell(change)).described and is_news(item)]
    return WaitingPage(
        kicker="Waiting",
        sentence=words.count(total, "change", words=True, start=True)
        + f" {'is' if total == 1 else 'are'} merged and not yet live."
        if total
        else "Nothing waits: all that was merged is live.",
        lead=lead,
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        undescribed=tuple(
            ({"text": item.words, "href": item.url or ""}, item.person or "–", item.codebase)
            for item in undescribed[:UNDESCRIBED]
        ),
        more_undescribed=max(0, len(undescribed) - UNDESCRIBED),
        groups=tuple(_group(book, tell, name, by_codebase[name]) for name in sorted(by_codebase)),
    )


def _group(book: Book, tell: Teller, codebase: str, changes: list[LinkedChange]) -> WaitingGroup:
    news: list[WaitingRow] = []
    rest: list[WaitingRow] = []
    for change in changes:
        item = tell(change)
        (news if item.kind in NEWS_KINDS else rest).append(_row(book, item, change))
    oldest = words.since(changes[0].merged_at, book.zone, book.as_of)
    says = Markup("{}, the oldest merged {}.").format(words.count(len(changes), "change"), oldest)
    return WaitingGroup(codebase, says, _hold(book, codebase), tuple(news), tuple(rest))


def _hold(book: Book, codebase: str) -> str:
    """What keeps the codebase from being deployed: a lock, a red branch, a freeze."""
    for lock in book.locks:
        if lock.codebase in (None, codebase):
            return f"Locked by {book.person(lock.holder) or 'somebody'}: {lock.reason or 'no reason given'}."
    for branch in book.branches:
        if branch.codebase == codebase and not branch.green:
            return f"Its release branch is red: {words.joined(branch.red)}."
    off = book.calendar.off(book.as_of.astimezone(book.zone).date())
    return f"No window today: {off}." if off else ""


def _row(book: Book, item: Told, change: LinkedChange) -> WaitingRow:
    meta: list[object] = [
        Markup("merged {}").format(ago(words.since(change.merged_at, book.zone, book.as_of)))
    ]
    window = _window(book, change.merged_at)
    if window:
        meta.append(window)
    meta.append(Markup('<a href="{}">{}</a>').format(item.url, item.number) if item.url else item.number)
    if item.person:
        meta.append(item.person)
    return WaitingRow(item.anchor, item.words, item.url or "", tuple(meta))


def _window(book: Book, merged_at: datetime) -> str:
    """The next window that a waiting change is in time for."""
    for window in book.calendar.next_windows(book.as_of, 3):
        if window.cut_off is None or merged_at <= window.cut_off:
            return f"for {words.day(window.start, book.zone)}"
    return ""

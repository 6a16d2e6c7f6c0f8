"""`shipped/<week>/`: what reached users in a week, in their words, and what did not and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedChange, LinkedDeployment
from deploybook.pages.book import Book
from deploybook.pages.page import Page
from deploybook.pages.telling import ELSEWHERE, Teller, Told, area_anchor, week_note
from deploybook.pages.weekline import Weekline, weekline
from deploybook.periods import Period
from deploybook.text import escape, link

NEWS_KINDS = ("new", "improved", "fixed", "removed", "changed")
_HIGHLIGHTS = 3
Meta = Markup | str | dict[str, str]
"""A part of a row's small line: words, a link, or a state with its word."""


@dataclass(frozen=True)
class Row:
    """A change in its area."""

    type: str
    words: str
    href: Markup | str
    anchor: Markup
    more: str
    meta: tuple[Meta, ...]


@dataclass(frozen=True)
class Area:
    """A product owners' area with its news."""

    name: str
    anchor: Markup
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Fold:
    """What most readers skip, with a count that opens."""

    summary: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Card:
    """A highlight."""

    title: str
    href: Markup
    words: str
    area: str
    state: str
    state_word: str
    since: Markup


@dataclass(frozen=True)
class Withdrawn:
    """A change that was taken out, and why."""

    title: str
    says: Markup


@dataclass(frozen=True)
class Link:
    """An address with its words."""

    href: Markup
    words: str


@dataclass(frozen=True)
class WeekPage:
    """The model of a week."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    zone: str
    provisional: Markup | None
    note: str | None
    note_by: str
    cards: tuple[Card, ...]
    areas: tuple[Area, ...]
    folds: tuple[Fold, ...]
    adds_up: str
    withdrawn: tuple[Withdrawn, ...]
    undone: str
    line: Weekline | None
    deployments: tuple[tuple[object, ...], ...]
    coming: str
    coming_list: tuple[Link, ...]
    first_time: str
    prev: Link | None
    next: Link | None


def pages(book: Book, tell: Teller) -> Iterator[Page]:
    """A page for every week from the first with an event to this one, a quiet one too."""
    earlier = _seen_before(book)
    for week in book.weeks:
        model = week_page(book, tell, week, earlier)
        recent = week >= book.weeks[-1] or (book.weeks[-1].start - week.start) < timedelta(weeks=8)
        title = f"Week {week.number}, {week.year}"
        yield Page(f"shipped/{week.id}", "week.md.jinja", title, model, search=recent, toc=True)


def week_page(book: Book, tell: Teller, week: Period, first_weeks: dict[str, Period]) -> WeekPage:
    """The model of one week."""
    told = [tell(change) for change in book.changes_in(week)]
    deployments = book.deployments_in(week)
    taken = book.withdrawn_in(week)
    note = week_note(book.config.root / "notes", week.id) if book.config.file else None
    open_week = week == book.this_week
    return WeekPage(
        kicker=f"Week {week.number}, {words.week_days(week.start)}",
        sentence=_sentence(told),
        lead=_lead(told, deployments, len(taken)),
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        provisional=_provisional(book, week),
        note=note[0] if note else None,
        note_by=note[1].get("by", "") if note else "",
        cards=tuple(_card(book, item) for item in highlights(told)),
        areas=tuple(_areas(book, told)),
        folds=tuple(_folds(told)),
        adds_up=_adds_up(told),
        withdrawn=tuple(_withdrawn(book, tell, change) for change in taken),
        undone=_undone(deployments),
        line=weekline(book, week),
        deployments=tuple(_deployment_row(book, d) for d in deployments),
        coming=_coming(book) if open_week else "",
        coming_list=tuple(_link(tell(c)) for c in book.waiting[:5]) if open_week else (),
        first_time=_first_time(book, week, first_weeks),
        prev=_neighbour(book, week.previous()),
        next=_neighbour(book, week.next()),
    )


def is_news(item: Told) -> bool:
    """Whether readers are told of it by itself: not silent, not behind the scenes."""
    return item.kind in NEWS_KINDS and not item.silent


def highlights(told: Iterable[Told]) -> list[Told]:
    """Up to three: what somebody described for readers, new before improved, one of an area first."""
    news = [item for item in told if is_news(item) and item.described and not item.hotfix]
    news = [item for item in news if item.kind in ("new", "improved")]
    ranked = sorted(news, key=lambda item: (NEWS_KINDS.index(item.kind), not item.more))
    chosen: list[Told] = []
    for item in ranked:
        if len(chosen) < _HIGHLIGHTS and item.area not in {other.area for other in chosen}:
            chosen.append(item)
    chosen += [item for item in ranked if item not in chosen][: _HIGHLIGHTS - len(chosen)]
    return chosen if len(chosen) > 1 else []


def _sentence(told: list[Told]) -> str:
    top = highlights(told)[:2]
    if top:
        first, *rest = (item.words.rstrip(".") for item in top)
        return f"{first}; {_lower(rest[0])}." if rest else f"{first}."
    if not told:
        return "A quiet week: nothing reached users."
    news = [item for item in told if is_news(item)]
    if len(news) == 1:
        return f"{news[0].words.rstrip('.')}."
    if not news:
        return (
            words.count(len(told), "change", words=True, start=True) + " behind the scenes, nothing to see."
        )
    return words.count(len(told), "change", words=True, start=True) + " reached users."


def _lower(text: str) -> str:
    """A sentence's first letter in the middle of one; names and abbreviations keep theirs."""
    second = text[1:2]
    return text if second.isupper() or text[:2] == "I " else text[:1].lower() + text[1:]


def _lead(told: list[Told], deployments: list[LinkedDeployment], taken: int) -> str:
    if not deployments and not told:
        return "No deployment went to users."
    says = (
        f"{words.count(len(told), 'change', start=True)} reached users in "
        f"{words.count(len(deployments), 'deployment')}."
    )
    failed = sum(deployment.needed_intervention for deployment in deployments)
    parts = []
    if failed:
        parts.append(f"{words.count(failed, 'deployment', words=True, start=True)} needed a fix")
    if taken:
        was = "was" if taken == 1 else "were"
        parts.append(f"{words.count(taken, 'change', words=True, start=not failed)} {was} withdrawn")
    return f"{says} {', and '.join(parts)}." if parts else says


def _provisional(book: Book, week: Period) -> Markup | None:
    settles = week.settled_at(book.zone)
    if settles <= book.as_of:
        return None
    running = "The week is still running. " if week == book.this_week else ""
    when = words.moment(settles, book.zone, "day")
    return Markup(
        "{}Its figures settle on {}; a later change will be shown with the old figure and why."
    ).format(running, when)


def _card(book: Book, item: Told) -> Card:
    state = ("live", "live for everyone") if item.state is None else (item.state.tone, item.state.says)
    since = words.moment(item.live_at, book.zone) if item.live_at else Markup()
    return Card(item.words, item.href, item.more, item.area, *state, since)


def row(item: Told) -> Row:
    """A change as a row: its kind, its words, and the small line under them."""
    meta: list[Meta] = []
    if item.state is not None:
        meta.append({"state": item.state.tone, "word": item.state.says})
    if item.hotfix:
        meta.append({"state": "hotfix", "word": "hotfix"})
    if item.when is not None:
        meta.append(item.when)
    number = Markup('<a href="{}">{}</a>').format(item.url, escape(item.number)) if item.url else item.number
    meta += [number, item.codebase]
    if item.person:
        meta.append(item.person)
    return Row(item.label, item.words, item.url or "", item.anchor, item.more, tuple(meta))


def _areas(book: Book, told: list[Told]) -> Iterator[Area]:
    by_area: dict[str, list[Told]] = defaultdict(list)
    for item in told:
        if is_news(item):
            by_area[item.area].append(item)
    order = [*book.config.areas, ELSEWHERE]
    for area in sorted(by_area, key=lambda name: (order.index(name) if name in order else len(order), name)):
        items = sorted(by_area[area], key=lambda item: NEWS_KINDS.index(item.kind))
        yield Area(area, area_anchor(area), tuple(row(item) for item in items))


def _folds(told: list[Told]) -> Iterator[Fold]:
    behind = [item for item in told if not is_news(item) and item.kind != "dependency"]
    dependencies = [item for item in told if item.kind == "dependency"]
    if behind:
        yield Fold(f"Behind the scenes ({len(behind)})", tuple(row(item) for item in behind))
    if dependencies:
        yield Fold(f"Dependencies ({len(dependencies)})", tuple(row(item) for item in dependencies))


def _adds_up(told: list[Told]) -> str:
    if not told:
        return ""
    news = sum(is_news(item) for item in told)
    dependencies = sum(item.kind == "dependency" for item in told)
    behind = len(told) - news - dependencies
    return (
        f"Nothing is left out: {news} told, {behind} behind the scenes and {dependencies} of dependencies "
        f"make the {words.count(len(told), 'change')} of the week."
    )


def _withdrawn(book: Book, tell: Teller, change: LinkedChange) -> Withdrawn:
    item = tell(change)
    zone = book.zone
    says = Markup()
    if change.deployed_at and change.withdrawn_at:
        after = words.duration((change.withdrawn_at - change.deployed_at).total_seconds())
        says += Markup("Live {}, taken back {}, after {}.").format(
            words.moment(change.deployed_at, zone), words.moment(change.withdrawn_at, zone), after
        )
    by = next(
        (d for d in book.live_deployments if d.codebase == change.codebase and d.id == change.withdrawn_by),
        None,
    )
    if by is not None:
        says += Markup(' By {} <a href="{}">{}</a>.').format(
            by.kind, book.deployment_href(by), escape(f"{by.codebase}/{by.id}")
        )
    for incident in book.incidents:
        if incident.deployment == change.deployment and incident.codebase == change.codebase:
            url = link(incident.url)
            name = escape(incident.title or f"incident {incident.id}")
            says += Markup(' <a href="{}">{}</a>.').format(url, name) if url else Markup(" {}.").format(name)
    if change.state == "withdrawn":
        says += Markup(" It is still out.")
    elif change.live_again_at:
        says += Markup(" Back since {}.").format(words.moment(change.live_again_at, zone))
    return Withdrawn(f"{item.words.rstrip('.')}.", says)


def _undone(deployments: list[LinkedDeployment]) -> str:
    count = sum(len(deployment.undone) for deployment in deployments)
    if not count:
        return ""
    return f"{words.count(count, 'change', words=True, start=True)} undid each other before users saw them."


def _deployment_row(book: Book, deployment: LinkedDeployment) -> tuple[object, ...]:
    turn = book.decider(deployment.at)
    how: object = deployment.kind
    if deployment.needed_intervention:
        how = {"state": "bad", "text": f"{deployment.kind}, needed a fix"}
    elif deployment.kind != "planned":
        how = {"state": "watch", "text": deployment.kind}
    name = {"text": f"{deployment.codebase} {deployment.version or deployment.id}"[:60],
            "href": book.deployment_href(deployment)}  # fmt: skip
    took = words.duration(deployment.duration_seconds) if deployment.duration_seconds is not None else "–"
    return (
        name,
        words.moment(deployment.at, book.zone),
        words.number(deployment.changes),
        took,
        how,
        (book.person(turn.person) or "–") if turn else "–",
    )


def _coming(book: Book) -> str:
    waiting = len(book.waiting)
    if not waiting:
        return "Nothing is merged and waiting."
    windows = book.calendar.next_windows(book.as_of, 1)
    are = "is" if waiting == 1 else "are"
    says = f"{words.count(waiting, 'change', words=True, start=True)} {are} merged and waiting."
    if windows and windows[0].cut_off:
        day = words.day(windows[0].start, book.zone)
        ready = sum(change.merged_at <= windows[0].cut_off for change in book.waiting)
        says += (
            f" {words.spelled(ready, start=True)} {'makes' if ready == 1 else 'make'} the window on {day}."
        )
    return says


def _link(item: Told) -> Link:
    return Link(item.href, item.words)


def _seen_before(book: Book) -> dict[str, Period]:
    """The first week in which each person's change reached users."""
    first: dict[str, Period] = {}
    for week in book.weeks:
        for change in book.changes_in(week):
            if change.author and not change.bot:
                first.setdefault(book.person_key(change.author) or change.author, week)
    return first


def _first_time(book: Book, week: Period, first: dict[str, Period]) -> str:
    if week == book.weeks[0]:
        return ""
    changes = book.changes_in(week)
    authors = Counter(
        book.person_key(change.author) or change.author
        for change in changes
        if change.author and not change.bot
    )
    new = sorted({book.person(author) or author for author in authors if first.get(author) == week})
    if not new:
        return ""
    return f"{words.joined(new)} shipped for the first time. Welcome."


def _neighbour(book: Book, week: Period) -> Link | None:
    if not book.weeks or not book.weeks[0] <= week <= book.weeks[-1]:
        return None
    return Link(book.week_href(week), f"Week {week.number}")

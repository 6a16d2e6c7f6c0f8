"""`shipped/<week>/`: what reached users in a week, in their words, and what did not and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedChange, LinkedDeployment, LinkedIncident, shortened
from deploybook.news import clean, takes_back
from deploybook.pages.book import Book
from deploybook.pages.page import Page
from deploybook.pages.stops import stops
from deploybook.pages.telling import Teller, Told, during, week_note
from deploybook.pages.weekline import Weekline, weekline
from deploybook.pages.weeknews import (
    NEWS_KINDS,
    Area,
    Card,
    Fold,
    adds_up,
    areas,
    card,
    folds,
    highlights,
    is_news,
    sentence,
)
from deploybook.periods import Period, Week
from deploybook.text import escape, link, slug

__all__ = ["NEWS_KINDS", "Link", "WeekPage", "Weeks", "highlights", "is_news", "pages", "week_page"]

_WELCOMED = 8
_NOTE = 4_000
"""Characters of a paragraph of an editor's note."""


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
    note: Markup | None
    note_by: str
    cards: tuple[Card, ...]
    areas: tuple[Area, ...]
    folds: tuple[Fold, ...]
    adds_up: str
    codebases: tuple[tuple[object, ...], ...]
    """Of a week with very many changes: each codebase's page, how many changes, how many of them news."""
    withdrawn: tuple[Withdrawn, ...]
    undone: str
    stopped: tuple[Markup, ...]
    line: Weekline | None
    deployments: tuple[tuple[object, ...], ...]
    coming: str
    coming_list: tuple[Link, ...]
    first_time: str
    prev: Link | None
    next: Link | None


@dataclass(frozen=True)
class WeekOfCodebase:
    """The model of one codebase's changes in a week that has very many."""

    kicker: str
    sentence: str
    simulated: bool
    zone: str
    areas: tuple[Area, ...]
    folds: tuple[Fold, ...]
    week: Link


class Weeks:
    """What several weeks ask of the whole book, found in one pass."""

    def __init__(self, book: Book) -> None:
        self._book = book

    @cached_property
    def taken(self) -> dict[Period, list[LinkedChange]]:
        """Changes by the week in which they were last taken out; of a revert, what it reverts is back."""
        found: dict[Period, list[LinkedChange]] = defaultdict(list)
        for change in self._book.changes:
            if change.withdrawn_at is not None and change.reverts is None and not takes_back(change.title):
                found[Week.of(change.withdrawn_at, self._book.zone)].append(change)
        return found

    @cached_property
    def stopped(self) -> dict[Period, list[Markup]]:
        """Stopped promotions, overrides and forced locks, by week."""
        found: dict[Period, list[Markup]] = defaultdict(list)
        for stop in stops(self._book):
            found[Week.of(stop.at, self._book.zone)].append(stop.says)
        return found

    @cached_property
    def welcomed(self) -> dict[Period, list[str]]:
        """The names of those who shipped for the first time, by week; of the first week nobody.

        Somebody with several addresses is known again by their name.
        """
        found: dict[Period, set[str]] = defaultdict(set)
        seen: set[str] = set()
        for change in self._book.delivered:
            if not change.author or change.bot or change.deployed_at is None:
                continue
            key = self._book.person_key(change.author) or change.author
            name = self._book.person(change.author) or key
            week = Week.of(change.deployed_at, self._book.zone)
            known = {key.casefold(), name.casefold()}
            if known.isdisjoint(seen) and week != self._book.weeks[0]:
                found[week].add(name)
            seen |= known
        return {week: sorted(names) for week, names in found.items()}

    @cached_property
    def incidents(self) -> dict[tuple[str | None, str | None], list[LinkedIncident]]:
        """Incidents by the codebase and deployment that they are tied to."""
        found: dict[tuple[str | None, str | None], list[LinkedIncident]] = defaultdict(list)
        for incident in self._book.incidents:
            found[incident.codebase, incident.deployment].append(incident)
        return found

    @cached_property
    def by_id(self) -> dict[tuple[str, str], LinkedDeployment]:
        """Deployments that reached users, by codebase and id."""
        return {(d.codebase, d.id): d for d in self._book.deployments if d.live}

    @cached_property
    def later(self) -> dict[str, list[LinkedChange]]:
        """Changes of each codebase, newest merge first: where the next attempt at something is found."""
        found: dict[str, list[LinkedChange]] = defaultdict(list)
        for change in sorted(self._book.changes, key=lambda c: c.merged_at, reverse=True):
            found[change.codebase].append(change)
        return found


def pages(book: Book, tell: Teller, known: Weeks, weeks: Sequence[Period]) -> Iterator[Page]:
    """A page for each of some weeks: there is one for every week from the first with an event to this one."""
    for week in weeks:
        model = week_page(book, tell, week, known)
        recent = week >= book.weeks[-1] or (book.weeks[-1].start - week.start) < timedelta(weeks=8)
        title = f"Week {week.number}, {week.year}"
        yield Page(f"shipped/{week.id}", "week.md.jinja", title, model, search=recent, toc=True)
        if book.heavy(week):
            yield from _codebase_pages(book, tell, week, search=recent)


def week_page(book: Book, tell: Teller, week: Period, weeks: Weeks) -> WeekPage:
    """The model of one week."""
    told = [tell(change) for change in book.changes_in(week)]
    deployments = book.deployments_in(week)
    taken = weeks.taken.get(week, [])
    note = week_note(book.config.root / "notes", week.id) if book.config.file else None
    open_week = week == book.this_week
    heavy = book.heavy(week)
    return WeekPage(
        kicker=f"Week {week.number}, {words.week_days(week.start)}",
        sentence=sentence(told, running=open_week, known=_known(deployments)),
        lead=_lead(told, deployments, len(taken)),
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        provisional=_provisional(book, week),
        note=_paragraphs(note[0]) if note and note[0] else None,
        note_by=(book.person(note[1].get("by")) or "") if note and not book.config.site.public else "",
        cards=tuple(card(book, item) for item in highlights(told)),
        areas=tuple(replace(area, more=None) if heavy else area for area in areas(book, told)),
        folds=() if heavy else tuple(folds(told)),
        adds_up=adds_up(told),
        codebases=tuple(_codebase_rows(book, week, told)) if heavy else (),
        withdrawn=tuple(_withdrawn(book, tell, change, weeks, week) for change in taken),
        undone=_undone(deployments),
        stopped=tuple(weeks.stopped.get(week, ())),
        line=weekline(book, week),
        deployments=() if heavy else tuple(_deployment_row(book, d) for d in deployments),
        coming=_coming(book) if open_week else "",
        coming_list=tuple(_link(item) for item in _first_waiting(book, tell)) if open_week else (),
        first_time=_first_time(weeks.welcomed.get(week, [])),
        prev=_neighbour(book, week.previous()),
        next=_neighbour(book, week.next()),
    )


def _by_codebase(told: list[Told]) -> list[tuple[str, list[Told]]]:
    found: dict[str, list[Told]] = defaultdict(list)
    for item in told:
        found[item.codebase].append(item)
    return sorted(found.items())


def _codebase_rows(book: Book, week: Period, told: list[Told]) -> Iterator[tuple[object, ...]]:
    parts = book.parts(week)
    for name, own in _by_codebase(told):
        href = Markup(f"~/shipped/{week.id}/{slug(parts[name])}/")
        yield {"text": name, "href": href}, words.number(len(own)), words.number(sum(map(is_news, own)))


def _codebase_pages(book: Book, tell: Teller, week: Period, *, search: bool) -> Iterator[Page]:
    """All changes of a week with very many of them, pages for some codebases each."""
    parts, by_part = book.parts(week), defaultdict[str, list[Told]](list)
    for change in book.changes_in(week):
        by_part[parts[change.codebase]].append(tell(change))
    for first, own in sorted(by_part.items()):
        last = max(name for name, part in parts.items() if part == first)
        name = first if first == last else f"{first} to {last}"
        model = WeekOfCodebase(
            kicker=f"{name}, week {week.number}, {words.week_days(week.start)}",
            sentence=sentence(own),
            simulated=book.config.site.simulated,
            zone=book.config.site.timezone,
            areas=tuple(areas(book, own)),
            folds=tuple(folds(own)),
            week=Link(book.week_href(week), f"Week {week.number}"),
        )
        title = f"{name}, week {week.number} of {week.year}"
        path = f"shipped/{week.id}/{slug(first)}"
        yield Page(path, "week_codebase.md.jinja", title, model, search=search)


def _paragraphs(text: str) -> Markup:
    """An editor's note as literal text: its blank lines part paragraphs, nothing else in it is markup."""
    parts = [" ".join(part.split()) for part in text.replace("\r\n", "\n").split("\n\n")]
    return Markup("</p> <p>").join(escape(part, limit=_NOTE) for part in parts if part)


def _known(deployments: list[LinkedDeployment]) -> bool:
    return not deployments or any(deployment.matched for deployment in deployments)


def _lead(told: list[Told], deployments: list[LinkedDeployment], taken: int) -> str:
    if not deployments and not told:
        return "No deployment went to users."
    says = (
        f"{words.count(len(told), 'change', start=True)} reached users in "
        f"{words.count(len(deployments), 'deployment')}."
    )
    if not told:
        says = f"{words.count(len(deployments), 'deployment')} went to users."
    failed = sum(deployment.needed_intervention for deployment in deployments)
    parts = []
    if failed:
        parts.append(f"{words.count(failed, 'deployment', words=True, start=True)} needed a fix")
    if taken:
        was = "was" if taken == 1 else "were"
        parts.append(f"{words.count(taken, 'change', words=True, start=not failed)} {was} withdrawn")
    if parts:
        says += f" {', and '.join(parts)}."
    waits = sum(item.state is not None and item.state.tone == "flag" for item in told)
    if waits:
        says += (
            f" {words.spelled(waits, start=True)} {'is' if waits == 1 else 'are'} delivered behind a flag "
            "that is not on for everyone yet."
        )
    return says


def _provisional(book: Book, week: Period) -> Markup | None:
    settles = week.settled_at(book.zone)
    if settles <= book.as_of:
        return None
    running = "The week is still running. " if week == book.this_week else ""
    when = words.moment(settles, book.zone, "day")
    return Markup(
        "{}Its figures settle on {}; a later change will be shown with the old figure and why."
    ).format(running, when)


def _withdrawn(book: Book, tell: Teller, change: LinkedChange, weeks: Weeks, week: Period) -> Withdrawn:
    """What was taken out: from when to when, by what, why, and what comes next."""
    zone = book.zone
    says = Markup()
    if change.deployed_at and change.withdrawn_at:
        times = (during(week, each, zone) for each in (change.deployed_at, change.withdrawn_at))
        says += Markup("Live {}, taken back {}").format(*times)
        if change.live_again_at is None or change.live_again_at > change.withdrawn_at:
            stay = (change.withdrawn_at - change.deployed_at).total_seconds()
            says += Markup(", after {}").format(words.duration(stay))
        says += Markup(".")
    by = weeks.by_id.get((change.codebase, change.withdrawn_by or ""))
    if by is not None:
        says += Markup(' By the {} <a href="{}">{}</a>.').format(
            "deployment" if by.kind == "planned" else by.kind,
            book.deployment_href(by),
            escape(f"{by.codebase}/{by.id}"),
        )
    says += _why(change, weeks)
    if change.state == "withdrawn":
        after_it = _next_attempt(change, weeks)
        if after_it is None:
            says += Markup(" It is still out.")
        else:
            item = tell(after_it)
            verb = "waits" if after_it.state == "waiting" else "came after it"
            says += Markup(' It is still out; <a href="{}">{}</a> {}.').format(
                item.href, escape(item.words.rstrip(".")), verb
            )
    elif change.live_again_at:
        says += Markup(" Back since {}.").format(during(week, change.live_again_at, zone))
    return Withdrawn(f"{tell(change).words.rstrip('.')}.", says)


def _why(change: LinkedChange, weeks: Weeks) -> Markup:
    """The incidents of its deployment, each once, else what a person or a rule said of the deployment."""
    says = Markup()
    for incident in weeks.incidents.get((change.codebase, change.deployment), []):
        url = link(incident.url)
        name = escape((incident.title or f"incident {incident.id}").rstrip("."))
        says += Markup(' <a href="{}">{}</a>.').format(url, name) if url else Markup(" {}.").format(name)
    if says:
        return says
    failed = weeks.by_id.get((change.codebase, change.deployment or ""))
    if failed is not None and failed.because:
        return Markup(" {}.").format(escape(failed.because[0].rstrip(".")))
    return says


def _next_attempt(change: LinkedChange, weeks: Weeks) -> LinkedChange | None:
    """A later change that closes the same issue, or whose title begins with that of this one."""
    title = clean(change.title).casefold()
    for other in weeks.later.get(change.codebase, []):
        if other.merged_at <= (change.deployed_at or change.merged_at):
            return None
        if other.state not in ("waiting", "live") or other.reverts or other.id == change.id:
            continue
        same = bool(title) and clean(other.title).casefold().startswith(title)
        if same or set(other.issues) & set(change.issues):
            return other
    return None


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
    name = {"text": f"{deployment.codebase} {shortened(deployment.version or deployment.id)}"[:60],
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
        some = words.spelled(ready, start=True) if ready else "None"
        says += f" {some} {'makes' if ready < 2 else 'make'} the window on {day}."
    return says


def _link(item: Told) -> Link:
    return Link(item.href, item.words)


def _first_waiting(book: Book, tell: Teller) -> list[Told]:
    """Five of what waits: news before what is behind the scenes, the longest waiting first."""
    told = [tell(change) for change in book.waiting]
    return sorted(told, key=lambda item: (not is_news(item), not item.described))[:5]


def _first_time(names: list[str]) -> str:
    if not names:
        return ""
    shown = names[:_WELCOMED]
    if len(names) > _WELCOMED:
        shown = [*shown, words.count(len(names) - _WELCOMED, "other")]
    return f"{words.joined(shown)} shipped for the first time. Welcome."


def _neighbour(book: Book, week: Period) -> Link | None:
    if not book.weeks or not book.weeks[0] <= week <= book.weeks[-1]:
        return None
    return Link(book.week_href(week), f"Week {week.number}")

"""The home page: this week, what holds, the five metrics, and what comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from deploybook import words
from deploybook.pages.book import Book
from deploybook.pages.homefive import MetricRow, five_small
from deploybook.pages.page import Page
from deploybook.pages.rest import whole_link
from deploybook.pages.stops import stops
from deploybook.pages.telling import Teller, Told, ago, ahead
from deploybook.pages.week import Link, highlights, is_news
from deploybook.periods import Period
from deploybook.text import escape, link

_NEWS = 7
_STOPS = 3
_AWAITED = "When a deployment reaches users, what it brought is told here."
_UNREAD = (
    "Whether anything is wrong is unknown.",
    "Say where incidents are kept: under sources, or under incidents of a codebase.",
)
_UNKNOWN = "Tags of versions are deployments; where there are none, say under deployments where to read."


@dataclass(frozen=True)
class Fact:
    """One of the strip: a term, its value, a remark."""

    term: str
    value: Markup | str
    note: Markup | str = ""
    state: str = ""
    until: bool = False


@dataclass(frozen=True)
class NewsItem:
    """One line of what shipped."""

    area: str
    words: str
    href: Markup
    when: Markup | str
    state: str


@dataclass(frozen=True)
class Standing:
    """A line that begins with a state: its shape and word, then what it is of."""

    state: str
    word: str
    rest: Markup | str = ""


@dataclass(frozen=True)
class Part:
    """One of the four below: a heading, lines, a way on."""

    id: str
    title: str
    lines: tuple[Markup | str | Standing, ...]
    links: tuple[Link, ...] = ()
    more: Link | None = None


@dataclass(frozen=True)
class HomePage:
    """The model of the home page."""

    kicker: str
    sentence: str
    simulated: bool
    zone: str
    asof: tuple[Markup | str, ...]
    facts: tuple[Fact, ...]
    news: tuple[NewsItem, ...]
    news_title: str
    nothing: str
    all_news: Link
    metrics: tuple[MetricRow, ...]
    parts: tuple[Part, ...]
    dates: tuple[tuple[Markup, str], ...]


def pages(book: Book, tell: Teller) -> Iterator[Page]:
    """The home page."""
    yield Page("", "home.md.jinja", "This week", home_page(book, tell))


def home_page(book: Book, tell: Teller) -> HomePage:
    """The model of the home page."""
    week = book.this_week
    changes = [tell(change) for change in book.changes_in(week)]
    shown: Period = week
    if not changes:
        shown = next((w for w in reversed(book.weeks) if book.changes_in(w)), week)
    shown_name = f"week {shown.number}" + (f", {shown.year}" if shown.year != week.year else "")
    told = [tell(change) for change in book.changes_in(shown)]
    return HomePage(
        kicker=f"This week, {words.week_days(week.start)}",
        sentence=_sentence(book, len(changes)),
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        asof=tuple(_asof(book, week)),
        facts=tuple(_facts(book)),
        news=tuple(_news(book, told)),
        news_title="Shipped this week" if shown == week else f"Last shipped, in {shown_name}",
        nothing="" if told else _AWAITED if book.deployments else _UNKNOWN,
        all_news=Link(
            book.week_href(shown),
            f"All {words.number(len(told))} of {shown_name}" if len(told) != 1 else shown_name.capitalize(),
        ),
        metrics=tuple(five_small(book)),
        parts=(_waiting(book, tell), _branches(book), _incidents(book)),
        dates=tuple(_dates(book)),
    )


def _sentence(book: Book, count: int) -> str:
    """How many reached users, and whether that is much: "the most since June"."""
    if not book.deployments:
        return "No deployment is known yet."
    if not count:
        return "Nothing has reached users this week yet."
    says = f"{words.count(count, 'change', start=True)} reached users this week"
    past = [(w, len(book.changes_in(w))) for w in book.weeks if w != book.this_week]
    as_many = [w for w, n in past if n >= count]
    if len(past) < 8 or (as_many and book.this_week.start - as_many[-1].start < timedelta(weeks=8)):
        return f"{says}."
    if not as_many:
        return f"{says}, the most of any week so far."
    since = as_many[-1].start
    year = f" {since.year}" if since.year != book.this_week.start.year else ""
    return f"{says}, the most since {words.month(since)}{year}."


def _asof(book: Book, week: Period) -> Iterator[Markup | str]:
    if (rest := whole_link(book)) is not None:
        yield Markup("a part of {}").format(rest)
    failing = [source.name for source in book.sources if source.error]
    if failing:
        yield Markup('<a href="~/data/">{}</a>').format(
            words.count(len(failing), "source") + " could not be read"
        )
    elif book.sources:
        yield "all sources fresh"
    settles = week.settled_at(book.zone)
    yield Markup("week provisional until {}").format(words.moment(settles, book.zone, "day"))


def _facts(book: Book) -> Iterator[Fact]:
    cut_offs = book.calendar.next_cut_offs(book.as_of, 1)
    windows = book.calendar.next_windows(book.as_of, 1)
    if cut_offs:
        yield Fact("Next cut-off", ahead(words.moment(cut_offs[0], book.zone, "when")), until=True)
    if windows:
        window = windows[0]
        when = words.moment(window.start, book.zone, "when")
        value = Markup("{} to {}").format(when, words.clock(window.end, book.zone))
        yield Fact("Next window", value, _ready(book, window.cut_off))
    turn = book.decider(book.as_of)
    if turn is not None:
        rotation = book.config.process.decides.rotation if book.config.process.decides else ""
        until = words.weekday((turn.end - timedelta(seconds=1)).astimezone(book.zone).date())
        yield Fact("Decides", book.person(turn.person) or "", f"{rotation.replace('-', ' ')} until {until}")
    yield _production(book)


def _ready(book: Book, cut_off: datetime | None) -> str:
    waiting = len(book.waiting)
    if not waiting:
        return "nothing waits for it"
    if cut_off is None:
        return f"{waiting} waiting"
    ready = sum(change.merged_at <= cut_off for change in book.waiting)
    return f"{words.number(ready)} of {words.number(waiting)} waiting are in time"


def _production(book: Book) -> Fact:
    name = book.config.process.environments[-1].name
    held = [lock for lock in book.locks if lock.environment in (name, "all", *book.config.live)]
    if held:
        lock = held[0]
        reason = lock.reason or "no reason given"
        return Fact(
            name.capitalize(), "locked", f"{book.person(lock.holder) or 'somebody'}: {reason}", "locked"
        )
    off = book.calendar.off(book.as_of.astimezone(book.zone).date())
    if off:
        return Fact(name.capitalize(), "no window today", off, "watch")
    return Fact(name.capitalize(), "open", "no locks", "open")


def _news(book: Book, told: list[Told]) -> Iterator[NewsItem]:
    first = highlights(told)
    news = [item for item in told if is_news(item)]
    rest = [item for item in news if item not in first]
    rest.sort(key=lambda item: (item.state is None or item.state.tone != "bad", not item.described))
    for item in (first + rest)[:_NEWS]:
        when: Markup | str = f"live {_live_on(book, item.live_at)}" if item.live_at else ""
        if item.state is not None:
            when = item.state.says.removeprefix("ready, ").removeprefix("flag ")
            if item.state.tone == "flag" and ", on for" in item.state.says:
                when = item.state.says.partition(", ")[2]
        yield NewsItem(item.area, item.words, item.href, when, item.state.tone if item.state else "")


def _live_on(book: Book, instant: datetime) -> str:
    """The day of the week, or of what year it was, where the last that shipped was not this week."""
    on = instant.astimezone(book.zone).date()
    if on >= book.this_week.start:
        return words.weekday(on)
    return words.day(on, year=on.year != book.this_week.year)


def _waiting(book: Book, tell: Teller) -> Part:
    waiting = [tell(change) for change in book.waiting]
    title = words.count(len(waiting), "change", start=True) + " waiting"
    if not waiting:
        says = "All that was merged is live." if book.changes else "No change is known yet."
        return Part("waiting", "Nothing waits", (says,))
    windows = book.calendar.next_windows(book.as_of, 1)
    lines: list[Markup | str] = []
    if windows and windows[0].cut_off:
        ready = sum(change.merged_at <= windows[0].cut_off for change in book.waiting)
        day = words.day(windows[0].start, book.zone)
        lines.append(f"{words.number(ready)} of them {'is' if ready == 1 else 'are'} in time for {day}.")
    news = [item for item in waiting if is_news(item)][:2]
    links = tuple(Link(item.href, item.words) for item in news)
    return Part("waiting", title, tuple(lines), links, Link(Markup("~/shipped/waiting/"), "All waiting"))


def _branches(book: Book) -> Part:
    states = book.branches
    if not states:
        return Part(
            "branches", "Release branches", ("No runs of a pipeline are known, so green or red is not.",)
        )
    red = [branch for branch in states if not branch.green]
    lines: list[Markup | str | Standing] = []
    if green := len(states) - len(red):
        lines.append(Standing("green", f"{green} green"))
    for branch in red:
        since = ago(words.moment(branch.since, book.zone))
        where = Markup("{}, since {}").format(escape(branch.codebase), since)
        lines.append(Standing("red", "red", where))
    lines += [stop.says for stop in stops(book) if book.this_week.contains(stop.at, book.zone)][-_STOPS:]
    return Part(
        "branches",
        "Release branches",
        tuple(lines),
        (),
        Link(Markup("~/metrics/release-branch/"), "Release branches"),
    )


def _incidents(book: Book) -> Part:
    seen: dict[str, Markup] = {}
    for incident in book.incidents:
        if incident.resolved_at is not None or incident.id in seen:
            continue
        name = escape(incident.title or f"incident {incident.id}")
        url = link(incident.url)
        told = Markup('<a href="{}">{}</a>').format(url, name) if url else name
        since = words.moment(incident.started_at, book.zone)
        why = "No deployment explains it."
        if incident.deployment is not None:
            why = f"After {incident.codebase}/{incident.deployment}."
        seen[incident.id] = Markup("{} since {}. {}").format(told, since, escape(why))
    if not book.incidents_read:
        return Part("incidents", "Incidents are not read", _UNREAD)
    title = words.count(len(seen), "open incident", start=True) if seen else "No open incident"
    lines = tuple(seen.values()) or ("Nothing is known to be wrong.",)
    return Part("incidents", title, lines[:3])


def _dates(book: Book) -> Iterator[tuple[Markup, str]]:
    found: list[tuple[datetime, str]] = []
    turn = book.decider(book.as_of)
    if turn is not None and (after := book.decider(turn.end)) is not None and after.person != turn.person:
        role = book.config.process.decides.rotation.replace("-", " ") if book.config.process.decides else ""
        found.append((turn.end, f"{book.person(after.person)} takes over as {role}"))
    found += [
        (at, f"cut-off at {words.clock(at, book.zone)}") for at in book.calendar.next_cut_offs(book.as_of, 1)
    ]
    for window in book.calendar.next_windows(book.as_of, 1):
        until = words.clock(window.end, book.zone)
        found.append((window.start, f"window until {until}"))
    for freeze in book.calendar.freezes:
        begins, _ = Period("week", freeze.first - timedelta(days=freeze.first.weekday())).bounds(book.zone)
        starts = begins + timedelta(days=freeze.first.weekday())
        if book.as_of < starts < book.as_of + timedelta(days=60):
            found.append((starts, f"freeze: {freeze.because or 'no deployments'}"))
    for at, says in sorted(found)[:4]:
        near = at - book.as_of < timedelta(days=6)
        yield words.moment(at, book.zone, "weekday" if near else "date"), says

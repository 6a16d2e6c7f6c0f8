"""The way of a change to users: its stations, how long each takes at the median, and a real one's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedChange
from deploybook.pages.book import Book
from deploybook.pages.telling import Teller
from deploybook.pages.week import is_news
from deploybook.periods import Calendar, Week
from deploybook.text import escape, link

WEEKS = 12
"""How far back medians look."""
_FEW = 5
"""Fewer changes than that make no median."""


@dataclass(frozen=True)
class Station:
    """A station of the line: what it is called, what happens there, how long to the next."""

    name: Markup | str
    words: Markup | str = ""
    took: str = ""
    gate: bool = False


@dataclass(frozen=True)
class Journey:
    """The instants of one change; unknown is `None`."""

    change: LinkedChange
    stops: tuple[tuple[str, datetime | None], ...]
    """Environments before users, in the order of promotion, with the first arrival."""
    cut_off: datetime | None
    started_at: datetime | None
    """When the deployment that made it live began."""
    live_at: datetime


@dataclass(frozen=True)
class Way:
    """The line of a codebase, with how many changes its medians are of."""

    codebase: str
    changes: int
    stations: tuple[Station, ...]


def journeys(book: Book, codebase: str) -> list[Journey]:
    """The ways of the changes of a codebase that reached users in the last twelve weeks, oldest first."""
    since = book.as_of - timedelta(weeks=WEEKS)
    arrivals: dict[tuple[str, str], datetime] = {}
    for delivery in book.deliveries:
        if delivery.codebase == codebase and delivery.event == "delivered":
            key = (delivery.change, delivery.environment)
            arrivals[key] = min(arrivals.get(key, delivery.at), delivery.at)
    found = []
    for change in book.delivered:
        if change.codebase != codebase or change.deployed_at is None or change.deployed_at < since:
            continue
        stops = tuple(
            (
                stage.name,
                min((a for m in stage.members if (a := arrivals.get((change.id, m)))), default=None),
            )
            for stage in book.config.process.environments[:-1]
        )
        window = book.calendar.aimed_at(change.merged_at)
        cut_off = window.cut_off if window else book.calendar.cut_off_for(change.merged_at)
        by = book.deployment.get((codebase, change.environment or "", change.deployment or ""))
        started = by.started_at if by else None
        found.append(Journey(change, stops, cut_off, started, change.deployed_at))
    return found


def middle(values: Iterable[float | None]) -> str:
    """The median as people say it; nothing where fewer than five are known."""
    known = [value for value in values if value is not None and value >= 0]
    return words.duration(median(known)) if len(known) >= _FEW else ""


def _between(first: datetime | None, last: datetime | None) -> float | None:
    return None if first is None or last is None else (last - first).total_seconds()


def _cut_off_first(ways: Sequence[Journey]) -> bool:
    """Whether changes pass the cut-off before they reach the first environment, most of them."""
    known = [(way.stops[0][1], way.cut_off) for way in ways if way.stops]
    after = [at >= cut_off for at, cut_off in known if at is not None and cut_off is not None]
    return sum(after) * 2 >= len(after) if after else True


def way(book: Book, codebase: str, notes: dict[str, str]) -> Way:
    """The line of a codebase; `notes` says what happens in an environment, by its stage's name."""
    ways = journeys(book, codebase)
    changes = [journey.change for journey in ways]
    rule = book.calendar.rule
    stages = book.config.process.environments
    line = [
        Station("First commit", "on a branch of your own", middle(c.coding_seconds for c in changes)),
        Station("Pull request", notes.get("pull", ""), middle(c.pickup_seconds for c in changes)),
        Station("First review", "by somebody else", middle(c.review_seconds for c in changes)),
    ]
    cut = Station("Cut-off", _short_rule(book.calendar, "cut"), gate=True) if rule.cut_off else None
    early = _cut_off_first(ways)
    if not stages[:-1]:
        line.append(Station("Merged", "into the release branch", middle(c.waiting_seconds for c in changes)))
        line += [cut] if cut else []
    else:
        first = middle(_between(w.change.merged_at, w.stops[0][1]) for w in ways)
        if cut and early:
            wait = middle(_between(w.change.merged_at, w.cut_off) for w in ways)
            line.append(Station("Merged", "into the release branch", wait))
            rest = middle(_between(w.cut_off, w.stops[0][1]) for w in ways)
            line.append(Station(cut.name, cut.words, rest, gate=True))
        else:
            line.append(Station("Merged", "into the release branch", first))
    for number, stage in enumerate(stages[:-1]):
        following = [
            _between(w.stops[number][1], _next(w, number, gated=rule.window is not None)) for w in ways
        ]
        line.append(Station(stage.name.capitalize(), notes.get(stage.name, ""), middle(following)))
        if cut and not early and number == 0:
            line.append(cut)
    if rule.window:
        took = middle(_between(w.started_at, w.live_at) for w in ways)
        line.append(Station("Window", _short_rule(book.calendar, "window"), took, gate=True))
    line.append(Station("Live", notes.get("live", "for users")))
    return Way(codebase, len(ways), tuple(line))


def _next(journey: Journey, number: int, *, gated: bool) -> datetime | None:
    """When a change left an environment: for the next one, or for users."""
    if number + 1 < len(journey.stops):
        return journey.stops[number + 1][1]
    return journey.started_at if gated else journey.live_at


def _short_rule(calendar: Calendar, which: str) -> str:
    rule = calendar.rule
    if which == "cut" and rule.cut_off:
        return f"{weekdays(rule.cut_off.weekdays)}, {rule.cut_off.at:%H:%M}"
    if which == "window" and rule.window:
        return f"{weekdays(rule.window.weekdays)}, {rule.window.start:%H:%M} to {rule.window.end:%H:%M}"
    return ""


_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def weekdays(days: Sequence[int], *, plural: bool = False) -> str:
    """Word some days of the week: "Thursday", "Thursdays", "Monday to Thursday", "Monday and Thursday"."""
    ordered = sorted(set(days))
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{_NAMES[ordered[0]]} to {_NAMES[ordered[-1]]}"
    return words.joined([_NAMES[day] + ("s" if plural else "") for day in ordered])


def busiest(book: Book) -> str | None:
    """The codebase with the most changes that reached users in the last twelve weeks."""
    since = book.as_of - timedelta(weeks=WEEKS)
    counts: dict[str, int] = defaultdict(int)
    for change in book.delivered:
        if change.deployed_at and change.deployed_at >= since:
            counts[change.codebase] += 1
    return max(sorted(counts), key=lambda name: counts[name], default=None)


@dataclass(frozen=True)
class Walk:
    """One real change, station by station."""

    sentence: Markup
    stations: tuple[Station, ...]


def walk(book: Book, tell: Teller, codebase: str) -> Walk | None:
    """A change of the last whole week that shows most stations and took about as long as others.

    An older one where that week had none.
    """
    end, _ = book.this_week.bounds(book.zone)
    known = [j for j in journeys(book, codebase) if j.live_at < end and j.change.state == "live"]
    known = [j for j in known if j.change.by_pull_request and not j.change.bot]
    if not known:
        return None
    last = Week.of(max(j.live_at for j in known), book.zone)
    week = [j for j in known if Week.of(j.live_at, book.zone) == last]
    usual = median(j.change.lead_time_seconds or 0 for j in week)

    def worth(journey: Journey) -> tuple[int, bool, float, str]:
        off = abs((journey.change.lead_time_seconds or 0) - usual)
        return _complete(journey), is_news(tell(journey.change)), -off, journey.change.id

    return _walked(book, tell, max(week, key=worth))


def _complete(journey: Journey) -> int:
    change = journey.change
    own = (change.first_commit_at, change.opened_at, change.first_review_at, change.url)
    return sum(value is not None for value in (*own, *(at for _, at in journey.stops)))


def _walked(book: Book, tell: Teller, journey: Journey) -> Walk:
    change, told = journey.change, tell(journey.change)
    url = link(change.url)
    number = Markup('<a href="{}">{}</a>').format(url, told.number) if url else escape(told.number)
    points: list[tuple[datetime, Markup | str]] = []
    for at, says in (
        (change.first_commit_at, "first commit"),
        (change.opened_at, Markup("pull request {}").format(number)),
        (change.first_review_at, "first review"),
        (change.merged_at, "merged"),
        *((at, f"in {name}") for name, at in journey.stops),
    ):
        if at is not None:
            points.append((at, says))
    points.sort(key=lambda point: point[0])
    href, name = _deployment(book, change)
    arrives = Markup('<a href="{}">{}</a>').format(href, escape(name)) if href else escape(name)
    points.append((journey.live_at, Markup("live, by {}").format(arrives)))
    longest = max(pairwise(points), key=lambda pair: pair[1][0] - pair[0][0])
    took = _between(points[0][0], journey.live_at) or 0
    sentence = Markup(
        '<a href="{}">{}</a> took {} from {} to users. The longest part, {}, was {} “{}”.'
    ).format(
        told.href,
        escape(told.words.rstrip(".")),
        words.duration(took),
        _plain(points[0][1]),
        words.duration(_between(longest[0][0], longest[1][0]) or 0),
        "until" if longest[1] == points[-1] else "before",
        "live" if longest[1] == points[-1] else _plain(longest[1][1]),
    )
    return Walk(sentence, _with_gates(book, journey, points))


def _plain(says: Markup | str) -> str:
    return says.striptags() if isinstance(says, Markup) else says


def _deployment(book: Book, change: LinkedChange) -> tuple[Markup | None, str]:
    key = (change.codebase, change.environment or "", change.deployment or "")
    deployment = book.deployment.get(key)
    return (
        book.deployment_href(deployment) if deployment else None
    ), f"{change.codebase}/{change.deployment}"


def _with_gates(
    book: Book, journey: Journey, points: list[tuple[datetime, Markup | str]]
) -> tuple[Station, ...]:
    """The points as stations, with the cut-off after the merge and the window before users."""
    started = journey.started_at or journey.live_at
    gated = book.calendar.rule_on(started.astimezone(book.zone).date()).window is not None
    line: list[Station] = []
    for number, (at, says) in enumerate(points):
        last = number == len(points) - 1
        if last and gated:
            inside = "goes, in the window" if book.calendar.window_of(started) else "goes, outside the window"
            took = words.duration((at - started).total_seconds())
            line.append(Station(words.moment(started, book.zone), inside, took, gate=True))
        until = None if last else points[number + 1][0]
        if until == journey.live_at and gated:
            until = started
        took = words.duration((until - at).total_seconds()) if until else ""
        line.append(Station(words.moment(at, book.zone), says, took))
        if says == "merged" and journey.cut_off is not None:
            spare = words.duration((journey.cut_off - journey.change.merged_at).total_seconds())
            line.append(Station(f"{spare} to spare", "before the cut-off", gate=True))
    return tuple(line)

"""The deployments of a week on a line: places of instants, with the day of the window drawn wider."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from deploybook import words
from deploybook.linking.model import LinkedDeployment
from deploybook.pages.book import MANY_CODEBASES, Book
from deploybook.periods import Period, local_date

_FROM, _TO = 8, 18
"""Hours of a day that are drawn; what happens before or after stands at the edge."""
_WIDE, _PLAIN, _WEEKEND = 3.0, 1.0, 0.45


@dataclass(frozen=True)
class Day:
    """A day, from `start` to `end` as shares of the week's width."""

    label: str
    short: str
    start: float
    end: float
    main: bool


@dataclass(frozen=True)
class Band:
    """A window, or an incident."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Cut:
    """A cut-off."""

    at: float
    label: str
    short: str


@dataclass(frozen=True)
class Mark:
    """A deployment."""

    at: float
    kind: str
    failed: bool
    label: str


@dataclass(frozen=True)
class Row:
    """A codebase with its deployments."""

    name: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Weekline:
    """What `charts.timeline` draws."""

    title: str
    sub: str
    label: str
    days: tuple[Day, ...]
    windows: tuple[Band, ...]
    lines: tuple[Cut, ...]
    codebases: tuple[Row, ...]
    incidents: tuple[Band, ...]


class Scale:
    """Places of a week's instants between 0 and 1."""

    def __init__(self, book: Book, week: Period) -> None:
        self._zone = book.zone
        self.windows = [w for day in week.days() if (w := book.calendar.window_on(day))]
        wide = {window.day for window in self.windows} if len(self.windows) == 1 else set()
        weights = [_WIDE if day in wide else _WEEKEND if day.weekday() > 4 else _PLAIN for day in week.days()]
        total = sum(weights)
        self.days: dict[date, tuple[float, float]] = {}
        at = 0.0
        for day, weight in zip(week.days(), weights, strict=True):
            self.days[day] = (at, at + weight / total)
            at += weight / total
        self.wide = wide

    def __call__(self, instant: datetime) -> float:
        """The place of an instant; the ends for one outside the week."""
        day = local_date(instant, self._zone)
        if day not in self.days:
            return 0.0 if day < min(self.days) else 1.0
        start, end = self.days[day]
        local = instant.astimezone(self._zone)
        share = (local.hour + local.minute / 60 - _FROM) / (_TO - _FROM)
        return start + min(max(share, 0.0), 1.0) * (end - start)


def weekline(book: Book, week: Period) -> Weekline | None:
    """The line of a week; `None` where nothing was deployed."""
    deployments = book.deployments_in(week)
    if not deployments:
        return None
    scale = Scale(book, week)
    rows: dict[str, list[Mark]] = defaultdict(list)
    for deployment in deployments:
        rows[deployment.codebase].append(_mark(book, scale, deployment))
    shown = _shown(rows)
    first, end = week.bounds(book.zone)
    incidents = []
    for incident in book.incidents_of_week.get(week, ()):
        until = incident.resolved_at or book.as_of
        still = "" if incident.resolved_at else ", open"
        name = (incident.title or f"incident {incident.id}")[:60]
        incidents.append(Band(scale(incident.started_at), scale(min(until, end)), name + still))
    cuts = [
        Cut(scale(cut), f"cut-off {words.clock(cut, book.zone)}", "cut-off")
        for cut in book.calendar.cut_offs(first, end)
    ]
    daily = len(cuts) > 2 or len(scale.windows) > 2
    return Weekline(
        title=_finding(book, deployments, bool(scale.windows)),
        sub=_sub(scale)
        + (f" Of {len(rows)} codebases, {len(shown)} are drawn." if len(shown) < len(rows) else ""),
        label=f"Timeline of {words.count(len(deployments), 'deployment')} in "
        f"{words.count(len(rows), 'codebase')}, {words.week_days(week.start)}.",
        days=tuple(_day(day, *place, main=day in scale.wide) for day, place in scale.days.items()),
        windows=tuple(
            Band(
                scale(w.start),
                scale(w.end - timedelta(seconds=1)),
                "" if daily else _window_label(book, w.start, w.end),
            )
            for w in scale.windows
        ),
        lines=() if daily else tuple(cuts),
        codebases=tuple(Row(name, tuple(rows[name])) for name in shown),
        incidents=tuple(incidents[:8]),
    )


def _shown(rows: dict[str, list[Mark]]) -> list[str]:
    """The codebases that are drawn, by name: of very many, those first where something was out of the way."""

    def plain(name: str) -> tuple[int, int, str]:
        odd = sum(mark.kind != "planned" or mark.failed for mark in rows[name])
        return -odd, -len(rows[name]), name

    return sorted(sorted(rows, key=plain)[:MANY_CODEBASES])


def _mark(book: Book, scale: Scale, deployment: LinkedDeployment) -> Mark:
    kind = "rollback" if deployment.kind in ("rollback", "revert") else deployment.kind
    failed = ", needed a fix" if deployment.needed_intervention else ""
    when = words.clock(deployment.at, book.zone)
    label = f"{deployment.codebase} {deployment.name}, {deployment.kind}, {when}{failed}"
    return Mark(scale(deployment.at), kind, deployment.needed_intervention, label)


def _day(day: date, start: float, end: float, *, main: bool) -> Day:
    label = f"{words.weekday(day)} {day.day}"
    if main:
        label += f" {words.month(day, short=True)}"
    return Day(label, words.weekday(day), start, end, main)


def _window_label(book: Book, start: datetime, end: datetime) -> str:
    local, until = start.astimezone(book.zone), end.astimezone(book.zone)
    return f"window {local:%-H}–{until:%-H}"


def _sub(scale: Scale) -> str:
    hours = f"Working hours, {_FROM:02}:00 to {_TO}:00; what was earlier or later stands at the edge."
    if not scale.wide:
        return hours
    day = next(iter(scale.wide))
    return f"{hours} {day:%A} is drawn wider than the other days."


def _finding(book: Book, deployments: list[LinkedDeployment], has_windows: bool) -> str:
    total = len(deployments)
    if not has_windows:
        return words.count(total, "deployment", words=True, start=True) + " reached users"
    inside = sum(book.calendar.window_of(d.started_at or d.at) is not None for d in deployments)
    if inside == total:
        every = "The one deployment" if total == 1 else f"All {words.spelled(total)} deployments"
        return f"{every} went out in the window"
    if total == 1:
        return "The one deployment went out outside the window"
    some = words.spelled(inside, start=True) if inside else "None"
    return f"{some} of {words.spelled(total)} deployments went out in the window"

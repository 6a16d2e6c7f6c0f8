# ruff: noqa: S704 — SVG is written here, each text in it escaped.
"""How a week's deployments went out: a lane a codebase, a sign a deployment, incidents below.

A day is drawn from its first working hour to its last, wider where the hours of a deployment ask for it;
the day with most deployments is drawn wider than the others, and what is shown says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal

from markupsafe import Markup

from deploybook import words
from deploybook.charts.axes import spread, text_width
from deploybook.text import html, plain, quoted

Sign = Literal["planned", "hotfix", "revert", "rollback"]

_WORKING = (8, 18)
_WIDE = 3.6
"""How many times wider the busiest day is drawn."""
_IDLE = 0.45
"""And how much narrower a Saturday or Sunday on which nothing happened."""


@dataclass(frozen=True)
class Shot:
    """One deployment."""

    at: datetime
    """When it was finished, in the reader's zone."""
    sign: Sign
    worded: str
    """What it is, on hover: "shop-web/1203, planned, Thu 11:20"."""
    href: str | None = None
    failed: bool = False


@dataclass(frozen=True)
class Lane:
    """The deployments of one codebase."""

    name: str
    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class Span:
    """A window or an incident, in the reader's zone."""

    start: datetime
    end: datetime
    label: str
    href: str | None = None


@dataclass(frozen=True)
class Timeline:
    """A week."""

    description: str
    monday: date
    lanes: tuple[Lane, ...]
    windows: tuple[Span, ...] = ()
    incidents: tuple[Span, ...] = ()
    cutoff: datetime | None = None
    cutoff_label: str = "cut-off"

    @cached_property
    def hours(self) -> tuple[int, int]:
        """The hours of the day that are drawn: 8 to 18, and what deployments need beyond."""
        at = [shot.at for lane in self.lanes for shot in lane.shots]
        first = min([_WORKING[0], *(moment.hour for moment in at)])
        last = max([_WORKING[1], *(moment.hour + 1 for moment in at)])
        return first, last

    @cached_property
    def busiest(self) -> int | None:
        """The day drawn wider, 0 for Monday: the one with at least half of three or more deployments."""
        days = [(shot.at.date() - self.monday).days for lane in self.lanes for shot in lane.shots]
        if len(days) < 3:
            return None
        day = max(range(7), key=lambda n: (days.count(n), -n))
        return day if 2 * days.count(day) >= len(days) else None


def timeline(data: Timeline, *, narrow: bool) -> Markup:
    """Draw a week, 686 px wide or 358 for a phone."""
    total, left, pitch, first = (358.0, 0.0, 46.0, 72.0) if narrow else (686.0, 112.0, 34.0, 60.0)
    days = _Days(data, left, total - 2)
    bottom = first + (len(data.lanes) - 1) * pitch + 24
    parts = [*_ground(data, days, bottom, narrow=narrow)]
    for place, lane in enumerate(data.lanes):
        parts += _lane(lane, days, first + place * pitch, narrow=narrow)
    rows = sorted(data.incidents, key=lambda span: span.start)
    height = bottom + (10 if rows else 0)
    for span in rows:
        drawn, tall = _incident(span, days, height + 1, total)
        parts.append(drawn)
        height += tall
    return Markup(
        f'<svg class="db-svg" role="group" aria-label="{html(data.description, limit=1000)}"'
        f' viewBox="0 0 {total:g} {height:g}" width="{total:g}" height="{height:g}" fill="none"'
        f' font-family="Helvetica, Arial, sans-serif">{"".join(parts)}</svg>'
    )


class _Days:
    """Where the hours of the week lie."""

    def __init__(self, data: Timeline, left: float, right: float) -> None:
        self.monday, (self._from, self._to) = data.monday, data.hours
        used = {(shot.at.date() - data.monday).days for lane in data.lanes for shot in lane.shots}
        parts = [
            _WIDE if day == data.busiest else _IDLE if day > 4 and day not in used else 1.0
            for day in range(7)
        ]
        unit = (right - left) / sum(parts)
        self.edges = [left + unit * sum(parts[:day]) for day in range(8)]

    def x(self, at: datetime) -> float:
        """Give the pixel of a moment; before and after the drawn hours it is the edge of its day."""
        day = (at.date() - self.monday).days
        if not 0 <= day < 7:
            return self.edges[0] if day < 0 else self.edges[7]
        hour = at.hour + at.minute / 60
        share = min(1.0, max(0.0, (hour - self._from) / (self._to - self._from)))
        return self.edges[day] + share * (self.edges[day + 1] - self.edges[day])


def _ground(data: Timeline, days: _Days, bottom: float, *, narrow: bool) -> list[str]:
    """Draw windows, days and the cut-off."""
    parts = []
    said: list[tuple[float, float]] = []
    for window in data.windows:
        x, end = days.x(window.start), days.x(window.end)
        parts.append(_rect(x, 20, max(2, end - x), bottom - 20, color="band"))
        label = plain(window.label, limit=40)
        half = text_width(label) / 2
        if all(abs((x + end) / 2 - other) > half + reach for other, reach in said):
            said.append(((x + end) / 2, half))
            parts.append(_text((x + end) / 2, 34, label, "ink-2", anchor="middle"))
    for day in range(7):
        at = data.monday + timedelta(days=day)
        left, right = days.edges[day], days.edges[day + 1]
        strong = day == data.busiest
        full = f"{words.day(at)}" if strong else f"{words.weekday(at)} {at.day}"
        options = (full, words.weekday(at), words.weekday(at)[0])
        name = next((option for option in options if text_width(option) < right - left - 6), options[-1])
        color, weight = ("ink", 600) if strong else ("ink-2", 400)
        parts.append(_text((left + right) / 2, 14, name, color, anchor="middle", weight=weight))
        if day:
            parts.append(_line((left, 4), (left, bottom), "line", 1))
    if data.cutoff:
        x, label = days.x(data.cutoff), plain(data.cutoff_label, limit=40)
        parts.append(_line((x, 20), (x, bottom), "accent", 1.25, dash="4 3"))
        fits = x - text_width(label) - 5 > (0 if narrow else days.edges[0])
        place, anchor = (x - 5, "end") if fits else (x + 5, "start")
        parts.append(_text(place, 34, label, "accent", anchor=anchor))
    return parts


def _lane(lane: Lane, days: _Days, y: float, *, narrow: bool) -> list[str]:
    size = 12.5 if narrow else 13
    name = plain(lane.name, limit=40 if narrow else 15)
    start = 0.0 if narrow else days.edges[0]
    parts = [
        _text(0, y - 15 if narrow else y + 4, name, "ink", weight=600, size=size),
        _line((start, y), (days.edges[7], y), "line", 1.5),
    ]
    wanted = [days.x(shot.at) for shot in lane.shots]
    width = (days.edges[7] - days.edges[0]) / max(1, len(wanted))
    places = spread(wanted, min(13.0, width), days.edges[0], days.edges[7] - 4)
    parts += [_shot(shot, x, y, 4.5 if narrow else 5.5) for shot, x in zip(lane.shots, places, strict=True)]
    return parts


def _shot(shot: Shot, x: float, y: float, size: float) -> str:
    if shot.sign in ("hotfix", "revert"):  # a triangle that stands, and one on its tip
        turn = 1 if shot.sign == "hotfix" else -1
        across, up, down = size + 1, turn * (size + 1), turn * (size + 0.5)
        path = f"M{_n(x)} {_n(y - up)}L{_n(x + across)} {_n(y + down)}H{_n(x - across)}Z"
        drawn = f'<path d="{path}" fill="var(--db-watch)"/>'
    elif shot.sign == "rollback":
        r = size + 2
        path = f"M{_n(x)} {_n(y - r)}L{_n(x + r)} {_n(y)}L{_n(x)} {_n(y + r)}L{_n(x - r)} {_n(y)}Z"
        drawn = f'<path d="{path}" fill="var(--db-bad)"/>'
    else:
        drawn = f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{size:g}" fill="var(--db-ink)"/>'
    if shot.failed:
        drawn += (
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{size + 3.5:g}" stroke="var(--db-bad)"'
            ' stroke-width="1.5" stroke-dasharray="3 2"/>'
        )
    return _said(f"<g><title>{html(shot.worded)}</title>{drawn}</g>", shot.href)


def _incident(span: Span, days: _Days, y: float, total: float) -> tuple[str, float]:
    """Draw a bar with its words beside it, or below where neither side has room; give its height too."""
    x = days.x(span.start)
    end = max(x + 4, days.x(span.end))
    label = plain(span.label, limit=60)
    long = text_width(label, bold=True)
    bar = _rect(x, y, end - x, 7, color="bad", radius=1)
    if end + 8 + long <= total:
        said = _text(end + 8, y + 8, label, "bad", weight=600)
    elif x - 8 >= long:
        said = _text(x - 8, y + 8, label, "bad", anchor="end", weight=600)
    else:
        said = _text(max(0, min(x, total - long)), y + 22, label, "bad", weight=600)
        return _said(bar + said, span.href), 38
    return _said(bar + said, span.href), 24


def _said(drawn: str, href: str | None) -> str:
    return f'<a href="{html(href, limit=None)}" tabindex="-1">{drawn}</a>' if href else drawn


def _text(
    x: float, y: float, said: str, color: str, *, anchor: str = "start", weight: int = 400, size: float = 12
) -> str:
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    place = f'x="{_n(x)}" y="{_n(y)}" font-size="{size:g}" text-anchor="{anchor}"'
    return f'<text {place} fill="var(--db-{color})"{bold}>{quoted(said)}</text>'


def _line(
    start: tuple[float, float], end: tuple[float, float], color: str, width: float, *, dash: str = ""
) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{_n(start[0])}" y1="{_n(start[1])}" x2="{_n(end[0])}" y2="{_n(end[1])}"'
    return f'<line {ends} stroke="var(--db-{color})" stroke-width="{width:g}"{dashed}/>'


def _rect(x: float, y: float, width: float, height: float, *, color: str, radius: float = 0) -> str:
    round_ = f' rx="{radius:g}"' if radius else ""
    size = f'width="{_n(width)}" height="{_n(height)}"'
    return f'<rect x="{_n(x)}" y="{_n(y)}" {size} fill="var(--db-{color})"{round_}/>'


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

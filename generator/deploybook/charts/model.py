"""What a chart is made from, and what comes out: plain frozen values, no drawing library.

Times of points are days in the reader's zone; lengths are in seconds. Texts may come from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from markupsafe import Markup

Room = Literal["row", "full"]
"""Where a chart stands: beside its figure (644 wide), or alone in the column (686 wide, and higher)."""

Axis = Literal["count", "share", "time"]


@dataclass(frozen=True)
class Cell:
    """One cell of the table behind a chart."""

    text: str
    href: str | None = None


@dataclass(frozen=True)
class Caption:
    """The words around a chart, given by the page."""

    title: str
    """The finding."""
    subtitle: str
    """What is drawn, and its unit."""
    description: str
    """What somebody who cannot see the chart would be told."""
    source: str = ""


@dataclass(frozen=True)
class Chart:
    """A drawn chart with its rows; a template puts them into the frame."""

    caption: Caption
    wide: Markup
    """SVG for 644 or 686 px."""
    narrow: Markup
    """SVG for 358 px."""
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Limits:
    """Natural process limits from one week to another, as a band with its centre."""

    first: int
    """Index of the first week."""
    end: int
    """Index behind the last week."""
    centre: float
    low: float
    high: float


@dataclass(frozen=True)
class Flag:
    """A numbered flag at a day; what it says stands below the charts."""

    number: int
    day: date


@dataclass(frozen=True)
class Target:
    """A target, as a dashed line named at its end."""

    value: float
    label: str


@dataclass(frozen=True)
class Week:
    """One point of a weekly chart."""

    monday: date
    label: str
    value: float | None
    """None where there is nothing to tell: the line has a gap."""
    worded: str
    """The value in words: "4 deployments", "2 of 9"."""
    href: str | None = None
    hollow: bool = False
    """Fewer than five: drawn hollow, left out of the limits."""
    signal: bool = False


@dataclass(frozen=True)
class Weekly:
    """A line over weeks that follow each other: counts, shares between 0 and 1, or times in seconds."""

    caption: Caption
    axis: Axis
    column: str
    """The heading of the value in the table."""
    weeks: tuple[Week, ...]
    limits: tuple[Limits, ...] = ()
    flags: tuple[Flag, ...] = ()
    target: Target | None = None
    last: str = ""
    """What is written at the end of the line, as "9, signal"."""
    room: Room = "row"


@dataclass(frozen=True)
class Dot:
    """One event of a dot chart."""

    at: datetime
    """When, in the reader's zone."""
    seconds: float
    name: str
    """What it is: "shop-web #3120"."""
    worded: str
    """Its length in words."""
    href: str | None = None
    label: str = ""
    """Written at the right end of the chart, for the newest."""


@dataclass(frozen=True)
class Dots:
    """A dot an event over weeks, by a length of time on a log axis; hollow beyond the target."""

    caption: Caption
    column: str
    first: date
    """The Monday the chart begins on."""
    weeks: int
    dots: tuple[Dot, ...]
    flags: tuple[Flag, ...] = ()
    target: Target | None = None
    room: Room = "row"


@dataclass(frozen=True)
class Spot:
    """One of many on a strip."""

    value: float
    name: str
    worded: str
    href: str | None = None
    unusual: bool = False
    named: bool = False
    """Labelled in the chart; keep it to a handful."""


@dataclass(frozen=True)
class Strip:
    """Everything of one measure as a dot on one log axis, the unusual marked, the farthest named."""

    caption: Caption
    axis: Literal["time", "count"]
    column: str
    spots: tuple[Spot, ...]
    unit: str = ""
    """Written once on the axis, as "lines"."""


@dataclass(frozen=True)
class Down:
    """One week of availability."""

    monday: date
    label: str
    minutes: float | None
    """Minutes down; none where nothing was measured."""
    worded: str
    href: str | None = None


@dataclass(frozen=True)
class Uptime:
    """Minutes down by week, as bars."""

    caption: Caption
    weeks: tuple[Down, ...]


@dataclass(frozen=True)
class Stage:
    """One stage of a change's way, with its median."""

    name: str
    seconds: float
    worded: str
    href: str | None = None


@dataclass(frozen=True)
class Stages:
    """Stages after each other, each beginning where the one before ended; the longest stands out."""

    caption: Caption
    stages: tuple[Stage, ...]


Data = Weekly | Dots | Strip | Uptime | Stages

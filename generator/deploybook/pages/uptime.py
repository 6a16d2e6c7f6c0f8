"""`uptime/`: the share of time not down, by monitors and by incidents, and where the two disagree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow.compute as pc
from markupsafe import Markup

from deploybook import words
from deploybook.charts.model import Caption, Chart
from deploybook.pages import five, plots, readings
from deploybook.pages.book import Book
from deploybook.pages.deployments import Item
from deploybook.pages.five import Spark
from deploybook.pages.page import Page
from deploybook.pages.readings import WEEKS, Reading
from deploybook.text import slug

ALIKE = 60
"""Seconds by which monitors and incidents may differ and still agree."""
SILENT = timedelta(hours=48)
"""A monitor that says when it was up, and has said nothing for so long, no longer watches."""


@dataclass(frozen=True)
class Line:
    """A codebase's uptime."""

    name: Item
    share: str
    small: str
    down: str
    spark: Spark | None
    counted_by: str
    by_incidents: str
    differs: bool
    silent: str
    """Since when its monitors say nothing, where they did say when it was up."""


@dataclass(frozen=True)
class UptimePage:
    """The model of `uptime/`."""

    kicker: str
    sentence: str
    simulated: bool
    zone: str
    chart: Chart | None
    lines: tuple[Line, ...]
    unknown: tuple[str, ...]
    differing: int
    silent: int


def pages(book: Book) -> Iterator[Page]:
    """The page."""
    yield Page("uptime", "uptime.md.jinja", "Uptime", uptime_page(book))


def says(reading: Reading, weeks: int = WEEKS) -> str:
    """Uptime in a sentence without its full stop; empty where it is unknown."""
    if not reading.denominator:
        return ""
    down = reading.denominator - reading.numerator
    if not down:
        return f"Up all of {weeks} weeks, as far as it is known"
    share = words.percent(reading.numerator / reading.denominator, 2)
    bad = sum(bool(f.denominator) and f.numerator != f.denominator for f in reading.figures)
    weeks_down = words.count(bad, "week", words=True)
    return f"Up {share} of {weeks} weeks: down {words.duration(down)}, in {weeks_down}"


def chart(book: Book, reading: Reading) -> Chart | None:
    """Minutes down by week, all codebases together."""
    title = says(reading)
    caption = Caption(
        title, "Minutes down, by week, all codebases together.", f"Bars of minutes down by week. {title}."
    )
    return plots.draw(book, plots.uptime(reading, caption, book) if title else None)


def uptime_page(book: Book) -> UptimePage:
    """The model of the page."""
    reading = readings.read(book, "site", "", "uptime")
    monitored = set(book.history["availability"].column("codebase").unique().to_pylist())
    heard = last_heard(book)
    lines = tuple(
        line
        for name in book.codebases
        if (line := _line(book, name, heard.get(name), monitored=name in monitored))
    )
    known = {line.name.text for line in lines}
    differing = sum(line.differs for line in lines)
    told = says(reading)
    return UptimePage(
        kicker=f"Uptime, last {WEEKS} weeks",
        sentence=f"{told}." if told else "Nobody has said yet whether users were down.",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        chart=chart(book, reading),
        lines=lines,
        unknown=tuple(name for name in book.codebases if name not in known),
        differing=differing,
        silent=sum(bool(line.silent) for line in lines),
    )


def last_heard(book: Book) -> dict[str, datetime]:
    """Until when the monitors of each codebase spoke; one that tells of nothing but outages may be silent."""
    told = book.history["availability"]
    watching = pc.unique(told.filter(pc.not_equal(told["state"], "down"))["codebase"])
    until = told.filter(pc.is_in(told["codebase"], watching)).group_by("codebase").aggregate([("to", "max")])
    return {row["codebase"]: row["to_max"] for row in until.to_pylist()}


def _line(book: Book, name: str, heard: datetime | None, *, monitored: bool) -> Line | None:
    reading = readings.read(book, "codebase", name, "uptime")
    told = readings.read(book, "codebase", name, "uptime_incidents")
    if not reading.denominator:
        return None
    down = reading.denominator - reading.numerator
    told_down = told.denominator - told.numerator
    both = monitored and bool(told.denominator)
    unknown = f"{words.duration(reading.missing)} unknown" if reading.missing else ""
    return Line(
        name=Item(name, Markup(f"~/metrics/{slug(name)}/")),
        share=words.percent(reading.numerator / reading.denominator, 2),
        small=f"of {words.duration(reading.denominator)}" + (f", {unknown}" if unknown else ""),
        down=words.duration(down) if down else "never",
        spark=five.spark(reading, f"{name}: uptime by week over {WEEKS} weeks") if down else None,
        counted_by="monitors" if monitored else "incidents",
        by_incidents=(words.duration(told_down) if told_down else "never") if told.denominator else "–",
        differs=both and abs(down - told_down) > ALIKE,
        silent=words.day(heard, book.zone, year=True) if heard and heard + SILENT < book.as_of else "",
    )

"""From readings and rows to the data of charts, with their flags and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from deploybook import words
from deploybook.charts.model import (
    Caption,
    Chart,
    Data,
    Down,
    Flag,
    Limits,
    Room,
    Target,
    Uptime,
    Week,
    Weekly,
)
from deploybook.pages.book import Book
from deploybook.pages.figures import Figure
from deploybook.pages.readings import Reading, worded
from deploybook.periods import Period
from deploybook.text import link


@dataclass(frozen=True)
class FlagNote:
    """What a numbered flag of the charts says."""

    number: int
    when: Markup
    words: Markup | str
    day: date


def flag_notes(book: Book, first: date, codebase: str | None = None) -> tuple[FlagNote, ...]:
    """The annotations since a day, numbered in their order; those of one codebase, or all of them."""
    notes = sorted(
        (note.on, note.text, note)
        for note in book.config.annotations
        if first <= note.on <= book.this_week.end
        and (codebase is None or note.codebases is None or codebase in note.codebases)
    )
    found = []
    for number, (day, text, note) in enumerate(notes, 1):
        says: Markup | str = text
        if url := link(note.url):
            says = Markup('<a href="{}">{}</a>').format(url, text)
        if note.codebases is not None and codebase is None:
            says = words.joined([Markup("{} ({})").format(says, ", ".join(sorted(note.codebases)))])
        if note.cadence and (note.codebases is None or codebase is not None):
            says = Markup("{}. Limits are drawn anew").format(says)
        when = Markup('<time datetime="{}">{}</time>').format(
            Markup(day.isoformat()), words.day(day, year=day.year != book.this_week.year)
        )
        found.append(FlagNote(number, when, says, day))
    return tuple(found)


def chart_flags(notes: Iterable[FlagNote]) -> tuple[Flag, ...]:
    """The same for a drawing."""
    return tuple(Flag(note.number, note.day) for note in notes)


def week_link(book: Book, monday: date) -> Markup | None:
    """Where a week's rows are told; none where it has no page."""
    week = Period("week", monday)
    known = book.weeks and book.weeks[0].start <= monday <= book.weeks[-1].start
    return book.week_href(week) if known else None


def weekly(
    book: Book,
    reading: Reading,
    caption: Caption,
    column: str,
    says: Callable[[Figure], str],
    *,
    notes: Sequence[FlagNote] = (),
    target: Target | None = None,
    room: Room = "row",
    href: Callable[[date], str | None] | None = None,
) -> Weekly:
    """The line of a series.

    Args:
        book: For the addresses of weeks.
        reading: The series.
        caption: The words around it.
        column: The heading of the value in the rows.
        says: A week's figure in words.
        notes: Flags.
        target: A line.
        room: Where it stands.
        href: Where a week's point leads; by default to the week's page.
    """
    leads = href or (lambda monday: week_link(book, monday))
    weeks = tuple(
        Week(
            monday=figure.start,
            label=week_label(figure.start, book.this_week.year),
            value=figure.value,
            worded=says(figure),
            href=leads(figure.start),
            hollow=figure.start in reading.hollow,
            signal=figure.start in reading.signals,
        )
        for figure in reading.figures
    )
    last = reading.figures[-1] if reading.figures else None
    end = ""
    if last is not None and last.value is not None:
        end = says(last) if reading.nature != "count" else worded("count", last.value)
        if last.start in reading.signals:
            end += ", signal"
    return Weekly(
        caption=caption,
        axis=reading.nature,
        column=column,
        weeks=weeks,
        limits=tuple(_limits(reading)),
        flags=chart_flags(notes),
        target=target,
        last=end,
        room=room,
    )


def week_label(monday: date, year: int) -> str:
    """How a week is named in rows: "47", with its year where that is another one."""
    iso = monday.isocalendar()
    return str(iso.week) if iso.year == year else f"{iso.week}, {iso.year}"


def _limits(reading: Reading) -> Iterable[Limits]:
    if not reading.figures:
        return
    first = reading.figures[0].start
    for segment in reading.segments:
        if segment.centre is None or segment.lower is None or segment.upper is None or segment.last < first:
            continue
        start = max(0, (segment.first - first).days // 7)
        end = (segment.last - first).days // 7 + 1
        yield Limits(start, end, segment.centre, segment.lower, segment.upper)


def uptime(reading: Reading, caption: Caption, book: Book) -> Uptime:
    """Minutes down by week."""
    return Uptime(
        caption,
        tuple(
            Down(
                monday=figure.start,
                label=week_label(figure.start, book.this_week.year),
                minutes=_down(figure),
                worded=_down_words(figure),
                href=week_link(book, figure.start),
            )
            for figure in reading.figures
        ),
    )


def _down(figure: Figure) -> float | None:
    if not figure.denominator:
        return None
    return (figure.denominator - (figure.numerator or 0)) / 60


def _down_words(figure: Figure) -> str:
    minutes = _down(figure)
    return "–" if minutes is None else words.duration(minutes * 60) if minutes else "none"


def draw(book: Book, data: Data | None) -> Chart | None:
    """Draw a chart; none where there is nothing to draw."""
    return book.studio.draw(data) if data is not None and book.studio is not None else None


def first_monday(book: Book, weeks: int) -> date:
    """The Monday of the first of so many weeks, this one the last."""
    return book.this_week.start - timedelta(weeks=weeks - 1)

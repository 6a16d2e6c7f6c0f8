"""`practices/how-to/`: how each practice is met, what its answer is read from, and where to look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from deploybook.pages.book import Book
from deploybook.pages.page import Page
from deploybook.practices import CHECKS, Check
from deploybook.practices.ways import way_of
from deploybook.text import escape, slug

PATH = "practices/how-to"
_PIPELINES = "process/pipelines/"


@dataclass(frozen=True)
class HowTo:
    """A practice: what it asks, what it is read from, what to do."""

    id: Markup
    name: str
    title: str
    asks: str
    asked: str
    reads: str
    how: str
    write: Markup
    look: Markup | None


@dataclass(frozen=True)
class HowToPage:
    """The model of `practices/how-to/`."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    ladders: tuple[tuple[str, tuple[HowTo, ...]], ...]


def anchor(check: Check) -> Markup:
    """Where a practice stands, on this page and on those of codebases."""
    return Markup(slug(f"{check.stage}-{check.id}", limit=120))


def href(check: Check) -> Markup:
    """The way to how a practice is met."""
    return Markup("~/{}/#{}").format(PATH, anchor(check))


def pages(book: Book) -> Iterator[Page]:
    """The page, where there is a codebase to ask."""
    if not book.codebases:
        return
    model = HowToPage(
        kicker="Practices, how to meet each",
        sentence="What each practice asks, and what to do about it.",
        lead="An answer is read from history where history knows it. "
        "What it does not know is “not measured”, and never guessed.",
        simulated=book.config.site.simulated,
        ladders=tuple(
            (stage.capitalize(), tuple(_how(book, check) for check in CHECKS if check.stage == stage))
            for stage in ("weekly", "daily")
        ),
    )
    yield Page(PATH, "practices-how-to.md.jinja", "How to meet each practice", model, toc=True)


def _how(book: Book, check: Check) -> HowTo:
    way = way_of(check)
    there = bool(way.page) and (way.page != _PIPELINES or any(book.pipelines.values()))
    return HowTo(
        id=anchor(check),
        name=check.id,
        title=check.title,
        asks=check.about,
        asked=check.asked,
        reads=way.reads,
        how=way.how,
        write=_as_written(way.write),
        look=Markup("~/{}").format(way.page) if there else None,
    )


def _as_written(text: str) -> Markup:
    """Lines with their indents, which as plain text would not outlive Markdown."""
    lines = []
    for line in text.split("\n"):
        words = line.lstrip(" ")
        lines.append(Markup("&#32;") * (len(line) - len(words)) + escape(words))
    return Markup("&#10;").join(lines)

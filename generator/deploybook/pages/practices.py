"""`practices/`: how far each codebase is on the way to weekly and to daily, check by check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup

from deploybook import words
from deploybook.pages import howto
from deploybook.pages.answers import Practices
from deploybook.pages.book import MANY_CODEBASES, Book
from deploybook.pages.ladderstory import Chapter, chapters, line, together
from deploybook.pages.page import File, Page
from deploybook.practices import CHECKS, Answer, Check, Evidence, Status
from deploybook.text import escape, link, slug

_STATES: dict[Status, tuple[str, str]] = {
    "met": ("met", "met"),
    "not_met": ("unmet", "not met"),
    "not_applicable": ("na", "not applicable"),
    "not_measured": ("unmeasured", "not measured"),
}
_WORDS: dict[str, str] = {status: word for status, (_, word) in _STATES.items()}
_NEXT = 4


@dataclass(frozen=True)
class Cell:
    """One answer in the matrix."""

    state: str
    word: str
    href: Markup


@dataclass(frozen=True)
class Row:
    """A practice over all codebases; of many, how many and not which."""

    name: str
    asked: str
    cells: tuple[Cell | str, ...]


@dataclass(frozen=True)
class Group:
    """Practices of one subject."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Gap:
    """An answer with its figure, its evidence and the next step."""

    id: Markup
    title: str
    state: str
    word: str
    says: str
    next: str
    how: Markup
    """The way to how it is met."""
    evidence: tuple[Markup | str, ...]
    history: str


@dataclass(frozen=True)
class Ladder:
    """A ladder of one codebase: its answers by subject."""

    title: str
    groups: tuple[tuple[str, tuple[Gap, ...]], ...]


@dataclass(frozen=True)
class CodebasePage:
    """The model of `practices/<codebase>/`."""

    kicker: str
    sentence: str
    simulated: bool
    story: tuple[Chapter, ...]
    ladders: tuple[Ladder, ...]


@dataclass(frozen=True)
class PracticesPage:
    """The model of `practices/`."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    asof: tuple[Markup | str, ...]
    first: tuple[Gap, ...]
    codebases: tuple[str, ...]
    weekly: tuple[Group, ...]
    daily: tuple[Group, ...]
    daily_says: str
    story: tuple[str, ...]
    """The way of all of them, in a few sentences."""
    ways: tuple[tuple[object, ...], ...]
    """The way of each codebase up the ladder, a row each."""
    progress: tuple[tuple[object, ...], ...]
    quarters: tuple[str, ...]


def pages(book: Book, practices: Practices) -> Iterator[Page | File]:
    """The practices pages."""
    yield from howto.pages(book)
    if book.codebases:
        yield Page("practices", "practices.md.jinja", "Practices", practices_page(book, practices))
    few = len(book.codebases) <= MANY_CODEBASES  # else a search for a practice finds each codebase's page
    for name in book.codebases:
        model, path = codebase_page(book, practices, name), f"practices/{slug(name)}"
        title = f"Practices of {name}"
        yield Page(path, "practices-codebase.md.jinja", title, model, search=few, toc=True)


def practices_page(book: Book, practices: Practices) -> PracticesPage:
    """The model of `practices/`."""
    now = practices.now
    weekly = [check for check in CHECKS if check.stage == "weekly"]
    return PracticesPage(
        kicker="Practices, what deploying weekly and daily asks of us",
        sentence=_sentence(book, now, weekly),
        lead=_lead(book, now, weekly),
        simulated=book.config.site.simulated,
        asof=("last 90 days", "no scores, no ranking"),
        first=tuple(_first(book, practices)),
        codebases=tuple(book.codebases) if len(book.codebases) <= MANY_CODEBASES else (),
        weekly=tuple(_groups(book, now, "weekly")),
        daily=tuple(_groups(book, now, "daily")),
        daily_says=_daily_says(book, now),
        story=together(book, practices),
        ways=tuple(_ways(book, practices)),
        progress=tuple(_progress(book, practices)),
        quarters=tuple(f"{words.month(at, short=True)} {at.year}" for at, _ in practices.before),
    )


def _sentence(book: Book, now: dict[tuple[str, Check], Answer], weekly: Sequence[Check]) -> str:
    """How many are met wherever they apply; one that applies nowhere is not met."""
    found = [{now[name, check].status for name in book.codebases} for check in weekly]
    everywhere = sum("met" in each <= {"met", "not_applicable"} for each in found)
    says = f"{words.number(everywhere)} of {len(weekly)} weekly practices {_are(everywhere)} met"
    many = words.count(len(book.codebases), "codebase", words=True)
    return f"{says} in all {many}." if len(book.codebases) > 1 else f"{says}."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _lead(book: Book, now: dict[tuple[str, Check], Answer], weekly: Sequence[Check]) -> str:
    """What is left: answers of all codebases."""
    counts = Counter(now[name, check].status for name in book.codebases for check in weekly)
    if not counts["not_met"] + counts["not_measured"]:
        return "Nothing is left to do for weekly."
    left = []
    if counts["not_met"]:
        left.append(
            f"{words.count(counts['not_met'], 'answer', words=True)} {_are(counts['not_met'])} “not met”"
        )
    if counts["not_measured"]:
        left.append(f"{words.spelled(counts['not_measured'])} cannot be measured yet")
    if (apart := counts["not_applicable"]) and len(book.codebases) == 1:
        left.append(f"{words.spelled(apart)} {'does' if apart == 1 else 'do'} not apply")
    return f"Of the rest, {words.joined(left)}."


def _groups(book: Book, now: dict[tuple[str, Check], Answer], stage: str) -> Iterator[Group]:
    checks = [check for check in CHECKS if check.stage == stage]
    for title in dict.fromkeys(check.group for check in checks):
        rows = tuple(
            Row(
                check.title,
                check.asked,
                tuple(_cell(name, check, now[name, check]) for name in book.codebases)
                if len(book.codebases) <= MANY_CODEBASES
                else _counts(book, check, now),
            )
            for check in checks
            if check.group == title
        )
        yield Group(title, rows)


def _counts(book: Book, check: Check, now: dict[tuple[str, Check], Answer]) -> tuple[str, ...]:
    """In how many codebases each answer holds, in the order of the answers."""
    counts = Counter(now[name, check].status for name in book.codebases)
    return tuple(words.number(counts[status]) for status in _STATES)


def _cell(name: str, check: Check, found: Answer) -> Cell:
    state, word = _STATES[found.status]
    return Cell(state, word, Markup("~/practices/{}/#{}").format(slug(name), howto.anchor(check)))


def _daily_says(book: Book, now: dict[tuple[str, Check], Answer]) -> str:
    check = next(check for check in CHECKS if check.id == "deploy.daily")
    on = [name for name in book.codebases if now[name, check].status == "met"]
    if on:
        return f"{words.joined(on)} deploy on most working days."
    return "Where we are going. No codebase deploys on most days yet."


def _gap(book: Book, practices: Practices, name: str, check: Check, *, anchor: bool) -> Gap:
    found = practices.now[name, check]
    state, word = _STATES[found.status]
    step = "" if found.status in ("met", "not_applicable") else found.step or check.step
    id_ = howto.anchor(check)
    return Gap(
        id=id_,
        title=check.title if anchor else f"{check.title}: {name}",
        state=state,
        word=word,
        says=found.says,
        next=step,
        how=howto.href(check),
        evidence=tuple(_evidence(book, row) for row in found.evidence[:6]),
        history=_history(practices, name, check),
    )


def _history(practices: Practices, name: str, check: Check) -> str:
    if not check.timed:
        return _published(practices, name, check)
    answers = [(at, found[name, check].status) for at, found in practices.before]
    told = [f"{words.month(at, short=True)} {at.year} {_STATES[status][1]}" for at, status in answers]
    return f"Before: {', '.join(told)}." if told else ""


def _published(practices: Practices, name: str, check: Check) -> str:
    """Since when this site has given the answer, and which it gave before."""
    book, status = practices.book, practices.now[name, check].status
    found = list(practices.told.get((name, check.id, check.stage), ()))
    if not found or found[-1][1] != status:
        found.append((book.as_of, status))
    days = [at.astimezone(book.zone).date() for at, _ in found]
    told = [
        f"{_WORDS[each]} {'from' if number < len(found) else 'since'} "
        f"{day.day} {words.month(day, short=True)} {day.year}"
        for number, ((_, each), day) in enumerate(zip(found, days, strict=True), 1)
    ]
    tail = ", when this site first asked" if len(found) == 1 else ""
    says = ", ".join(told[-4:])
    return f"{says[0].upper()}{says[1:]}{tail}."


def _evidence(book: Book, row: Evidence) -> Markup | str:
    href: Markup | None = None
    if row.deployment is not None:
        href = book.deployment_href(row.deployment)
    elif row.change is not None:
        href = link(row.change.url) or book.change_href(row.change)
    says = Markup('<a href="{}">{}</a>').format(href, escape(row.says)) if href else escape(row.says)
    if isinstance(row.at, datetime):
        return Markup("{}: {}").format(words.moment(row.at, book.zone, "short"), says)
    if row.at is not None:
        return Markup("{}: {}").format(f"{row.at.day} {words.month(row.at, short=True)} {row.at.year}", says)
    return says


def _first(book: Book, practices: Practices) -> Iterator[Gap]:
    """What to take next: in the order of the ladder, weekly first, and not all from one codebase."""
    told: Counter[str] = Counter()
    for check in CHECKS:
        names = [name for name in book.codebases if practices.now[name, check].status == "not_met"]
        if names and sum(told.values()) < _NEXT:
            name = min(names, key=lambda each: told[each])
            told[name] += 1
            gap = _gap(book, practices, name, check, anchor=False)
            rest = [each for each in names if each != name]
            others = f" and {rest[0] if len(rest) == 1 else words.count(len(rest), 'other')}" if rest else ""
            yield replace(gap, title=gap.title + others, history="")


def codebase_page(book: Book, practices: Practices, name: str) -> CodebasePage:
    """The model of `practices/<codebase>/`."""
    counts = Counter(practices.now[name, check].status for check in CHECKS if check.stage == "weekly")
    says = f"{name} does all that a weekly deploy asks."
    parts = ((counts["not_met"], "not met"), (counts["not_measured"], "not measured"))
    if left := [f"{words.spelled(count)} {_are(count)} {word}" for count, word in parts if count]:
        says = f"Of what a weekly deploy asks, {words.joined(left)} in {name}."
    return CodebasePage(
        kicker=f"Practices of {name}",
        sentence=says,
        simulated=book.config.site.simulated,
        story=tuple(chapters(book, practices, name)),
        ladders=tuple(
            Ladder(stage.capitalize(), tuple(_ladder(book, practices, name, stage)))
            for stage in ("weekly", "daily")
        ),
    )


def _ladder(book: Book, practices: Practices, name: str, stage: str) -> Iterator[tuple[str, tuple[Gap, ...]]]:
    checks = [check for check in CHECKS if check.stage == stage]
    for title in dict.fromkeys(check.group for check in checks):
        own = (check for check in checks if check.group == title)
        yield title, tuple(_gap(book, practices, name, check, anchor=True) for check in own)


def _ways(book: Book, practices: Practices) -> Iterator[tuple[object, ...]]:
    for name in book.codebases:
        href = Markup("~/practices/{}/").format(slug(name))
        yield ({"text": name, "href": href}, *line(book, practices, name))


def _progress(book: Book, practices: Practices) -> Iterator[tuple[object, ...]]:
    """In how many codebases a practice was met, for those that history can answer and that moved."""
    for check in CHECKS:
        if not check.timed:
            continue
        cells = []
        for found in [*(answers for _, answers in practices.before), practices.now]:
            asked = [found[name, check].status for name in book.codebases]
            asked = [status for status in asked if status not in ("not_applicable", "not_measured")]
            cells.append(f"{asked.count('met')} of {len(asked)}" if asked else "–")
        if len(set(cells)) > 1:
            yield (f"{check.title}, {check.stage}", *cells)

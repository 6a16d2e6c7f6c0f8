"""`metrics/outliers/`: everyone a dot, the unusual named, and the way to their source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.charts.model import Caption, Chart, Spot, Strip
from deploybook.linking.model import LinkedChange
from deploybook.pages import plots
from deploybook.pages.book import Book
from deploybook.pages.page import Page
from deploybook.pages.readings import WEEKS
from deploybook.pages.recent import Recent, deployment_name, last_was, of_whom
from deploybook.pages.telling import Teller, number
from deploybook.pages.unusual import (
    MEASURES,
    NAMES,
    STAGES,
    Key,
    Measure,
    Row,
    Unusual,
    Usual,
    find,
    key_of,
    lines_of,
)
from deploybook.text import link
from deploybook.words import NBSP

NAMED = 3
"""So many of a measure are named in its drawing."""
DRAWN = 100
"""More of the usual than this are thinned out."""
MARKED = 40
"""So many of the unusual are drawn, the farthest ones."""
LISTED = 60
ENOUGH = 20
"""Under so many values the greatest is always beyond the 95th percentile."""


@dataclass(frozen=True)
class Panel:
    """A strip with its figure."""

    id: Markup
    title: str
    question: str
    number: str | None
    unit: str
    href: Markup
    sample: str
    reason: str
    wanted: str
    """What it needs to be drawn."""
    chart: Chart | None


@dataclass(frozen=True)
class Line:
    """A change or deployment in the list, with everything that was unusual about it."""

    name: str
    href: Markup
    small: str
    unusual: str
    it: str
    usual: str
    where: str
    source: Markup | None
    source_words: str


@dataclass(frozen=True)
class OutliersPage:
    """The model of `metrics/outliers/`."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    zone: str
    panels: tuple[Panel, ...]
    lines: tuple[Line, ...]
    more: int
    weeks: int


def pages(book: Book, tell: Teller) -> Iterator[Page]:
    """The page, where the outliers are counted."""
    if "outliers" not in book.tables:
        return
    yield Page("metrics/outliers", "outliers.md.jinja", "Outliers", outliers_page(book, tell))


def outliers_page(book: Book, tell: Teller) -> OutliersPage:
    """The model of the page."""
    recent = Recent(book)
    found = find(book)
    rows: dict[Key, Row] = {key_of(change): change for change in recent.changes}
    rows |= {key_of(deployment): deployment for deployment in [*recent.deployments, *recent.failed]}
    known = {key: unusual for key, unusual in found.items() if key in rows}
    farthest = sorted(known, key=lambda key: -max(u.value / (u.limit or 1) for u in known[key]))
    listed = sorted(farthest[:LISTED], key=lambda key: (key[1], key[0], _natural(key[3])))
    usual = Usual(recent)
    count = sum(len(unusual) for unusual in known.values())
    return OutliersPage(
        kicker=f"Outliers, last {WEEKS} weeks",
        sentence=headline(recent.changes, known, usual, "" if recent.deployments else last_was(book)),
        lead=f"{words.number(count)} times in {WEEKS} weeks, a change or a deployment was beyond 95{NBSP}% of"
        " its own codebase’s. The farthest are named here, and all are listed below."
        if count
        else "With more changes and deployments, those far from their codebase’s usual are named here.",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        panels=tuple(_panel(book, recent, known, measure) for measure in MEASURES),
        lines=tuple(_line(book, tell, rows[key], known[key], usual) for key in listed),
        more=len(known) - len(listed),
        weeks=WEEKS,
    )


def _natural(id_: str) -> tuple[int, str]:
    return (int(id_), "") if id_.isdigit() and len(id_) < 18 else (0, id_)


def headline(
    changes: Sequence[LinkedChange], known: dict[Key, list[Unusual]], usual: Usual, last: str = ""
) -> str:
    """The farthest of all, and whether size went with it; without a slow change, what else was far.

    Args:
        changes: Those of these weeks.
        known: What was unusual of them and of deployments.
        usual: The medians.
        last: When the last deployment was, where that was before these weeks.
    """
    slow = [
        c for c in changes
        if c.lead_time_seconds is not None and any(u.measure == "lead_time" for u in known.get(key_of(c), []))
    ]  # fmt: skip
    if not slow:
        return _else_far(changes, known, last)
    slowest = max(slow, key=lambda c: c.lead_time_seconds or 0)
    took = words.duration(slowest.lead_time_seconds or 0)
    lines = lines_of(slowest)
    if lines is not None and any(u.measure == "size" for u in known[key_of(slowest)]):
        return f"Large and slow went together: the change of {took} had {words.number(lines)} lines."
    middle_ = usual(slowest.codebase, "lead_time", "change")
    half = words.duration(middle_ or 0)
    own = [c for c in changes if c.codebase == slowest.codebase]
    known_ = sum(c.lead_time_seconds is not None for c in own)
    whose = f"{of_whom(slowest.codebase)} changes"
    if known_ * 2 < len(own):
        whose = f"the {words.spelled(known_)} known of {whose}"
    return f"The slowest change took {took}; half of {whose} take {half} or less."


def _else_far(changes: Sequence[LinkedChange], known: dict[Key, list[Unusual]], last: str) -> str:
    """What was far from usual where no lead time was: by which measures, and how many."""
    if not known:
        if changes:
            return "Nothing was far from its codebase’s usual."
        if last:
            return f"Nothing reached users in {WEEKS} weeks; {last}."
        return f"No change is known to have reached users in {WEEKS} weeks."
    kinds = Counter(kind for kind, *_ in known)
    far = [words.count(kinds[kind], kind, words=True) for kind in ("change", "deployment") if kinds[kind]]
    found = {u.measure for unusual in known.values() for u in unusual}
    by = words.joined([name for measure, name in NAMES.items() if measure in found])
    said = f"{words.joined(far)} {'was' if len(known) == 1 else 'were'} far from the usual, by {by}"
    timed = any(c.lead_time_seconds is not None for c in changes)
    rest = "no lead time was" if timed else "no lead time is known"
    return f"{said[0].upper()}{said[1:]}; {rest}."


def _panel(book: Book, recent: Recent, known: dict[Key, list[Unusual]], measure: Measure) -> Panel:
    rows: Sequence[Row] = recent.changes
    if measure.kind == "deployment":
        rows = recent.failed if measure.id == "recovery" else recent.deployments
    valued = [(row, value) for row in rows if (value := measure.value(row)) is not None and value >= 0]
    unusual = {
        key
        for key, found in known.items()
        if any(u.measure == measure.id for u in found) and key[0] == measure.kind
    }
    mine = sorted(
        ((value, row) for row, value in valued if key_of(row) in unusual), key=lambda pair: -pair[0]
    )
    named = {key_of(row) for _, row in mine[:NAMED]}
    marked = {key_of(row) for _, row in mine[:MARKED]}
    plain = [(row, value) for row, value in valued if key_of(row) not in unusual]
    step = -(-len(plain) // DRAWN) if plain else 1
    drawn = [*plain[::step], *((row, value) for row, value in valued if key_of(row) in marked)]
    about = f"Each dot is a {measure.noun}"
    if step > 1:
        about += f"; of the usual, one in {step} is drawn"
    if len(mine) > MARKED:
        about += f"; of the unusual, the farthest {MARKED}"
    about += ". Log scale."
    title = _title(measure, mine)
    spots = tuple(
        Spot(
            value=value,
            name=_name(row),
            worded=_worded(measure.id, value, row),
            href=_href(book, row),
            unusual=key_of(row) in unusual,
            named=key_of(row) in named,
        )
        for row, value in drawn
    )
    size = measure.id == "size"
    data = Strip(
        Caption(title, about, f"{about} {title}."),
        "count" if size else "time",
        measure.title,
        spots,
        "lines" if size else "",
    )
    rest = _unknown(len(rows) - len(valued), measure.unknown)
    return Panel(
        id=Markup(measure.id.replace("_", "-")),
        title=measure.title,
        question=measure.question,
        number=words.number(len(mine)) if valued else None,
        unit="unusual",
        href=Markup("#list"),
        sample=f"of {words.count(len(valued), measure.noun)}{rest}",
        reason=f"none is known in {WEEKS} weeks{rest}",
        wanted=measure.wanted,
        chart=plots.draw(book, data if spots else None),
    )


def _unknown(count: int, says: str) -> str:
    """Of how many it is not known: "; 3 have no known size", "; 1 has no known size"; of none, nothing."""
    verb, _, rest = says.partition(" ")
    one = {"have": "has", "are": "is"}
    return f"; {words.number(count)} {one[verb] if count == 1 else verb} {rest}" if count else ""


def _title(measure: Measure, mine: list[tuple[float, Row]]) -> str:
    if not mine:
        return "None was unusual"
    named = mine[:NAMED]
    least = _worded(measure.id, *named[-1])
    verb = "had" if measure.id == "size" else "took"
    told = f"{words.count(len(named), measure.noun, start=True)} {verb} {least}"
    return f"{told} or more" if len(named) > 1 else told


def _worded(measure: str, value: float, row: Row) -> str:
    if measure != "size":
        return words.duration(value)
    return words.count(int(value), "line" if isinstance(row, LinkedChange) else "change")


def _name(row: Row) -> str:
    return f"{row.codebase} {number(row)}" if isinstance(row, LinkedChange) else deployment_name(row)


def _href(book: Book, row: Row) -> Markup:
    return book.change_href(row) if isinstance(row, LinkedChange) else book.deployment_href(row)


def _line(book: Book, tell: Teller, row: Row, found: list[Unusual], usual: Usual) -> Line:
    kind = "change" if isinstance(row, LinkedChange) else "deployment"
    order = list(NAMES)
    told = sorted(found, key=lambda u: order.index(u.measure))
    first = max(told, key=lambda u: u.value / (u.limit or 1))
    middle_ = usual(row.codebase, first.measure, kind)
    of = f" of {first.of}" if first.of < ENOUGH else ""
    if isinstance(row, LinkedChange):
        small, where, source = tell(row).words, _longest(row), link(row.url)
    else:
        small, where, source = f"Deployment to {row.environment}", " ".join(row.because[:1]), link(row.url)
    return Line(
        name=_name(row),
        href=_href(book, row),
        small=small,
        unusual=", ".join(NAMES[u.measure] for u in told),
        it=_worded(first.measure, first.value, row),
        usual=("–" if middle_ is None else _worded(first.measure, middle_, row)) + of,
        where=where,
        source=source,
        source_words=f"pull{NBSP}request"
        if isinstance(row, LinkedChange) and row.by_pull_request
        else "source",
    )


def _longest(change: LinkedChange) -> str:
    """Where a change's time went: its longest stage, or the time before the merge whose stages are unknown.

    Time from the merge to users is known wherever a lead time is: what the known stages leave was before it.
    """
    stages = [(getattr(change, f"{name}_seconds"), name) for name in STAGES]
    known = [(seconds, name) for seconds, name in stages if seconds is not None]
    if not known or not change.lead_time_seconds:
        return ""
    seconds, name = max(known)
    rest = change.lead_time_seconds - sum(seconds for seconds, _ in known)
    if len(known) < len(STAGES) and change.waiting_seconds is not None and rest > seconds:
        return f"before the merge {words.duration(rest)}"
    return f"{name} {words.duration(seconds)}"

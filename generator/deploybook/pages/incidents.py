"""`incidents/`: every incident, the deployment it is tied to and why, or why it is tied to none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedIncident
from deploybook.pages import drill
from deploybook.pages.book import MANY_INCIDENTS, Book
from deploybook.pages.deployments import Item
from deploybook.pages.drill import Way
from deploybook.pages.page import Page
from deploybook.pages.readings import WEEKS
from deploybook.pages.recent import Recent, duration_or_dash, middle
from deploybook.text import link, slug
from deploybook.words import NBSP

NEVER_CLOSED_DAYS = 30
"""Open for longer, an incident was probably never closed."""


@dataclass(frozen=True)
class Entry:
    """An incident."""

    anchor: Markup | None
    title: str
    href: Markup | None
    small: str
    started: Markup
    state: str
    state_word: Markup | str
    restore: str
    detect: str
    tied: tuple[tuple[Item, str], ...]
    because: str
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class Year:
    """The incidents of a year, newest first."""

    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Restored:
    """How soon users are out of trouble in one codebase."""

    name: Item
    incidents: str
    restore: str
    detect: str
    tied: str


@dataclass(frozen=True)
class IncidentsPage:
    """The model of `incidents/`."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    zone: str
    codebases: tuple[Restored, ...]
    years: tuple[Year, ...]
    archive: tuple[Item, ...]
    """The years that have pages of their own, newest first."""


@dataclass(frozen=True)
class YearPage:
    """The model of a year's page."""

    kicker: str
    sentence: str
    simulated: bool
    zone: str
    years: tuple[Year, ...]


def pages(book: Book) -> Iterator[Page]:
    """The page; where there are many, one for each year too."""
    found = by_id(book)
    yield Page("incidents", "incidents.md.jinja", "Incidents", incidents_page(book))
    if len(found) <= MANY_INCIDENTS:
        return
    for year in _years(book, found):
        count = words.count(len(year.entries), "incident", start=True)
        model = YearPage(
            kicker=f"Incidents, {year.name}",
            sentence=f"{count} began in {year.name}.",
            simulated=book.config.site.simulated,
            zone=book.config.site.timezone,
            years=(year,),
        )
        yield Page(
            f"incidents/{year.name}",
            "incidents_year.md.jinja",
            f"Incidents, {year.name}",
            model,
            search=False,
        )


def by_id(book: Book) -> dict[str, list[LinkedIncident]]:
    """Each incident with its rows, one a tie; newest first."""
    found: dict[str, list[LinkedIncident]] = defaultdict(list)
    for incident in sorted(book.incidents, key=lambda i: (i.started_at, i.id), reverse=True):
        if incident.started_at <= book.as_of:
            found[incident.id].append(incident)
    return found


def _years(book: Book, found: dict[str, list[LinkedIncident]]) -> Iterator[Year]:
    """The incidents by the year or the month they began in, newest first; an anchor for the first of each."""
    years: dict[str, list[Entry]] = defaultdict(list)
    seen: set[str] = set()
    for id_, rows in found.items():
        anchor = slug(id_)
        year = book.incident_period(rows[0].started_at)
        years[year].append(_entry(book, rows, Markup(anchor) if anchor not in seen else None))
        seen.add(anchor)
    yield from (Year(year, tuple(entries)) for year, entries in years.items())


def incidents_page(book: Book) -> IncidentsPage:
    """The model of the page."""
    found = by_id(book)
    since = Recent(book).since
    recent = {id_: rows for id_, rows in found.items() if rows[0].started_at >= since}
    open_ = [id_ for id_, rows in found.items() if rows[0].resolved_at is None]
    tied = sum(any(row.deployment or row.flag for row in rows) for rows in recent.values())
    said = sum(any(row.matched_by == "said" for row in rows) for rows in recent.values())
    many = len(found) > MANY_INCIDENTS
    shown = dict(
        islice(((id_, rows) for id_, rows in found.items() if id_ in recent or id_ in open_), MANY_INCIDENTS)
    )
    archive = sorted({book.incident_period(rows[0].started_at) for rows in found.values()}, reverse=True)
    return IncidentsPage(
        kicker=f"Incidents, last {WEEKS} weeks",
        sentence=_sentence(len(recent), len(open_)),
        lead=_lead(len(recent), tied, said),
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        codebases=tuple(_codebases(book, recent)),
        years=tuple(_years(book, shown if many else found)),
        archive=tuple(Item(year, Markup(f"~/incidents/{year}/")) for year in archive if many),
    )


def _lead(recent: int, tied: int, said: int) -> str:
    """How many are tied to what caused them, and how."""
    if not recent:
        return ""
    if not tied:
        return "None of them is tied to a deployment or a flag; each says why it is not."
    told = (
        f"{words.spelled(tied, start=True)} of them {'is' if tied == 1 else 'are'} tied to a deployment or a"
        f" flag, {words.spelled(said) if said else 'none'} because somebody said so"
    )
    return f"{told}; each of the others says why it is not." if tied < recent else f"{told}."


def _sentence(recent: int, open_: int) -> str:
    if not recent and not open_:
        return "No incident is known in these weeks."
    still = f"{words.spelled(open_, start=True)} {'is' if open_ == 1 else 'are'} not resolved"
    return f"{words.count(recent, 'incident', start=True)} in {WEEKS}{NBSP}weeks; " + (
        f"{still[0].lower()}{still[1:]}." if open_ else "all are resolved."
    )


def _codebases(book: Book, recent: dict[str, list[LinkedIncident]]) -> Iterator[Restored]:
    own: dict[str, dict[str, LinkedIncident]] = defaultdict(dict)
    ties: dict[str, list[LinkedIncident]] = defaultdict(list)
    for rows in recent.values():
        for row in rows:
            if row.codebase:
                own[row.codebase].setdefault(row.id, row)
                ties[row.codebase].append(row)
    for name in book.codebases:
        rows = list(own[name].values())
        if not rows:
            continue
        resolved = [row.time_to_restore_seconds for row in rows if row.time_to_restore_seconds is not None]
        detected = [
            row.time_to_detect_seconds for row in ties[name] if row.time_to_detect_seconds is not None
        ]
        tied = sum(any(t.deployment or t.flag for t in ties[name] if t.id == row.id) for row in rows)
        yield Restored(
            name=Item(name, Markup(f"~/metrics/{slug(name)}/")),
            incidents=words.number(len(rows)),
            restore=_median(resolved),
            detect=_median(detected),
            tied=f"{tied} of{NBSP}{len(rows)}",
        )


def _median(values: list[int]) -> str:
    return f"{duration_or_dash(middle(values))}, of{NBSP}{len(values)}" if values else "–"


def _entry(book: Book, rows: list[LinkedIncident], anchor: Markup | None) -> Entry:
    first = rows[0]
    source = link(first.url)
    codebases = sorted({row.codebase for row in rows if row.codebase})
    small = [first.id, *codebases, *([first.severity] if first.severity else [])]
    if first.down:
        small.append("users were down")
    state, word = _state(book, first)
    detect = [row.time_to_detect_seconds for row in rows if row.time_to_detect_seconds is not None]
    return Entry(
        anchor=anchor,
        title=first.title or f"Incident {first.id}",
        href=source,
        small=", ".join(dict.fromkeys(small)),
        started=words.moment(first.started_at, book.zone, "when"),
        state=state,
        state_word=word,
        restore=duration_or_dash(first.time_to_restore_seconds),
        detect=duration_or_dash(min(detect) if detect else None),
        tied=tuple(_tie(book, row) for row in rows if row.deployment or row.flag),
        because=" ".join(
            dict.fromkeys(row.unmatched_because for row in rows if row.unmatched_because and not row.flag)
        ),
        ways=tuple(
            way for row in {row.codebase: row for row in rows if row.codebase}.values()
            for way in drill.ways(book, drill.of_incident(book, row))
        ),
    )  # fmt: skip


def _tie(book: Book, row: LinkedIncident) -> tuple[Item, str]:
    if row.flag and not row.deployment:
        return Item(f"flag {row.flag}", Markup(f"~/metrics/flags/{slug(row.flag)}/")), "said"
    key = (row.codebase or "", row.deployment_environment or "", row.deployment or "")
    deployment = book.deployment.get(key)
    name = f"{row.codebase}/{row.deployment}"
    href = book.deployment_href(deployment) if deployment else None
    why = (
        "said"
        if row.matched_by == "said"
        else f"within {book.config.counting.near_hours:g}{NBSP}hours after it"
    )
    return Item(name, href), why


def _state(book: Book, incident: LinkedIncident) -> tuple[str, Markup | str]:
    if incident.resolved_at is not None:
        return "ok", "resolved"
    if (book.as_of - incident.started_at).days >= NEVER_CLOSED_DAYS:
        return "quiet", "probably never closed"
    return "bad", "open"

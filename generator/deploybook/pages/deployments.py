"""`deployments/`: every deployment as an anchor, with what it brought, how it went, and why we say so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedDeployment, shortened
from deploybook.pages import drill
from deploybook.pages.book import Book, deployment_anchor
from deploybook.pages.drill import Way
from deploybook.pages.page import Page
from deploybook.pages.readings import WEEKS
from deploybook.pages.recent import Recent, deployment_name, duration_or_dash, last_was, needed_fix
from deploybook.pages.stops import promotions
from deploybook.pages.telling import number
from deploybook.text import link, slug

LISTED = 150
"""So many of the newest stand in a list of the whole site; all of them are on their codebases' pages."""
SHOWN_CHANGES = 8
REWORK = ("hotfix", "revert", "rollback")

ByYear = dict[str, dict[int, list[LinkedDeployment]]]


@dataclass(frozen=True)
class Item:
    """Words with an address, or only words."""

    text: str
    href: Markup | None = None


@dataclass(frozen=True)
class Entry:
    """A deployment with everything that is known of it."""

    anchor: Markup | None
    name: str
    href: Markup
    version: str
    environment: str
    when: Markup
    time_from: str
    state: str
    state_word: str
    evidence: str
    because: tuple[str, ...]
    over: Markup | str
    corrected: str
    changes: tuple[Item, ...]
    more_changes: int
    no_changes: str
    withdrew: tuple[Item, ...]
    took: str
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class Month:
    """The deployments of a month, newest first."""

    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class YearPage:
    """The model of a codebase's year."""

    kicker: str
    sentence: str
    codebase: str
    metrics: Markup
    simulated: bool
    zone: str
    months: tuple[Month, ...]
    prev: Item | None
    next: Item | None


@dataclass(frozen=True)
class Failed:
    """A failed deployment in the list of them."""

    name: str
    href: Markup
    when: Markup
    evidence: str
    because: str
    recovery: str
    corrected: bool


@dataclass(frozen=True)
class Repair:
    """A hotfix, revert or rollback."""

    name: str
    href: Markup
    when: Markup
    kind: str
    brought: str


@dataclass(frozen=True)
class IndexPage:
    """The model of `deployments/`."""

    kicker: str
    sentence: str
    simulated: bool
    zone: str
    codebases: tuple[tuple[Item, tuple[Item, ...]], ...]
    failed: tuple[Failed, ...]
    acquitted: tuple[Failed, ...]
    repairs: tuple[Repair, ...]
    stopped: tuple[Markup, ...]
    """Promotions that never reached users, newest first."""
    rest: tuple[int, int, int]
    """How many failed, stopped and mending ones more there are than are listed."""
    weeks: int


def by_year(book: Book) -> ByYear:
    """Deployments of each codebase, year by year."""
    found: ByYear = defaultdict(lambda: defaultdict(list))
    for deployment in book.deployments:
        found[deployment.codebase][deployment.at.astimezone(book.zone).year].append(deployment)
    return found


def pages(book: Book, years: ByYear) -> Iterator[Page]:
    """The list."""
    yield Page("deployments", "deployments.md.jinja", "Deployments", index(book, years), toc=True)


def year_pages(book: Book, years: ByYear, codebases: Sequence[str]) -> Iterator[Page]:
    """A page for each year of some codebases."""
    for codebase in codebases:
        for year in sorted(years[codebase]):
            yield Page(
                f"deployments/{slug(codebase)}/{year}",
                "deployments_year.md.jinja",
                f"{codebase} deployments, {year}",
                year_page(book, codebase, year, years[codebase]),
                search=False,
                toc=True,
            )


def index(book: Book, years_of: ByYear) -> IndexPage:
    """The model of the list."""
    recent = Recent(book)
    reached = [d for d in recent.deployments if d.reached]
    failed = sorted((d for d in reached if d.needed_intervention), key=lambda d: d.at, reverse=True)
    acquitted = [d for d in reversed(reached) if d.corrected and not d.needed_intervention]
    repairs = [d for d in reversed(reached) if d.kind in REWORK]
    stopped = [stop.says for stop in reversed(promotions(book)) if stop.at >= recent.since]
    sentence = f"{words.count(len(reached), 'deployment', start=True)} reached users in {WEEKS} weeks"
    if reached:
        sentence += f"; {needed_fix(book, len(failed), len(reached))}"
    elif last := last_was(book):
        sentence += f"; {last}"
    return IndexPage(
        kicker=f"Deployments, last {WEEKS} weeks",
        sentence=f"{sentence}.",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        codebases=tuple(
            (
                Item(codebase, Markup(f"~/metrics/{slug(codebase)}/")),
                tuple(
                    Item(f"{year} ({words.number(_reached(years[year]))})", year_href(codebase, year))
                    for year in sorted(years, reverse=True)
                ),
            )
            for codebase, years in sorted(years_of.items())
        ),
        failed=tuple(_failed(book, d) for d in failed[:LISTED]),
        acquitted=tuple(_failed(book, d) for d in acquitted),
        repairs=tuple(_repair(book, d) for d in repairs[:LISTED]),
        stopped=tuple(stopped[:LISTED]),
        rest=(len(failed[LISTED:]), len(stopped[LISTED:]), len(repairs[LISTED:])),
        weeks=WEEKS,
    )


def _reached(deployments: Sequence[LinkedDeployment]) -> int:
    """How many reached users: what the page of a year says, too."""
    return sum(d.counted and d.reached for d in deployments)


def year_href(codebase: str, year: int) -> Markup:
    """Where a codebase's deployments of a year are."""
    return Markup(f"~/deployments/{slug(codebase)}/{year}/")


def _failed(book: Book, deployment: LinkedDeployment) -> Failed:
    return Failed(
        name=deployment_name(deployment),
        href=book.deployment_href(deployment),
        when=words.moment(deployment.at, book.zone, "short"),
        evidence=", ".join(deployment.evidence),
        because=(_correction(book, deployment) if deployment.corrected else " ".join(deployment.because)),
        recovery=duration_or_dash(deployment.recovery_seconds) if deployment.recovered_at else "not over",
        corrected=deployment.corrected is not None,
    )


def _repair(book: Book, deployment: LinkedDeployment) -> Repair:
    brought = words.count(len(deployment.delivered), "change")
    if deployment.kind == "rollback":
        brought = f"took out {words.count(len(deployment.withdrew), 'change')}"
    return Repair(
        name=deployment_name(deployment),
        href=book.deployment_href(deployment),
        when=words.moment(deployment.at, book.zone, "short"),
        kind=deployment.kind,
        brought=brought,
    )


def year_page(book: Book, codebase: str, year: int, years: Mapping[int, list[LinkedDeployment]]) -> YearPage:
    """The model of one codebase's year."""
    rows = sorted(years[year], key=lambda d: (d.at, d.environment, d.id), reverse=True)
    counted = [d for d in rows if d.counted and d.reached]
    failed = sum(d.needed_intervention for d in counted)
    sentence = f"{words.count(len(counted), 'deployment', start=True)} of {codebase} reached users in {year}"
    if counted:
        sentence += f"; {needed_fix(book, failed, len(counted))}"
    seen: set[str] = set()
    months: dict[str, list[Entry]] = defaultdict(list)
    for deployment in rows:
        anchor = deployment_anchor(deployment)
        month = words.month(deployment.at.astimezone(book.zone).date())
        months[month].append(entry(book, deployment, anchor if anchor not in seen else None))
        seen.add(anchor)
    order = sorted(years)
    here = order.index(year)
    return YearPage(
        kicker=f"Deployments of {codebase}, {year}",
        sentence=f"{sentence}.",
        codebase=codebase,
        metrics=Markup(f"~/metrics/{slug(codebase)}/"),
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        months=tuple(Month(name, tuple(entries)) for name, entries in months.items()),
        prev=Item(str(order[here - 1]), year_href(codebase, order[here - 1])) if here else None,
        next=Item(str(order[here + 1]), year_href(codebase, order[here + 1]))
        if here + 1 < len(order)
        else None,
    )


def entry(book: Book, deployment: LinkedDeployment, anchor: Markup | None = None) -> Entry:
    """A deployment as the list tells it."""
    state, word = standing(deployment)
    shown = deployment.delivered[:SHOWN_CHANGES]
    version = shortened(deployment.version or deployment.revision or "")
    return Entry(
        anchor=anchor,
        name=deployment.name,
        href=book.deployment_href(deployment),
        version=version if version != deployment.name else "",
        environment=deployment.environment,
        when=words.moment(deployment.at, book.zone, "when"),
        time_from=_time_from(deployment),
        state=state,
        state_word=word,
        evidence=", ".join(deployment.evidence).capitalize(),
        because=deployment.because,
        over=over(book, deployment),
        corrected=_correction(book, deployment),
        changes=tuple(_change(book, deployment.codebase, id_) for id_ in shown),
        more_changes=len(deployment.delivered) - len(shown),
        no_changes=_no_changes(book, deployment),
        withdrew=tuple(
            _change(book, deployment.codebase, id_) for id_ in deployment.withdrew[:SHOWN_CHANGES]
        ),
        took=duration_or_dash(deployment.duration_seconds),
        ways=_ways(book, deployment),
    )


def standing(deployment: LinkedDeployment) -> tuple[str, str]:
    """How it went: a state and its word."""
    kind = deployment.kind
    if deployment.outcome != "success" and not deployment.reached:
        return (
            ("bad", "did not succeed")
            if deployment.outcome in ("failure", "error")
            else ("quiet", deployment.outcome)
        )
    if deployment.needed_intervention:
        return "bad", f"{kind}, needed a fix"
    if deployment.withdrawn_by:
        return "watch", f"{kind}, withdrawn with a later one"
    if deployment.outcome != "success":
        return "bad", "failed after it reached users"
    if deployment.baseline:
        return "quiet", "the first known: what it contains was live before"
    return ("watch", kind) if kind in REWORK else ("ok", kind)


def over(book: Book, deployment: LinkedDeployment) -> Markup | str:
    """When the failure was over, and by what; empty without one."""
    if not deployment.needed_intervention:
        return ""
    if deployment.recovered_at is None:
        return "It is not known to be over."
    when = words.moment(deployment.recovered_at, book.zone)
    took = duration_or_dash(deployment.recovery_seconds)
    what, _, id_ = (deployment.ended_by or "").partition(":")
    by: Markup | str = ""
    if what == "deployment":
        ended = book.deployment.get((deployment.codebase, deployment.environment, id_))
        by = (
            Markup(' by <a href="{}">{}</a>').format(book.deployment_href(ended), ended.name)
            if ended
            else f" by {shortened(id_)}"
        )
    elif what == "incident":
        by = Markup(', when <a href="{}">incident {}</a> was resolved').format(book.incident_href(id_), id_)
    return Markup("Over after {}, {}{}.").format(took, when, by)


def _correction(book: Book, deployment: LinkedDeployment) -> str:
    if deployment.corrected is None:
        return ""
    if book.config.site.public:
        return "A person has corrected what the rule says."
    return deployment.corrected


def _time_from(deployment: LinkedDeployment) -> str:
    source = deployment.time_from
    return f"time of the {source}" if source else "" if deployment.finished_at else "finish unknown"


def _no_changes(book: Book, deployment: LinkedDeployment) -> str:
    if deployment.delivered:
        return ""
    if deployment.withdrew:
        return f"took out {words.count(len(deployment.withdrew), 'change')}"
    if deployment.outcome != "success":
        return "delivered nothing"
    if not deployment.matched:
        return "unmatched: its revision is not in git, and it names no change"
    first = deployment.rollout
    if deployment.live and first is not None and first != deployment.id:
        other_name = book.is_other_name(deployment)
        return (
            f"another name of {first}" if other_name else f"the same as {shortened(first)}, in another place"
        )
    if deployment.again:
        return f"brought back {words.count(len(deployment.again), 'change')}"
    if deployment.undone:
        return "brought no news: what it has was undone inside it"
    return "no change was new"


def _change(book: Book, codebase: str, id_: str) -> Item:
    change = book.change.get((codebase, id_))
    if change is None:
        return Item(id_)
    return Item(number(change), book.change_href(change))


def _ways(book: Book, deployment: LinkedDeployment) -> tuple[Way, ...]:
    source = link(deployment.url) if not book.config.site.public else None
    first = (Way("source", source),) if source else ()
    live = drill.ways(book, drill.of_deployment(deployment)) if deployment.live else ()
    return (*first, *live)

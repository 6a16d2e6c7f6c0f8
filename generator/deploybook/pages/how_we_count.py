"""`metrics/how-we-count/`: each rule in plain words (in the template), beside the number it makes here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploybook import words
from deploybook.config import Config
from deploybook.pages.book import Book
from deploybook.pages.clusters import CLUSTERS, SOURCE, Cluster
from deploybook.pages.page import Page
from deploybook.pages.readings import WEEKS
from deploybook.pages.recent import Recent, last_was, part, with_likely
from deploybook.pages.summary import count_failed

_SHARES = ("_rate", "_share", "_target", "_commits")


@dataclass(frozen=True)
class Numbers:
    """What the rules make here, in words, and this site's settings in them."""

    sample: str
    unknown: str
    direct: str
    unmatched: str
    withdrawn: str
    undone: str
    baseline: str
    live: str
    roll_outs: str
    several: bool
    successes: str
    known: str
    failed: str
    said: str
    undone_failed: str
    mended: str
    near: str
    reached: str
    readings: str
    only_said: str
    headline: str
    with_near: str
    corrected: str
    recovered: str
    rework: str
    rollbacks: str
    reverts: str
    hotfixes: str
    hotfix_labels: str
    hotfix_branches: str
    near_hours: str
    mended_hours: str
    undone_days: str
    flags: str
    zone: str
    weeks: int


@dataclass(frozen=True)
class CountPage:
    """The model of the page."""

    sentence: str
    simulated: bool
    zone: str
    here: Numbers
    settings: tuple[tuple[str, str], ...]
    clusters: tuple[Cluster, ...]
    cluster_source: str


def pages(book: Book) -> Iterator[Page]:
    """The page."""
    yield Page("metrics/how-we-count", "how_we_count.md.jinja", "How we count", count_page(book), toc=True)


def count_page(book: Book) -> CountPage:
    """The model of the page."""
    here = numbers(book)
    return CountPage(
        sentence=_sentence(book, here),
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        here=here,
        settings=tuple(_settings(book.config)),
        clusters=CLUSTERS,
        cluster_source=SOURCE,
    )


def _sentence(book: Book, here: Numbers) -> str:
    """How many needed a fix by the rules, and by others; without deployments, why there is no number."""
    if not book.deployments:
        return "These are the rules; the numbers come with the first deployments."
    if here.reached == "0":
        none = f"No deployment reached users in {WEEKS} weeks"
        return f"{none}; {last}." if (last := last_was(book)) else f"{none}; these are the rules."
    told = f"{here.headline if here.headline != '0' else 'None'} of {here.reached} deployments"
    told = f"{told} of these weeks needed a fix"
    if here.reached == "1":
        told = f"The one deployment of these weeks needed {'no' if here.headline == '0' else 'a'} fix"
    others = [each for each in dict.fromkeys((here.only_said, here.with_near)) if each != here.headline]
    return f"{told}; by another rule it would be {words.joined(others, 'or')}." if others else f"{told}."


def numbers(book: Book) -> Numbers:
    """Everything that the rules are told beside."""
    recent = Recent(book)
    reached = [d for d in recent.deployments if d.reached]
    changes = recent.once(recent.changes)
    known = sum(c.lead_time_seconds is not None for c in changes)
    of = len(reached)
    over = sum(d.recovery_seconds is not None for d in recent.failed)
    counting, hotfix = book.config.counting, book.config.hotfix

    def kind(*kinds: str) -> int:
        return sum(d.kind in kinds for d in reached)

    def evidence(name: str) -> str:
        unread = "" if book.incidents_read or name in ("undone", "mended") else ", no incidents are read"
        return part(sum(name in d.evidence for d in reached), of) + unread

    def state(name: str) -> str:
        return words.number(sum(c.state == name for c in book.changes))

    said, headline, near = (count_failed(reached, name) for name in ("said", "headline", "near"))
    return Numbers(
        sample=f"{words.count(of, 'deployment')}, {words.count(len(changes), 'change')}",
        unknown=part(len(changes) - known, len(changes)),
        direct=part(sum(not c.by_pull_request for c in changes), len(changes)),
        unmatched=words.count(sum(not d.matched for d in book.deployments), "deployment"),
        withdrawn=state("withdrawn"),
        undone=state("undone"),
        baseline=words.count(sum(c.state == "baseline" for c in book.changes), "change"),
        live=", ".join(book.config.live),
        roll_outs=words.number(sum(d.live and d.rollout not in (None, d.id) for d in book.deployments)),
        several=len(book.config.live) > 1,
        successes=words.number(sum(d.outcome == "success" for d in recent.deployments)),
        known=part(known, len(changes)),
        failed=with_likely(headline, of),
        said=evidence("said"),
        undone_failed=evidence("undone"),
        mended=evidence("mended"),
        near=evidence("near"),
        reached=words.number(of),
        readings=f"{said}, {headline} or {near} of {of}",
        only_said=str(said),
        headline=str(headline),
        with_near=str(near),
        corrected=words.number(sum(d.corrected is not None for d in recent.deployments)),
        recovered=f"{over} over, {len(recent.failed) - over} not",
        rework=with_likely(kind("hotfix", "revert", "rollback"), of),
        rollbacks=part(kind("rollback"), of),
        reverts=part(kind("revert"), of),
        hotfixes=part(kind("hotfix"), of),
        hotfix_labels=_either(hotfix.labels),
        hotfix_branches=_either(hotfix.branches),
        near_hours=words.count(int(counting.near_hours), "hour"),
        mended_hours=words.count(int(counting.mended_hours), "hour"),
        undone_days=words.count(int(counting.undone_days), "day"),
        flags=words.count(len(book.config.flags), "flag"),
        zone=book.config.site.timezone,
        weeks=WEEKS,
    )


def _either(names: tuple[str, ...]) -> str:
    return words.joined([f"“{name}”" for name in names], "or") if names else "of none"


def _settings(config: Config) -> Iterator[tuple[str, str]]:
    yield "Incidents are near within", f"{config.counting.near_hours:g} hours"
    yield "Hotfixes mend within", f"{config.counting.mended_hours:g} hours"
    yield "Rollbacks and reverts undo within", f"{config.counting.undone_days:g} days"
    yield "Where users are", ", ".join(config.live)
    yield "Time zone", config.site.timezone
    yield "Holidays", config.process.holidays or "none"
    for metric, target in sorted(config.targets.items()):
        bound = target.at_least if target.at_least is not None else target.at_most
        side = "at least" if target.at_least is not None else "at most"
        yield f"Target of {metric}", f"{side} {_bound(metric, float(bound or 0))}"


def _bound(metric: str, value: float) -> str:
    if metric.endswith(("_p50", "_p90")) and not metric.startswith("batch"):
        return words.duration(value)
    if metric.endswith(_SHARES) or metric in ("uptime", "coverage", "green_time"):
        return words.percent(value)
    return words.number(value)

"""`metrics/trust/`: what share of deployments, changes and incidents found each other, and why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedChange, LinkedDeployment
from deploybook.pages.book import Book
from deploybook.pages.codebase import why_unknown
from deploybook.pages.deployments import Item
from deploybook.pages.incidents import by_id
from deploybook.pages.page import Page
from deploybook.pages.readings import WEEKS
from deploybook.pages.recent import Recent, deployment_name, last_was, part
from deploybook.pages.restated import Restated
from deploybook.pages.restated import told as told_again
from deploybook.pages.telling import number
from deploybook.words import NBSP

LISTED = 50


@dataclass(frozen=True)
class Check:
    """One thing that should be known of every row: of how many it is, and what would mend the rest."""

    title: str
    found: str
    whole: bool
    missing: str
    mend: str
    anchor: Markup | None
    hides: str
    """What is not known of the rest."""


@dataclass(frozen=True)
class Loose:
    """A row that found nothing, and why."""

    name: Item
    when: Markup
    because: str


@dataclass(frozen=True)
class TrustPage:
    """The model of the page."""

    sentence: str
    lead: str
    simulated: bool
    zone: str
    checks: tuple[Check, ...]
    silent: tuple[tuple[str, str], ...]
    deployments: tuple[Loose, ...]
    changes: tuple[Loose, ...]
    changes_why: tuple[tuple[str, str], ...]
    incidents: tuple[Loose, ...]
    more: tuple[int, int, int]
    corrected: tuple[Loose, ...]
    restated: tuple[Restated, ...]
    more_restated: int


def pages(book: Book) -> Iterator[Page]:
    """The page."""
    yield Page("metrics/trust", "trust.md.jinja", "Can it be trusted?", trust_page(book))


def trust_page(book: Book) -> TrustPage:
    """The model of the page."""
    recent = Recent(book)
    deployments = [
        d for d in book.deployments
        if d.live and recent.since <= d.at <= book.as_of and not book.is_other_name(d)
    ]  # fmt: skip
    changes = recent.once(recent.changes)
    incidents = {id_: rows for id_, rows in by_id(book).items() if rows[0].started_at >= recent.since}
    loose = [d for d in reversed(deployments) if not d.matched]
    unknown = [c for c in reversed(changes) if c.lead_time_seconds is None]
    untied = {
        id_: rows for id_, rows in incidents.items() if not any(row.deployment or row.flag for row in rows)
    }
    told = (
        (len(deployments) - len(loose), len(deployments), "deployment"),
        (len(changes) - len(unknown), len(changes), "change"),
        (len(incidents) - len(untied), len(incidents), "incident"),
    )
    reasons = Counter(why_unknown(change) for change in unknown)
    corrected = [d for d in reversed(recent.deployments) if d.corrected]
    restated = list(told_again(book))
    return TrustPage(
        sentence=sentence(told, last_was(book)),
        lead="Numbers are as good as the rows behind them. This is what was found in the last"
        f" {WEEKS} weeks, what was not and why, and what to configure to mend it.",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        checks=tuple(_checks(book, deployments, changes, told)),
        silent=tuple(_silent(book)),
        deployments=tuple(_deployment(book, d, why_unmatched(d)) for d in loose[:LISTED]),
        changes=tuple(
            Loose(
                Item(f"{c.codebase} {number(c)}", book.change_href(c)),
                words.moment(c.deployed_at or c.merged_at, book.zone, "short"),
                why_unknown(c),
            )
            for c in unknown[:LISTED]
        ),
        changes_why=tuple((why, words.count(count, "change")) for why, count in reasons.most_common()),
        incidents=tuple(
            Loose(
                Item(rows[0].title or id_, book.incident_href(id_)),
                words.moment(rows[0].started_at, book.zone, "short"),
                " ".join(dict.fromkeys(r.unmatched_because for r in rows if r.unmatched_because))
                or "It names no codebase of this site.",
            )
            for id_, rows in list(untied.items())[:LISTED]
        ),
        more=(
            max(0, len(loose) - LISTED),
            max(0, len(unknown) - LISTED),
            max(0, len(untied) - LISTED),
        ),
        corrected=tuple(_deployment(book, d, d.corrected or "") for d in corrected[:LISTED]),
        restated=tuple(restated[:LISTED]),
        more_restated=max(0, len(restated) - LISTED),
    )


def sentence(told: tuple[tuple[int, int, str], ...], last: str = "") -> str:
    """How many found what they belong to, and of how many changes the lead time is known.

    Args:
        told: Of deployments, changes and incidents: how many are found or known, of how many.
        last: When the last deployment was, where one is known.
    """
    found = [_some(*each) for each in told if each[1] and each[2] != "change"]
    timed = [_some(*each) for each in told if each[1] and each[2] == "change"]
    belong = "it belongs" if len(found) == 1 and found[0].startswith("the one") else "they belong"
    parts = [f"{words.joined(found)} found what {belong} to"] if found else []
    parts += [f"the lead time of {some} is known" for some in timed]
    if not parts:
        none = f"Nothing of {WEEKS} weeks could find each other"
        return f"{none}; {last}." if last else "Nothing is known yet that could find each other."
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}."


def _some(found: int, of: int, noun: str) -> str:
    """How many of all: "all 12 changes", "30 of 31 changes", "none of 87 changes", "the one change"."""
    if found == of:
        return f"the one {noun}" if of == 1 else f"all {words.number(of)} {noun}s"
    some = words.number(found) if found else "none"
    return f"{some} of {words.number(of)} {noun if of == 1 else noun + 's'}"


def why_unmatched(deployment: LinkedDeployment) -> str:
    """Why nothing is known of what a deployment brought."""
    if deployment.revision is None:
        return "It names neither a revision nor its changes."
    return f"git does not have its revision {deployment.revision[:12]}, and it names no change."


def _deployment(book: Book, deployment: LinkedDeployment, because: str) -> Loose:
    return Loose(
        Item(deployment_name(deployment), book.deployment_href(deployment)),
        words.moment(deployment.at, book.zone, "short"),
        because,
    )


def _checks(
    book: Book,
    deployments: list[LinkedDeployment],
    changes: list[LinkedChange],
    told: tuple[tuple[int, int, str], ...],
) -> Iterator[Check]:
    (matched, of, _), (timed, changed, _), (tied, incidents, _) = told
    yield _check(
        "Deployments whose revision git has, or that name their changes", matched, of,
        "Say revision or changes in each deployment record; let the codebase’s repository be readable, with"
        " all its branches.", "unmatched-deployments", hides="what they brought",
    )  # fmt: skip
    own = sum(d.finished_at is not None and d.time_from is None for d in deployments)
    yield _check(
        "Deployments with a finish time of their own", own, of,
        "From tags and GitOps alone, the time of a tag or commit stands for it. Deployment records or a"
        " forge’s deployments bring started_at and finished_at.",
        hides="how long they took",
    )  # fmt: skip
    run = sum(d.pipeline_run is not None for d in deployments)
    yield _check(
        "Deployments tied to a run of a pipeline", run, of,
        "Say pipeline_run in each deployment record, or read deployments from a workflow.",
        hides="which run made them",
    )  # fmt: skip
    yield _check(
        "Changes with a known lead time", timed, changed,
        "A squash hides its first commit unless the head of the pull request is there: fetch"
        " refs/pull/*/head, or read the forge.", "changes",
        hides="how long they took to users",
    )  # fmt: skip
    requested = sum(c.by_pull_request for c in changes)
    yield _check(
        "Changes that came by a pull request", requested, changed,
        "From git alone, one that was rebased cannot be told from a direct push. A forge as a source knows.",
        hides="whether somebody asked for a review",
    )  # fmt: skip
    reviewed = sum(c.approved is not None for c in changes)
    yield _check(
        "Changes of which it is known whether somebody else approved", reviewed, changed,
        "git knows no reviews: add a forge to sources, or approvals to change records.",
        hides="whether somebody looked",
    )  # fmt: skip
    yield _check(
        "Incidents tied to a deployment or a flag", tied, incidents,
        "Say caused_by in the incident: a deployment, a revision, a change or a flag. Without it, only one"
        f" that began within {book.config.counting.near_hours:g}{NBSP}hours before is near.",
        "untied-incidents", hides="which deployment failed",
    )  # fmt: skip


def _check(title: str, found: int, of: int, mend: str, anchor: str = "", *, hides: str) -> Check:
    return Check(
        title=title,
        found=part(found, of),
        whole=found == of and of > 0,
        missing="" if found == of else words.number(of - found),
        mend=mend if found < of or not of else "",
        anchor=Markup(f"#{anchor}") if anchor and found < of else None,
        hides=hides,
    )


_WANTED = (
    ("pipeline_runs", "runs of pipelines", "whether release branches are green"),
    ("test_case_runs", "test case runs", "which tests are flaky"),
    ("coverage", "coverage", "how much tests cover"),
    ("availability", "availability", "uptime by a monitor"),
)


def _codebases(table: pa.Table) -> frozenset[str]:
    return frozenset(pc.unique(table["codebase"]).to_pylist())


def _silent(book: Book) -> Iterator[tuple[str, str]]:
    """What is not known of which codebases, and what that hides."""
    incidents = {incident.codebase for incident in book.incidents}
    deployed = {deployment.codebase for deployment in book.deployments}
    for have, what, hides in (
        (deployed, "deployments", "every one of the five metrics"),
        (incidents, "incidents", "failures that nobody undid or mended, and time to restore"),
    ):
        if without := [name for name in book.codebases if name not in have]:
            yield f"No {what} of {words.joined(without)}", f"so unknown: {hides}"
    for table, what, hides in _WANTED:
        spoken_of = book.tested if table == "test_case_runs" else _codebases(book.history[table])
        if without := [name for name in book.codebases if name not in spoken_of]:
            yield f"No {what} of {words.joined(without)}", f"so unknown: {hides}"

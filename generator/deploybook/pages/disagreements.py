"""Where words and facts disagree: the process as it is written and configured, against history and files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedChange, LinkedDeployment
from deploybook.pages.book import Book
from deploybook.pages.pipelines import pipelines_href
from deploybook.pages.rota import upcoming
from deploybook.pages.way import WEEKS
from deploybook.pages.written import WrittenPage, written
from deploybook.text import escape

_ROWS = 5


@dataclass(frozen=True)
class Disagreement:
    """One place where what is said and what happened differ.

    Attributes:
        id: Its stable name: `outside-the-window`.
        title: What it is about, in a few words.
        says: Both sides, in a sentence.
        step: What would bring them together.
        evidence: Rows with their links, the newest first; for pages.
        rows: The same as plain text; for a terminal.
    """

    id: str
    title: str
    says: str
    step: str
    evidence: tuple[Markup, ...] = ()
    rows: tuple[str, ...] = ()


def disagreements(book: Book) -> list[Disagreement]:
    """All of them, in a fixed order."""
    pages = written(book.config.by_hand) if book.config.file else []
    return [
        *_outside_the_window(book),
        *_after_the_cut_off(book),
        *_without_approval(book),
        *_unnamed_environments(book),
        *_smoke_tests(book, pages),
        *_stages(book, pages),
        *_gone_members(book),
        *_overdue(book, pages),
    ]


def _deployments(book: Book, found: list[LinkedDeployment]) -> tuple[tuple[Markup, ...], tuple[str, ...]]:
    newest = sorted(found, key=lambda d: d.at, reverse=True)[:_ROWS]
    rows = tuple(
        Markup('<a href="{}">{}</a>, {}').format(
            book.deployment_href(d),
            escape(f"{d.codebase}/{d.id}"),
            words.moment(d.started_at or d.at, book.zone, "when"),
        )
        for d in newest
    )
    return rows, tuple(f"{d.codebase}/{d.id}" for d in newest)


def _changes(book: Book, found: list[LinkedChange]) -> tuple[tuple[Markup, ...], tuple[str, ...]]:
    newest = sorted(found, key=lambda c: (c.merged_at, c.id), reverse=True)[:_ROWS]
    rows = tuple(
        Markup('<a href="{}">{}</a>, merged {}').format(
            book.change_href(c),
            escape(f"{c.codebase}/{c.id}"[:60]),
            words.moment(c.merged_at, book.zone, "when"),
        )
        for c in newest
    )
    return rows, tuple(f"{c.codebase}/{c.id}" for c in newest)


def _outside_the_window(book: Book) -> Iterator[Disagreement]:
    since = book.as_of - timedelta(weeks=WEEKS)
    found = []
    asked = 0
    for deployment in book.live_deployments:
        began = deployment.started_at or deployment.at
        ruled = book.calendar.rule_on(began.astimezone(book.zone).date()).window
        if deployment.kind != "planned" or deployment.at < since or ruled is None:
            continue
        asked += 1
        if book.calendar.window_of(began) is None:
            found.append(deployment)
    if found:
        evidence, rows = _deployments(book, found)
        yield Disagreement(
            "outside-the-window",
            "Deployments outside the window",
            f"{words.rate(len(found), asked)} planned deployments of {WEEKS} weeks began outside the window.",
            "Deploy in the window, or say that the window is wider: process.window.",
            evidence,
            rows,
        )


def _after_the_cut_off(book: Book) -> Iterator[Disagreement]:
    since = book.as_of - timedelta(weeks=WEEKS)
    found, late = [], 0
    for change in book.delivered:
        if change.deployed_at is None or change.deployed_at < since or "hotfix" in _kind(book, change):
            continue
        day = change.merged_at.astimezone(book.zone).date()
        near = book.calendar.windows(day - timedelta(days=1), day + timedelta(days=8))
        window = next((each for each in near if each.end > change.merged_at), None)
        if window is None or window.cut_off is None or window.cut_off >= change.merged_at:
            continue
        late += 1
        if change.deployed_at < window.end:
            found.append(change)
    if found:
        evidence, rows = _changes(book, found)
        yield Disagreement(
            "after-the-cut-off",
            "Merged after the cut-off, and out all the same",
            f"{words.rate(len(found), late)} changes merged after a cut-off did not wait for the next.",
            "Let them wait, mark them as hotfixes, or move the cut-off: process.cut_off.",
            evidence,
            rows,
        )


def _kind(book: Book, change: LinkedChange) -> str:
    key = (change.codebase, change.environment or "", change.deployment or "")
    return book.deployment[key].kind if key in book.deployment else ""


def _without_approval(book: Book) -> Iterator[Disagreement]:
    since = book.as_of - timedelta(weeks=WEEKS)
    recent = [
        c for c in book.delivered if c.deployed_at and c.deployed_at >= since and c.approved is not None
    ]
    found = [c for c in recent if not c.approved and not c.bot]
    if found:
        evidence, rows = _changes(book, found)
        yield Disagreement(
            "without-approval",
            "Approvals that did not happen",
            f"{words.rate(len(found), len(recent))} changes reached users without somebody else’s approval.",
            "Ask for an approval in the release branch’s rules.",
            evidence,
            rows,
        )


def _unnamed_environments(book: Book) -> Iterator[Disagreement]:
    named = {member for stage in book.config.process.environments for member in stage.members}
    unnamed = sorted({d.environment for d in book.deployments} - named)
    if unnamed:
        yield Disagreement(
            "unnamed-environment",
            "An environment that nobody named",
            f"Deployments went to {words.joined(unnamed)}, which process.environments does not name.",
            "Name it in process.environments, at its place in the order.",
            rows=tuple(unnamed),
        )


def _smoke_tests(book: Book, pages: list[WrittenPage]) -> Iterator[Disagreement]:
    page = next((page for page in pages if re.search(r"\bsmoke tests?\b", page.text, re.IGNORECASE)), None)
    if page is None:
        return
    without = []
    for name in book.codebases:
        deploying = [p for p in book.pipelines.get(name, ()) if set(p.environments) & set(book.config.live)]
        if deploying and not any(pipeline.smoke_tests for pipeline in deploying):
            without.append(name)
    if without:
        evidence = tuple(
            Markup('<a href="{}">{}</a>').format(pipelines_href(book, name), escape(name)) for name in without
        )
        yield Disagreement(
            "smoke-tests",
            "Page and pipeline differ",
            f"“{page.title}” says that smoke tests can stop a promotion. "
            f"The pipeline of {words.joined(without)} has none yet.",
            "Add smoke tests to the pipeline, or say on the page where there are none.",
            evidence,
            tuple(without),
        )


def _stages(book: Book, pages: list[WrittenPage]) -> Iterator[Disagreement]:
    """Environments that pipeline files deploy to, and neither the configuration nor a page has a word of."""
    named = {member for stage in book.config.process.environments for member in (stage.name, *stage.members)}
    text = "\n".join(page.text.casefold() for page in pages)
    found: dict[str, list[str]] = {}
    for name in book.codebases:
        for pipeline in book.pipelines.get(name, ()):
            for environment in pipeline.environments:
                if environment not in named and "$" not in environment and environment not in text:
                    found.setdefault(environment, []).append(f"{name}: {pipeline.file}")
    if found:
        files = tuple(sorted({row for rows in found.values() for row in rows}))
        yield Disagreement(
            "stage-without-words",
            "A stage in the file and not in the text",
            f"Pipelines deploy to {words.joined(sorted(found))}, of which nothing is written.",
            "Write a line about it in docs/process, or name it in process.environments.",
            evidence=tuple(escape(row) for row in files),
            rows=files,
        )


def _gone_members(book: Book) -> Iterator[Disagreement]:
    """Who will hold a rotation, and is in no team any more."""
    members = {who for team in book.config.teams.values() for who in team.members}
    if not members:
        return
    for name in sorted(book.config.rotations):
        turns = [turn for turn in upcoming(book, name) if turn.person not in members]
        for person in sorted({turn.person for turn in turns}):
            first = next(turn for turn in turns if turn.person == person)
            yield Disagreement(
                f"gone-member-{name}-{person}",
                "A turn of somebody who has left",
                f"{book.person(person)} is in no team, and holds {name.replace('-', ' ')} "
                f"next on {words.day(first.start, book.zone, year=True)}.",
                f"Take the name out of rotations.{name}: the past stays as it was.",
                rows=(person,),
            )


def _overdue(book: Book, pages: list[WrittenPage]) -> Iterator[Disagreement]:
    today = book.as_of.astimezone(book.zone).date()
    late = [page for page in pages if page.due is None or page.due < today]
    if late:
        titles = words.joined([f"“{page.title}”" for page in late])
        yield Disagreement(
            "review-due",
            "Pages to read again",
            f"{titles} {'was' if len(late) == 1 else 'were'} not reviewed within 180 days.",
            "Read it, mend it, and set reviewed: {on, by} at its head.",
            tuple(Markup('<a href="{}">{}</a>').format(page.href, escape(page.title)) for page in late),
            tuple(page.file for page in late),
        )
    said = [s for s in book.statements if s.renew is not None and s.renew < today and not s.exempt]
    if said:
        yield Disagreement(
            "statement-due",
            "Statements to renew",
            f"{words.count(len(said), 'statement', start=True)} of practices.yml should be said again.",
            "Say it again, with a new date, or take it out.",
            rows=tuple(sorted({s.practice for s in said})),
            evidence=tuple(escape(each) for each in sorted({s.practice for s in said})),
        )

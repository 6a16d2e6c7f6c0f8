"""`environments/`: what runs where, since when, and how far it is ahead of what users have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time, timedelta

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedDeployment, shortened
from deploybook.pages.book import Book
from deploybook.pages.drill import Span, ways
from deploybook.pages.page import Page
from deploybook.pages.pipelines import approvals
from deploybook.pages.recent import deployment_name
from deploybook.periods import local_date, to_utc
from deploybook.text import escape, link, slug

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Environment:
    """An environment with what runs in it."""

    name: str
    anchor: Markup
    says: str
    lock: str
    rows: tuple[tuple[object, ...], ...]
    live: bool


@dataclass(frozen=True)
class EnvironmentsPage:
    """The model of `environments/`."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    environments: tuple[Environment, ...]
    unnamed: tuple[Environment, ...]


def pages(book: Book) -> Iterator[Page]:
    """The environments page."""
    yield Page("environments", "environments.md.jinja", "Environments", environments_page(book), toc=True)


def environments_page(book: Book) -> EnvironmentsPage:
    """The model of `environments/`."""
    stages = book.config.process.environments
    running = runs_now(book)
    ahead = ahead_of_users(book)
    named = {member for stage in stages for member in stage.members}
    unnamed = sorted({environment for environment, _ in running} - named)
    made = tuple(
        _environment(book, member, stage.name, running, ahead, named=True)
        for stage in stages
        for member in stage.members
    )
    lead = f"A change goes through {words.joined([stage.name for stage in stages])}, in this order."
    if len(stages) == 1:
        lead = f"There is one: {stages[0].name}, where users are."
    if unnamed:
        lead = lead if len(stages) > 1 else f"Users are in {stages[0].name}."
        lead += f" Deployments also name {words.joined(unnamed)}; process.environments does not."
    return EnvironmentsPage(
        kicker="Environments, what runs where",
        sentence=_sentence(book, ahead),
        lead=lead,
        simulated=book.config.site.simulated,
        environments=made,
        unnamed=tuple(_environment(book, name, "", running, ahead, named=False) for name in unnamed),
    )


def _sentence(book: Book, ahead: dict[tuple[str, str], set[str]]) -> str:
    stages, waiting = book.config.process.environments, len(book.waiting)
    if not waiting:
        return f"All that is merged is in {stages[-1].name}."
    are = "is" if waiting == 1 else "are"
    some = f"{words.count(waiting, 'change', start=True)} {are} merged and not yet in {stages[-1].name}"
    if len(stages) == 1:
        return f"{some}."
    before = stages[-2]
    ready = len({(name, id_) for (at, name), ids in ahead.items() for id_ in ids if at in before.members})
    them = "it" if waiting == 1 else "them"
    how_many = words.spelled(ready) if ready else "none"
    return f"{some}; {how_many} of {them} {'is' if ready < 2 else 'are'} in {before.name}."


def runs_now(book: Book) -> dict[tuple[str, str], LinkedDeployment]:
    """The last successful deployment to each environment, by environment and codebase."""
    found: dict[tuple[str, str], LinkedDeployment] = {}
    for deployment in sorted(book.deployments, key=lambda d: (d.at, d.id)):
        if book.is_other_name(deployment):
            continue
        if deployment.outcome == "success" and deployment.at <= book.as_of:
            found[deployment.environment, deployment.codebase] = deployment
    return found


def ahead_of_users(book: Book) -> dict[tuple[str, str], set[str]]:
    """The changes that an environment has and users do not, by environment and codebase."""
    waiting = {(change.codebase, change.id) for change in book.waiting}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for delivery in sorted(book.deliveries, key=lambda delivery: delivery.at):
        if delivery.at > book.as_of or (delivery.codebase, delivery.change) not in waiting:
            continue
        inside = found[delivery.environment, delivery.codebase]
        if delivery.event == "withdrawn":
            inside.discard(delivery.change)
        else:
            inside.add(delivery.change)
    return found


def _environment(
    book: Book, name: str, stage: str, running: dict[tuple[str, str], LinkedDeployment],
    ahead: dict[tuple[str, str], set[str]], *, named: bool,
) -> Environment:  # fmt: skip
    live = name in book.config.live
    held = [lock for lock in book.locks if lock.environment in (name, stage, "all")]
    lock = ""
    if held:
        reason = held[0].reason or "no reason given"
        lock = f"{book.person(held[0].holder) or 'Somebody'} holds a lock: {reason}."
    says = ["where users are"] if live else [f"before {book.config.process.environments[-1].name}"]
    if stage and stage != name:
        says.append(f"part of {stage}")
    if not named:
        says = ["it is in the history, and process.environments does not name it"]
    rows = []
    for codebase in book.codebases:
        deployment = running.get((name, codebase))
        if deployment is not None:
            rows.append(_row(book, deployment, len(ahead.get((name, codebase), ())), live=live))
    return Environment(
        name, Markup(slug(name)), f"{words.joined(says).capitalize()}.", lock, tuple(rows), live
    )


def _row(book: Book, deployment: LinkedDeployment, ahead: int, *, live: bool) -> tuple[object, ...]:
    version = shortened(deployment.version or deployment.revision or "not known")
    since = words.moment(deployment.at, book.zone, "long")
    url = link(deployment.url)
    name: Markup | str = deployment_name(deployment)
    by = Markup('<a href="{}">{}</a>').format(book.deployment_href(deployment), escape(name))
    if url:
        by = Markup('{}, <a href="{}">its run</a>').format(by, url)
    # What runs now is watched now, not at the hour of the deployment: whole days, that a link stays for one.
    today = local_date(book.as_of, book.zone)
    start, end = (to_utc(today + days * _DAY, time(), book.zone) for days in (-1, 1))
    now = Span(deployment.codebase, deployment.environment, deployment.revision or "", start, end)
    for way in ways(book, now):
        by = Markup('{}, <a href="{}">{}</a>').format(by, way.href, escape(way.words))
    runs = {"text": version, "small": (deployment.revision or "")[:10] if deployment.version else ""}
    who = approvals(book, deployment.codebase, deployment.environment)
    behind = "" if live else ("as users have it" if not ahead else f"{words.count(ahead, 'change')} ahead")
    cells: list[object] = [deployment.codebase, runs, since, by]
    if not live:
        cells.append(behind)
    return (*cells, who)

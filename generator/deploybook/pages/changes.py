"""`changes/`: where is my change? One field; the browser looks in the files of `finder`, no server does."""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import Delivery, LinkedChange
from deploybook.pages import finder
from deploybook.pages.book import Book
from deploybook.pages.page import File, Page
from deploybook.pages.telling import Teller, Told
from deploybook.periods import Week
from deploybook.text import plain

_NEWEST = 50
_NUMBER = re.compile(r"\d+")

_FATES = {
    "waiting": "merged, not yet live",
    "baseline": "live since before the book begins",
    "undone": "taken back before users saw it",
    "withdrawn": "taken out again, not live now",
    "unmatched": "named by a deployment, unknown to its repository",
}


@dataclass(frozen=True)
class NewestRow:
    """One of the newest changes, told without scripts."""

    anchor: str
    words: str
    href: Markup
    meta: tuple[object, ...]


@dataclass(frozen=True)
class ChangesPage:
    """The model of the page."""

    kicker: str
    sentence: str
    simulated: bool
    zone: str
    newest: tuple[NewestRow, ...]


def pages(book: Book, tell: Teller) -> Iterator[Page | File]:
    """The page, and the files that its script looks in."""
    changes = sorted(book.changes, key=lambda change: (change.merged_at, change.codebase, change.id))
    yield Page("changes", "changes.md.jinja", "Where is my change?", _page(book, tell, changes))
    if not changes:
        return
    index = finder.build(_entries(book, tell, changes))
    about = {
        "changes": len(changes),
        "chunk": finder.CHUNK,
        "revision": finder.REVISION,
        "longest": finder.LONGEST,
        "zone": book.config.site.timezone,
        "codebases": book.codebases,
        "leaves": index.leaves,
    }
    yield File("changes/index/about.json", json.dumps(about, separators=(",", ":")).encode())
    for name, content in index.files.items():
        yield File(f"changes/index/{name}", content)


def _page(book: Book, tell: Teller, changes: list[LinkedChange]) -> ChangesPage:
    waiting = len(book.waiting)
    sentence = "No change is known yet."
    if changes:
        sentence = f"All {words.count(len(changes), 'change')} can be found here"
        if waiting:
            wait = "waits" if waiting == 1 else "wait"
            sentence += f"; {words.spelled(waiting)} {wait} to go live."
        else:
            sentence += "; none waits to go live."
        if len(changes) == 1:
            sentence = "The one change known so far can be found here."
    return ChangesPage(
        kicker="Where is my change?",
        sentence=sentence,
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        newest=tuple(_newest(book, tell(change), change) for change in reversed(changes[-_NEWEST:])),
    )


def _newest(book: Book, item: Told, change: LinkedChange) -> NewestRow:
    meta: list[object] = [item.number, item.codebase]
    if item.person:
        meta.append(item.person)
    meta.append(Markup("merged {}").format(words.moment(change.merged_at, book.zone, "short")))
    if change.deployed_at is not None:
        meta.append(Markup("live {}").format(words.moment(change.deployed_at, book.zone, "short")))
        week = Week.of(change.deployed_at, book.zone)
        meta.append(Markup('<a href="{}">week {}</a>').format(book.week_href(week), week.number))
    if change.state in _FATES:
        meta.append(_FATES[change.state])
    return NewestRow("", item.words, item.href, tuple(meta))


def _entries(book: Book, tell: Teller, changes: list[LinkedChange]) -> Iterator[finder.Entry]:
    revisions = _revisions(book)
    ways = _ways(book)
    for change in changes:
        item = tell(change)
        known = revisions.get((change.codebase, change.id), ())
        by_id = () if change.by_pull_request else (change.id,)
        own = (change.merge_revision,) if change.merge_revision else ()
        yield finder.Entry(
            numbers=tuple(_NUMBER.findall(change.id)) if change.by_pull_request else (),
            revisions=(*own, *known, *by_id),
            texts=(plain(change.title), plain(item.words), item.person or ""),
            told=_told(book, item, change, ways.get((change.codebase, change.id), [])),
        )


def _told(book: Book, item: Told, change: LinkedChange, way: list[Delivery]) -> list[object]:
    """What `changes.js` shows of a change, by place: see `tell` there."""
    week = Week.of(change.deployed_at, book.zone) if change.deployed_at else None
    state = [item.state.tone, item.state.says] if item.state is not None else None
    if change.state in _FATES:
        tone = "bad" if change.state == "withdrawn" else "quiet"
        state = [tone, _FATES[change.state]]
    url = html.unescape(str(item.url)) if item.url else None
    return [
        item.codebase,
        plain(item.number),
        plain(item.words),
        plain(item.person) if item.person else None,
        change.merge_revision[:10] if change.merge_revision else None,
        url,
        str(item.anchor) if week or change.state == "waiting" else None,
        week.id if week else None,
        state,
        _seconds(change.merged_at),
        [_stop(book, step) for step in way],
    ]


def _stop(book: Book, step: Delivery) -> list[object]:
    """A station of its way: where, when, by which deployment, and what happened there."""
    deployment = book.deployment.get((step.codebase, step.environment, step.deployment))
    href = str(book.deployment_href(deployment)).removeprefix("~/deployments/") if deployment else None
    return [step.environment, _seconds(step.at), plain(step.deployment, limit=40), href, step.event]


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def _ways(book: Book) -> dict[tuple[str, str], list[Delivery]]:
    """Of each change, its comings and goings in the order of their time, then of promotion."""
    flat = [name for group in book.config.environments for name in group]
    order = {name: place for place, name in enumerate(flat)}
    ways: dict[tuple[str, str], list[Delivery]] = defaultdict(list)
    for step in sorted(book.deliveries, key=lambda d: (d.at, order.get(d.environment, len(order)))):
        ways[step.codebase, step.change].append(step)
    return ways


def _revisions(book: Book) -> dict[tuple[str, str], tuple[str, ...]]:
    """The commits that each change brought, where its source says which."""
    table = book.history["changes"]
    columns = (table.column(name).to_pylist() for name in ("codebase", "id", "revisions"))
    return {
        (codebase, id_): tuple(revisions)
        for codebase, id_, revisions in zip(*columns, strict=True)
        if revisions
    }

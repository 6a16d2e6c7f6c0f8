"""Atom and JSON Feed of what reached users: for all, for an area, for a team.

An entry is a piece of news; taken out again, it comes once more, and says so. Ids are tag URIs (RFC 4151)
made of the site's host, the codebase and the change; times are those of the deployments: two builds of the
same history are the same bytes. Sources of the forms: RFC 4287, JSON Feed 1.1.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

from deploybook.linking.model import LinkedChange
from deploybook.news import taken_back
from deploybook.pages.book import Book
from deploybook.pages.page import File
from deploybook.pages.telling import ELSEWHERE, Teller, Told
from deploybook.pages.weeknews import is_news
from deploybook.text import plain, slug

ATOM = "http://www.w3.org/2005/Atom"
_ENTRIES = 60
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed without an entry was updated: the form asks for a time, and the clock's would never rest."""
_MINTED = "2026"
"""The year of the ids' authority: a part of a tag URI, the same for ever."""

Key = tuple[str | None, str | None]
"""An area, a team, or neither."""


@dataclass(frozen=True)
class Scope:
    """Whose news a feed holds: its folder below `shipped/`, its title, what belongs to it."""

    folder: str
    title: str
    area: str | None = None
    team: str | None = None

    @property
    def key(self) -> Key:
        """One of the `keys` of its changes."""
        return self.area, self.team


def keys(item: Told) -> Iterator[Key]:
    """Those of the feeds that a change is of."""
    yield None, None
    yield item.area, None
    if item.team is not None:
        yield None, item.team


@dataclass(frozen=True)
class Entry:
    """One piece of news."""

    id: str
    title: str
    summary: str
    page: str
    """Below the site's root."""
    source: str | None
    published: datetime
    updated: datetime
    author: str | None
    tags: tuple[str, ...]


def area_scopes(book: Book) -> list[Scope]:
    """A feed for each area of the configuration, and one for what no area claims where there are areas."""
    names = [*book.config.areas, *([ELSEWHERE] if book.config.areas else [])]
    return [
        Scope(f"areas/{folder}", name, area=name) for name, folder in zip(names, _folders(names), strict=True)
    ]


def team_scopes(book: Book) -> list[Scope]:
    """A feed for each team."""
    names = list(book.config.teams)
    return [
        Scope(f"teams/{folder}", book.config.teams[name].name or name, team=name)
        for name, folder in zip(names, _folders(names), strict=True)
    ]


def _folders(names: Iterable[str]) -> Iterator[str]:
    """A folder for each name; of two alike the later is numbered."""
    taken: set[str] = set()
    for name in names:
        folder = base = slug(name)
        number = 2
        while folder in taken:
            folder, number = f"{base}-{number}", number + 1
        taken.add(folder)
        yield folder


def pages(book: Book, tell: Teller) -> Iterator[File]:
    """Both forms of every feed."""
    newest: dict[Key, list[tuple[Told, LinkedChange]]] = defaultdict(list)
    for change in sorted(
        book.delivered, key=lambda change: (_updated(change), change.codebase, change.id), reverse=True
    ):
        item = tell(change)
        for key in keys(item) if is_news(item) else ():
            newest[key].append((item, change))
    for scope in (Scope("", ""), *area_scopes(book), *team_scopes(book)):
        entries = [_entry(book, item, change) for item, change in newest[scope.key][:_ENTRIES]]
        folder = f"shipped/{scope.folder}" if scope.folder else "shipped"
        yield File(f"{folder}/feed.xml", atom(book, scope, entries))
        yield File(f"{folder}/feed.json", json_feed(book, scope, entries))


def discovery(book: Book) -> list[dict[str, str]]:
    """The two feeds of all, for the head of every page."""
    title = _title(book, Scope("", ""))
    return [
        {"type": "application/atom+xml", "title": title, "href": "shipped/feed.xml"},
        {"type": "application/feed+json", "title": title, "href": "shipped/feed.json"},
    ]


def _updated(change: LinkedChange) -> datetime:
    known = (change.deployed_at, change.withdrawn_at, change.live_again_at)
    return max(instant for instant in known if instant is not None)


def _entry(book: Book, item: Told, change: LinkedChange) -> Entry:
    out = change.state == "withdrawn"
    facts = [item.label, item.area, f"{item.codebase} {item.number}"]
    if item.state is not None:
        facts.append(item.state.says)
    told = plain(item.more, limit=2_000, breaks=True)
    summary = f"{told}\n\n{' · '.join(facts)}" if told else " · ".join(facts)
    url = change.url if item.url is not None else None
    return Entry(
        id=_id(book, f"changes/{quote(change.codebase, safe='')}/{quote(change.id, safe='')}"),
        title=plain(taken_back(item.words) if out else item.words),
        summary=plain(summary, limit=3_000, breaks=True),
        page=str(item.href).removeprefix("~/"),
        source=url,
        published=change.deployed_at or change.merged_at,
        updated=_updated(change),
        author=plain(item.person) if item.person else None,
        tags=tuple(plain(tag) for tag in (item.area, item.label) if tag),
    )


def _host(book: Book) -> str:
    host = urlsplit(book.config.site.url or "").hostname
    return host if host and re.fullmatch(r"[a-z0-9.-]+", host) else f"{slug(book.config.site.name)}.invalid"


def _id(book: Book, what: str) -> str:
    return f"tag:{_host(book)},{_MINTED}:{what}"


def _title(book: Book, scope: Scope) -> str:
    name = plain(book.config.site.name)
    return f"{name}: {plain(scope.title)}" if scope.title else f"{name}: shipped"


def _address(book: Book, path: str) -> str | None:
    """A page's whole address; none where the site does not know its own."""
    root = book.config.site.url
    return f"{root.rstrip('/')}/{path}" if root else None


def _up(scope: Scope) -> str:
    """From a feed's folder to the site's root."""
    return "../" * (1 + (scope.folder.count("/") + 1 if scope.folder else 0))


def _page(scope: Scope) -> str:
    return f"shipped/{scope.folder}/" if scope.folder else "shipped/"


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def atom(book: Book, scope: Scope, entries: list[Entry]) -> bytes:
    """The feed as Atom (RFC 4287)."""
    feed = ET.Element(f"{{{ATOM}}}feed")

    def put(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
        made = ET.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
        made.text = text
        return made

    put(feed, "id", _id(book, _page(scope)))
    put(feed, "title", _title(book, scope))
    if book.config.site.simulated:
        put(feed, "subtitle", "A simulated example: nothing in it happened.")
    put(feed, "updated", _instant(max((entry.updated for entry in entries), default=_NEVER)))
    put(put(feed, "author"), "name", plain(book.config.site.name))
    own = _address(book, f"{_page(scope)}feed.xml")
    put(feed, "link", rel="self", type="application/atom+xml", href=own or "feed.xml")
    put(feed, "link", rel="alternate", type="text/html", href=_address(book, _page(scope)) or "./")
    put(feed, "generator", "Deploybook")
    for entry in entries:
        item = put(feed, "entry")
        put(item, "id", entry.id)
        put(item, "title", entry.title)
        put(item, "updated", _instant(entry.updated))
        put(item, "published", _instant(entry.published))
        if entry.author:
            put(put(item, "author"), "name", entry.author)
        page = _address(book, entry.page) or f"{_up(scope)}{entry.page}"
        put(item, "link", rel="alternate", type="text/html", href=page)
        if entry.source:
            put(item, "link", rel="related", href=entry.source)
        for tag in entry.tags:
            put(item, "category", term=tag)
        put(item, "summary", entry.summary)
    ET.register_namespace("", ATOM)
    ET.indent(feed, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(feed, encoding="unicode")}\n'.encode()


def json_feed(book: Book, scope: Scope, entries: list[Entry]) -> bytes:
    """The feed as JSON Feed 1.1."""
    feed: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _title(book, scope),
        "language": "en",
    }
    if page := _address(book, _page(scope)):
        feed["home_page_url"] = page
        feed["feed_url"] = f"{page}feed.json"
    if book.config.site.simulated:
        feed["description"] = "A simulated example: nothing in it happened."
    feed["items"] = [_item(book, entry) for entry in entries]
    return (json.dumps(feed, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


def _item(book: Book, entry: Entry) -> dict[str, object]:
    item: dict[str, object] = {
        "id": entry.id,
        "title": entry.title,
        "content_text": entry.summary,
        "date_published": _instant(entry.published),
        "date_modified": _instant(entry.updated),
        "tags": list(entry.tags),
    }
    if page := _address(book, entry.page):
        item["url"] = page
    if entry.source:
        item["external_url"] = entry.source
    if entry.author:
        item["authors"] = [{"name": entry.author}]
    return item

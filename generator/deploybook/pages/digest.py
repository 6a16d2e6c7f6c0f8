"""A week outside the site: Markdown for a GitHub release or a chat, and HTML for an e-mail."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedChange
from deploybook.pages.book import Book
from deploybook.pages.telling import Teller, Told
from deploybook.pages.week import Weeks, week_page
from deploybook.pages.weeknews import adds_up, by_area, is_out
from deploybook.periods import Period
from deploybook.text import link, plain

_SIGN = re.compile(r"[\\`*_{}\[\]()#+!|~^$]|^[-=]")
_NUMBERED = re.compile(r"^(\d+)\.")
_MENTION = re.compile(r"@(?=\w)|#(?=\d)")
_JOINER = "\N{WORD JOINER}"


@dataclass(frozen=True)
class Item:
    """A change: its kind, its words, what else is said, and where it leads."""

    label: str
    words: str
    meta: tuple[str, ...]
    href: Markup | None


@dataclass(frozen=True)
class Part:
    """An area with its news."""

    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Digest:
    """A week as it is sent."""

    title: str
    sentence: str
    lead: str
    simulated: bool
    note: tuple[Markup, ...]
    """Paragraphs of the editor's note, escaped."""
    parts: tuple[Part, ...]
    withdrawn: tuple[Item, ...]
    adds_up: str
    href: Markup | None
    """The week's page; none where the site does not know its own address."""


def digest(book: Book, tell: Teller, week: Period) -> Digest:
    """A week's news, without what only a page can show."""
    weeks = Weeks(book)
    page = week_page(book, tell, week, weeks)
    told = [tell(change) for change in book.changes_in(week)]
    root = (book.config.site.url or "").rstrip("/")
    taken = [_taken(book, tell(change), change, root) for change in weeks.taken.get(week, [])]
    parts = [
        Part(name, tuple(_item(item, root) for item in items if not is_out(item)))
        for name, items in by_area(book, told)
    ]
    return Digest(
        title=f"{book.config.site.name}: {page.kicker[:1].lower()}{page.kicker[1:]}",
        sentence=page.sentence,
        lead=page.lead,
        simulated=page.simulated,
        note=tuple(Markup(part) for part in str(page.note).split("</p> <p>")) if page.note else (),
        parts=tuple(part for part in parts if part.items),
        withdrawn=tuple(taken),
        adds_up=adds_up(told),
        href=link(f"{root}/shipped/{week.id}/") if root else None,
    )


def _item(item: Told, root: str) -> Item:
    meta = [item.state.says] if item.state is not None else []
    meta.append(f"{item.codebase} {item.number}")
    return Item(item.label, plain(item.words), tuple(plain(each) for each in meta), _href(item, root))


def _taken(book: Book, item: Told, change: LinkedChange, root: str) -> Item:
    when = change.withdrawn_at
    says = f"out since {words.day(when, book.zone)}" if when else "out"
    if change.state != "withdrawn":
        says = "taken out and back again"
    return Item(
        "Withdrawn", plain(item.words), (says, f"{item.codebase} {plain(item.number)}"), _href(item, root)
    )


def _href(item: Told, root: str) -> Markup | None:
    return link(f"{root}/{str(item.href).removeprefix('~/')}") if root else item.url


def markdown(week: Digest) -> str:
    """The week as GitHub-flavoured Markdown: every word from outside is literal text, and mentions nobody."""
    lines = [f"# {_text(week.title)}", "", f"**{_text(week.sentence)}**", "", _text(week.lead), ""]
    if week.simulated:
        lines += ["*A simulated example: nothing in it happened.*", ""]
    for paragraph in week.note:
        lines += [f"> {_text(html.unescape(paragraph))}", ">"]
    if week.note:
        lines[-1] = ""
    for part in week.parts:
        lines += [f"## {_text(part.name)}", "", *(_line(item) for item in part.items), ""]
    if week.withdrawn:
        lines += ["## Withdrawn", "", *(_line(item) for item in week.withdrawn), ""]
    if week.adds_up:
        lines += [_text(week.adds_up), ""]
    if week.href:
        lines += [f"[The whole week]({_address(week.href)})", ""]
    return "\n".join(lines)


def _line(item: Item) -> str:
    told = f"[{_text(item.words)}]({_address(item.href)})" if item.href else _text(item.words)
    return f"- **{item.label}**: {told} ({_text(', '.join(item.meta))})"


def _text(text: str) -> str:
    """Literal text: Markdown's signs by a backslash, HTML's by an entity; no mention, no reference."""
    text = html.escape(plain(text, limit=4_000), quote=False)
    text = _SIGN.sub(lambda found: f"\\{found[0]}", text)
    text = _NUMBERED.sub(lambda found: f"{found[1]}\\.", text)
    return _MENTION.sub(lambda found: found[0] + _JOINER, text)


def _address(href: Markup) -> str:
    """An address that cannot leave its brackets; `text.link` has let it through."""
    return html.unescape(href).replace("(", "%28").replace(")", "%29")

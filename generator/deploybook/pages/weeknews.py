"""The news of a week: what leads, what stands in which area, what is folded; every change stands once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.pages.book import Book
from deploybook.pages.telling import ELSEWHERE, Told, area_anchor
from deploybook.text import escape

NEWS_KINDS = ("new", "improved", "fixed", "removed", "changed")
_HIGHLIGHTS = 3
_WHOLE = 12
"""Rows of an area that are told in full; those after them open on demand."""

Meta = Markup | str | dict[str, str]
"""A part of a row's small line: words, a link, or a state with its word."""


@dataclass(frozen=True)
class Row:
    """A change in its area."""

    type: str
    words: str
    href: Markup | str
    anchor: Markup
    more: str
    meta: tuple[Meta, ...]


@dataclass(frozen=True)
class Line:
    """A change in one line, where there are many."""

    words: str
    href: Markup | str
    anchor: Markup
    meta: tuple[Markup | str, ...]


@dataclass(frozen=True)
class Fold:
    """What most readers skip, with a count that opens."""

    summary: str
    rows: tuple[Line, ...]


@dataclass(frozen=True)
class Area:
    """A product owners' area with its news."""

    name: str
    anchor: Markup
    rows: tuple[Row, ...]
    more: Fold | None


@dataclass(frozen=True)
class Card:
    """A highlight."""

    title: str
    href: Markup
    words: str
    area: str
    state: str
    state_word: str
    since: Markup


def is_news(item: Told) -> bool:
    """Whether readers are told of it by itself: not silent, not behind the scenes."""
    return item.kind in NEWS_KINDS and not item.silent


def highlights(told: Iterable[Told]) -> list[Told]:
    """Up to three described ones, best first: an author's words before an issue's title, new before improved.

    One of an area comes before a second of another. One alone is no highlight of a week: none then.
    """
    news = [item for item in told if is_news(item) and item.described and not item.hotfix]
    news = [item for item in news if item.kind in ("new", "improved") and not is_out(item)]
    ranked = sorted(
        news,
        key=lambda item: (
            not item.authored,
            NEWS_KINDS.index(item.kind),
            not item.more,
            len(item.words) > 90,
        ),
    )
    chosen: list[Told] = []
    for item in ranked:
        if len(chosen) < _HIGHLIGHTS and item.area not in {other.area for other in chosen}:
            chosen.append(item)
    chosen += [item for item in ranked if item not in chosen][: _HIGHLIGHTS - len(chosen)]
    return chosen if len(chosen) > 1 else []


def is_out(item: Told) -> bool:
    """Whether it was taken out again."""
    return item.state is not None and item.state.tone == "bad"


def sentence(told: list[Told], *, running: bool = False, known: bool = True) -> str:
    """The week in a sentence: its two best pieces of news, else how many changes of which kinds.

    Args:
        told: What reached users.
        running: Whether the week is not over, so that a quiet one may still change.
        known: Whether it is known what its deployments brought; false where there were some and git has
            none of their revisions.
    """
    top = highlights(told)[:2]
    if top:
        first, second = (item.words.rstrip(".") for item in top)
        return f"{first}; {_lower(second)}."
    if not told and not known:
        return "What reached users is not known: of no deployment is the revision in git."
    if not told:
        return (
            "Nothing has reached users yet this week." if running else "A quiet week: nothing reached users."
        )
    news = [item for item in told if is_news(item)]
    if len(news) == 1 and news[0].described:
        return f"{news[0].words.rstrip('.')}."
    many = words.count(len(told), "change", words=True, start=True)
    if not news:
        return f"{many} behind the scenes, nothing that users see."
    return f"{many} reached users: {kinds(told)}." if len(told) > 1 else f"{many} reached users."


def kinds(told: Iterable[Told]) -> str:
    """How many of each kind, as words: "two new, five fixed and nine behind the scenes"."""
    counts = Counter(_kind(item) for item in told)
    return words.joined(
        [f"{words.spelled(counts[kind])} {says}" for kind, says in _KINDS.items() if counts[kind]]
    )


_KINDS = {
    "new": "new",
    "improved": "improved",
    "fixed": "fixed",
    "removed": "removed",
    "changed": "changed",
    "behind": "behind the scenes",
    "dependency": "of dependencies",
}


def _kind(item: Told) -> str:
    if item.kind == "dependency":
        return "dependency"
    return item.kind if is_news(item) else "behind"


def _lower(text: str) -> str:
    """A sentence's first letter in the middle of one; names and abbreviations keep theirs."""
    second = text[1:2]
    return text if second.isupper() or text[:2] == "I " else text[:1].lower() + text[1:]


def card(book: Book, item: Told) -> Card:
    """A highlight as a card."""
    state = ("live", "live for everyone") if item.state is None else (item.state.tone, item.state.says)
    since = words.moment(item.live_at, book.zone) if item.live_at else Markup()
    return Card(item.words, item.href, item.more, item.area, *state, since)


def row(item: Told, *, mark_titles: bool = False) -> Row:
    """A change as a row: its kind, its words, and the small line under them."""
    meta: list[Meta] = []
    if item.state is not None:
        meta.append({"state": item.state.tone, "word": item.state.says})
    if item.hotfix:
        meta.append({"state": "hotfix", "word": "hotfix"})
    if item.when is not None:
        meta.append(item.when)
    meta += [_number(item), item.codebase]
    if item.person:
        meta.append(item.person)
    if mark_titles and not item.described:
        meta.append("not described, its title")
    return Row(item.label, item.words, item.url or "", item.anchor, item.more, tuple(meta))


def line(item: Told) -> Line:
    """A change in one line."""
    meta: list[Markup | str] = [_number(item), item.codebase]
    if item.state is not None:
        meta.insert(0, item.state.says)
    return Line(item.words, "", item.anchor, tuple(meta))


def _number(item: Told) -> Markup | str:
    return Markup(f'<a href="{item.url}">{escape(item.number)}</a>') if item.url else item.number


def by_area(book: Book, told: list[Told]) -> Iterator[tuple[str, list[Told]]]:
    """The areas that have news, in the order of the configuration; in each new, improved, fixed, removed."""
    found: dict[str, list[Told]] = defaultdict(list)
    for item in told:
        if is_news(item):
            found[item.area].append(item)
    order = {name: place for place, name in enumerate((*book.config.areas, ELSEWHERE))}
    for name in sorted(found, key=lambda name: (order.get(name, len(order)), name)):
        yield name, sorted(found[name], key=lambda item: (NEWS_KINDS.index(item.kind), not item.described))


def foremost(book: Book, told: list[Told]) -> Told | None:
    """What stands first on the page of a week: its best news, else the first of its first area."""
    return next(iter(highlights(told)), None) or next((items[0] for _, items in by_area(book, told)), None)


def areas(book: Book, told: list[Told]) -> Iterator[Area]:
    """The same as a page shows it: what stands open, and what opens on demand."""
    mark = any(item.described for item in told if is_news(item))
    for name, items in by_area(book, told):
        rest = tuple(line(item) for item in items[_WHOLE:])
        more = Fold(f"{words.number(len(rest))} more of {name}", rest) if rest else None
        rows = tuple(row(item, mark_titles=mark) for item in items[:_WHOLE])
        yield Area(name, area_anchor(name), rows, more)


def folds(told: list[Told]) -> Iterator[Fold]:
    """What is behind the scenes, and dependencies: a line each, with a count that opens."""
    behind = [item for item in told if _kind(item) == "behind"]
    dependencies = [item for item in told if _kind(item) == "dependency"]
    if behind:
        yield Fold(f"Behind the scenes ({len(behind)})", tuple(line(item) for item in behind))
    if dependencies:
        yield Fold(f"Dependencies ({len(dependencies)})", tuple(line(item) for item in dependencies))


def _are(count: int) -> str:
    return "is" if count == 1 else "are all"


def adds_up(told: list[Told]) -> str:
    """That the parts make the whole, in a sentence."""
    if not told:
        return ""
    counts = Counter(_kind(item) for item in told)
    behind, dependencies = counts["behind"], counts["dependency"]
    news = sum(counts.values()) - behind - dependencies
    untold = sum(is_news(item) and not item.described for item in told)
    parts = ((news, "told"), (behind, "behind the scenes"), (dependencies, "of dependencies"))
    some = [f"{words.number(count)} {says}" for count, says in parts if count]
    whole = words.count(len(told), "change")
    says = f"Nothing is left out: {words.joined(some)} make the {whole} of the week."
    if len(some) == 1:
        says = f"Nothing is left out: the {whole} of the week {_are(len(told))} {some[0].partition(' ')[2]}."
    if untold == news and news > 1:
        says += " Nobody has described them for readers yet: what is told is their titles."
    return says

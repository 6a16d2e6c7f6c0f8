"""On one team's site: the ways to the rest, which is on the whole site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from markupsafe import Markup

from deploybook.pages.book import Book
from deploybook.text import escape, link, slug


def whole_link(book: Book) -> Markup | None:
    """The way to the whole site; none where this is it."""
    whole = book.config.whole
    url = link(whole.site.url) if whole else None
    return Markup('<a href="{}">{}</a>').format(url, escape(whole.site.name)) if whole and url else None


def elsewhere(book: Book) -> Iterator[tuple[Markup, Markup]]:
    """The other teams, each with its codebases, by name."""
    whole = book.config.whole
    if whole is None:
        return
    owned = defaultdict(list)
    for name in sorted(whole.codebases):
        if name not in book.config.codebases:
            owned[whole.codebases[name].team].append(_way(whole.site.url, f"metrics/{slug(name)}/", name))
    names = {key: team.name or key for key, team in whole.teams.items()} | {None: "No team"}
    for key, label in sorted(names.items(), key=lambda each: (each[0] is None, each[1].casefold())):
        if owned[key]:
            team = _way(whole.site.url, f"metrics/teams/{slug(key)}/", label) if key else Markup(label)
            yield team, Markup(", ").join(owned[key])


def _way(url: str | None, path: str, words: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(link(f"{(url or '').rstrip('/')}/{path}"), escape(words))

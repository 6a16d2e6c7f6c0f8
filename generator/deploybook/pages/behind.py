"""Sources that are behind: what every page says of them, before any script has looked."""

from __future__ import annotations

from deploybook import words
from deploybook.pages.book import Book

_NAMED = 3


def behind(book: Book) -> dict[str, str] | None:
    """The title and the words of the banner; `None` where every source was read within `site.stale_after`."""
    limit = book.config.site.stale_after
    if limit is None or book.config.site.simulated:
        return None
    late = [
        source for source in book.sources if source.last_read is None or book.as_of - source.last_read > limit
    ]
    if not late:
        return None
    told = "; ".join(
        f"{source.name} was last read {words.day(source.last_read, book.zone, year=True)}"
        if source.last_read
        else f"{source.name} was never read"
        for source in late[:_NAMED]
    )
    return {
        "title": "A source is behind." if len(late) == 1 else f"{len(late)} sources are behind.",
        "says": told + (" …" if len(late) > _NAMED else "."),
    }

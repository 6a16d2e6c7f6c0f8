"""Which pages stand in the last site as MkDocs would make them again, so that it need not.

A page of the site is made from its Markdown and from what all pages share: the theme, the settings with the
navigation, and MkDocs itself. Where that is what it was, and both its files are the very files of then, the
page stands. Pages written by hand never do: their links lead to other Markdown files, which may be gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from deploybook.build.builder import INDEX
from deploybook.build.job import Place
from deploybook.render import mark_of, write_if_changed


class Standing:
    """The pages of the last site.

    Args:
        kept: The file in which it is kept what they were made from.
        docs: The docs folder.
        site: The last site.
        shared: Names all that pages share.
        by_hand: The folder of pages written by hand.
    """

    def __init__(self, kept: Path, docs: Path, site: Path, shared: str, by_hand: Path) -> None:
        self._kept = kept
        self._docs = docs
        self._site = site
        self._shared = shared
        self._by_hand = by_hand

    def pages(self) -> dict[str, str]:
        """Pages that stand: their file in the docs folder, and that in the site."""
        try:
            found = json.loads(self._kept.read_bytes())
            if found["shared"] != self._shared or mark_of(self._site / INDEX) != tuple(found["index"]):
                return {}
            docs, site = self._docs, self._site
            return {
                source: file
                for source, (file, made_from, made) in found["pages"].items()
                if mark_of(docs / source) == tuple(made_from) and mark_of(site / file) == tuple(made)
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def keep(self, places: Iterable[Place]) -> None:
        """Keep what the pages of the site that was just published were made from."""
        pages = {}
        for place in places:
            made_from, made = mark_of(self._docs / place.source), mark_of(self._site / place.file)
            if made_from and made and not (self._by_hand / place.source).exists():
                pages[place.source] = (place.file, made_from, made)
        kept = {"shared": self._shared, "index": mark_of(self._site / INDEX), "pages": pages}
        write_if_changed(self._kept, json.dumps(kept).encode())

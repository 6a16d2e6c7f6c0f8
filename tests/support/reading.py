"""A built site as a browser would see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path


class Reader(HTMLParser):
    """Elements with attributes, and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: Path) -> Reader:
    """A page, read."""
    reader = Reader()
    reader.feed(page.read_text("utf-8"))
    return reader


def pages(site: Path) -> Iterator[Path]:
    """All pages of a site, or of a folder of it."""
    yield from site.rglob("*.html")


def words(text: str) -> str:
    """A text with one blank wherever there are some."""
    return re.sub(r"\s+", " ", text)


def running(site: Path, own: str) -> list[tuple[str, str, dict[str, str]]]:
    """Elements that run something, load something from elsewhere, or lead where no link may.

    Args:
        site: The site's folder.
        own: Its own address.
    """
    found = []
    for page in pages(site):
        for tag, attributes in read(page).elements:
            handlers = [name for name in attributes if name.startswith("on")]
            source, link = attributes.get("src", ""), attributes.get("href", "")
            foreign = (
                tag in ("script", "img", "iframe", "object", "embed", "link")
                and "//" in source + link
                and not link.startswith(own)
            )
            scheme = re.match(r"\s*([a-z][a-z0-9+.-]*):", link, re.IGNORECASE)
            odd = scheme is not None and scheme[1].lower() not in ("https", "http", "mailto")
            if handlers or foreign or odd or tag in ("iframe", "object", "embed", "base"):
                found.append((page.parent.name, tag, attributes))
    return found

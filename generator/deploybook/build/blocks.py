"""HTML blocks of a page, put aside before MkDocs reads them tag by tag, twice.

Pages that Deploybook writes are HTML blocks with some Markdown between them. Python-Markdown puts every such
block aside as it stands, but finds its end with a parser that takes much of a page's time, and MkDocs runs
another over all of it for the ids that links may lead to. Here blocks are put aside as Python-Markdown would,
where all HTML of a page is in blocks that keep to a narrow grammar; any other page is left to them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import HtmlBlockPreprocessor, Preprocessor

_AFTER_FENCES = 22
"""Right before what MkDocs and Python-Markdown do with HTML, at 21 and 20."""
_TAG = re.compile(
    r"<(?:(?P<name>[a-zA-Z][a-zA-Z0-9-]*+)"
    r'(?:\s++[a-zA-Z][a-zA-Z0-9:-]*+(?:="[^"<]*+")?)*+\s*+(?P<empty>/?)>|/(?P<end>[a-zA-Z][a-zA-Z0-9-]*+)>)?'
)
"""A tag, or a `<` that is none of this grammar."""
_ID = re.compile(r'\sid="([^"]*)"')
_UNENDED = re.compile(r"&(?=[a-zA-Z#])(?!(?:#[0-9]++|#[xX][0-9a-fA-F]++|[a-zA-Z][a-zA-Z0-9]*+);)")
"""A reference without its `;`, which Python-Markdown adds."""
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_NOT_HERE = frozenset(
    {"script", "style", "textarea", "plaintext", "xmp", "iframe", "noembed", "noframes", "noscript", "hr"}
)
"""Elements in which a `<` is text, or that Python-Markdown treats in its own way."""


class Blocks(Extension):  # type: ignore[misc]  # it is not typed
    """Puts the HTML blocks of a page aside.

    Attributes:
        ids: Those of the last page's blocks that were.
    """

    ids: frozenset[str] = frozenset()

    def extendMarkdown(self, md: Markdown) -> None:
        """Take a place before its own."""
        md.preprocessors.register(_PutAside(md, self), "deploybook_blocks", _AFTER_FENCES)


class _PutAside(Preprocessor):  # type: ignore[misc]
    def __init__(self, md: Markdown, blocks: Blocks) -> None:
        super().__init__(md)
        self._blocks = blocks

    def run(self, lines: list[str]) -> list[str]:
        md: Any = self.md
        self._blocks.ids = frozenset()
        if type(md.preprocessors["html_block"]) is not HtmlBlockPreprocessor:
            return lines  # an extension reads HTML in its own way
        text = "\n".join(lines)
        blocks = list(_blocks(text, md))
        if text.count("<", blocks[-1][1] if blocks else 0):
            return lines
        left: list[str] = []
        ids: set[str] = set()
        done = 0
        for start, end in blocks:
            block = text[start:end]
            ids.update(map(html.unescape, _ID.findall(block)))
            left += [text[done:start], "\n", md.htmlStash.store(block + "\n"), "\n\n"]
            done = end
        self._blocks.ids = frozenset(ids)
        return ("".join(left) + text[done:]).split("\n")


def _blocks(text: str, md: Any) -> Iterator[tuple[int, int]]:
    """Where blocks begin and end, up to the first HTML that is not of the narrow kind."""
    end: int | None = 0
    while end is not None and (start := text.find("<", end)) >= 0:
        end = _end(text, start, md)
        if end is not None:
            yield start, end


def _end(text: str, start: int, md: Any) -> int | None:
    """Where the block ends that begins here, between blank lines; nothing if it is not of the narrow kind."""
    if text[max(0, start - 2) : start] not in ("\n\n", "\n", ""):
        return None
    open_: list[str] = []
    for tag in _TAG.finditer(text, start):
        begins, ends, empty = tag["name"], tag["end"], tag["empty"]
        if begins:
            name = begins.lower()
            if name in _NOT_HERE or not (open_ or (md.is_block_level(name) and not empty)):
                return None
            if not empty and name not in _VOID:
                open_.append(name)
        elif not open_ or ends is None or ends.lower() != open_.pop():
            return None
        elif not open_:
            end = tag.end()
            alone = text.startswith("\n\n", end) and not _UNENDED.search(text, start, end)
            return end if alone else None
    return None

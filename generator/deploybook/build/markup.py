"""Built HTML as a browser reads it: one pass over the bytes that knows where a tag begins and ends.

What does not keep to a narrow grammar (a `<` within an attribute, a quote left open) is not guessed at: it is
handed back as `Unreadable`, so that nothing hides where two readers would differ.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

_ATTRIBUTE = rb"""[^\s"'<>/=]++(?:\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'|[^\s"'=<>`]++))?+"""
# Nine tags of ten are of these kinds, which can do nothing; they are passed over without leaving the regular
# expression, so that a large site is read at the speed of the disk.
_INERT = (
    rb"(?:span|div|p|li|ul|ol|dl|dt|dd|tr|td|th|thead|tbody|table|h[1-6]|time|small|strong|em|b|i|code|pre|br|hr"
    rb"|section|article|header|footer|main|nav|figure|figcaption|details|summary|svg|g|path|line|circle|rect|text"
    rb"|tspan|title|label|kbd|blockquote|caption|button|a)"
    rb"(?:\s++(?:(?:class|id|title|datetime|scope|role|tabindex|width|height|viewBox|fill|stroke|stroke-[a-z]++"
    rb"|font-[a-z]++|text-anchor|transform|[dxyr]|[cr][xy]|[xy][12]|aria-[a-z]++|data-[a-z-]++|rel|open|hidden)(?![^\s=>/])"
    rb'(?:="[^"<]*+")?+|href="(?:https://|[.#/])[^"<\s\\&]*+"))*+\s*+/?>'
)
_TOKEN = re.compile(
    rb"<(?!" + _INERT + rb"|/[a-zA-Z][^<>]*+>|!(?:--(?!-?>)[^<>]*?-->|(?i:doctype)[^<>]*+>))(?:"
    rb"(?i:(?P<script>script))(?P<with>(?:\s++" + _ATTRIBUTE + rb")*+)\s*+>(?P<body>.*?)</(?i:script)\s*+>"
    rb"|(?P<tag>[a-zA-Z][^\s/><]*+)(?P<attributes>(?:\s++" + _ATTRIBUTE + rb")*+)\s*+/?>"
    rb"|(?P<odd>[a-zA-Z/!?]))",
    re.DOTALL,
)
_NAMED = re.compile(rb"""([^\s"'<>/=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'=<>`]++)))?+""")
_SHOWN = 80
"""Bytes shown of what cannot be read."""


class Tag(NamedTuple):
    """A start tag, its name in lower case, its attributes not yet read."""

    name: str
    attributes: bytes


class Script(NamedTuple):
    """A script element with its body."""

    attributes: bytes
    body: bytes


class Unreadable(NamedTuple):
    """The beginning of something that begins like a tag and is none."""

    text: bytes


def tokens(page: bytes) -> Iterator[Tag | Script | Unreadable]:
    """Scripts, tags that could do something, and what is neither tag nor text, in their order.

    A comment with a tag in it is read as if the comment were not there: what is in it must be safe too.
    """
    for found in _TOKEN.finditer(page):
        if (name := found["tag"]) is not None:
            yield Tag(name.decode("latin-1").lower(), found["attributes"])
        elif found["script"] is not None:
            yield Script(found["with"], found["body"])
        elif not page.startswith(b"<!--", found.start()):
            yield Unreadable(page[found.start() : found.start() + _SHOWN])


def attributes(text: bytes) -> dict[str, str]:
    """Attributes by name in lower case, values as the browser sees them; of two with one name, the first."""
    found: dict[str, str] = {}
    for name, double, single, bare in _NAMED.findall(text):
        value = html.unescape((double or single or bare).decode("utf-8", "replace"))
        found.setdefault(name.decode("utf-8", "replace").lower(), value)
    return found

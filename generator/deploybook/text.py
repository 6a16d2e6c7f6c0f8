# ruff: noqa: S704 — this is the module that makes Markup; everyone else only passes it on.
"""The one door for text from outside: whatever anyone wrote comes out as literal text.

Templates make Markdown that holds HTML, so one value may stand in a paragraph, a heading, a table
cell, the text of a link, a block of HTML or an attribute. `escape` is safe in all of them at once: each
character that Markdown or HTML could read as syntax leaves as a numeric entity, and those are inert in
both. Only code spans and code blocks, where entities are not read, are no place for a value.

Before that, `plain` takes away what a reader cannot see and could be tricked by; what it does is the
only difference between a text and what the site shows of it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, urlsplit

from markupsafe import Markup

LIMIT = 500
"""Characters of a text that are shown where no other limit is given."""

_LINK_LIMIT = 2000
_MARKS = 4
"""Combining marks on one letter: no script asks for more, and stacks of hundreds cover the lines above."""

_REPLACED = "\N{REPLACEMENT CHARACTER}"
_SIMPLE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9,;%]| (?! ))*(?<! )")
_SPACE = re.compile(r"[ \t-\r\x1c-\x1f\x85\u2028\u2029\u1680\u2000-\u2006\u2008-\u200a\u205f\u3000]+")
_LINE_END = re.compile(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
# Controls, lone surrogates, non-characters, and the signs that turn the direction of what follows.
_SHOWN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(17))
    + "]"
)
# No width and no meaning a reader would miss: marks of direction, soft hyphens, fillers, tags.
_GONE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f\u3164"
    "\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Joiners shape letters of some scripts and hold emoji together; next to ASCII or nothing they only hide.
_LONE_JOINER = re.compile(
    "(?:(?<![^\0-\x7f])[\u200c\u200d\ufe00-\ufe0f]+(?!\u20e3)|[\u200c\u200d]+(?![^\0-\x7f]))"
)

_ACTIVE = re.compile(
    r"[&<>\"'\\`*_{}\[\]#+!|~^=:$@]"  # syntax of HTML or Markdown wherever it stands
    r"|(?<![A-Za-z0-9])-|-(?![A-Za-z0-9])"  # lists, rules, underlines, table rules, snippets
    r"|^[/?%,;.()]|(?<=[/(.])[/(.]"  # blocks and details at a line's start, paths of a snippet, ellipses
    r"|(?<=\d)[.)](?= |$)|(?i:(?<=www))\."  # numbered items, links without a scheme
    r"|^[\xa0\u2007\u202f]|[\xa0\u2007\u202f]$"  # a blank at an edge, beside which emphasis is none
)
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_HTML_ACTIVE = re.compile(r"[&<>\"']")
_WORDS = re.compile(r"[a-z0-9]+")
_LABEL, _IN_LINK = r"[a-z0-9_-]{1,63}", r"[A-Za-z0-9_/%:@+,;=&$~!.-]"
# Most addresses: taken apart and put together again they are what they were.
_PLAIN_LINK = re.compile(
    rf"https?://{_LABEL}(?:\.{_LABEL})*+(?:/{_IN_LINK}*+)?(?:\?{_IN_LINK}++)?(?:#{_IN_LINK}++)?"
)

Value = str | int | float | bool | None


def plain(text: str, *, limit: int | None = LIMIT, breaks: bool = False) -> str:
    """Give the text as a reader should see it, not yet escaped for any format.

    Blanks and line ends become one space. Controls, lone surrogates and bidirectional overrides become
    "�", so that a text that tries to look like another says so. Characters without width go, except joiners
    and variation selectors between characters that need them. At most four combining marks stay on one
    letter. A text with right-to-left letters is isolated (U+2068 … U+2069), so that it cannot reorder what
    stands around it.

    Args:
        text: Any text.
        limit: Characters kept, then "…"; none where there is to be no limit.
        breaks: Keep line ends as line feeds, at most two together.
    """
    usual = text.replace("\N{NO-BREAK SPACE}", "_")  # it stands between a number and its unit, and stays
    if (limit is None or len(text) <= limit) and usual.isascii() and usual.isprintable() and "  " not in text:
        return text.strip(" ")  # nine texts of ten: the rest would change nothing else in them
    cut = False
    if limit is not None and len(text) > limit * 4:
        text, cut = text[: limit * 4], True
    if not text.isascii():
        text = _GONE.sub("", text)
        text = _LONE_JOINER.sub("", text)
    if breaks:
        lines = (_SPACE.sub(" ", line).strip(" ") for line in _LINE_END.split(text))
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    else:
        text = _SPACE.sub(" ", text).strip(" ")
    text = _SHOWN.sub(_REPLACED, text)
    if not text.isascii():
        text = _fewer_marks(text)
    if limit is not None and (cut or len(text) > limit):
        text = text[: limit - 1].rstrip("\u200d \n") + "…"
    if not text.isascii() and any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text):
        text = f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"
    return text


def escape(value: object, *, limit: int | None = LIMIT, breaks: bool = False) -> Markup:
    """Give any value as literal text, safe in HTML and Markdown alike; Jinja's `finalize`.

    Args:
        value: A text or a number; `Markup` is ours and passes as it is.
        limit: Characters shown, counted before escaping.
        breaks: Line ends become `<br>` instead of a space.

    Raises:
        TypeError: There is no value, or one that has no wording: the page decides what stands there instead.
    """
    if isinstance(value, Markup):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"{type(value).__name__} has no wording: the template must say what stands here")
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError("a number that is not finite has no wording: the template must say what stands here")
    return _literal(str(value), limit, breaks)


@lru_cache(maxsize=100_000)
def _literal(text: str, limit: int | None, breaks: bool) -> Markup:
    """What `escape` makes of a text; a site says most of its words on several pages."""
    if len(text) <= (limit or LIMIT) and _SIMPLE.fullmatch(text):
        return Markup(text)
    text = plain(text, limit=limit, breaks=breaks)
    return Markup("<br>".join(_ACTIVE.sub(_entity, line) for line in text.split("\n")))


def attribute(value: object, *, limit: int | None = 2 * LIMIT) -> Markup:
    """Give a value for a double-quoted HTML attribute: as `escape`, with room for a whole description."""
    return escape(value, limit=limit)


def html(text: str, *, limit: int | None = LIMIT) -> Markup:
    """Give a text for HTML that no Markdown is read in: SVG, the theme, front matter."""
    if isinstance(text, Markup):
        return text
    return quoted(plain(text, limit=limit))


def quoted(plain_text: str) -> Markup:
    """Escape for HTML what is already `plain`, and nothing more."""
    return Markup(_HTML_ACTIVE.sub(lambda match: _HTML[match[0]], plain_text))


def link(url: str | None) -> Markup | None:
    """Give an address from outside for an `href`, or none where it is not one that a reader may be sent to.

    Only whole http, https and mailto addresses pass: with a host, without a user or password in it, without
    blanks or controls. What is not ASCII is encoded (a host in IDNA), as are signs that HTML or Markdown
    would read.
    """
    if url and len(url) <= _LINK_LIMIT and _PLAIN_LINK.fullmatch(url):
        return Markup(url.replace("&", "&amp;"))
    return _judged_link(url)


def _judged_link(url: str | None) -> Markup | None:
    """The same for any address, part by part."""
    if not url or len(url) > _LINK_LIMIT or not url.isprintable() or re.search(r"[\s\\<>\"]", url):
        return None
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
        url.encode("utf-8")
    except ValueError:
        return None
    if parts.scheme == "mailto":
        if (
            parts.netloc
            or parts.query
            or parts.fragment
            or not re.fullmatch(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", parts.path)
        ):
            return None
        address = f"mailto:{parts.path}"
    elif parts.scheme in ("http", "https") and "@" not in parts.netloc and "%" not in parts.netloc:
        if not re.fullmatch(r"[a-z0-9_.-]+|[0-9a-f:.]+", host) or not host:
            return None
        if ":" in host:
            host = f"[{host}]"
        address = f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
        address += quote(parts.path, safe="/%:@+,;=&$~!.-")
        address += "?" + quote(parts.query, safe="/%:@+,;=&$~!.?-") if parts.query else ""
        address += "#" + quote(parts.fragment, safe="/%:@+,;=&$~!.?-") if parts.fragment else ""
    else:
        return None
    return Markup(address.replace("&", "&amp;"))


def json_for_script(value: object) -> Markup:
    """Give JSON for a `<script type="application/json">`; nothing in it can end the element.

    Raises:
        TypeError: The value holds something JSON does not know.
        ValueError: A number in it is not finite.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for char in "<>&'":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)


def csv_cell(text: str) -> str:
    """Give a text for a cell that a spreadsheet opens: a formula becomes text by an apostrophe before it.

    Quoting of commas, quotes and line ends is left to the `csv` module.
    """
    text = re.sub("[\x00\ud800-\udfff]", _REPLACED, text)
    if text[:1] in ("\t", "\r", "\n") or re.match("\\s*[=+\\-@＝＋－＠|]", text):
        return "'" + text
    return text


def front_matter(fields: Mapping[str, object]) -> Markup:
    """Give the YAML block at the head of a page.

    MkDocs and its themes print `title` and `description` as they stand, so texts are escaped for HTML first.
    Where a theme strips tags it also decodes entities, and inside `<title>` a `</title>` would then end it:
    angle brackets therefore leave as "‹" and "›". Values are written as JSON, all of which is YAML.

    Args:
        fields: Names of our own to texts, numbers, truths, or lists and mappings of them.

    Raises:
        TypeError: A field has no value, or one that YAML would not give back.
    """
    lines = [f"{key}: {json.dumps(_yaml_value(value), ensure_ascii=False)}" for key, value in fields.items()]
    return Markup("\n".join(["---", *lines, "---", ""]))


@lru_cache(maxsize=50_000)
def slug(text: str, *, limit: int = 60) -> str:
    """Give a stable name for an anchor or a file: ASCII letters, digits and single hyphens, never empty.

    Texts that lose letters on the way (other scripts) carry eight digits of their hash, so that two of them
    differ. Two texts may still share one slug: whoever collects them numbers the later ones.
    """
    if text.isascii():
        name = "-".join(_WORDS.findall(text[: 10 * limit].lower()))[:limit].strip("-")
        if name:
            return name
    lower = text[: 10 * limit].casefold().replace("ø", "o").replace("æ", "ae").replace("ł", "l")
    folded = unicodedata.normalize("NFKD", lower)
    words = _WORDS.findall("".join(c for c in folded if not unicodedata.combining(c)))
    name = "-".join(words)[:limit].strip("-")
    lost = any(char.isalnum() and not char.isascii() for char in folded)
    if name and not lost:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: limit - 9].strip('-')}-{digest}" if name else f"x-{digest}"


def xml_text(text: str, *, limit: int | None = LIMIT) -> str:
    """Give a text for an element or attribute of an XML feed: no markup, no character XML 1.0 forbids."""
    return str(html(text, limit=limit))


def _entity(match: re.Match[str]) -> str:
    char = match[0]
    return _HTML.get(char) or f"&#{ord(char)};"


def _fewer_marks(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if marks <= _MARKS:
            kept.append(char)
    return "".join(kept)


def _yaml_value(value: object) -> object:
    if isinstance(value, Markup):
        return str(value)
    if isinstance(value, str):
        return str(html(value.replace("<", "‹").replace(">", "›")))
    if isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _yaml_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_yaml_value(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot stand in front matter")

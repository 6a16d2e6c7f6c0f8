"""A look at what was built, before it is published: nothing in it may run or load what is not known.

Text from outside is made literal where it enters a page. This is the second lock on the same door: it reads
the finished files, knows nothing of how they were made, and stops the publishing at any doubt. Links may lead
to any host, by http, https or mail: a reader follows them. What a browser fetches or sends by itself must be
of this site.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from deploybook.build.markup import Script, Tag, Unreadable, attributes, tokens
from deploybook.build.policy import is_data, normal
from deploybook.errors import PublishError
from deploybook.forks import of_each

_FORBIDDEN = frozenset(
    {
        "animate", "animatemotion", "animatetransform", "applet", "base", "embed", "fencedframe",
        "foreignobject", "frame", "frameset", "iframe", "marquee", "noembed", "object", "param", "plaintext",
        "portal", "set", "style", "template", "xmp",
    }
)  # fmt: skip
_LINKS = frozenset({"a", "area"})
_FETCHED = frozenset({"src", "href", "xlink:href", "poster", "data", "background", "action", "formaction"})
_NEVER = frozenset({"style", "srcdoc", "ping", "manifest", "attributionsrc", "srcset", "imagesrcset"})
_SCHEMES = frozenset({"http", "https", "mailto"})
_ABOUT_US = frozenset({"canonical", "alternate", "feed", "prev", "next"})
"""Kinds of `link` that name an address of this site and fetch nothing."""
_META = frozenset({"content-security-policy"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_BLANKS = re.compile(r"[\x00-\x20]+")
_HTML_CONTENT = re.compile(rb"<(content|summary)\b[^>]*type=\"x?html\"[^>]*>(.*?)</\1>", re.DOTALL)
_WORTH = 200
"""So many files take as long to look at as another process that does it takes to start."""
_TOLD = 10
"""Findings that are listed; the rest are counted."""


@dataclass(frozen=True)
class Finding:
    """Something that must not be published."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


@dataclass(frozen=True)
class Known:
    """What a site may hold.

    Attributes:
        scripts: Bodies of inline scripts.
        folders: What a script, style sheet or drawing must be a true copy from, at the same path: the theme's
            folders, and that of pages written by hand.
        url: The site's own address, where it has one.
    """

    scripts: frozenset[bytes]
    folders: tuple[Path, ...]
    url: str | None = None


def check(site: Path, files: Iterable[str], known: Known) -> None:
    """Refuse to publish what holds something that is not known.

    Args:
        site: The finished site.
        files: Which of its files to look at, relative to it.
        known: What it may hold.

    Raises:
        PublishError: Something was found; carries the first of it.
    """
    looked = of_each(sorted(files), lambda name: list(scan(site, name, known)), worth=_WORTH)
    found = [finding for findings in looked for finding in findings]
    if not found:
        return
    more = f"\n… and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    listed = "\n".join(f"  {finding}" for finding in found[:_TOLD])
    raise PublishError(
        f"the built site holds what is not known to be safe:\n{listed}{more}",
        where=str(site),
        next_step="the last site stands. Where it comes from a page or a setting of this repository, mend it "
        "there; where it comes from outside text, that is an error of Deploybook: please report it",
    )


def scan(site: Path, name: str, known: Known) -> Iterator[Finding]:
    """What is wrong with one file, by the kind that its name says."""
    kind = Path(name).suffix.lower()
    if kind not in _KINDS and kind not in _CODE:
        return
    content = (site / name).read_bytes()
    if kind in _COPIED and _is_copy(name, content, known.folders):
        return
    if kind in _CODE:
        yield Finding(name, "a script or style sheet that is neither the theme's nor written by hand here")
        return
    yield from (Finding(name, what) for what in dict.fromkeys(_KINDS[kind](content, known)))


def _is_copy(name: str, content: bytes, folders: Iterable[Path]) -> bool:
    originals = (folder / name for folder in folders)
    return any(path.is_file() and path.read_bytes() == content for path in originals)


def _page(content: bytes, known: Known) -> Iterator[str]:
    if b'http-equiv="Content-Security-Policy"' not in content:
        yield "a page without a content security policy"
    yield from _markup(content, known)


def _markup(content: bytes, known: Known) -> Iterator[str]:
    for token in tokens(content):
        if isinstance(token, Tag):
            if token.name == "script":
                yield "a <script> without an end"
            yield from _tag(token.name, token.attributes, known.url)
        elif isinstance(token, Script):
            yield from _script(token, known)
        elif isinstance(token, Unreadable):
            yield f"markup that cannot be read: {_shown(token.text)}"


@lru_cache(maxsize=20_000)
def _tag(name: str, text: bytes, url: str | None) -> tuple[str, ...]:
    """What is wrong with one tag; most stand on every page."""
    return tuple(_wrong(name, attributes(text), url))


def _wrong(name: str, named: dict[str, str], url: str | None) -> Iterator[str]:
    if name in _FORBIDDEN:
        yield f"an element <{name}>"
    for key, value in named.items():
        if key.startswith("on") or key in _NEVER:
            yield f"an attribute {key} of <{name}>"
        elif key == "http-equiv" and value.lower() not in _META:
            yield f"<meta http-equiv={value!r}>"
        elif key in _FETCHED:
            yield from _address(name, named, key, value, url)


def _address(name: str, named: dict[str, str], key: str, value: str, url: str | None) -> Iterator[str]:
    # As browsers do: line ends and tabs within an address go, and blanks around it; "\" is read as "/".
    address = _BLANKS.sub("", value).replace("\\", "/")
    scheme = _SCHEME.match(address)
    if name in _LINKS and key in ("href", "xlink:href"):
        if scheme and scheme[1].lower() not in _SCHEMES:
            yield f"a link with the scheme {scheme[1].lower()}"
        return
    if name == "link" and set(named.get("rel", "").lower().split()) <= _ABOUT_US:
        if (scheme or address.startswith("//")) and not (url and address.startswith(url)):
            yield f"<link rel={named.get('rel')!r}> of another site: {_shown(address.encode())}"
        return
    if name == "img" and address.startswith("data:image/"):
        return
    if scheme or address.startswith("//"):
        yield f"<{name} {key}> from elsewhere: {_shown(address.encode())}"


def _script(script: Script, known: Known) -> Iterator[str]:
    named = attributes(script.attributes)
    yield from _tag("script", script.attributes, known.url)
    if "src" in named:
        if script.body.strip():
            yield "a script with an address and a body"
    elif is_data(named):
        if b"<" in script.body:
            yield "a data block with a < in it"
    elif normal(script.body) not in known.scripts:
        yield f"a script that is not known: {_shown(script.body)}"


def _feed(content: bytes, known: Known) -> Iterator[str]:
    for found in _HTML_CONTENT.finditer(content):
        text = html.unescape(found[2].decode("utf-8", "replace"))
        yield from _markup(text.encode("utf-8", "replace"), known)


def _texts(value: object) -> Iterator[str]:
    """Texts of a search index and of a JSON Feed that a reader's program shows as HTML."""
    if not isinstance(value, dict):
        return
    for rows, keys in ((value.get("docs"), ("title", "text")), (value.get("items"), ("content_html",))):
        for row in rows if isinstance(rows, list) else ():
            yield from (row[key] for key in keys if isinstance(row, dict) and isinstance(row.get(key), str))


def _json(content: bytes, known: Known) -> Iterator[str]:
    try:
        value = json.loads(content)
    except ValueError as error:
        yield f"no JSON: {error}"
        return
    for text in _texts(value):
        if "<" in text:
            yield from _markup(text.encode("utf-8", "replace"), known)


def _shown(text: bytes) -> str:
    return repr(text[:80].decode("utf-8", "replace"))


_CODE = frozenset({".js", ".mjs", ".css"})
_COPIED = _CODE | {".svg"}
_KINDS: dict[str, Callable[[bytes, Known], Iterator[str]]] = {
    ".html": _page,
    ".htm": _page,
    ".xhtml": _page,
    ".svg": _markup,
    ".xml": _feed,
    ".json": _json,
}

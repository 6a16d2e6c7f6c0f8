"""How a repository itself sorts its changes: GitHub's `.github/release.yml`, git-cliff's `cliff.toml`.

Both map something that authors already write, labels or the beginnings of messages, to headings of a
changelog. A heading is taken for the kind of news that its words name; one that names none says nothing here.
Patterns of `cliff.toml` come from outside and are not run: only those that are beginnings, as `^feat` or
`^(fix|bug)`, are read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from deploybook.news.kinds import Kind

RELEASE_FILES = (".github/release.yml", ".github/release.yaml")
CLIFF_FILES = ("cliff.toml", ".cliff.toml", ".config/cliff.toml")
FILES = frozenset((*RELEASE_FILES, *CLIFF_FILES))
"""Where they are looked for, from the root of the repository."""

_LIMIT = 100_000
"""Bytes of a file that are read: no real one is near it."""
_HEADINGS: tuple[tuple[Kind, str], ...] = (
    ("dependency", r"dependenc|\bdeps\b"),
    ("fixed", r"\bfix|\bbugs?\b|security|regression"),
    ("removed", r"remov|deprecat|deleted"),
    ("improved", r"improve|enhance|perform|faster|\bperf\b"),
    ("new", r"feature|\bnew\b|\badd"),
    ("behind", r"internal|doc|test|chore|mainten|\bci\b|build|refactor|styl|miscellan|housekeep|infra"),
)
_BEGINNINGS = re.compile(
    r"(?:\(\?i\))?\^(?:\(\?i\))?(?:\((?:\?:)?([\w \-|]{1,200})\)|([\w \-]{1,60}))(?:\[?[:(!\\].*|\.\*|\$)?"
)


@dataclass(frozen=True)
class House:
    """A repository's own way of sorting.

    Attributes:
        labels: Labels, in lower case, and the kind of news that a change with them is.
        beginnings: How a title begins, in lower case, and the same; in the order of the file.
        authors: Authors whose changes are nobody's news.
    """

    labels: Mapping[str, Kind] = field(default_factory=dict)
    beginnings: tuple[tuple[str, Kind], ...] = ()
    authors: frozenset[str] = frozenset()


def read(files: Mapping[str, bytes]) -> House:
    """Read what a repository has of them, by path; a file that cannot be read says nothing."""
    labels: dict[str, Kind] = {}
    beginnings: list[tuple[str, Kind]] = []
    authors: set[str] = set()
    for path in RELEASE_FILES:
        changelog = _mapping(_yaml(files.get(path)).get("changelog"))
        exclude = _mapping(changelog.get("exclude"))
        authors.update(author.casefold() for author in _words(exclude.get("authors")))
        for category in _mappings(changelog.get("categories")):
            kind = kind_of(category.get("title"))
            for label in _words(category.get("labels")):
                if kind is not None and label != "*":
                    labels.setdefault(label.casefold(), kind)
        labels.update(dict.fromkeys((word.casefold() for word in _words(exclude.get("labels"))), "behind"))
    for path in CLIFF_FILES:
        for parser in _mappings(_mapping(_toml(files.get(path)).get("git")).get("commit_parsers")):
            kind = "behind" if parser.get("skip") is True else kind_of(parser.get("group"))
            if kind is not None:
                beginnings += [(start, kind) for start in _starts(parser.get("message"))]
    return House(labels, tuple(beginnings), frozenset(authors))


def kind_of(heading: object) -> Kind | None:
    """The kind of news that a changelog's heading names; none where it names none."""
    if not isinstance(heading, str):
        return None
    words = re.sub(r"<!--[^>]{0,40}-->", "", heading[:200]).casefold()
    return next((kind for kind, pattern in _HEADINGS if re.search(pattern, words)), None)


def _starts(pattern: object) -> Iterator[str]:
    found = _BEGINNINGS.fullmatch(pattern) if isinstance(pattern, str) and len(pattern) < 300 else None
    if found is not None:
        for start in (found[1] or found[2]).split("|"):
            if start.strip():
                yield start.strip().casefold()


def _yaml(content: bytes | None) -> dict[str, Any]:
    if content is None or len(content) > _LIMIT or b"&" in content:  # No aliases: few bytes could mean many.
        return {}
    try:
        return _mapping(yaml.safe_load(content))
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}


def _toml(content: bytes | None) -> dict[str, Any]:
    if content is None or len(content) > _LIMIT:
        return {}
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _words(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []

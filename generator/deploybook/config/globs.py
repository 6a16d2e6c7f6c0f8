"""Path patterns as in CODEOWNERS and .gitignore, compiled once into one regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterable


class Globs:
    """A list of patterns; a path matches when one of them does.

    A pattern without a slash (but at its end) matches at any depth, one with a slash from the root. `*` and
    `?` stay within a folder, `**` does not. What names a folder matches all that is in it.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        parts = [_regex(pattern) for pattern in patterns if pattern.strip("/ ")]
        self._match = re.compile("|".join(parts)).fullmatch if parts else None

    def match(self, path: str) -> bool:
        """Whether a path, with `/` and relative to the repository, matches."""
        return self._match is not None and self._match(path) is not None


def _regex(pattern: str) -> str:
    anchored = "/" in pattern.rstrip("/")
    parts = [part for part in pattern.strip("/").split("/") if part]
    if not anchored:
        parts.insert(0, "**")
    out = ""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            if last:
                out += ".+"
            elif not out.endswith("(?:.+/)?"):  # neighbouring ** say the same as one
                out += "(?:.+/)?"
            continue
        out += _segment(part) + ("" if last else "/")
    if parts and parts[-1] != "**":
        out += "/.+" if pattern.endswith("/") else "(?:/.+)?"
    return out


def _segment(part: str) -> str:
    return re.sub(r"\*+|\?|[^*?]+", lambda m: {"*": "[^/]*", "?": "[^/]"}.get(m[0][0], re.escape(m[0])), part)

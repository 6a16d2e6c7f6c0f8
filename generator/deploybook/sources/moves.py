"""What a GitOps commit says: which version of which codebase went to which environment."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HOLES = re.compile(r"\{(codebase|version|environment)\}")
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Move:
    """A version that a commit moved. `seconds` are UTC, 0 where unknown; no environment: not said."""

    revision: str
    seconds: int
    author: str
    environment: str | None
    version: str


@dataclass(frozen=True, slots=True)
class Found:
    """What filled the holes of a template; a hole that it does not have is empty or `None`."""

    codebase: str
    version: str
    environment: str | None


class Template:
    """A text with `{codebase}`, `{version}` and `{environment}` in it, each a word without spaces.

    In a path a word ends at a slash too. The same hole twice must be filled with the same word.
    """

    def __init__(self, text: str, *, path: bool = False) -> None:
        word = r"[^\s/]+" if path else r"\S+"
        pattern, end = "", 0
        seen: set[str] = set()
        for hole in _HOLES.finditer(text):
            name = hole[1]
            pattern += re.escape(text[end : hole.start()])
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{word}?)"
            seen.add(name)
            end = hole.end()
        self._match = re.compile(pattern + re.escape(text[end:])).fullmatch
        self.names_codebase = "codebase" in seen
        self.begin = text.partition("{")[0]
        """The words before the first hole: a quick way to pass over what cannot match."""
        self.text = text

    def read(self, text: str) -> Found | None:
        """What fills the holes, where the whole text is of this form; longer than a subject is none."""
        if len(text) > _LONGEST or (found := self._match(text)) is None:
            return None
        words = found.groupdict()
        environment = words.get("environment")
        return Found(
            words.get("codebase", ""), words.get("version", ""), environment.lower() if environment else None
        )

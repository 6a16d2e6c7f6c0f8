"""CODEOWNERS as GitHub reads it: the last rule that matches wins, nothing else does.

The library `codeowners` makes the matching; what it takes from GitLab is undone before it sees a line:
brackets are plain characters here, `!` is refused, and a comment names no owner.
"""

from __future__ import annotations

import re

from codeowners import path_to_regex

from deploybook.ownership.model import MOST_RULES, Aside, Codeowners, Rule, refused

_BLANK = "/" * 20
"""How the library writes an escaped blank while it takes a line apart."""
_OWNER = re.compile(r"@[^\s@/]+(?:/[^\s@/]+)?|[^\s@]+@[^\s@]+")


def read(text: str, file: str = "CODEOWNERS") -> Codeowners:
    """Read a file; a line that GitHub would not use is set aside, and stops nothing."""
    rules: list[Rule] = []
    aside: list[Aside] = []
    for number, line in enumerate(text.split("\n"), start=1):
        found = _line(line, number)
        if isinstance(found, Rule) and len(rules) < MOST_RULES:
            rules.append(found)
        elif isinstance(found, Aside):
            aside.append(found)
    return Codeowners("github", file, tuple(rules), tuple(aside))


def _line(line: str, number: int) -> Rule | Aside | None:
    words = _words(line)
    if not words:
        return None
    pattern, *owners = words
    wrong = _wrong(pattern, owners)
    if wrong:
        return Aside(number, line.strip()[:200], wrong)
    return Rule(pattern, tuple(owners), number, expression(pattern))


def _wrong(pattern: str, owners: list[str]) -> str | None:
    if pattern.startswith("!"):
        return "GitHub knows no rule that takes away"
    if not pattern.strip("/"):
        return "a pattern that matches nothing"
    strange = next((owner for owner in owners if not _OWNER.fullmatch(owner)), None)
    if strange is not None:
        return "an owner without @ that is no address"
    return refused(pattern)


def _words(line: str) -> list[str]:
    """The words of a line up to its comment; a blank behind a backslash is part of its word."""
    words = re.findall(r"(?:\\.|\S)+", line.strip())
    for index, word in enumerate(words):
        if word.startswith("#"):
            return words[:index]
    return words


def expression(pattern: str) -> str:
    """The regular expression of a GitHub pattern, for `search`, in Python and in JavaScript."""
    plain = re.sub(r"\\.|[\[\]]", lambda found: f"\\{found[0][-1]}", pattern)
    source = path_to_regex(plain.replace("\\ ", _BLANK)).pattern.replace(_BLANK, " ")
    return _both(source)


def _both(source: str) -> str:
    """The anchors as JavaScript writes them; they stand only at the ends."""
    if source.startswith(r"\A"):
        source = "^" + source[2:]
    source = source.replace(r"(?:\A|/)", "(?:^|/)", 1) if source.startswith(r"(?:\A|/)") else source
    if source.endswith(r"(?:\Z|/)"):
        return source[: -len(r"(?:\Z|/)")] + "(?:$|/)"
    return source[:-2] + "$" if source.endswith(r"\Z") else source

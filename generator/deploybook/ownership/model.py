"""A rule that names owners, and what a list of rules answers for a path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Dialect = Literal["github", "gitlab"]

DEFAULT = "(default)"
"""The section of rules that stand before any heading; GitHub knows no other."""

MOST_RULES = 5_000
LONGEST_PATTERN = 512
_STARS = 4
"""Wildcards in one part of a path: more would let a pattern take for ever on a long name."""
_DEEP = 4
"""Wildcards over folders in a whole pattern."""


@dataclass(frozen=True)
class Rule:
    """One line: a pattern and who owns what it matches."""

    pattern: str
    owners: tuple[str, ...]
    line: int
    """1-based."""
    expression: str
    """What a path must contain to match: a regular expression that Python and JavaScript read alike.

    A path is matched as the dialect writes it: `src/a.py` on GitHub, `/src/a.py` on GitLab.
    """
    section: str = DEFAULT
    excludes: bool = False
    """GitLab's `!`: what it matches has no owner in its section."""


@dataclass(frozen=True)
class Answer:
    """Who owns a path, by one rule; without owners it is deliberately nobody's."""

    rule: Rule
    owners: tuple[str, ...]


@dataclass(frozen=True)
class Aside:
    """A line that counts for nothing, and why."""

    line: int
    text: str
    because: str


@dataclass(frozen=True)
class Codeowners:
    """A CODEOWNERS file, read."""

    dialect: Dialect
    file: str
    """Its path in the repository."""
    rules: tuple[Rule, ...]
    aside: tuple[Aside, ...] = ()
    _compiled: list[re.Pattern[str]] = field(default_factory=list, compare=False, repr=False)

    def __post_init__(self) -> None:
        self._compiled.extend(re.compile(rule.expression) for rule in self.rules)

    def of(self, path: str) -> tuple[Answer, ...]:
        """The rules that win for a path: one on GitHub, one a section on GitLab; none where no rule matches.

        Args:
            path: Relative to the repository's root, with `/`.
        """
        subject = f"/{path}" if self.dialect == "gitlab" else path
        last: dict[str, Rule] = {}
        excluded: set[str] = set()
        for rule, expression in zip(self.rules, self._compiled, strict=True):
            if not expression.search(subject):
                continue
            if rule.excludes:
                excluded.add(rule.section)
            else:
                last[rule.section] = rule
        return tuple(Answer(rule, rule.owners) for name, rule in last.items() if name not in excluded)

    def owners(self, path: str) -> tuple[str, ...]:
        """Everybody who owns a path, each once, in the order of the sections."""
        return tuple(dict.fromkeys(owner for answer in self.of(path) for owner in answer.owners))


def refused(pattern: str) -> str | None:
    """Why a pattern is not used: it is too long, or made to take for ever; `None` where it is sound."""
    if len(pattern) > LONGEST_PATTERN:
        return f"a pattern of more than {LONGEST_PATTERN} characters"
    parts = pattern.split("/")
    if sum(part == "**" for part in parts) > _DEEP or any(part.count("*") > _STARS for part in parts):
        return "more wildcards than a path needs"
    return None


def by_section(answers: Sequence[Answer]) -> dict[str, tuple[str, ...]]:
    """The owners that each section names; a section that asks nobody is left out."""
    return {answer.rule.section: answer.owners for answer in answers if answer.owners}

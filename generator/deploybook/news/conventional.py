"""Conventional commit messages: type, scope, subject, breaking changes, issues closed.

Source of the form: the Conventional Commits specification 1.0.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADER = re.compile(r"(\w[\w-]{0,40})(?:\(([^()\n]{0,200})\))?(!)?:[ \t]+(\S.*)")
_BREAKING = re.compile(r"(?:[*-][ \t]+)?BREAKING[ -]CHANGE:[ \t]*(.*)")
_FOOTER = re.compile(r"[A-Za-z][\w-]*(?::[ \t]|[ \t]#\d)")
_CLOSES = re.compile(r"\b(?:close[sd]?|fix(?:es|ed)?|resolve[sd]?):?[ \t]+#(\d{1,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Header:
    """What a conventional message says."""

    type: str
    """In lower case."""
    scope: str | None
    subject: str
    breaking: bool
    breaking_notes: tuple[str, ...]
    closes: tuple[str, ...]
    """Numbers of the issues it closes, as text."""


def header(message: str) -> Header | None:
    """Read a message; `None` where its first line is not of the conventional form."""
    lines = message.replace("\r\n", "\n").strip("\n").split("\n")
    found = _HEADER.fullmatch(lines[0].rstrip())
    if found is None:
        return None
    notes = _breaking_notes(lines[1:])
    subject = found[4].strip()
    if found[3] and not notes:
        notes = (subject,)
    return Header(
        type=found[1].lower(),
        scope=(found[2] or "").strip() or None,
        subject=subject,
        breaking=bool(notes),
        breaking_notes=notes,
        closes=tuple(dict.fromkeys(_CLOSES.findall("\n".join(lines[1:])))),
    )


def _breaking_notes(lines: list[str]) -> tuple[str, ...]:
    notes: list[list[str]] = []
    inside = False
    for line in lines:
        if found := _BREAKING.fullmatch(line):
            notes.append([found[1]])
            inside = True
        elif inside and _FOOTER.match(line):
            inside = False
        elif inside:
            notes[-1].append(line)
    return tuple(text for note in notes if (text := "\n".join(note).strip()))

"""Release notes that an author wrote into the body of a pull request.

Best first: an override between `BEGIN_COMMIT_OVERRIDE` and `END_COMMIT_OVERRIDE` (release-please does that),
a fenced ```` ```release-note ```` block (the form of Kubernetes), a section headed "Release notes".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

LIMIT = 20_000
"""Characters of a body that are read: more than any forge's page shows."""
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_OVERRIDE = re.compile(
    r"^[ \t]*BEGIN_COMMIT_OVERRIDE[ \t]*\n(.*?)^[ \t]*END_COMMIT_OVERRIDE", re.DOTALL | re.MULTILINE
)
_FENCE = re.compile(
    r"^[ ]{0,3}(`{3,}|~{3,})[ \t]*release-notes?[ \t]*\n(.*?)(?:^[ ]{0,3}\1|\Z)", re.DOTALL | re.MULTILINE
)
_NONE_LINE = re.compile(r"^[ \t]*/release-note-none[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+release[ -]notes?[ \t]*:?[ \t#]*$", re.IGNORECASE | re.MULTILINE)
_NEXT_HEADING = re.compile(r"^#{1,6}[ \t]", re.MULTILINE)
_ACTION = re.compile(r"\[?action required\]?:?[ \t]*", re.IGNORECASE)
_NO_NEWS = re.compile(r"[\"']?(?:none|n/?a)[\"']?\.?", re.IGNORECASE)
_ITEM = re.compile(r"[-*+][ \t]+")


@dataclass(frozen=True, slots=True)
class Note:
    """What an author wrote for readers.

    Attributes:
        text: The words; `None` where there are none.
        excluded: The author says that there is nothing to tell (`NONE`, `N/A`).
        found: Where it stood: an override, a block, a section; `None` where nothing was there. A block
            that is there and empty was forgotten: it excludes nothing.
        action_required: The author says that readers have to do something.
    """

    text: str | None = None
    excluded: bool = False
    found: Literal["override", "block", "section"] | None = None
    action_required: bool = False


def release_note(body: str | None) -> Note:
    """Find the note in the body of a pull request."""
    if not body:
        return Note()
    text = _COMMENT.sub("", body[:LIMIT].replace("\r\n", "\n").replace("\r", "\n"))
    if found := _OVERRIDE.search(text):
        return _note(found[1], "override")
    blocks = [_note(match[2], "block") for match in _FENCE.finditer(text)]
    told = [block for block in blocks if block.text]
    if told:
        return told[0]
    if _NONE_LINE.search(text):
        return Note(excluded=True, found="block")
    if blocks:
        return next((block for block in blocks if block.excluded), blocks[0])
    if found := _HEADING.search(text):
        section = text[found.end() :]
        end = _NEXT_HEADING.search(section)
        return _note(section[: end.start()] if end else section, "section")
    return Note()


def _note(text: str, found: Literal["override", "block", "section"]) -> Note:
    words = text.strip()
    action = _ACTION.match(words)
    if action:
        words = words[action.end() :].strip()
    if not words:
        return Note(found=found, action_required=action is not None)
    if _NO_NEWS.fullmatch(words):
        return Note(excluded=True, found=found)
    if _ITEM.match(words):
        first, *rest = _ITEM.sub("", words, count=1).split("\n")
        lone = not any(_ITEM.match(line) for line in rest)
        words = "\n".join(
            [first, *(line.strip() if lone else _outdented(rest, i) for i, line in enumerate(rest))]
        )
    return Note(text=words, found=found, action_required=action is not None)


def _outdented(lines: list[str], index: int) -> str:
    """A line of a list's first item loses its indent; later items keep theirs."""
    before = lines[: index + 1]
    return lines[index] if any(_ITEM.match(line) for line in before) else lines[index].strip()

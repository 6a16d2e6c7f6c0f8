"""Which words tell a change, what kind of news it is, and where both come from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from deploybook.news.conventional import header
from deploybook.news.house import House
from deploybook.news.kinds import Kind
from deploybook.news.notes import release_note

Origin = Literal["override", "block", "section", "note", "issue", "title", "none"]

_LABELS: dict[str, Kind] = {
    "feature": "new", "new": "new", "feat": "new", "new feature": "new",
    "enhancement": "improved", "improvement": "improved", "performance": "improved", "perf": "improved",
    "bug": "fixed", "bugfix": "fixed", "fix": "fixed", "regression": "fixed", "hotfix": "fixed",
    "removal": "removed", "removed": "removed", "deprecation": "removed",
    "chore": "behind", "refactor": "behind", "refactoring": "behind", "internal": "behind", "ci": "behind",
    "test": "behind", "tests": "behind", "documentation": "behind", "docs": "behind", "cleanup": "behind",
    "tech debt": "behind", "trivial": "behind", "skip-changelog": "behind",
    "dependencies": "dependency", "dependency": "dependency", "deps": "dependency",
}  # fmt: skip
_TYPES: dict[str, Kind] = {
    "feat": "new", "feature": "new", "fix": "fixed", "bugfix": "fixed", "hotfix": "fixed", "perf": "improved",
    "improvement": "improved", "improve": "improved", "remove": "removed", "removal": "removed",
    "deprecate": "removed", "chore": "behind", "refactor": "behind", "build": "behind", "ci": "behind",
    "test": "behind", "tests": "behind", "docs": "behind", "doc": "behind", "style": "behind",
    "deps": "dependency", "revert": "changed",
}  # fmt: skip
_VERBS: dict[str, Kind] = {
    "add": "new", "adds": "new", "added": "new", "introduce": "new", "allow": "new", "support": "new",
    "fix": "fixed", "fixes": "fixed", "fixed": "fixed", "correct": "fixed", "repair": "fixed",
    "remove": "removed", "removes": "removed", "removed": "removed", "drop": "removed", "delete": "removed",
    "improve": "improved", "speed": "improved", "refactor": "behind",
    "bump": "dependency",
}  # fmt: skip
_TICKET = r"[A-Z][A-Z0-9]{1,9}-\d{1,7}"
_LEAD = re.compile(
    rf"(?:\[[^\]\n]{{1,30}}\]|\({_TICKET}\)|{_TICKET}|WIP|DRAFT)(?:[ \t]*[:\-–—|][ \t]*|[ \t]+)",
    re.IGNORECASE,
)
_TAIL = re.compile(rf"[ \t]*(?:\(#\d{{1,18}}\)|\[#\d{{1,18}}\]|[(\[]{_TICKET}[)\]])$")
_NAME = re.compile(r"\S*(?:\d|[_/()]|\.\w|[a-z][A-Z]|:\s)")
"""A first word that is a name and stands as it is: `t0001:`, `ldap:`, `setup.py`, `iOS`."""
_REVERT = re.compile(r"(Revert|Reapply)[ \t]+[\"“](.*)[\"”]\.?", re.DOTALL)
_BY_HAND = ("feat", "fix", "perf", "revert")
"""Types of a bot's change that is more than an update of what the code depends on."""
_UPDATE = re.compile(r"\bbump|\b(?:update|upgrade|pin|roll)s?\b.*(?:\bdependenc|\bto v?\d)", re.IGNORECASE)
_TAKEN, _BROUGHT = "Taken back: ", "Brought back: "


HOUSELESS = House()
"""Of a repository that says nothing of how it sorts its changes."""


@dataclass(frozen=True, slots=True)
class News:
    """A change as it is told.

    Attributes:
        words: One line for readers; never empty.
        more: What the author wrote besides, or nothing.
        kind: What kind of news it is.
        origin: Whose words they are. From `title` on they are not the author's words for readers: the
            change is listed for its author before the cut-off.
        silent: The author says that there is nothing to tell: it counts, and is not listed as news.
    """

    words: str
    more: str
    kind: Kind
    origin: Origin
    silent: bool = False

    @property
    def described(self) -> bool:
        """Whether somebody wrote words for readers."""
        return self.silent or self.origin in ("override", "block", "section", "note", "issue")


def tell(
    title: str,
    *,
    body: str | None = None,
    note: str | None = None,
    issue_titles: Iterable[str | None] = (),
    labels: Iterable[str] = (),
    author: str | None = None,
    bot: bool = False,
    house: House = HOUSELESS,
) -> News:
    """Choose the words of a change, best first.

    An override in the body, a release-note block or section, a note of the site repository, the linked
    issue's title, the change's own title cleaned of what only tools read. What kind of news it is says
    the `house`, the repository's own way of sorting, before our own rules.
    """
    labels = [label.casefold() for label in labels]
    written = release_note(body)
    kind = _house_kind(title, labels, house) or _kind(title, written.text or note or "", labels)
    if bot:
        kind = _of_bot(title, kind)
    elif author is not None and author.casefold() in house.authors:
        kind = "behind"
    silent = written.excluded or bool({"release-note-none", "no-release-note"} & set(labels))
    if written.text:
        found = header(written.text)
        words, more = _split(found.subject if found and found.type in _TYPES else written.text)
        return News(words, more, kind, written.found or "block", silent=False)
    if note:
        words, more = _split(note)
        return News(words, more, kind, "note")
    issue = next((text for text in issue_titles if text and text.strip()), None)
    if issue and not bot:
        return News(clean(issue), "", kind, "issue", silent=silent)
    words = clean(title)
    return News(words or "A change without a title", "", kind, "title" if words else "none", silent=silent)


def clean(title: str) -> str:
    """A title as a sentence begins: without conventional type, tickets, tags and trailing references."""
    text = _plain(" ".join(title.split()))
    turns = 0
    while found := _REVERT.fullmatch(text):
        turns += 1 if found[1] == "Revert" else 2
        text = _plain(found[2])
    for _ in range(turns if text else 0):
        text = taken_back(text)
    return text


def taken_back(words: str) -> str:
    """What a change is called once it is taken back; what was itself taken back is then there again."""
    if words.startswith(_TAKEN):
        return _BROUGHT + words.removeprefix(_TAKEN)
    return _TAKEN + words.removeprefix(_BROUGHT)


def takes_back(title: str) -> bool:
    """Whether a title says that its change takes another back."""
    return clean(title).startswith(_TAKEN)


def _plain(text: str) -> str:
    """Words without what only tools read."""
    before = None
    while before != text:
        before = text
        text = _TAIL.sub("", text).strip()
        if found := _LEAD.match(text):
            text = text[found.end() :].lstrip()
        conventional = header(text)
        if conventional is not None and conventional.type in _TYPES:
            text = conventional.subject
    text = text.removesuffix(".") if not text.endswith("..") else text
    return text if _NAME.match(text) else text[:1].upper() + text[1:]


def _split(text: str) -> tuple[str, str]:
    """The first line or paragraph, and the rest."""
    first, _, rest = text.strip().partition("\n")
    return first.strip().lstrip("#*- ").strip() or first.strip(), rest.strip()


def _of_bot(title: str, kind: Kind) -> Kind:
    """A bot keeps dependencies new, unless the type of its title says that it did something else."""
    found = header(title.strip().split("\n", 1)[0]) if title.strip() else None
    if found is None or found.type not in _BY_HAND or (found.scope or "").startswith("deps"):
        return "dependency"
    return "dependency" if _UPDATE.search(found.subject) else kind


def _house_kind(title: str, labels: list[str], house: House) -> Kind | None:
    """As the repository's own changelog sorts it: by labels, else by how its title begins."""
    for label in labels:
        if label in house.labels:
            return house.labels[label]
    begins = title.strip().casefold()
    return next((kind for start, kind in house.beginnings if begins.startswith(start)), None)


def _kind(title: str, written: str, labels: list[str]) -> Kind:
    """By labels, else the conventional type, else the first word of what is told, else unknown."""
    for label in labels:
        word = re.split(r"[/:]", label)[-1].strip()
        if label in _LABELS or (word in _LABELS and re.match(r"(?:kind|type|category)[/: ]", label)):
            return _LABELS.get(label) or _LABELS[word]
    for text in (written, title):
        found = header(text.strip().split("\n", 1)[0]) if text.strip() else None
        if found and found.type in _TYPES:
            return "dependency" if found.scope == "deps" else _TYPES[found.type]
    first = clean(title).split(" ", 1)[0].casefold() if title.strip() else ""
    return _VERBS.get(first, "changed")

"""What a commit message says about where the commit came from: pull requests, reverts, cherry-picks.

Pure functions of text. Messages come from outside: every pattern here is anchored and runs in linear time.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

_SHA = r"[0-9a-fA-F]{7,64}"
_PULL = re.compile(r"Merge pull request #(\d{1,18})(?: from (\S+))?")
_BITBUCKET = re.compile(r"Merged in (\S+) \(pull request #(\d{1,18})\)")
_AZURE = re.compile(r"Merged PR (\d{1,18}): *(.*)")
_BRANCH = re.compile(r"Merge (?:remote-tracking )?branch '([^']+)'")
_OTHER_MERGE = re.compile(r"Merge (?:remote-tracking )?(?:branch|branches|tag|tags|commit|commits)\b")
_PICK_OF = re.compile(r"Automated cherry pick of #(\d{1,18})(?:[^:\n]{0,200})?: *(.*)")
_NUMBER = re.compile(r"\(#(\d{1,18})\)")
_REQUEST = re.compile(r"^See merge request (?:\S*)!(\d{1,18})[ \t]*$", re.MULTILINE)
_REVERTED = re.compile(rf"^[ \t]*This reverts commits? ({_SHA}(?:,? and {_SHA}|, ?{_SHA})*)", re.MULTILINE)
_REVERTED_PULL = re.compile(
    r"^[ \t]*Reverts (?:([\w.-]+/[\w.-]+))?[#!](\d{1,18})[ \t]*\.?[ \t]*$", re.MULTILINE
)
_REVERTED_REQUEST = re.compile(r"^[ \t]*This reverts merge request (?:\S*)!(\d{1,18})", re.MULTILINE)
_REVERT_BRANCH = re.compile(r"(?:[^/\s]+/)?revert-(\d{1,18})-")
_REVERT_QUOTED = re.compile(r'Revert "(.*)"')
_REVERT_HEADER = re.compile(r"revert(?:\([^()\n]{0,100}\))?!?: *(.+)", re.IGNORECASE)
_PICKED = re.compile(rf"^[ \t]*\(cherry picked from commit ({_SHA})\)", re.MULTILINE)
_EACH_SHA = re.compile(_SHA)


class Message(msgspec.Struct, frozen=True):
    """What a commit message says.

    Attributes:
        kind: What the commit is by its words: a merge, the squash of a pull request, a revert, a
            cherry-pick, or a plain commit.
        number: The pull or merge request that it is, merges or (a cherry-pick) comes from.
        title: The title of that request; of a revert without a request, the title of what it takes back;
            else the subject. `None` where the message has none (a merge without words).
        source_ref: The branch that a merge merged, as the message spells it.
        reverts: The revisions that it takes back, as spelt: full or short.
        reverts_number: The pull request that it takes back.
        picked_from: The revisions that a `git cherry-pick -x` copied; the last is the nearest.
    """

    kind: Literal["merge", "squash", "revert", "cherry-pick", "commit"]
    number: int | None = None
    title: str | None = None
    source_ref: str | None = None
    reverts: tuple[str, ...] = ()
    reverts_number: int | None = None
    picked_from: tuple[str, ...] = ()

    @property
    def is_pull_request(self) -> bool:
        """Whether the commit is the arrival of a pull request on its branch."""
        return self.number is not None and self.kind != "cherry-pick"


def subject_and_body(message: str) -> tuple[str, str]:
    """The first line that is not blank, and what follows it; line ends are made plain."""
    text = message.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n \t")
    subject, _, body = text.partition("\n")
    return subject.strip(), body


def parse(message: str) -> Message:
    """Read a commit message."""
    subject, body = subject_and_body(message)
    picked = _picked(body)
    reverts, reverts_number = _reverted(body)
    merge = _merge(subject, body)
    if merge is not None:
        number, title, source = merge
        if reverts_number is None and source and (title or "").startswith('Revert "'):
            found = _REVERT_BRANCH.match(source)
            reverts_number = int(found[1]) if found else None
        return Message("merge", number, title, source, reverts, reverts_number, picked)
    if found := _AZURE.fullmatch(subject):
        return Message("squash", int(found[1]), found[2] or None, None, reverts, reverts_number, picked)
    if found := _PICK_OF.fullmatch(subject):
        return Message("cherry-pick", int(found[1]), found[2] or None, None, reverts, reverts_number, picked)
    squash = _NUMBER.fullmatch(subject, max(subject.rfind("(#"), 0))
    number = int(squash[1]) if squash else _request(body)
    title = (subject[: squash.start()].rstrip() if squash else subject) or None
    if picked:
        return Message("cherry-pick", number, title, None, reverts, reverts_number, picked)
    quoted = _REVERT_QUOTED.fullmatch(title or "")
    header = _REVERT_HEADER.fullmatch(title or "")
    if quoted or header or (reverts and body.lstrip().startswith("This reverts commit")):
        if number is None and (inner := quoted or header):
            title = inner[1]
        return Message("revert", number, title, None, reverts, reverts_number)
    return Message("squash" if number is not None else "commit", number, title, None, reverts, reverts_number)


def may_be_pull_request(message: str) -> bool:
    """Whether `parse` could find a pull request: quick, for histories of hundreds of thousands of commits."""
    if message.startswith(("Merge pull request #", "Merged ")):
        return True
    end = message.find("\n")
    subject = message if end < 0 else message[:end]
    return "(#" in subject or "See merge request " in message


def author_name(author: str) -> str:
    """The name in `Name <email>`; the whole where there is no name."""
    name = author.partition("<")[0].strip()
    return name or author.strip("<> ")


def author_email(author: str) -> str | None:
    """The address in `Name <email>`."""
    _, bracket, rest = author.rpartition("<")
    address = rest.rstrip().removesuffix(">").strip()
    return address if bracket and "@" in address else None


def is_bot(author: str | None) -> bool:
    """Whether the author's name ends in `[bot]`, as the forges mark their applications."""
    return author is not None and author_name(author).endswith("[bot]")


def _merge(subject: str, body: str) -> tuple[int | None, str | None, str | None] | None:
    """Number, title and source branch of a merge commit; `None` for any other message."""
    if found := _PULL.match(subject):
        return int(found[1]), _first_line(body), found[2]
    if found := _BITBUCKET.match(subject):
        return int(found[2]), _first_line(body), found[1]
    if found := _BRANCH.match(subject):
        number = _request(body)
        return number, _first_line(body) if number is not None else None, found[1]
    if _OTHER_MERGE.match(subject):
        return _request(body), None, None
    return None


def _first_line(body: str) -> str | None:
    for line in body.split("\n"):
        words = line.strip()
        if words:
            return None if words.startswith("See merge request ") else words
    return None


def _request(body: str) -> int | None:
    """The merge request that GitLab names at the end of a message."""
    found = _REQUEST.findall(body) if "See merge request " in body else []
    return int(found[-1]) if found else None


def _reverted(body: str) -> tuple[tuple[str, ...], int | None]:
    if "everts " not in body:
        return (), None
    shas = tuple(
        dict.fromkeys(sha.lower() for line in _REVERTED.finditer(body) for sha in _EACH_SHA.findall(line[1]))
    )
    pull = _REVERTED_PULL.search(body)
    if pull:
        return shas, int(pull[2])
    request = _REVERTED_REQUEST.search(body)
    return shas, int(request[1]) if request else None


def _picked(body: str) -> tuple[str, ...]:
    if "(cherry picked from" not in body:
        return ()
    return tuple(found.lower() for found in _PICKED.findall(body))

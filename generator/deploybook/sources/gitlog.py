"""A history in one pass of `git log`: its commits as they come, and its graph once they have."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from deploybook import messages
from deploybook.messages import Message
from deploybook.records import Commit
from deploybook.sources import gitcmd
from deploybook.sources.gitfiles import NOTHING, Touched
from deploybook.sources.repository import Repository

FIELDS = "%H%x00%P%x00%an <%ae>%x00%at%x00%ct%x00%B"
"""What is asked of each commit; `-z` ends each with one more NUL. No field can hold a NUL."""

_WIDTH = 6
_LATEST = 4_102_444_800
"""2100-01-01 UTC. A clock that says later, or nothing after 1970, was wrong: the time is unknown."""


class Node(msgspec.Struct, frozen=True):
    """What the graph keeps of a commit. Times are UTC, `None` where unknown."""

    parents: tuple[str, ...]
    authored_at: datetime | None
    committed_at: datetime | None
    author: str


@dataclass(slots=True)
class Graph:
    """All commits of a history.

    Attributes:
        nodes: The commits by revision.
        messages: What those messages say that may be of a pull request. They are read as they come, while
            git is still looking for the next.
        subjects: The subjects of commits that were merged without a word.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)

    def ancestors(self, tips: Iterable[str]) -> set[str]:
        """The tips, as far as they are here, and all that they contain."""
        seen: set[str] = set()
        stack = [tip for tip in tips if tip in self.nodes]
        while stack:
            revision = stack.pop()
            if revision in seen:
                continue
            seen.add(revision)
            stack.extend(parent for parent in self.nodes[revision].parents if parent in self.nodes)
        return seen

    def tips(self) -> set[str]:
        """The commits that no other here has as a parent."""
        return self.nodes.keys() - {parent for node in self.nodes.values() for parent in node.parents}


def instant(seconds: int) -> datetime | None:
    """UTC time of a Unix time; `None` for 0, which stands for unknown."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def known_seconds(found: int | str | None) -> int:
    """Unix time as git prints it; 0 where it is missing or no clock can have meant it."""
    try:
        number = int(found or 0)
    except ValueError:
        return 0
    return number if 0 < number < _LATEST else 0


def log(repository: Repository, *which: str, tips: Sequence[str] = ()) -> Generator[bytes]:
    """What `read` reads: `git log` of all that some options and tips name."""
    return gitcmd.stream(
        repository.folder, "log", "-z", f"--format={FIELDS}", "--no-color", "--no-decorate",
        "--no-show-signature", "--no-notes", *which, "--stdin", lines=tips,
    )  # fmt: skip


def read(
    blocks: Iterable[bytes], codebase: str, graph: Graph, touched: Mapping[str, Touched]
) -> Iterator[Commit]:
    """Read the commits of a log, newest first, and put them into the graph; what is there is not told again.

    Raises:
        SourceError: git failed.
    """
    nodes, kept, subjects = graph.nodes, graph.messages, graph.subjects
    may_be, parse = messages.may_be_pull_request, messages.parse
    utc, files_of = datetime.fromtimestamp, touched.get
    wordless: set[str] = set()
    for texts in _records(blocks):
        each = iter(texts)
        for revision, parents, author, authored_text, committed_text, text in zip(*[each] * 6, strict=True):
            above = tuple(parents.split())
            seconds = known_seconds(authored_text)
            authored_at = committed_at = utc(seconds, UTC) if seconds else None
            if committed_text != authored_text:  # more than half have one time
                seconds = known_seconds(committed_text)
                committed_at = utc(seconds, UTC) if seconds else None
            message = text.rstrip("\n")
            if may_be(message):
                kept[revision] = parse(message)
                if len(above) > 1 and "\n" not in message:
                    wordless.add(above[1])
            if revision in wordless:
                subjects[revision] = messages.subject_and_body(message)[0]
            if revision in nodes:
                continue
            nodes[revision] = Node(above, authored_at, committed_at, author)
            files, additions, deletions = files_of(revision, NOTHING)
            yield Commit(
                codebase=codebase,
                revision=revision,
                parents=above,
                author=author,
                authored_at=authored_at,
                committed_at=committed_at,
                message=message,
                files=files,
                additions=additions,
                deletions=deletions,
            )


def _records(blocks: Iterable[bytes]) -> Iterator[list[str]]:
    """The fields of whole commits, a block of them at a time."""
    rest = b""
    waiting: list[str] = []
    for block in blocks:
        whole, nul, tail = block.rpartition(b"\0")
        if not nul:
            rest += block
            continue
        waiting += (rest + whole).decode("utf-8", "replace").split("\0")
        rest = tail
        cut = len(waiting) // _WIDTH * _WIDTH
        yield waiting[:cut]
        waiting = waiting[cut:]

"""A codebase's commits as a graph on integers: every child has a higher number than its parents.

That order makes all questions cheap: whoever walks from high to low meets a commit only after everything
that contains it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from heapq import heappop, heappush

from deploybook.records import Commit

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST = 7
_THESE, _THAT = 1, 2


class Graph:
    """Commits and their parents. A parent that is not there (a shallow clone) is left out."""

    def __init__(self, commits: Iterable[Commit]) -> None:
        found = {commit.revision: commit for commit in commits}
        self.commits: list[Commit] = _ordered(found)
        self.revisions = [commit.revision for commit in self.commits]
        self.index = {revision: index for index, revision in enumerate(self.revisions)}
        self.parents: list[tuple[int, ...]] = [
            tuple(
                self.index[parent]
                for parent in dict.fromkeys(commit.parents or ())
                # A hostile record may make a circle: an edge that does not lead down is none.
                if self.index.get(parent, place) < place
            )
            for place, commit in enumerate(self.commits)
        ]
        self._sorted = sorted(self.revisions)

    def __len__(self) -> int:
        return len(self.commits)

    def find(self, revision: str | None) -> int | None:
        """The commit of a revision, in full or cut short to at least seven characters; none if unclear."""
        if not revision:
            return None
        if (place := self.index.get(revision)) is not None:
            return place
        if len(revision) < _SHORTEST:
            return None
        at = bisect_left(self._sorted, revision)
        near = [full for full in self._sorted[at : at + 2] if full.startswith(revision)]
        return self.index[near[0]] if len(near) == 1 else None

    def enter(self, tip: int, inside: bytearray) -> list[int]:
        """Mark what `tip` contains and is not marked yet; each commit is walked over once an environment."""
        if inside[tip]:
            return []
        inside[tip] = 1
        found, stack = [tip], [tip]
        while stack:
            for parent in self.parents[stack.pop()]:
                if not inside[parent]:
                    inside[parent] = 1
                    found.append(parent)
                    stack.append(parent)
        return found

    def only_in(self, these: Iterable[int], that: Iterable[int]) -> list[int]:
        """What `these` contain and `that` do not, as `git rev-list these ^that`, highest first.

        Walks down from both at once and stops where nothing is left that only `these` contain: its cost is
        that of the difference, not of the history.
        """
        marks: dict[int, int] = {}
        heap: list[int] = []
        for starts, mark in ((these, _THESE), (that, _THAT)):
            for start in starts:
                if start not in marks:
                    heappush(heap, -start)
                marks[start] = marks.get(start, 0) | mark
        pending = sum(mark == _THESE for mark in marks.values())
        found = []
        while heap and pending:
            place = -heappop(heap)
            mark = marks[place]
            if mark == _THESE:
                found.append(place)
                pending -= 1
            for parent in self.parents[place]:
                before = marks.get(parent, 0)
                after = before | mark
                if after == before:
                    continue
                marks[parent] = after
                if not before:
                    heappush(heap, -parent)
                    pending += after == _THESE
                elif before == _THESE:
                    pending -= 1
        return found

    def contains(self, tip: int, other: int) -> bool:
        """Whether `other` is `tip` or one of its ancestors."""
        if other >= tip:
            return other == tip
        seen, stack = {tip}, [tip]
        while stack:
            for parent in self.parents[stack.pop()]:
                if parent == other:
                    return True
                if parent > other and parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
        return False

    def first_parents(self, tip: int) -> list[int]:
        """The line that `tip` ends, newest first."""
        line = [tip]
        while (parent := self.first_parent(line[-1])) is not None:
            line.append(parent)
        return line

    def first_parent(self, place: int) -> int | None:
        """The first parent as the commit names it: where that one is not there, the line ends."""
        named = self.commits[place].parents
        if not named:
            return None
        first = self.index.get(named[0])
        return first if first is not None and first < place else None

    def tips(self) -> list[int]:
        """Commits that no other commit has as a parent."""
        inner = bytearray(len(self))
        for parents in self.parents:
            for parent in parents:
                inner[parent] = 1
        return [place for place in range(len(self)) if not inner[place]]


def _ordered(commits: Mapping[str, Commit]) -> list[Commit]:
    """Parents before children, older before newer; the same whatever order the commits come in."""
    when = {
        revision: (commit.committed_at or commit.authored_at or _EPOCH, revision)
        for revision, commit in commits.items()
    }
    waiting: dict[str, int] = {}
    children: dict[str, list[str]] = {}
    for revision, commit in commits.items():
        parents = [parent for parent in dict.fromkeys(commit.parents or ()) if parent in commits]
        waiting[revision] = len(parents)
        for parent in parents:
            children.setdefault(parent, []).append(revision)
    heap: list[tuple[datetime, str]] = []
    for revision, count in waiting.items():
        if not count:
            heappush(heap, when[revision])
    order: list[Commit] = []
    while heap:
        _, revision = heappop(heap)
        order.append(commits[revision])
        for child in children.get(revision, ()):
            waiting[child] -= 1
            if not waiting[child]:
                heappush(heap, when[child])
    if len(order) < len(commits):
        placed = {commit.revision for commit in order}
        circle: Sequence[str] = sorted((r for r in commits if r not in placed), key=lambda r: when[r])
        order += [commits[revision] for revision in circle]
    return order

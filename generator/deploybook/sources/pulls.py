"""Pull requests found in a graph: what merged them, what they brought, and who began them.

They are known by words (`Merge pull request #N`, `(#N)` at a subject's end, `See merge request`) or by
their head (`refs/pull/N/head`). One that was rebased has neither and cannot be told from a direct push.
An author is written as git has it, `Name <email>`: that of the pull request's first commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from deploybook.feed import Rejected
from deploybook.messages import Message
from deploybook.records import Change
from deploybook.sources.gitfiles import NOTHING, Touched
from deploybook.sources.gitlog import Graph, Node
from deploybook.sources.web import Web

_HEAD_COMMITS = 250
"""How far a squash's head is followed: a forge shows no more commits of a pull request either."""


@dataclass(slots=True)
class Lines:
    """Which commit each merge brought, on the release branch first and then on every other line.

    Attributes:
        main: The first-parent commits of the release branch.
        first_parents: The first-parent commits of every line, the release branch's too.
        contained: All commits that they contain.
        order: The same, each merge right behind what it brought.
        brought: For each merge, where in `order` what it brought begins and ends.
    """

    main: set[str]
    first_parents: set[str]
    contained: set[str]
    order: list[str]
    brought: dict[str, tuple[int, int]]

    def of(self, revision: str) -> list[str]:
        """The commits that a merge brought, oldest side first; none for any other commit."""
        begin, end = self.brought.get(revision, (0, 0))
        return self.order[begin:end]


def lines(graph: Graph, release: str | None, others: Iterable[str]) -> Lines:
    """Walk the graph once: the release branch from its beginning, then the other tips in their order."""
    found = Lines(set(), set(), set(), [], {})
    if release is not None:
        chain = _walk(graph, release, found)
        found.main.update(chain)
        found.first_parents.update(chain)
    for tip in others:
        if tip not in found.contained:  # most tags are of the release branch
            found.first_parents.update(_walk(graph, tip, found))
    return found


def _walk(graph: Graph, tip: str, found: Lines) -> list[str]:
    """Put a tip and all that is new with it into the order; returns its own new first-parent commits."""
    sides: dict[str, tuple[str, ...]] = {}
    own = _chain(graph, tip, found.contained, sides)
    order = found.order
    stack = own.copy()
    begins: dict[str, int] = {}
    while stack:
        revision = stack.pop()
        if revision in sides:  # a merge comes up twice: before and after what it brought
            begins[revision] = len(order)
            stack.append(revision)
            for side in sides.pop(revision):
                stack += _chain(graph, side, found.contained, sides)
            continue
        if revision in begins:
            found.brought[revision] = (begins[revision], len(order))
        order.append(revision)
    return own


def _chain(graph: Graph, tip: str, seen: set[str], sides: dict[str, tuple[str, ...]]) -> list[str]:
    """The first-parent commits from a tip, newest first, down to what was seen; marks them as seen.

    The other parents of merges are put by.
    """
    chain: list[str] = []
    node_of = graph.nodes.get
    revision = tip
    while revision not in seen and (node := node_of(revision)) is not None:
        seen.add(revision)
        chain.append(revision)
        parents = node.parents
        if not parents:
            break
        if len(parents) > 1:
            sides[revision] = parents[1:]
        revision = parents[0]
    return chain


@dataclass(frozen=True, slots=True)
class History:
    """What pull requests are found in.

    Attributes:
        graph: All commits.
        lines: What each merge brought.
        heads: The head of each pull request that the repository has a reference for.
        touched: Which files the commits touched, as far as they were asked for.
        web: Where the forge shows them, where that is known.
    """

    graph: Graph
    lines: Lines
    heads: dict[int, str]
    touched: Mapping[str, Touched]
    web: Web | None = None


class Arrival(msgspec.Struct, frozen=True):
    """A pull request's arrival: the commit that stands for its merge, and what is known about it."""

    number: int
    revision: str
    message: Message
    head: str | None


def changes(history: History, codebase: str) -> Iterator[Change | Rejected]:
    """A change for each pull request that is contained; one whose merge has no time is set aside."""
    for arrival in arrivals(history):
        made = _change(arrival, history, codebase)
        if made is None:
            yield Rejected(
                f"{codebase}, revision {arrival.revision}",
                f"pull request {arrival.number} has no usable time of merge",
                (arrival.message.title or "")[:500],
            )
        else:
            yield made


def arrivals(history: History) -> list[Arrival]:
    """Each pull request once, with the commit that merged it.

    Where several commits name one number, the one on the release branch stands, none that is older than
    the pull request's head before others (imported history has another repository's numbers), no cherry-pick
    before others, a merge before a squash, the oldest of equals. Where the repository keeps the heads of pull
    requests, a number without one is an issue's. Off the first-parent lines a squash needs its head: a
    commit of a branch may just as well name an issue.
    """
    graph, lines_of, heads = history.graph, history.lines, history.heads
    message_of = graph.messages
    highest = max(heads, default=0)
    named: dict[int, list[str]] = {}
    for revision in filter(message_of.__contains__, lines_of.order):
        number = message_of[revision].number
        if number is None:
            continue
        if number not in heads and (
            number <= highest or not (revision in lines_of.first_parents or revision in lines_of.brought)
        ):
            continue
        named.setdefault(number, []).append(revision)

    def rank(revision: str) -> tuple[bool, bool, bool, bool]:
        message = message_of[revision]
        early = _is_before_head(graph, revision, heads.get(message.number or 0))
        picked = message.kind == "cherry-pick"
        return revision not in lines_of.main, early, picked, revision not in lines_of.brought

    told = []
    for number, revisions in named.items():
        revision = min(revisions, key=rank) if len(revisions) > 1 else revisions[0]
        told.append(Arrival(number, revision, message_of[revision], heads.get(number)))
    return told + _by_head(history, told)


def _is_before_head(graph: Graph, revision: str, head: str | None) -> bool:
    """Whether a commit is older than the last one of the pull request, so that it cannot have merged it."""
    last = graph.nodes.get(head) if head is not None else None
    if last is None or last.committed_at is None:
        return False
    committed_at = graph.nodes[revision].committed_at
    return committed_at is None or committed_at < last.committed_at


def _by_head(history: History, told: list[Arrival]) -> list[Arrival]:
    """Pull requests that no message names, but whose head is contained: merged by hand, or fast-forward."""
    graph, lines_of = history.graph, history.lines
    claimed = {arrival.revision for arrival in told}
    named = {arrival.number for arrival in told}
    at_head: dict[str, list[int]] = {}
    for number, head in history.heads.items():
        if number not in named and head in history.lines.contained and head not in claimed:
            at_head.setdefault(head, []).append(number)
    alone = {head: numbers[0] for head, numbers in at_head.items() if len(numbers) == 1}
    arrived = []
    unclaimed = [merge for merge in lines_of.brought if merge not in claimed] if alone else []
    for revision in unclaimed:
        for side in graph.nodes[revision].parents[1:]:
            if side in alone and revision not in claimed and side not in lines_of.main:
                arrived.append(Arrival(alone.pop(side), revision, Message("merge"), side))
                claimed.add(revision)
    for head, number in alone.items():
        if head in lines_of.main and len(graph.nodes[head].parents) == 1:
            arrived.append(Arrival(number, head, Message("commit"), head))
    return arrived


def _change(arrival: Arrival, history: History, codebase: str) -> Change | None:
    """The record of an arrival; `None` where the time of its merge is unknown."""
    graph, message = history.graph, arrival.message
    node = graph.nodes[arrival.revision]
    if node.committed_at is None:
        return None
    is_merge = len(node.parents) > 1
    revisions = history.lines.of(arrival.revision) if is_merge else [arrival.revision]
    first = _first(graph, revisions if is_merge else _own_commits(arrival, history))
    author = first.author if first else None if is_merge else node.author
    wordless = graph.subjects.get(node.parents[1]) if is_merge else None
    touched = history.touched.get(arrival.revision, NOTHING)
    return Change(
        codebase=codebase,
        id=str(arrival.number),
        title=message.title or wordless or message.source_ref or f"#{arrival.number}",
        merged_at=node.committed_at,
        author=author,
        branch=message.source_ref,
        merge_revision=arrival.revision,
        revisions=tuple(revisions),
        first_commit_at=first.authored_at if first else None,
        reverts=str(message.reverts_number) if message.reverts_number is not None else None,
        files=touched.files,
        additions=touched.additions,
        deletions=touched.deletions,
        url=history.web.pull(arrival.number) if history.web else None,
    )


def _own_commits(arrival: Arrival, history: History) -> list[str]:
    """The commits of a pull request that did not come by a merge, where its head is there.

    Of a squash they are those that the release never got itself; more than a forge would show are none.
    """
    graph, contained, head = history.graph, history.lines.contained, arrival.head
    if head is None or head not in graph.nodes:
        return []
    if head in contained:
        return [head] if head == arrival.revision else []
    own: list[str] = []
    seen = {head}
    stack = [head]
    while stack:
        revision = stack.pop()
        own.append(revision)
        if len(own) > _HEAD_COMMITS:
            return []
        for parent in graph.nodes[revision].parents:
            if parent in graph.nodes and parent not in seen and parent not in contained:
                seen.add(parent)
                stack.append(parent)
    return own


def _first(graph: Graph, revisions: Iterable[str]) -> Node | None:
    """The commit that was authored first, of those whose time is known."""
    nodes, first, earliest = graph.nodes, None, None
    for revision in revisions:
        node = nodes[revision]
        authored_at = node.authored_at
        if authored_at is not None and (earliest is None or authored_at < earliest):
            first, earliest = node, authored_at
    return first

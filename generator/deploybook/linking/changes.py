"""What a change is: a merged pull request, or a commit that none claims.

The latter are those of the release branch (first parents) and of deployed revisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from deploybook.linking.graph import Graph
from deploybook.linking.rules import CodebaseRules
from deploybook.messages import parse, subject_and_body
from deploybook.records import Change


@dataclass(slots=True)
class News:
    """A change while it is being linked; other changes are named by their place in the list."""

    record: Change
    by_pull_request: bool
    merge: int | None = None
    """The commit by which it arrived; none where git does not have it."""
    commits: tuple[int, ...] = ()
    """Its own commits, without merges: those that a cherry-pick may copy one by one."""
    known: bool = True
    """False where a deployment names it and nobody has it."""
    reverts: list[int] = field(default_factory=list)
    reverted_by: list[int] = field(default_factory=list)
    original: int | None = None
    takes_back: bool = False
    """Whether it is a revert; the revert of a revert is not."""


@dataclass
class Ledger:
    """The changes of a codebase and whose each commit is."""

    codebase: str
    graph: Graph
    news: list[News]
    owner: list[int]
    """By commit: the place of the change that it belongs to, or -1."""
    branch: list[int]
    """First-parent commits of the release branch, oldest first."""
    by_id: dict[str, int]

    def of_revision(self, revision: str) -> int | None:
        """The change that a revision, full or short, belongs to."""
        place = self.graph.find(revision)
        if place is not None:
            return self.owner[place] if self.owner[place] >= 0 else None
        return self._elsewhere.get(revision)

    def __post_init__(self) -> None:
        self._elsewhere: dict[str, int] = {}
        for at, change in enumerate(self.news):
            for revision in (change.record.merge_revision, *(change.record.revisions or ())):
                if revision is not None and revision not in self.graph.index:
                    self._elsewhere.setdefault(revision, at)


def find_changes(
    graph: Graph,
    pulls: Iterable[Change],
    rules: CodebaseRules,
    *,
    deployed: Iterable[int],
    head: int | None,
    as_of: datetime,
) -> Ledger:
    """Tell a codebase's changes.

    Args:
        graph: Its commits.
        pulls: Its merged pull requests.
        rules: Its settings: a `path` keeps only what touches it.
        deployed: The commits that were deployed successfully.
        head: The newest commit of its release branch.
        as_of: Pull requests merged later are not there yet.
    """
    branch = list(reversed(graph.first_parents(head))) if head is not None else []
    brought = _brought(graph, branch)
    news: list[News] = []
    owner = [-1] * len(graph)
    claims: list[tuple[int, int, list[int]]] = []
    later = bytearray(len(graph))
    for record in sorted(pulls, key=lambda each: (each.merged_at, each.id)):
        change, claimed = _pull(graph, record, brought)
        if record.merged_at > as_of:  # its commits are not there yet either
            for commit in claimed:
                later[commit] = 1
            continue
        place = len(news)
        news.append(change)
        if change.merge is not None and owner[change.merge] < 0:
            owner[change.merge] = place
        claims.append((len(set(claimed)), place, claimed))
    # A pull request merged into another's branch keeps its own commits: the smaller claim goes first.
    for _, place, claimed in sorted(claims, key=lambda each: each[:2]):
        for commit in claimed:
            if owner[commit] < 0:
                owner[commit] = place
    for commit in branch:
        committed = graph.commits[commit].committed_at
        later[commit] |= committed is not None and committed > as_of
    for commit in _unclaimed(graph, branch, deployed, owner, later):
        owner[commit] = len(news)
        news.append(_direct(graph, commit, rules, as_of))
    if rules.path is not None:
        news, owner = _touching(graph, news, owner, claims, rules)
    by_id: dict[str, int] = {}
    for at, change in enumerate(news):
        by_id.setdefault(change.record.id, at)
    return Ledger(rules.name, graph, news, owner, branch, by_id)


def release_head(graph: Graph, pulls: Sequence[Change], branch: str | None, named: str | None) -> int | None:
    """The newest commit of the release branch.

    Args:
        graph: The commits.
        pulls: The merged pull requests, of which those with another `base` are passed over.
        branch: The release branch, where the configuration names it.
        named: The revision of that branch's head, where the history knows it.

    Where it does not, the line stands on which most pull requests arrived, then the longest, then the newest.
    """
    if (head := graph.find(named)) is not None:
        return head
    tips = graph.tips()
    if len(tips) < 2:
        return tips[0] if tips else None
    arrived = bytearray(len(graph))
    for pull in pulls:
        if branch is not None and pull.base not in (None, branch):
            continue
        if (merge := graph.find(pull.merge_revision)) is not None:
            arrived[merge] = 1
    # Arrivals and length from the root to each commit along first parents: one pass for all tips.
    score: list[tuple[int, int]] = []
    for place in range(len(graph)):
        first = graph.first_parent(place)
        count, length = score[first] if first is not None else (0, 0)
        score.append((count + arrived[place], length + 1))
    best = max(tips, key=lambda tip: (*score[tip], tip))
    if score[best][0]:
        # What lies beyond the last arrival may be the branch of a pull request that is still open.
        best_arrivals = score[best][0]
        rivals = [tip for tip in tips if score[tip][0] == best_arrivals]
        if len(rivals) > 1:
            while not arrived[best]:
                first = graph.first_parent(best)
                assert first is not None
                best = first
    return best


def _brought(graph: Graph, branch: list[int]) -> dict[int, list[int]]:
    """What each merge of the release branch brought to it, in one walk from its beginning."""
    seen = bytearray(len(graph))
    found: dict[int, list[int]] = {}
    for place in branch:
        parents = graph.parents[place]
        seen[place] = 1
        if place == branch[0]:
            for parent in parents:
                graph.enter(parent, seen)
            continue
        if len(parents) > 1:
            found[place] = [each for parent in parents[1:] for each in graph.enter(parent, seen)]
    return found


def _pull(graph: Graph, record: Change, brought: dict[int, list[int]]) -> tuple[News, list[int]]:
    """A pull request as news, and the commits that it claims."""
    merge = graph.find(record.merge_revision)
    own = [place for revision in record.revisions or () if (place := graph.find(revision)) is not None]
    claimed = list(own)
    if merge is not None:
        claimed.append(merge)
        parents = graph.parents[merge]
        if len(parents) > 1:
            inside = brought.get(merge)
            if inside is None:
                inside = graph.only_in(parents[1:], parents[:1])
            claimed += inside
            own = inside
        else:
            rebased = _rebased(graph, merge, own)
            claimed += rebased
            own = rebased or own
    commits = tuple(sorted({place for place in own if len(graph.parents[place]) < 2}))
    return News(record, by_pull_request=True, merge=merge, commits=commits), claimed


def _rebased(graph: Graph, merge: int, own: list[int]) -> list[int]:
    """The commits that a rebase wrote anew, newest first: same author, time and subject, up to `merge`.

    Empty where the pull request's own commits are not there, or where it was squashed.
    """
    if len(own) < 2:
        return []
    wanted = [_signature(graph, place) for place in own]
    found: list[int] = []
    place: int | None = merge
    while place is not None and len(found) < len(own) and _signature(graph, place) in wanted:
        found.append(place)
        place = graph.first_parent(place)
    return found if len(found) == len(own) else []


def _signature(graph: Graph, place: int) -> tuple[object, ...]:
    commit = graph.commits[place]
    return commit.author, commit.authored_at, (commit.message or "").partition("\n")[0]


def _unclaimed(
    graph: Graph, branch: list[int], deployed: Iterable[int], owner: list[int], later: bytearray
) -> list[int]:
    """Commits of the branch that are there by now, and all that was deployed, that no pull request claims."""
    inside = bytearray(len(graph))
    for place in branch:
        inside[place] = not later[place]
    reached = bytearray(len(graph))
    for tip in deployed:
        for place in graph.enter(tip, reached):
            inside[place] = 1
    return [place for place in range(len(graph)) if inside[place] and owner[place] < 0]


def _direct(graph: Graph, place: int, rules: CodebaseRules, as_of: datetime) -> News:
    commit = graph.commits[place]
    subject, body = subject_and_body(commit.message or "")
    record = Change(
        codebase=rules.name,
        id=commit.revision,
        title=subject or commit.revision[:12],
        # A record may have no time at all: it was there by now.
        merged_at=commit.committed_at or commit.authored_at or as_of,
        body=body.strip() or None,
        author=commit.author,
        first_commit_at=commit.authored_at,
        merge_revision=commit.revision,
        revisions=(commit.revision,),
        additions=commit.additions,
        deletions=commit.deletions,
        files=commit.files,
    )
    return News(record, by_pull_request=False, merge=place, commits=(place,))


def _touching(
    graph: Graph,
    news: list[News],
    owner: list[int],
    claims: list[tuple[int, int, list[int]]],
    rules: CodebaseRules,
) -> tuple[list[News], list[int]]:
    """Keep the changes of a monorepo that touch the codebase's folder."""
    claimed = {place: commits for _, place, commits in claims}
    kept: dict[int, int] = {}
    left: list[News] = []
    for place, change in enumerate(news):
        files = change.record.files
        if files is None:
            lists = [graph.commits[each].files for each in claimed.get(place, ())]
            known = [each for each in lists if each is not None]
            files = tuple(file for each in known for file in each) if known else None
        # A pull request whose files nobody knows stays: a source said that it is this codebase's.
        if rules.touches(files) if files is not None else change.by_pull_request:
            kept[place] = len(left)
            left.append(change)
    return left, [kept.get(place, -1) for place in owner]


def first_commit_at(graph: Graph, change: News) -> datetime | None:
    """When its first commit was authored: as recorded, else the earliest of what git shows it brought.

    The author time of a squash is not it: unknown unless the pull request's own commits are there.
    """
    if change.record.first_commit_at is not None:
        return change.record.first_commit_at
    places = change.commits
    if change.merge is not None and len(graph.parents[change.merge]) < 2 and places == (change.merge,):
        places = ()
    times = [time for place in places if (time := graph.commits[place].authored_at) is not None]
    return min(times, default=None)


def message_of(graph: Graph, place: int) -> str:
    """The message of a commit."""
    return graph.commits[place].message or ""


def picked_from(graph: Graph, place: int) -> str | None:
    """The revision that a commit says it was cherry-picked from."""
    message = message_of(graph, place)
    if "cherry picked from commit" not in message:
        return None
    found = parse(message).picked_from
    return found[-1] if found else None

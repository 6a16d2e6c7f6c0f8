"""The git history of a codebase: its commits, and the pull requests that they tell of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from threading import Lock

from deploybook.errors import SourceError
from deploybook.feed import GIT, Afresh, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.records import Change, Commit
from deploybook.sources import gitcmd, gitfiles, gitlog, pulls, web
from deploybook.sources.gitfiles import Touched
from deploybook.sources.repository import HEADS, TAGS, Ref, Repository, pull_heads

Progress = Callable[[str, int, int | None], None]
_Sides = tuple[dict[str, Touched], dict[str, Touched]]
"""What commits touched, by revision: those of the lines, and those on the sides of merges."""

_FORMAT = 3
"""Raised when what is read from the same history changes, so that all is read again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a codebase's history is read.

    Attributes:
        codebase: Its name.
        release_branch: `None` for the remote's default branch.
        path: Its folder in a monorepo: only changes that touch it are its own.
        files: Whether anything asks which files a change touched (areas with paths).
        locks: The prefix of references that are deployment locks, not branches; empty for none.
    """

    codebase: str
    release_branch: str | None = None
    path: str | None = None
    files: bool = False
    locks: str = ""


@dataclass(frozen=True, slots=True)
class _Heads:
    """The references that are read, and the release branch's newest commit."""

    refs: list[Ref]
    release: str | None

    @classmethod
    def of(cls, wanted: Wanted, repository: Repository) -> _Heads:
        locks = wanted.locks
        refs = [ref for ref in repository.named if not (locks and ref.name.startswith(locks))]
        return cls(refs, repository.release_revision(wanted.release_branch))


@dataclass(frozen=True, slots=True)
class _State:
    """What the cursor keeps: what was read, the release branch's tip, and the tips of all that is saved."""

    digest: str
    release: str
    tips: tuple[str, ...]

    @classmethod
    def now(cls, wanted: Wanted, heads: _Heads) -> _State:
        listed = sorted((ref.name, ref.revision) for ref in heads.refs)
        digest = hashlib.sha256(repr((_FORMAT, wanted, heads.release, listed)).encode()).hexdigest()
        return cls(digest, heads.release or "", tuple(dict.fromkeys(revision for _, revision in listed)))

    def text(self) -> str:
        return json.dumps({"digest": self.digest, "release": self.release, "tips": self.tips})

    @classmethod
    def of(cls, text: str | None) -> _State | None:
        if text is None:
            return None
        try:
            found = json.loads(text)
            return cls(str(found["digest"]), str(found["release"]), tuple(map(str, found["tips"])))
        except (ValueError, KeyError, TypeError):
            return None


def feed(wanted: Wanted, repository: Callable[[], Repository]) -> Feed:
    """The feed of a codebase's git history; the repository is fetched when it is pulled."""
    early = _Early()

    def pull(ask: Ask) -> Iterator[Item]:
        yield from _pull(wanted, repository(), ask, early)

    def ahead(cursor: str | None) -> None:
        found = repository()
        heads, before = _Heads.of(wanted, found), _State.of(cursor)
        if before is None or before.digest != _State.now(wanted, heads).digest:
            early.read(heads.release, lambda: _touched(wanted, found, heads.release, lambda: _tagged(found)))

    return Feed(f"git:{wanted.codebase}", GIT, pull, ahead=ahead)


@dataclass
class _Early:
    """What commits touched, read once: in a thread ahead of the pull, or else by the pull, which takes it."""

    lock: Lock = field(default_factory=Lock)
    due: bool = True
    found: tuple[str | None, _Sides] | None = None

    def read(self, release: str | None, read: Callable[[], _Sides]) -> None:
        with self.lock:
            if self.due:
                self.due = False
                self.found = release, read()

    def take(self, release: str | None, read: Callable[[], _Sides]) -> _Sides:
        with self.lock:
            found, self.found, self.due = self.found, None, False
        return found[1] if found is not None and found[0] == release else read()


def _pull(wanted: Wanted, repository: Repository, ask: Ask, early: _Early) -> Iterator[Item]:
    before = _State.of(ask.cursor)
    with closing(gitlog.log(repository, *_everything(wanted.locks))) as log:
        if before is None and not _asks_files(wanted, repository):
            next(log)  # git searches for long before it tells its first commit, so it begins first
        heads = _Heads.of(wanted, repository)
        state = _State.now(wanted, heads)
        if before is not None and before.digest == state.digest:
            yield Unchanged()
            return
        if repository.shallow():
            yield Rejected(
                repository.where,
                "the clone is shallow: what came before is unknown; run `git fetch --unshallow` there",
                "",
            )
        new = _new(repository, before, state)
        if new is None:
            yield Afresh()
        cursor = Cursor(state.text())
        history = _history(wanted, repository, heads, early, log=log, progress=ask.progress)
        if new is None:
            yield from history
        else:
            yield from (item for item in history if not isinstance(item, Commit) or item.revision in new)
        yield cursor


def _everything(locks: str) -> Iterator[str]:
    """The options that let git itself find all that is named, in the order in which references are listed."""
    for folder in sorted((*HEADS, TAGS)):
        if locks:
            yield f"--exclude={locks}*"
        yield f"--glob={folder}*"


def _history(
    wanted: Wanted,
    repository: Repository,
    heads: _Heads,
    early: _Early,
    *,
    log: Iterable[bytes],
    progress: Progress,
) -> Iterator[Commit | Change | Rejected]:
    """All commits, then all changes.

    What tags point to, and when they were made, is looked up while the commits are read.
    """
    beside = ThreadPoolExecutor(1)
    tagged = beside.submit(_tagged, repository)
    pages = beside.submit(web.of, repository)
    beside.shutdown(wait=False)
    refs, release = heads.refs, heads.release
    by_number = pull_heads(refs)
    touched: dict[str, Touched] = {}
    sides: dict[str, Touched] = {}
    is_part = wanted.path is not None
    try:
        touched, sides = early.take(release, lambda: _touched(wanted, repository, release, tagged.result))
    except SourceError as error:
        yield Rejected(repository.where, f"which files its commits touched is unknown: {error.what}", "")
        is_part = False
    graph = gitlog.Graph()
    known = sides | touched
    for done, commit in enumerate(gitlog.read(log, wanted.codebase, graph, known)):
        if done % 5000 == 0:
            progress(f"commits of {wanted.codebase}", done, None)
        yield commit
    tags = tagged.result()
    if left := _left_out(repository, graph, refs, release):
        tips = [*left, *(f"^{tip}" for tip in graph.tips())]
        # The boundary is there already, but a merge without words is called as a commit of it.
        more = gitlog.log(repository, "--boundary", tips=tips)
        yield from gitlog.read(more, wanted.codebase, graph, known)
    history = pulls.History(graph, pulls.lines(graph, release, tags), by_number, touched, pages.result())
    for change in pulls.changes(history, wanted.codebase):
        if is_part and isinstance(change, Change):
            inside = {change.merge_revision or "", *(change.revisions or ())}
            if inside.isdisjoint(touched) and inside.isdisjoint(sides):
                continue
        yield change


def _left_out(repository: Repository, graph: gitlog.Graph, refs: list[Ref], release: str | None) -> list[str]:
    """What is named but was not read: a reference may have moved since git looked for all of them.

    The cursor says that all that is named was told, so it has to be. A tag's own object is no commit, but
    what it leads to is.
    """
    wanted = {ref.revision for ref in refs} | ({release} if release else set())
    left = wanted.difference(graph.nodes)
    if left:
        left -= {named for named, tag in repository.peeled if tag.revision in graph.nodes}
    return sorted(left)


def _tagged(repository: Repository) -> list[str]:
    """The commits that tags point to, the oldest tag first."""
    tags = sorted(repository.tags, key=lambda ref: ref.seconds or 0)
    return list(dict.fromkeys(ref.revision for ref in tags))


def _asks_files(wanted: Wanted, repository: Repository) -> bool:
    """Whether to read which files the commits touched; their lines are counted wherever that is possible."""
    return bool(wanted.files or wanted.path) or not repository.partial()


def _touched(
    wanted: Wanted, repository: Repository, release: str | None, tagged: Callable[[], list[str]]
) -> _Sides:
    """What the commits of the lines touched, and (in a monorepo) those on the sides of merges."""
    if not _asks_files(wanted, repository):
        return {}, {}
    sizes = not repository.partial()
    tips = [*([release] if release else []), *tagged()]
    touched = gitfiles.read(repository, tips, path=wanted.path, sizes=sizes)
    touched |= dict.fromkeys(touched.keys() & repository.boundary(), gitfiles.NOTHING)
    if wanted.path is None:
        return touched, {}
    return touched, gitfiles.read(repository, tips, path=wanted.path, sizes=False, line_only=False)


def _new(repository: Repository, before: _State | None, now: _State) -> set[str] | None:
    """The revisions not saved yet; `None` for all: at first, or when the release branch was rewritten."""
    if before is None or not before.release or not now.release:
        return None
    try:
        gitcmd.run(repository.folder, "merge-base", "--is-ancestor", before.release, now.release)
        listed = gitcmd.run(
            repository.folder, "rev-list", "--ignore-missing", "--stdin",
            lines=[*now.tips, now.release, *(f"^{tip}" for tip in before.tips)],
        )  # fmt: skip
    except SourceError:
        return None
    return set(listed.decode().split())

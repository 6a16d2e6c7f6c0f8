"""Deployments out of the repository that an Argo CD or Flux deploys from: one commit moved one version.

One pass over that repository serves all codebases in it. Either the commit's subject says what was
deployed, or a file does: then each commit of the release branch that changed the version in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from deploybook.feed import GIT, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.records import Deployment
from deploybook.sources import gitcmd
from deploybook.sources.gitlog import instant, known_seconds
from deploybook.sources.gitopsfile import file_moves
from deploybook.sources.moves import Move, Template
from deploybook.sources.repository import Repository
from deploybook.sources.versions import revisions_of, tags_of

_LONGEST_VERSION = 250
_WEB = re.compile(r"https?://[^@\s]+")


@dataclass(frozen=True, slots=True)
class Form:
    """A GitOps repository and how a deployment is read from it: either `message`, or `file` with `key`."""

    repository: str
    message: str | None = None
    file: str | None = None
    key: str | None = None

    def digest(self) -> str:
        """A short name for a folder, the same for every form of one repository."""
        return hashlib.sha256(self.repository.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class App:
    """A codebase there.

    Attributes:
        codebase: Its name.
        name: What it is called there.
        revision: Which tag or revision a version is, as `v{version}`.
        repository: Its own repository, for its tags; `None` where it has none.
    """

    codebase: str
    name: str
    revision: str
    repository: Callable[[], Repository] | None


@dataclass
class History:
    """One form's repository, read once a run for all apps that are asked for.

    Attributes:
        form: How it is read.
        repository: Where.
        apps: What the codebases are called there.
        environment: Where a deployment goes that names no environment.
    """

    form: Form
    repository: Callable[[], Repository]
    apps: frozenset[str]
    environment: str
    _read: dict[str, list[Move | Rejected]] | None = field(default=None, init=False)

    @cached_property
    def release(self) -> str | None:
        """The revision that is read up to; `None` where the repository is empty."""
        return self.repository().release_revision(None)

    def of(self, app: str, ask: Ask) -> list[Move | Rejected]:
        """The moves of an app, oldest first, and what could not be read of it."""
        if self._read is None:
            read: dict[str, list[Move | Rejected]] = {}
            for name, move in self._moves(ask):
                read.setdefault(name, []).append(move)
            self._read = read
        return self._read.get(app, [])

    def _moves(self, ask: Ask) -> Iterator[tuple[str, Move | Rejected]]:
        release = self.release
        if release is None:
            return
        ask.progress(f"deployments in {self.repository().where}", 0, None)
        if self.form.message is not None:
            yield from _message_moves(self.repository(), release, Template(self.form.message), self.apps)
        elif self.form.file is not None and self.form.key is not None:
            yield from file_moves(
                self.repository(), release, Template(self.form.file), self.form.key, self.apps
            )


def feed(app: App, history: History) -> Feed:
    """The feed of one codebase's deployments; each pull tells all of them."""

    def pull(ask: Ask) -> Iterator[Item]:
        own = app.repository() if app.repository else None
        tags = tags_of(own) if own else {}
        said = (app.codebase, app.name, app.revision, history.form, history.environment, history.release)
        digest = hashlib.sha256(repr((said, sorted(tags.items()))).encode()).hexdigest()
        if ask.cursor == digest:
            yield Unchanged()
            return
        moves = history.of(app.name, ask)
        versions = (move.version for move in moves if isinstance(move, Move))
        revisions = revisions_of(versions, app.revision, own)
        for move in moves:
            yield move if isinstance(move, Rejected) else _deployment(move, app, history, revisions)
        yield Cursor(digest)

    return Feed(f"gitops:{app.codebase}", GIT, pull, snapshot=True)


def _deployment(move: Move, app: App, history: History, revisions: dict[str, str]) -> Deployment | Rejected:
    when = instant(move.seconds)
    if when is None or len(move.version) > _LONGEST_VERSION:
        reason = "it has no usable time" if when is None else "its version is too long to be one"
        return Rejected(f"{history.form.repository}, revision {move.revision}", reason, move.version[:500])
    web = history.form.repository
    return Deployment(
        codebase=app.codebase,
        id=move.revision,
        environment=move.environment or history.environment,
        revision=revisions.get(move.version),
        version=move.version,
        finished_at=when,
        outcome="success",
        by=move.author,
        url=f"{web.removesuffix('.git').rstrip('/')}/commit/{move.revision}" if _WEB.fullmatch(web) else None,
        time_from="gitops commit",
    )


def _message_moves(
    repository: Repository, release: str, template: Template, apps: frozenset[str]
) -> Iterator[tuple[str, Move]]:
    blocks = gitcmd.stream(
        repository.folder, "log", "-z", "--format=%H%x00%ct%x00%an <%ae>%x00%s", "--no-color", "--reverse",
        "--no-decorate", "--no-notes", "--no-show-signature", release,
    )  # fmt: skip
    everyone = apps if not template.names_codebase else None
    read, begin = template.read, template.begin
    for revision, committed, author, subject in _rows(blocks):
        if not subject.startswith(begin) or (found := read(subject)) is None:
            continue
        move = Move(revision, known_seconds(committed), author, found.environment, found.version)
        for app in everyone or (found.codebase,):
            if app in apps:
                yield app, move


def _rows(blocks: Iterable[bytes]) -> Iterator[tuple[str, str, str, str]]:
    rest = b""
    waiting: list[str] = []
    for block in blocks:
        whole, nul, tail = block.rpartition(b"\0")
        if not nul:
            rest += block
            continue
        waiting += (rest + whole).decode("utf-8", "replace").split("\0")
        rest = tail
        cut = len(waiting) // 4 * 4
        each = iter(waiting[:cut])
        yield from zip(each, each, each, each, strict=True)
        waiting = waiting[cut:]

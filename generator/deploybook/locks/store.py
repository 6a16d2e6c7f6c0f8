"""Compare-and-swap on the refs of a repository, near or far.

Every command works in a scratch repository of its own, made and removed within the call: processes on one
machine share nothing, and one that is killed leaves nothing behind that another would trip over.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploybook.errors import SourceError
from deploybook.sources import gitcmd, lockrefs
from deploybook.sources.lockrefs import LockRef, LockState

SECONDS = 120
"""How long one exchange with the server may take."""
_SEEN = "refs/seen/"
_ACCESS = r"^(http|credential|url)\.|^core\.sshcommand$"
"""What of a clone's own configuration lets it reach its remote."""


@dataclass(frozen=True)
class Update:
    """One ref to move: from what it must be now to a new state."""

    ref: str
    expected: str | None
    """The commit that it must be at; `None`: it must not be there."""
    state: LockState


@dataclass(frozen=True)
class Place:
    """Where locks are kept."""

    address: str
    """What git pushes to."""
    prefix: str
    clone: Path | None = None
    """The clone whose own settings (a token, an ssh command) are used to get there."""

    @property
    def shown(self) -> str:
        """The address without secrets."""
        return gitcmd.without_secrets(self.address)


class Store:
    """A scratch repository that reads and moves the lock refs of one place. A context manager."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._folder = Path()
        self._tree = ""

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="deploybook-locks-"))
        gitcmd.run(self._folder, "init", "--bare", "--quiet", "--template=", ".")
        self._tree = gitcmd.run(self._folder, "mktree").decode().strip()
        if self.place.clone is not None:
            self._take_access(self.place.clone)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def read(self) -> list[LockRef]:
        """Every lock ref as it is on the server now.

        Raises:
            SourceError: The server cannot be reached or read.
        """
        prefix = self.place.prefix
        try:
            self._fetch("--depth=1")
        except SourceError:  # so it ends, without a word, where there is no lock at all
            try:
                self._fetch()
            except SourceError as error:
                raise SourceError(error.what, where=self.place.shown, next_step=error.next_step) from error
        return [
            LockRef(prefix + found.ref.removeprefix(_SEEN), found.commit, found.state)
            for found in lockrefs.read(self._folder, _SEEN)
        ]

    def _fetch(self, *options: str) -> None:
        gitcmd.run(
            self._folder, "fetch", "--quiet", *options, "--no-tags", "--prune", "--force",
            "--no-write-fetch-head", self.place.address, f"+{self.place.prefix}*:{_SEEN}*", seconds=SECONDS,
        )  # fmt: skip

    def swap(self, updates: Sequence[Update]) -> bool:
        """Move refs, all or none, if each is still where it is expected to be.

        What git says of a push that failed differs from host to host, and an answer may be lost on its way:
        what happened is read from the refs themselves.

        Returns:
            False where another was first.

        Raises:
            SourceError: The push failed, and no other was first.
        """
        commits = {update.ref: self._commit(update) for update in updates}
        leases = [f"--force-with-lease={each.ref}:{each.expected or ''}" for each in updates]
        moves = [f"{commit}:{ref}" for ref, commit in commits.items()]
        atomic = ["--atomic"] if len(updates) > 1 else []
        try:
            gitcmd.run(
                self._folder, "push", "--quiet", "--no-verify", *atomic, *leases, self.place.address, *moves,
                seconds=SECONDS,
            )  # fmt: skip
        except SourceError as error:
            now = {found.ref: found.commit for found in self.read()}
            if all(now.get(ref) == commit for ref, commit in commits.items()):
                return True
            if all(now.get(update.ref) == update.expected for update in updates):
                raise SourceError(error.what, where=self.place.shown, next_step=_STEP) from error
            return False
        return True

    def _commit(self, update: Update) -> str:
        who = f"deploybook <deploybook@localhost> {int(update.state.renewed_at.timestamp())} +0000"
        head = [f"tree {self._tree}", *([f"parent {update.expected}"] if update.expected else [])]
        lines = [*head, f"author {who}", f"committer {who}", ""]
        text = lockrefs.message(update.state).rstrip("\n").split("\n")
        said = gitcmd.run(self._folder, "hash-object", "-t", "commit", "-w", "--stdin", lines=[*lines, *text])
        return said.decode().strip()

    def _take_access(self, clone: Path) -> None:
        try:
            said = gitcmd.run(clone, "config", "--local", "--includes", "-z", "--get-regexp", _ACCESS)
        except SourceError:  # none of these is set
            return
        for setting in said.decode("utf-8", "surrogateescape").split("\0"):
            name, found, value = setting.partition("\n")
            if found:
                gitcmd.run(self._folder, "config", "--add", name, value)


_STEP = (
    "Check that this machine may push there, and that the host takes refs of this kind; "
    "`locks: {prefix: refs/heads/locks/}` uses branches."
)

"""The deployment locks of repositories, as records: every one there ever was, not only those that stand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

import msgspec

from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.records import Lock
from deploybook.sources import gitcmd, lockrefs
from deploybook.sources.lockrefs import LockRef, LockState
from deploybook.sources.repository import Repository

_MIRRORED = ("refs/heads/", "refs/deploybook/locks/")
"""What a mirror has already; refs elsewhere are fetched here."""


def feed(repositories: Sequence[Callable[[], Repository]], prefix: str) -> Feed:
    """The feed of the locks under a prefix in all repositories that keep them."""

    def pull(ask: Ask) -> Iterator[Item]:
        found = [(repository, _refs(repository, prefix)) for repository in (get() for get in repositories)]
        listed = sorted((each.ref, each.commit) for _, refs in found for each in refs)
        digest = hashlib.sha256(repr((prefix, listed)).encode()).hexdigest()
        if digest == ask.cursor:
            yield Unchanged()
            return
        for repository, refs in found:
            for each in refs:
                if each.state is None:
                    yield Rejected(f"{repository.where}: {each.ref}", "this is no lock that can be read", "")
                yield from told(lockrefs.log(repository.folder, each.ref))
        yield Cursor(digest)

    return Feed("locks", RECORDS, pull, snapshot=True)


def _refs(repository: Repository, prefix: str) -> list[LockRef]:
    if repository.mirror and not prefix.startswith(_MIRRORED):
        gitcmd.run(
            repository.folder, "fetch", "--quiet", "--prune", "--no-tags", "--force", "--no-write-fetch-head",
            "--no-auto-maintenance", "origin", f"+{prefix}*:{prefix}*", seconds=gitcmd.FETCH_SECONDS,
        )  # fmt: skip
    return lockrefs.read(repository.folder, prefix)


def told(states: Sequence[LockState]) -> Iterator[Lock]:
    """The locks that a ref's states tell of, one a claim.

    A lock that another claim took the place of ended then; its own last word on its expiry stands.

    Args:
        states: Newest first.
    """
    after: LockState | None = None
    for state in states:
        if after is None or after.claim != state.claim:
            ended = after.since if after is not None and state.released_at is None else state.released_at
            yield msgspec.structs.replace(state.record(), released_at=ended)
        after = state

"""Files of a repository as they are at the head of its release branch, without a checkout.

A mirror lacks contents: `bring` fetches the few that are wanted, while the network may be used. `read`
fetches nothing: what is not at hand is left out and told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deploybook.errors import SourceError
from deploybook.sources import gitcmd
from deploybook.sources.repository import Repository

LARGEST = 1_000_000
"""Bytes of a file; a larger one is not read."""
_MOST_PATHS = 200_000
_MOST_BROUGHT = 500


@dataclass(frozen=True)
class Contents:
    """What lies at one revision.

    Attributes:
        revision: The head of the release branch; `None` where there is none.
        paths: Every file below the root, in git's order.
        files: The contents of those that were asked for and are at hand.
        missing: Asked for, there, and not at hand: the contents were never fetched, or are too large.
        unread: Why nothing could be read, in words.
    """

    revision: str | None = None
    paths: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unread: str | None = None


def read(repository: Repository, branch: str | None, wanted: Callable[[str], bool]) -> Contents:
    """Read the files whose path is `wanted`; a repository that cannot be read says why.

    Args:
        repository: Where.
        branch: The release branch; without one, the repository's default.
        wanted: Tells by its path whether a file is to be read.
    """
    try:
        revision = repository.release_revision(branch)
        if revision is None:
            return Contents(unread="the repository is empty")
        objects = _tree(repository, revision)
        asked = {path: name for path, name in objects.items() if wanted(path)}
        found = _blobs(repository, revision, set(asked.values()))
    except SourceError as error:
        return Contents(unread=error.what)
    return Contents(
        revision=revision,
        paths=tuple(objects),
        files={path: found[name] for path, name in asked.items() if name in found},
        missing=tuple(path for path, name in asked.items() if name not in found),
    )


def _tree(repository: Repository, revision: str) -> dict[str, str]:
    """The object of each file by its path; links and submodules are left out."""
    listed = gitcmd.run(repository.folder, "ls-tree", "-r", "-z", "--full-tree", revision)
    found: dict[str, str] = {}
    for entry in listed.split(b"\0")[:_MOST_PATHS]:
        meta, _, path = entry.partition(b"\t")
        mode, _, rest = meta.partition(b" ")
        if mode in (b"100644", b"100755"):
            found[path.decode("utf-8", "replace")] = rest.partition(b" ")[2].decode("ascii", "replace")
    return found


def bring(repository: Repository, branch: str | None, wanted: Callable[[str], bool]) -> None:
    """Fetch into a mirror the contents that are `wanted` and not at hand: a few files, in one request.

    Raises:
        SourceError: The remote did not answer, or gives no single files.
    """
    if not repository.partial():
        return
    revision = repository.release_revision(branch)
    if revision is None:
        return
    names = {name for path, name in _tree(repository, revision).items() if wanted(path)}
    gone = sorted(names & _gone(repository, revision))
    if gone:
        gitcmd.run(
            repository.folder, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
            "--no-auto-maintenance", "--filter=blob:none", "origin", *gone[:_MOST_BROUGHT],
            seconds=gitcmd.FETCH_SECONDS,
        )  # fmt: skip


def _blobs(repository: Repository, revision: str, names: set[str]) -> dict[str, bytes]:
    if names and repository.partial():  # git itself would go and get what is not at hand
        names = names - _gone(repository, revision)
    here = _small(repository, sorted(names))
    said = gitcmd.run(repository.folder, "cat-file", "--batch", lines=here) if here else b""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(said):
        end = said.index(b"\n", at)
        name, _, size = said[at:end].decode("ascii", "replace").split(" ")
        start = end + 1
        found[name] = said[start : start + int(size)]
        at = start + int(size) + 1
    return found


def _gone(repository: Repository, revision: str) -> set[str]:
    """The objects of a revision that are not at hand; to ask for them is not to fetch them."""
    said = gitcmd.run(
        repository.folder, "rev-list", "--objects", "--no-walk", "--no-object-names", "--missing=print",
        revision, "--",
    )  # fmt: skip
    return {line[1:] for line in said.decode("ascii", "replace").splitlines() if line.startswith("?")}


def _small(repository: Repository, names: list[str]) -> list[str]:
    if not names:
        return []
    said = gitcmd.run(repository.folder, "cat-file", "--batch-check", lines=names)
    rows = (line.split(" ") for line in said.decode("ascii", "replace").splitlines())
    return [row[0] for row in rows if len(row) == 3 and row[1] == "blob" and int(row[2]) <= LARGEST]

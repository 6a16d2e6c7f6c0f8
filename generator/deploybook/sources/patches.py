"""What commits change, as one word each, so that cherry-picks are found that do not say what they copy."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from deploybook.errors import SourceError
from deploybook.sources import gitcmd
from deploybook.sources.repository import Repository

_AT_ONCE = 500
"""So many commits' differences lie on disk at a time."""


def alike(commits: pa.Table) -> dict[str, list[str]]:
    """Revisions, by codebase, that share author, author's time and subject with another one there.

    git keeps all three when it picks a commit, so only these may be copies; there are few, and what a commit
    changes takes long to read.

    Args:
        commits: The history's, with `codebase`, `revision`, `author`, `authored_at` and `message`.
    """
    sign = ["codebase", "author", "authored_at"]
    known = commits.filter(pc.is_valid(commits["authored_at"]))
    several = known.group_by(sign).aggregate([("revision", "list"), ("message", "list")])
    several = several.filter(pc.greater(pc.list_value_length(several["revision_list"]), 1))
    found: dict[str, list[str]] = defaultdict(list)
    for row in several.to_pylist():
        of_subject: dict[str, list[str]] = defaultdict(list)
        for revision, message in zip(row["revision_list"], row["message_list"], strict=True):
            of_subject[(message or "").partition("\n")[0]].append(revision)
        for revisions in of_subject.values():
            if len(revisions) > 1:
                found[row["codebase"]] += revisions
    return {codebase: sorted(revisions) for codebase, revisions in sorted(found.items())}


def read(repository: Repository, revisions: Sequence[str]) -> dict[str, str]:
    """What `git patch-id --stable` says of commits; nothing of merges, empty ones and what is not at hand."""
    found: dict[str, str] = {}
    stack = [revisions[start : start + _AT_ONCE] for start in range(0, len(revisions), _AT_ONCE)]
    while stack:
        some = stack.pop()
        try:
            found |= _read(repository, some)
        except SourceError:  # contents of one of them are missing: it is in one of the halves
            half = len(some) // 2
            stack += [some[:half], some[half:]] if half else []
    return found


def _read(repository: Repository, revisions: Sequence[str]) -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryFile() as changed:
        for block in gitcmd.stream(
            repository.folder, "diff-tree", "--stdin", "--root", "-p", "--no-renames", "--no-ext-diff",
            "--no-textconv", "--no-color", lines=revisions,
        ):  # fmt: skip
            changed.write(block)
        changed.seek(0)
        said = b"".join(gitcmd.stream(repository.folder, "patch-id", "--stable", given=changed))
    for line in said.decode("ascii", "replace").splitlines():
        patch, _, revision = line.partition(" ")
        yield revision, patch

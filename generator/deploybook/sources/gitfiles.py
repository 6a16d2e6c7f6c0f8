"""Which files the commits of the release branch touched, and how many lines: one more pass, only where due.

A merge is compared with its first parent, so its files are those of the whole pull request. Names of files
come from trees, which a mirror has; counts of lines need their contents, which only a full clone has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from deploybook.sources import gitcmd
from deploybook.sources.repository import Repository

_MOST_FILES = 3000
"""More files than that are told as unknown: a forge shows no more of a pull request either."""


class Touched(NamedTuple):
    """What a commit touched; each is `None` where unknown. Lines of binary files count as none."""

    files: tuple[str, ...] | None = None
    additions: int | None = None
    deletions: int | None = None


NOTHING = Touched()


def read(
    repository: Repository, tips: Sequence[str], *, path: str | None, sizes: bool, line_only: bool = True
) -> dict[str, Touched]:
    """What the first-parent commits of some tips touched, by revision.

    Args:
        repository: Where.
        tips: Whose first-parent lines.
        path: Only this folder, where a codebase is a part of a monorepo; what does not touch it is left out.
        sizes: Whether to count lines; only in a repository that has all contents.
        line_only: False reads every commit but the merges, on the sides of merges too.

    Raises:
        SourceError: git failed, for one because trees are missing.
    """
    if not tips:
        return {}
    which = (
        ("--first-parent", "--diff-merges=first-parent") if line_only else ("--no-merges", "--full-history")
    )
    blocks = gitcmd.stream(
        repository.folder, "log", "-z", *which, "--format=%x00%x00%H", "--no-renames", "--no-color",
        "--no-show-signature", "--no-ext-diff", "--no-textconv", "--no-decorate", "--no-notes",
        "--numstat" if sizes else "--name-only",
        "--stdin", lines=[*tips, *(["--", f":(top,literal){path}"] if path else [])],
    )  # fmt: skip
    parse = _sized if sizes else _named
    return {commit[0]: parse(commit[1]) for commit in _commits(blocks)}


def _commits(blocks: Iterator[bytes]) -> Iterator[tuple[str, list[str]]]:
    """Revision and lines of each commit. Three NULs begin one: no name is empty, none holds a NUL."""
    rest = b"\0"
    for block in blocks:
        parts = (rest + block).split(b"\0\0\0")
        rest = parts.pop()
        yield from (_commit(part) for part in parts if part)
    if rest.strip(b"\0"):
        yield _commit(rest)


def _commit(part: bytes) -> tuple[str, list[str]]:
    revision, _, files = part.strip(b"\0").decode("utf-8", "replace").partition("\0")
    return revision, files.removeprefix("\n").split("\0") if files else []


def _named(lines: list[str]) -> Touched:
    return Touched(tuple(lines)) if len(lines) <= _MOST_FILES else NOTHING


def _sized(lines: list[str]) -> Touched:
    counts = [line.split("\t", 2) for line in lines]
    additions = sum(int(added) for added, _, _ in counts if added != "-")
    deletions = sum(int(deleted) for _, deleted, _ in counts if deleted != "-")
    files = tuple(name for _, _, name in counts) if len(counts) <= _MOST_FILES else None
    return Touched(files, additions, deletions)

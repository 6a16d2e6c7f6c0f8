"""What the repositories themselves say: who owns what, and how their pipelines go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploybook import ownership
from deploybook.config import Config
from deploybook.ownership import Owned
from deploybook.sources import contents
from deploybook.sources.contents import Contents
from deploybook.sources.repository import Repository


@dataclass(frozen=True)
class Said:
    """What each codebase's repository says, by codebase."""

    owners: dict[str, Owned]


def _wanted(path: str) -> bool:
    return path in _OWNER_FILES or path.rpartition("/")[2] in ownership.CATALOG


_OWNER_FILES = frozenset(place for places in ownership.PLACES.values() for place in places)


def read_repositories(repositories: Mapping[str, Repository], config: Config) -> Said:
    """Read each repository once, at the head of its release branch; nothing is fetched."""
    seen: dict[tuple[Path, str | None], Contents] = {}
    owners: dict[str, Owned] = {}
    for name, repository in repositories.items():
        codebase = config.codebases[name]
        key = (repository.folder, codebase.release_branch)
        if key not in seen:
            seen[key] = contents.read(repository, codebase.release_branch, _wanted)
        found = seen[key]
        owners[name] = (
            Owned(unread=found.unread)
            if found.unread
            else ownership.read(
                found.paths,
                found.files,
                location=codebase.repository,
                folder=codebase.path,
                revision=found.revision,
            )
        )
    return Said(owners)

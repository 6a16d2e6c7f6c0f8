"""What the configuration asks of linking, in one place: the rest of this folder knows no configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploybook.config import Config


@dataclass(frozen=True)
class CodebaseRules:
    """How one codebase is linked."""

    name: str
    team: str | None = None
    path: str | None = None
    """The folder of a monorepo it lives in, with `/` at its end."""
    release_branch: str | None = None

    def touches(self, files: Iterable[str]) -> bool:
        """Whether one of these paths belongs to the codebase."""
        return self.path is None or any(file.startswith(self.path) for file in files)


@dataclass(frozen=True)
class Correction:
    """A person's word on whether a deployment failed."""

    deployment: str
    """As `codebase/id`."""
    failed: bool
    by: str
    on: date
    because: str


@dataclass(frozen=True)
class Rules:
    """Every setting that linking depends on. Names of environments are lower-case."""

    codebases: Mapping[str, CodebaseRules]
    codebase_of: Callable[[str | None], str | None]
    """Which codebase a name used by another system means."""
    area_of: Callable[[Iterable[str], Iterable[str], str], str | None]
    """The area of labels, paths and a codebase."""
    flags_of: Callable[[Iterable[str]], tuple[str, ...]]
    """The flags whose labels are among these."""
    environments: frozenset[str]
    live: tuple[str, ...]
    hotfix_labels: frozenset[str]
    """In lower case."""
    hotfix_branches: tuple[str, ...]
    near: timedelta
    mended: timedelta
    undone: timedelta
    corrections: tuple[Correction, ...] = ()

    def is_hotfix(self, labels: Iterable[str], branch: str | None) -> bool:
        """Whether a change with these labels, from this branch, is a hotfix."""
        if any(label.casefold() in self.hotfix_labels for label in labels):
            return True
        if not branch:
            return False
        # A fork's branch is told as owner:branch or owner/branch; the pattern is about what follows.
        names = {branch, branch.partition(":")[2], branch.partition("/")[2]}
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.hotfix_branches)


def rules_of(config: Config) -> Rules:
    """The part of the configuration that linking depends on."""
    return Rules(
        codebases={
            name: CodebaseRules(
                name=name,
                team=codebase.team,
                path=codebase.path.strip("/") + "/" if codebase.path and codebase.path.strip("./") else None,
                release_branch=codebase.release_branch,
            )
            for name, codebase in config.codebases.items()
        },
        codebase_of=config.codebase_of,
        area_of=config.area_of,
        flags_of=config.flags_of,
        environments=frozenset(name for stage in config.environments for name in stage),
        live=config.live,
        hotfix_labels=frozenset(label.casefold() for label in config.hotfix.labels),
        hotfix_branches=tuple(config.hotfix.branches),
        near=timedelta(hours=config.counting.near_hours),
        mended=timedelta(hours=config.counting.mended_hours),
        undone=timedelta(days=config.counting.undone_days),
        corrections=tuple(
            Correction(each.deployment, each.failed, each.by, each.on, each.because)
            for each in config.corrections
        ),
    )

"""What a checkout tells `deploybook init`: where it is, who writes it, where its pipelines deploy to."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deploybook.config import git
from deploybook.config.detect import codebase_name
from deploybook.config.names import RESERVED
from deploybook.config.tree import Node, read

CODEOWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where it may be, as GitHub and GitLab look for it."""

_PIPELINE = re.compile(r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml")
_FIRST = re.compile(r"dev|test|integration|qa|sandbox")
_BEFORE_USERS = re.compile(r"stag|pre-?prod|uat|accept")
_USERS = re.compile(r"prod|live")
_SHORT_LIVED = re.compile(r"preview|review|\$|github-pages")
_NOREPLY = re.compile(r"(?:\d+\+)?([A-Za-z0-9-]+)@users\.noreply\.github\.com")


@dataclass(frozen=True)
class Author:
    """Someone who wrote commits, as a person of the configuration."""

    key: str
    name: str
    email: str | None
    github: str | None


@dataclass(frozen=True)
class Suggestion:
    """What was found; what was not is empty."""

    name: str
    repository: str | None = None
    """As it would stand in the file: `.` where the file is in the checkout itself."""
    remote: str | None = None
    """The address of the codebase."""
    site_remote: str | None = None
    """The address of the repository that the site's files are written into."""
    site_branch: str | None = None
    """Its branch that a push to builds the site."""
    release_branch: str | None = None
    codeowners: str | None = None
    teams: tuple[str, ...] = ()
    """Teams that CODEOWNERS names, those of the most general rules first."""
    pipelines: tuple[str, ...] = ()
    environments: tuple[str, ...] = ("production",)
    """Those that pipelines deploy to, in a likely order of promotion."""
    people: tuple[Author, ...] = ()

    @property
    def title(self) -> str:
        """A name for the site."""
        return self.name if self.name.endswith("deploys") else f"{self.name} deploys"

    @property
    def on_github(self) -> bool:
        """Whether GitHub may be asked about it."""
        return bool(re.search(r"[/@.]github\.com[/:]", f"/{self.remote or self.repository or ''}"))


def suggest(folder: Path, repository: str | None = None, *, here: bool = True) -> Suggestion:
    """What a checkout says of itself.

    Args:
        folder: Where the site repository is to be; it need not be there yet.
        repository: The address of the codebase, or a path to a clone. Without it, the checkout that the
            folder is in, where it has a commit: an empty one is to be the site's own, and tells of another.
        here: Whether this machine builds the site; another needs an address where a clone has one.
    """
    folder = folder.absolute()
    own = git.checkout(next(each for each in (folder, *folder.parents) if each.is_dir()))
    site_remote, site_branch = (git.remote(own), git.release_branch(own)) if own else (None, None)
    top = git.checkout(Path(repository).expanduser()) if repository is not None else own
    if top is None or (repository is None and not git.has_commits(top)):
        name = codebase_name(repository or site_remote, folder)
        return Suggestion(name, repository, repository, site_remote=site_remote, site_branch=site_branch)
    remote = git.remote(top)
    beside = os.path.relpath(top, folder.resolve())
    paths = set(git.files(top))
    owners = next((path for path in CODEOWNERS if path in paths), None)
    pipelines = tuple(sorted(path for path in paths if _PIPELINE.fullmatch(path)))
    return Suggestion(
        name=codebase_name(remote, top),
        repository=beside if beside == "." or (here and repository is not None) else remote or beside,
        remote=remote,
        site_remote=site_remote,
        site_branch=site_branch,
        release_branch=git.release_branch(top),
        codeowners=owners,
        teams=_teams(git.show(top, owners)) if owners else (),
        pipelines=pipelines,
        environments=_promotion(each for path in pipelines for each in _environments(git.show(top, path))),
        people=_people(git.authors(top)),
    )


def _teams(codeowners: str) -> tuple[str, ...]:
    rules = [line.split("#")[0].split() for line in codeowners.splitlines()]
    # A rule for all files stands first, whatever its place: its team owns the codebase.
    ordered = sorted((rule for rule in rules if len(rule) > 1), key=lambda rule: rule[0] not in {"*", "/"})
    found = [
        owner.rpartition("/")[2] for rule in ordered for owner in rule[1:] if "/" in owner and owner[0] == "@"
    ]
    return tuple(dict.fromkeys(key for owner in found if (key := _key(owner)) and key not in RESERVED))[:12]


def _environments(pipeline: str) -> Iterator[str]:
    """The environments that the jobs of a workflow, or of GitLab's file, name."""
    root, _ = read(pipeline.encode(), "pipeline")
    if root is None:
        return
    jobs = root.get("jobs") or root
    for job in jobs.mapping.values():
        named: Node | None = job.get("environment")
        named = named.get("name") or named if named else None
        if named and isinstance(named.value, str) and not _SHORT_LIVED.search(named.value.lower()):
            yield named.value.lower()


def _promotion(environments: Iterable[str]) -> tuple[str, ...]:
    """Those whose place is plain from their name; a package index or a page is no step before users."""
    steps = (_FIRST, _BEFORE_USERS, _USERS)
    ranks = {
        each: next((rank for rank, step in enumerate(steps) if step.search(each)), None)
        for each in environments
    }
    found = [name for _, name in sorted((rank, name) for name, rank in ranks.items() if rank is not None)]
    return tuple(found) if 2 in ranks.values() else (*found, "production")


def _people(authors: Iterable[tuple[str, str, int]], most: int = 8) -> tuple[Author, ...]:
    found: dict[str, Author] = {}
    for name, email, _ in authors:
        key = _key(name) or _key(email.partition("@")[0])
        if key and key not in found and len(found) < most:
            hidden = _NOREPLY.fullmatch(email)
            found[key] = Author(key, name, None if hidden else email, hidden[1] if hidden else None)
    return tuple(found.values())


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))[:60].strip("-")

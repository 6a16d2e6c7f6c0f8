"""The files of one repository that say who owns what, and in which dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploybook.ownership import catalog, github, gitlab
from deploybook.ownership.model import Codeowners, Dialect

PLACES: dict[Dialect, tuple[str, ...]] = {
    "github": (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    "gitlab": ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
}
"""Where each forge looks, the first that is there counts."""
CATALOG = ("catalog-info.yaml", "catalog-info.yml")
_SECTION = re.compile(r"^\^?\[[^\[\]\n]+\]", re.MULTILINE)


@dataclass(frozen=True)
class Owned:
    """What a codebase's repository says of owners, at the head of its release branch."""

    paths: tuple[str, ...] = ()
    """Every file of the codebase, relative to the repository's root."""
    revision: str | None = None
    codeowners: Codeowners | None = None
    entries: tuple[catalog.Entry, ...] = ()
    unread: str | None = None
    """Why nothing could be read, in words."""


def dialect_of(paths: Sequence[str], location: str | None, text: str = "") -> Dialect:
    """Which forge's rules a repository follows: by its address, its files, then the file's own signs."""
    if location and re.search(r"\bgithub\b", location, re.IGNORECASE):
        return "github"
    if location and re.search(r"\bgitlab\b", location, re.IGNORECASE):
        return "gitlab"
    known = set(paths)
    if ".github/CODEOWNERS" in known:
        return "github"
    if known & {".gitlab-ci.yml", ".gitlab/CODEOWNERS"}:
        return "gitlab"
    return "gitlab" if _SECTION.search(text) else "github"


def read(
    paths: Sequence[str],
    files: Mapping[str, bytes],
    *,
    location: str | None,
    folder: str | None = None,
    revision: str | None = None,
) -> Owned:
    """Read what a repository says.

    Args:
        paths: All files of the repository.
        files: The contents of those that were read.
        location: The repository's address or path, which may name the forge.
        folder: The codebase's own folder, in a monorepo.
        revision: The commit that all this stands in.
    """
    texts = {name: content.decode("utf-8", "replace") for name, content in files.items()}
    any_text = next((texts[name] for name in _all_places() if name in texts), "")
    dialect = dialect_of(paths, location, any_text)
    file = next((name for name in PLACES[dialect] if name in texts), None)
    file = file or next((name for name in _all_places() if name in texts), None)
    reader = gitlab.read if dialect == "gitlab" else github.read
    own = [f"{folder.strip('/')}/{name}" for name in CATALOG] if folder else []
    entry = next((name for name in (*own, *CATALOG) if name in files), None)
    inside = f"{folder.strip('/')}/" if folder else ""
    return Owned(
        paths=tuple(path for path in paths if path.startswith(inside)),
        revision=revision,
        codeowners=reader(texts[file], file) if file else None,
        entries=catalog.entries(files[entry], entry) if entry else (),
    )


def _all_places() -> tuple[str, ...]:
    return tuple(dict.fromkeys(PLACES["github"] + PLACES["gitlab"]))

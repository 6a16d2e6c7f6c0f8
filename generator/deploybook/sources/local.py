"""Repositories as they lie on this machine, nothing fetched: for what pages read from them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from deploybook.config import Config
from deploybook.errors import SourceError
from deploybook.sources.repository import Repository, is_remote

BESIDE = 4
"""How many repositories are asked beside each other: each is a process of git's, or a request."""


def repositories(config: Config, workdir: Path) -> dict[str, Repository]:
    """Each codebase's repository, where there is one: its path, or the mirror that a sync made."""
    found = {}
    for name, codebase in config.codebases.items():
        if codebase.repository is None:
            continue
        remote = is_remote(codebase.repository)
        folder = workdir / "mirrors" / f"{name}.git" if remote else config.root / codebase.repository
        if folder.is_dir():
            found[name] = Repository(codebase.repository, folder)
    return found


def heads(repositories: Mapping[str, Repository], config: Config) -> pa.Table:
    """The newest commit of each release branch: `codebase`, `revision`."""
    rows: list[dict[str, str]] = []
    for name, ref in _release_refs(repositories, config).items():
        revisions = {known.name: known.revision for known in repositories[name].named}
        if ref in revisions:
            rows.append({"codebase": name, "revision": revisions[ref]})
    return pa.Table.from_pylist(
        rows, schema=pa.schema([("codebase", pa.string()), ("revision", pa.string())])
    )


def release_branches(repositories: Mapping[str, Repository], config: Config) -> dict[str, str]:
    """The name of each release branch, as runs of pipelines say it; none where no branch is checked out."""
    found = {}
    for name, ref in _release_refs(repositories, config).items():
        for before in ("refs/heads/", "refs/remotes/origin/"):
            if ref.startswith(before):
                found[name] = ref.removeprefix(before)
    return found


def _release_refs(repositories: Mapping[str, Repository], config: Config) -> dict[str, str]:
    def ref_of(name: str) -> str | None:
        # What fails was told by the sync; linking finds the branch by where pull requests arrived.
        with suppress(SourceError):
            return repositories[name].release_ref(config.codebases[name].release_branch)
        return None

    with ThreadPoolExecutor(BESIDE) as pool:
        refs = dict(zip(repositories, pool.map(ref_of, repositories), strict=True))
    return {name: ref for name, ref in refs.items() if ref is not None}

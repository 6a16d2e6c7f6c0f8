"""Which commits change the same: read once from the repositories at hand, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pyarrow as pa

from deploybook.sources import patches
from deploybook.sources.repository import Repository

_SCHEMA = pa.schema([("codebase", pa.string()), ("revision", pa.string()), ("patch_id", pa.string())])


def patch_ids(repositories: Mapping[str, Repository], commits: pa.Table, file: Path) -> pa.Table:
    """What `git patch-id` says of commits that may be copies of others: `codebase`, `revision`, `patch_id`.

    Args:
        repositories: Those at hand, by codebase.
        commits: Of the history.
        file: Where it is kept what they said, so that each commit is looked at once.
    """
    kept = _kept(file)
    known: dict[str, dict[str, str]] = {}
    for name, revisions in patches.alike(commits).items():
        if name not in repositories or repositories[name].lazy():  # nothing is fetched here
            continue
        before = kept.get(name, {})
        new = [each for each in revisions if each not in before]
        said = patches.read(repositories[name], new) if new else {}
        known[name] = {each: before.get(each) or said.get(each, "") for each in revisions}
    if known != kept:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(known))
        fresh.replace(file)
    rows = [
        {"codebase": name, "revision": revision, "patch_id": patch}
        for name, said in known.items()
        for revision, patch in said.items()
        if patch
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _kept(file: Path) -> dict[str, dict[str, str]]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, str]])
    except (OSError, msgspec.DecodeError):  # none yet, or broken: it is only a cache
        return {}

"""What commits change is read once, and kept; where it would have to be fetched it is not asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from tests.support.gitrepo import GitRepo

from deploybook.build.copied import patch_ids
from deploybook.sources import patches
from deploybook.sources.repository import Repository

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def commits(*revisions: str) -> pa.Table:
    rows = [
        {"codebase": "shop", "revision": each, "author": "ana", "authored_at": NOON, "message": "Fix"}
        for each in revisions
    ]
    return pa.Table.from_pylist(rows)


def test_each_commit_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = GitRepo(tmp_path / "shop")
    first, second, third = (repo.commit(f"Work {n}") for n in range(3))
    repo.git("commit", "--allow-empty", "-m", "Nothing")
    empty = repo.git("rev-parse", "HEAD")
    read, asked = patches.read, []

    def counted(repository: Repository, revisions: Sequence[str]) -> dict[str, str]:
        asked.append(list(revisions))
        return read(repository, revisions)

    monkeypatch.setattr(patches, "read", counted)
    local, file = {"shop": Repository("shop", repo.folder)}, tmp_path / "cache" / "patches.json"
    told = patch_ids(local, commits(first, second, empty), file)
    assert sorted(told["revision"].to_pylist()) == sorted([first, second])
    assert set(told["codebase"].to_pylist()) == {"shop"}
    assert patch_ids(local, commits(first, second, empty), file) == told
    assert patch_ids(local, commits(first, second, third, empty), file).num_rows == 3
    assert asked == [sorted([first, second, empty]), [third]]
    file.write_text("{")
    assert patch_ids(local, commits(first, second, empty), file) == told


def test_a_clone_with_a_filter_is_not_asked(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "shop")
    first, second = repo.commit("One"), repo.commit("Two")
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    repo.git("clone", "--quiet", "--bare", "--filter=blob:none", f"file://{repo.folder}", str(clone))
    known = Repository("shop", clone)
    assert known.lazy()
    assert patch_ids({"shop": known}, commits(first, second), tmp_path / "patches.json").num_rows == 0
    assert patch_ids({}, commits(first, second), tmp_path / "patches.json").num_rows == 0

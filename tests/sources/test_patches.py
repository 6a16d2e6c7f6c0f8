"""Picks that do not say what they copy are found by what they change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from tests.support.gitrepo import GitRepo

from deploybook.sources import patches
from deploybook.sources.repository import Repository, at_hand

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SCHEMA = pa.schema(
    [("codebase", pa.string()), ("revision", pa.string()), ("author", pa.string()),
     ("authored_at", pa.timestamp("us", tz="UTC")), ("message", pa.string())]
)  # fmt: skip


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "shop")


def opened(repo: GitRepo) -> Repository:
    return at_hand(str(repo.folder), repo.folder.parent, repo.folder.parent / "mirror.git")


def table(*rows: tuple[str, str, str | None, datetime | None, str | None]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA)


def test_only_commits_of_one_author_time_and_subject_are_alike() -> None:
    later = NOON.replace(minute=1)
    assert patches.alike(
        table(
            ("shop", "1", "ana", NOON, "Fix\n\nbecause"), ("shop", "2", "ana", NOON, "Fix\n\n(picked)"),
            ("shop", "3", "ana", NOON, "Fix it"), ("shop", "4", "bo", NOON, "Fix"),
            ("shop", "5", "ana", later, "Fix"), ("till", "6", "ana", NOON, "Fix"),
            ("till", "7", None, NOON, None), ("till", "8", None, NOON, ""),
            ("shop", "9", "ana", None, "Fix"), ("shop", "10", "ana", None, "Fix"),
        )
    ) == {"shop": ["1", "2"], "till": ["7", "8"]}  # fmt: skip
    assert patches.alike(table()) == {}


def test_a_pick_changes_the_same_and_one_that_was_fitted_in_does_not(repo: GitRepo) -> None:
    begun = repo.commit("Begin", {"a.txt": "".join(f"{n}\n" for n in range(40)), "b.txt": "1\n"})
    repo.branch("old")
    repo.switch("main")
    repo.commit("Go on", {"a.txt": "top\n" + "".join(f"{n}\n" for n in range(40))})
    fix = repo.commit("Fix", {"a.txt": "top\n" + "".join(f"{n}\n" for n in range(40)) + "end\n"})
    other = repo.commit("Fix too", {"b.txt": "2\n"})
    repo.switch("old")
    repo.git("cherry-pick", fix)
    picked = repo.git("rev-parse", "HEAD")
    fitted = repo.commit("Fix too", {"b.txt": "3\n"})
    said = patches.read(opened(repo), [begun, fix, other, picked, fitted])
    assert said.keys() == {begun, fix, other, picked, fitted}
    assert said[fix] == said[picked]
    assert len(set(said.values())) == 4


def test_a_merge_and_an_empty_commit_say_nothing(repo: GitRepo) -> None:
    repo.commit("Begin")
    repo.branch("fix")
    repo.commit("Try")
    repo.switch("main")
    merge = repo.merge("fix", "Merge it")
    repo.git("commit", "--allow-empty", "-m", "Nothing")
    assert patches.read(opened(repo), [merge, repo.git("rev-parse", "HEAD")]) == {}


def test_where_contents_are_missing_the_others_are_told(repo: GitRepo) -> None:
    commits = [repo.commit(f"Work {n}", {f"{n}.txt": f"{n}\n"}) for n in range(7)]
    blob = repo.git("rev-parse", f"{commits[4]}:4.txt")
    (repo.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    (repo.folder / "4.txt").unlink()  # git would take the contents from here
    assert patches.read(opened(repo), commits).keys() == {*commits} - {commits[4]}

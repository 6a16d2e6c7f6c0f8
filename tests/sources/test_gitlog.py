"""The pass of `git log` that begins before the references are known."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.gitrepo import GitRepo

from deploybook.errors import SourceError
from deploybook.feed import Afresh, Ask, Cursor, Item, Unchanged
from deploybook.records import Change, Commit
from deploybook.sources import git, gitlog
from deploybook.sources.repository import Repository

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def without_contents(folder: Path, branch: str) -> GitRepo:
    """A repository that may lack contents, as a mirror does: only there does the log begin first."""
    made = GitRepo(folder, branch)
    (made.folder / ".git/objects/pack/pack-0.promisor").touch()
    return made


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return without_contents(tmp_path / "shop", "main")


def pulled(repo: GitRepo, cursor: str | None = None, **wanted: str) -> Iterator[Item]:
    feed = git.feed(git.Wanted("shop", **wanted), lambda: Repository("shop", repo.folder))  # type: ignore[arg-type]
    return feed.pull(Ask(NOW, cursor=cursor))


def told(items: list[Item]) -> list[str]:
    return [item.revision for item in items if isinstance(item, Commit)]


def titles(items: list[Item]) -> list[str]:
    return [item.title for item in items if isinstance(item, Change)]


def everything(repo: GitRepo) -> list[str]:
    return sorted(repo.git("rev-list", "--all").split())


def after_the_log(monkeypatch: pytest.MonkeyPatch, move: Callable[[], object]) -> None:
    """Let something happen when git has found all commits and the references are not listed yet."""
    log, moves = gitlog.log, [move]

    def log_and_move(*arguments: Any, **options: Any) -> Iterator[bytes]:
        blocks = list(log(*arguments, **options))
        if moves:
            moves.pop()()
        return (block for block in blocks)

    monkeypatch.setattr(gitlog, "log", log_and_move)


def test_what_is_merged_while_git_searches_is_told_once_and_called_as_ever(
    repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("Begin")
    repo.branch("bump")
    repo.commit("Bump rails from 7 to 8")
    repo.switch("main")

    def merge() -> None:
        repo.merge("bump", "Merge pull request #8 from acme/bump")
        repo.commit("Go on (#9)")

    after_the_log(monkeypatch, merge)
    items = list(pulled(repo))
    assert sorted(told(items)) == everything(repo)
    assert titles(items) == ["Bump rails from 7 to 8", "Go on"]
    (cursor,) = [item.text for item in items if isinstance(item, Cursor)]
    assert list(pulled(repo, cursor)) == [Unchanged()]


def test_what_is_rewritten_or_tagged_while_git_searches_is_told_once(
    repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = repo.commit("Begin")
    left = repo.commit("Second")

    def rewrite() -> None:
        repo.git("reset", "--quiet", "--hard", first)
        repo.commit("Another second")
        repo.git("checkout", "--quiet", "--detach")
        repo.commit("Off every branch")
        repo.tag("v1", "One")

    after_the_log(monkeypatch, rewrite)
    assert sorted(told(list(pulled(repo, release_branch="main")))) == sorted([*everything(repo), left])


def test_what_only_a_head_without_branch_or_a_tag_of_a_tag_leads_to_is_told(tmp_path: Path) -> None:
    repo = without_contents(tmp_path / "shop", "trunk")
    repo.commit("Begin")
    repo.git("checkout", "--quiet", "--detach")
    tagged = repo.commit("Tagged")
    repo.tag("v1", "One")
    repo.git("tag", "-a", "-m", "Two", "v1-signed", "v1")
    repo.git("tag", "-d", "v1")
    repo.git("checkout", "--quiet", "--detach", "trunk")
    head = repo.commit("Off every branch (#3)")
    items = list(pulled(repo))
    assert sorted(told(items)) == everything(repo)
    assert {tagged, head} <= set(told(items))
    assert titles(items) == ["Off every branch"]


def test_a_repository_without_commits_has_nothing_to_tell(repo: GitRepo) -> None:
    assert [type(item) for item in pulled(repo)] == [Afresh, Cursor]


def test_a_missing_commit_is_an_error(repo: GitRepo) -> None:
    first = repo.commit("Begin")
    repo.commit("Second")
    (repo.folder / ".git/objects" / first[:2] / first[2:]).unlink()
    with pytest.raises(SourceError, match="git log failed"):
        list(pulled(repo))


def test_a_reference_to_a_missing_commit_is_an_error(repo: GitRepo) -> None:
    repo.commit("Begin")
    (repo.folder / ".git/refs/heads/broken").write_text("1" * 40 + "\n")
    with pytest.raises(SourceError, match="git log failed"):
        list(pulled(repo))


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Every git that ran."""
    ran: list[subprocess.Popen[bytes]] = []

    class Kept(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            ran.append(self)

    monkeypatch.setattr(subprocess, "Popen", Kept)
    return ran


def test_git_does_not_run_on_when_nobody_reads_it_any_more(
    repo: GitRepo, processes: list[subprocess.Popen[bytes]]
) -> None:
    repo.commit("Begin")
    processes.clear()
    items = pulled(repo)
    assert next(items) == Afresh()
    assert [process.args[0] for process in processes if process.returncode is None] == ["git"]  # type: ignore[index]
    items.close()  # type: ignore[attr-defined]
    assert [process for process in processes if process.returncode is None] == []


def test_git_does_not_run_on_when_there_is_no_such_branch(
    repo: GitRepo, processes: list[subprocess.Popen[bytes]]
) -> None:
    repo.commit("Begin")
    with pytest.raises(SourceError, match="no branch 'gone'") as caught:
        list(pulled(repo, release_branch="gone"))
    assert caught.value.where == "shop"
    assert [process for process in processes if process.returncode is None] == []

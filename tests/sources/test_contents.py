"""Files at the head of a release branch, from a whole clone and from one without contents."""

from __future__ import annotations

import subprocess
from pathlib import Path

from deploybook.sources import contents
from deploybook.sources.repository import Repository


def git(folder: Path, *arguments: str) -> str:
    own = ("-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "init.defaultBranch=main")
    ran = subprocess.run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return ran.stdout.strip()


def made(folder: Path) -> Path:
    work = folder / "work"
    (work / "docs").mkdir(parents=True)
    git(work, "init", "--quiet")
    (work / "CODEOWNERS").write_text("* @all\n")
    (work / "docs" / "größe.md").write_text("x\n")
    (work / "large").write_bytes(b"x" * (contents.LARGEST + 1))
    (work / "link").symlink_to("CODEOWNERS")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "One")
    return work


def test_wanted_files_are_read_and_all_paths_are_known(tmp_path: Path) -> None:
    work = made(tmp_path)
    found = contents.read(Repository("r", work), "main", lambda path: path in ("CODEOWNERS", "large", "link"))
    assert found.revision == git(work, "rev-parse", "main")
    assert found.paths == ("CODEOWNERS", "docs/größe.md", "large")  # a link leads who knows where
    assert found.files == {"CODEOWNERS": b"* @all\n"}
    assert found.missing == ("large",)


def test_what_a_clone_without_contents_lacks_is_missing_and_not_fetched(tmp_path: Path) -> None:
    work = made(tmp_path)
    git(work, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--bare", "--filter=blob:none", f"file://{work}", "bare.git")
    found = contents.read(Repository("r", tmp_path / "bare.git"), "main", lambda path: path == "CODEOWNERS")
    assert found.paths == ("CODEOWNERS", "docs/größe.md", "large")
    assert (dict(found.files), found.missing) == ({}, ("CODEOWNERS",))


def test_what_is_wanted_is_brought_and_nothing_else(tmp_path: Path) -> None:
    work = made(tmp_path)
    git(work, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--bare", "--filter=blob:none", f"file://{work}", "bare.git")
    bare = Repository("r", tmp_path / "bare.git")
    contents.bring(bare, "main", lambda path: path == "CODEOWNERS")
    found = contents.read(bare, "main", lambda path: path != "large")
    assert (dict(found.files), found.missing) == ({"CODEOWNERS": b"* @all\n"}, ("docs/größe.md",))


def test_no_branch_and_no_commit_are_said_in_words(tmp_path: Path) -> None:
    work = made(tmp_path)
    assert "no branch" in (contents.read(Repository("r", work), "gone", bool).unread or "")
    git(tmp_path, "init", "--quiet", "empty")
    assert contents.read(Repository("r", tmp_path / "empty"), None, bool).unread == "the repository is empty"

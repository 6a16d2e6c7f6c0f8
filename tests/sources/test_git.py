from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.gitrepo import GitRepo

from deploybook.errors import SourceError
from deploybook.feed import Afresh, Ask, Cursor, Item, Rejected, Unchanged
from deploybook.records import Change, Commit
from deploybook.sources import git, gitcmd, gitfiles
from deploybook.sources.repository import at_hand

NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "shop")


def pull(repo: GitRepo | Path | str, cursor: str | None = None, **wanted: object) -> list[Item]:
    location = str(repo.folder if isinstance(repo, GitRepo) else repo)
    root = repo.folder.parent if isinstance(repo, GitRepo) else Path("/")
    feed = git.feed(
        git.Wanted("shop", **wanted),  # type: ignore[arg-type]
        lambda: at_hand(location, root, root / "mirror.git"),
    )
    return list(feed.pull(Ask(NOW, cursor=cursor)))


def changes(items: list[Item]) -> dict[str, Change]:
    return {item.id: item for item in items if isinstance(item, Change)}


def commits(items: list[Item]) -> dict[str, Commit]:
    return {item.revision: item for item in items if isinstance(item, Commit)}


def cursor(items: list[Item]) -> str:
    (found,) = [item.text for item in items if isinstance(item, Cursor)]
    return found


def test_a_merge_brings_its_branch_and_begins_with_its_first_commit(repo: GitRepo) -> None:
    repo.commit("Begin")
    repo.branch("fix")
    first = repo.commit("Try", author="Bo")
    second = repo.commit("Try again", author="Cy")
    repo.switch("main")
    merge = repo.merge("fix", "Merge pull request #7 from acme/fix\n\nFix the cart")
    (change,) = changes(pull(repo)).values()
    assert (change.id, change.title, change.branch) == ("7", "Fix the cart", "acme/fix")
    assert change.author == "Bo <bo@acme.test>"
    assert (change.first_commit_at, change.merged_at) == (repo.at(1), repo.at(3))
    assert (change.merge_revision, set(change.revisions or ())) == (merge, {first, second})
    assert (change.opened_at, change.approvals) == (None, None)
    assert (change.files, change.additions, change.deletions) == (("file-1.txt", "file-2.txt"), 2, 0)


def test_a_merge_without_words_is_called_as_its_commit(repo: GitRepo) -> None:
    repo.commit("Begin")
    repo.branch("bump")
    repo.commit("Bump rails from 7 to 8\n\nLong text")
    repo.switch("main")
    repo.merge("bump", "Merge pull request #8 from acme/bump")
    assert changes(pull(repo))["8"].title == "Bump rails from 7 to 8"


def test_the_beginning_of_a_squash_is_unknown_unless_its_head_is_there(repo: GitRepo) -> None:
    repo.commit("Begin")
    repo.branch("fix")
    head = repo.commit("Work", author="Bo")
    repo.switch("main")
    squash = repo.commit("Fix the cart (#7)", author="Bo")
    change = changes(pull(repo))["7"]
    assert (change.title, change.merge_revision, change.revisions) == ("Fix the cart", squash, (squash,))
    assert change.first_commit_at is None
    repo.pull_head(7, head)
    assert changes(pull(repo))["7"].first_commit_at == repo.at(1)


def test_a_number_of_an_issue_is_no_pull_request(repo: GitRepo) -> None:
    head = repo.commit("Begin")
    repo.pull_head(9, head)
    repo.commit("Mend what was reported (#4)")
    assert "4" not in changes(pull(repo))


def test_a_number_that_imported_history_brought_is_not_the_own_pull_request(repo: GitRepo) -> None:
    repo.commit("Imported (#7)")
    repo.branch("fix")
    repo.pull_head(7, repo.commit("Work"))
    repo.switch("main")
    squash = repo.commit("Fix the cart (#7)")
    assert changes(pull(repo))["7"].merge_revision == squash


def test_a_pull_request_merged_by_hand_is_known_by_its_head(repo: GitRepo) -> None:
    repo.commit("Begin")
    repo.branch("fix")
    head = repo.commit("Work")
    repo.switch("main")
    merge = repo.merge("fix", "Merge branch 'fix'")
    repo.pull_head(5, head)
    change = changes(pull(repo))["5"]
    assert (change.merge_revision, change.revisions) == (merge, (head,))


def test_an_open_pull_request_is_no_change_but_its_commits_are_known(repo: GitRepo) -> None:
    repo.commit("Begin")
    repo.branch("open")
    head = repo.commit("Other work (#3)")
    repo.pull_head(6, head)
    repo.switch("main")
    items = pull(repo)
    assert changes(items) == {}
    assert head in commits(items)


def test_a_pull_request_on_a_tagged_old_line_is_a_change(repo: GitRepo) -> None:
    repo.commit("Begin")
    repo.branch("old-line")
    repo.commit("Mend the old line (#11)")
    repo.tag("v1.0.1")
    repo.switch("main")
    repo.commit("Go on")
    assert list(changes(pull(repo))) == ["11"]


def test_tags_of_tags_lead_to_their_commit_and_tags_of_trees_and_files_to_none(repo: GitRepo) -> None:
    begin = repo.commit("Begin")
    repo.branch("old-line")
    mended = repo.commit("Mend the old line (#11)")
    repo.tag("v1.0.1", "One")
    repo.git("tag", "-a", "-m", "Two", "v1.0.1-signed", "v1.0.1")
    repo.git("tag", "of-a-tree", "HEAD^{tree}")
    repo.git("tag", "of-a-file", "HEAD:file-0.txt")
    repo.switch("main")
    repo.git("branch", "-D", "old-line")
    items = pull(repo)
    assert set(commits(items)) == {begin, mended}
    assert list(changes(items)) == ["11"]
    newest = repo.commit("Go on")
    assert set(commits(pull(repo, cursor(items)))) == {newest}


def test_nested_merges_bring_each_their_own(repo: GitRepo) -> None:
    repo.commit("Begin")
    repo.branch("outer")
    one = repo.commit("One")
    repo.branch("inner")
    two = repo.commit("Two")
    repo.switch("outer")
    nested = repo.merge("inner", "Merge pull request #2 from acme/inner\n\nInner")
    repo.switch("main")
    repo.merge("outer", "Merge pull request #1 from acme/outer\n\nOuter")
    found = changes(pull(repo))
    assert set(found["2"].revisions or ()) == {two}
    assert set(found["1"].revisions or ()) == {one, two, nested}


def test_what_one_merge_brought_another_does_not_bring_again(repo: GitRepo) -> None:
    repo.commit("Begin")
    repo.branch("shared")
    base = repo.commit("Shared")
    repo.branch("later")
    own = repo.commit("Later")
    repo.switch("main")
    repo.merge("shared", "Merge pull request #1 from acme/shared\n\nShared")
    repo.merge("later", "Merge pull request #2 from acme/later\n\nLater")
    found = changes(pull(repo))
    assert (found["1"].revisions, found["2"].revisions) == ((base,), (own,))


def test_nothing_new_is_unchanged_and_later_only_what_is_new_comes(repo: GitRepo) -> None:
    repo.commit("Begin")
    saved = cursor(pull(repo))
    assert pull(repo, saved) == [Unchanged()]
    new = repo.commit("Fix (#1)")
    items = pull(repo, saved)
    assert list(commits(items)) == [new]
    assert list(changes(items)) == ["1"]
    assert pull(repo, cursor(items)) == [Unchanged()]


def test_what_was_read_ahead_is_not_read_again_and_says_the_same(
    repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("Begin", {"a": "1"})
    repo.commit("Fix (#1)", {"a": "1\n2"})
    expected = pull(repo)
    counted = []

    def stream(*arguments: Any, **options: Any) -> Iterator[bytes]:
        counted.append("--numstat" in arguments)
        return real(*arguments, **options)

    real = gitcmd.stream
    monkeypatch.setattr(gitcmd, "stream", stream)
    feed = git.feed(git.Wanted("shop"), lambda: at_hand(str(repo.folder), repo.folder, repo.folder))
    assert feed.ahead is not None
    feed.ahead(None)
    assert counted.count(True) == 1
    assert list(feed.pull(Ask(NOW))) == expected
    assert counted.count(True) == 1
    assert list(feed.pull(Ask(NOW))) == expected
    assert counted.count(True) == 2
    feed.ahead(None)  # too late: nobody would take it
    assert counted.count(True) == 2


def test_where_nothing_is_new_nothing_is_read_ahead(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit("Begin")
    saved = cursor(pull(repo))
    feed = git.feed(git.Wanted("shop"), lambda: at_hand(str(repo.folder), repo.folder, repo.folder))
    monkeypatch.setattr(gitfiles, "read", lambda *_, **__: pytest.fail("it was read"))
    assert feed.ahead is not None
    feed.ahead(saved)
    assert list(feed.pull(Ask(NOW, cursor=saved))) == [Unchanged()]


def test_a_rewritten_branch_is_read_again_from_its_beginning(repo: GitRepo) -> None:
    first = repo.commit("Begin")
    repo.commit("Second")
    saved = cursor(pull(repo))
    repo.git("reset", "--quiet", "--hard", first)
    other = repo.commit("Another second")
    assert set(commits(pull(repo, saved))) == {first, other}


def test_a_part_of_a_monorepo_has_only_the_changes_that_touch_it(repo: GitRepo) -> None:
    repo.commit("Begin", {"web/a": "1", "api/a": "1"})
    repo.commit("Web (#1)", {"web/a": "2"})
    repo.branch("api")
    repo.commit("Api", {"api/a": "2"})
    repo.switch("main")
    repo.merge("api", "Merge pull request #2 from acme/api\n\nApi")
    repo.commit("Both (#3)", {"web/a": "3", "api/a": "3"})
    assert set(changes(pull(repo, path="web"))) == {"1", "3"}
    assert set(changes(pull(repo, path="api"))) == {"2", "3"}
    assert changes(pull(repo, path="api"))["3"].files == ("api/a",)


def raw_commit(repo: GitRepo, committed: str, message: bytes) -> None:
    """Move `main` to a commit such as git's own commands would not write."""
    head = (
        f"tree {repo.head('HEAD^{tree}')}\nauthor X <x@y> 1767603600 +0000\ncommitter X <x@y> {committed}\n\n"
    )
    done = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"],
        cwd=repo.folder, input=head.encode() + message, capture_output=True, check=True,
    )  # fmt: skip
    repo.git("update-ref", "refs/heads/main", done.stdout.decode().strip())


@pytest.mark.parametrize(
    "time", ["253402300000 +0000", "-86400 +0000", "99999999999999999999 +0000", "never"]
)
def test_times_that_no_clock_can_have_meant_are_unknown(repo: GitRepo, time: str) -> None:
    repo.commit("Begin")
    raw_commit(repo, time, b"Far (#1)\n")
    items = pull(repo)
    (far,) = commits(items).values()
    assert far.committed_at is None
    assert [item.reason for item in items if isinstance(item, Rejected)] == [
        "pull request 1 has no usable time of merge"
    ]


def test_bytes_that_are_no_utf8_are_replaced(repo: GitRepo) -> None:
    repo.commit("Begin")
    raw_commit(repo, "1767603600 +0000", b"Caf\xe9 (#1)\n")
    assert changes(pull(repo))["1"].title == "Caf\N{REPLACEMENT CHARACTER}"


def test_an_empty_repository_has_no_history(repo: GitRepo) -> None:
    assert [type(item) for item in pull(repo)] == [Afresh, Cursor]


def test_a_shallow_clone_says_so(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit("Begin")
    repo.commit("Second")
    repo.git("clone", "--quiet", "--depth=1", f"file://{repo.folder}", str(tmp_path / "clone"))
    items = pull(tmp_path / "clone")
    assert ["shallow" in item.reason for item in items if isinstance(item, Rejected)] == [True]
    assert len(commits(items)) == 1


@pytest.mark.parametrize("address", ["--upload-pack=touch x", "ext::sh -c true", "no/such/folder"])
def test_what_is_no_repository_is_told_with_a_next_step(repo: GitRepo, address: str) -> None:
    feed = git.feed(
        git.Wanted("shop"), lambda: at_hand(address, repo.folder, repo.folder.parent / "mirror.git")
    )
    with pytest.raises(SourceError) as caught:
        list(feed.pull(Ask(NOW)))
    assert caught.value.next_step


def test_a_password_in_an_address_is_told_to_nobody(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        at_hand("https://ana:secret@127.0.0.1:1/x.git", tmp_path, tmp_path / "mirror.git")
    assert "secret" not in str(caught.value)


def test_a_remote_is_kept_as_a_mirror_and_fetched_on(repo: GitRepo) -> None:
    repo.commit("Begin")
    head = repo.commit("Fix (#1)")
    repo.pull_head(1, head)
    url = f"file://{repo.folder}"
    mirror = repo.folder.parent / "mirror.git"
    feed = git.feed(git.Wanted("shop"), lambda: at_hand(url, repo.folder, mirror))
    items = list(feed.pull(Ask(NOW)))
    assert list(changes(items)) == ["1"]
    (mirror / "shallow.lock").write_text("left by a run that was killed")
    new = repo.commit("More (#2)")
    assert list(commits(list(feed.pull(Ask(NOW, cursor=cursor(items)))))) == [new]


def test_a_hostile_repository_runs_nothing(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit("Begin")
    mark = tmp_path / "mark"
    repo.trap(mark)
    assert len(commits(pull(repo, files=True))) == 1
    assert not mark.exists()
    repo.git("log", "-p")
    assert mark.exists(), "the trap works"


def test_deployment_locks_kept_as_branches_are_no_history(repo: GitRepo) -> None:
    repo.commit("Begin")
    locks = "refs/heads/locks/"
    before = cursor(pull(repo, locks=locks))
    repo.branch("locks/production")
    held = repo.commit("held")
    repo.switch("main")
    assert pull(repo, before, locks=locks) == [Unchanged()]
    assert held not in commits(pull(repo, locks=locks))
    assert held in commits(pull(repo))


def test_a_name_of_a_reference_may_hold_whatever_else_ends_a_line(repo: GitRepo) -> None:
    """git allows these in names; Python's lines end at them."""
    first = repo.commit("Begin")
    for end in ("\x85", "\u2028", "\u2029"):
        repo.git("branch", f"odd{end}name")
        repo.git("tag", f"v1{end}0")
    read = at_hand(str(repo.folder), repo.folder.parent, repo.folder.parent / "mirror.git")
    assert {ref.revision for ref in read.named} == {first}
    assert {tag.name for tag in read.tags} == {
        "refs/tags/v1\x850",
        "refs/tags/v1\u20280",
        "refs/tags/v1\u20290",
    }
    assert list(commits(pull(repo))) == [first]


def test_what_a_commit_changed_below_which_history_is_cut_off_is_unknown(
    repo: GitRepo, tmp_path: Path
) -> None:
    repo.commit("Begin", {"a.txt": "1\n2\n3\n"})
    last = repo.commit("Cut here", {"a.txt": "1\n2\n4\n"})
    newest = repo.commit("Go on", {"a.txt": "1\n2\n5\n"})
    clone = tmp_path / "clone"
    repo.git("clone", "--quiet", "--depth", "2", f"file://{repo.folder}", str(clone))
    read = commits(pull(clone))
    assert (read[last].additions, read[last].deletions, read[last].files) == (None, None, None)
    assert (read[newest].additions, read[newest].deletions) == (1, 1)
    whole = commits(pull(repo))
    assert (whole[last].additions, whole[last].deletions) == (1, 1)


def test_a_clone_of_a_public_forge_leads_to_its_pull_requests(repo: GitRepo) -> None:
    repo.commit("Begin")
    repo.commit("Fix the cart (#7)")
    assert changes(pull(repo))["7"].url is None
    repo.git("remote", "add", "origin", "https://github.com/acme/shop.git")
    assert changes(pull(repo))["7"].url == "https://github.com/acme/shop/pull/7"

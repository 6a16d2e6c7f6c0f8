from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.gitrepo import GitRepo

from deploybook.feed import Ask, Cursor, Unchanged
from deploybook.records import Deployment
from deploybook.sources import tags
from deploybook.sources.repository import at_hand

ASK = Ask(datetime(2026, 12, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "tag", ["v1.2.3", "1.2", "24.0", "2026.11.1", "release-123", "release_4321", "v7", "shop-web-1.2.3",
            "go1.22.0", "ver1.2", "prod-123", "deploy/7", "source-1.2",
            "curl-8_17_0", "REL_17_2", "REL9_6_24", "OpenSSL_1_1_1w", "V_9_8_P1", "SUDO_1_9_15p5",
            "@acme/web@1.2.0", "1.2.3-release", "1.2.3+build.5", "1.2.post1", "2026-11-20"],
)  # fmt: skip
def test_a_version_is_a_deployment(tag: str) -> None:
    assert tags.is_version(tag)


@pytest.mark.parametrize(
    "tag", ["1.2rc1", "v1.2.3-rc.1", "1.2a1", "1.2b2", "v2.0.0-alpha", "v2.0.0-beta.3", "1.2.dev4",
            "rc-1.2", "rc/1.2.3", "web/beta-1.2", "nightly-2026-01-01", "archive/3.6",
            "REL_17_BETA1", "REL_17_RC1", "curl-8_17_0-rc1",
            "1_2", "build_3630", "nightly", "jenkins-Whitehall-9-SUCCESS", "latest", "7", "v",
            "build-3630", "a-" * 200],
)  # fmt: skip
def test_a_pre_release_or_a_name_is_none(tag: str) -> None:
    assert not tags.is_version(tag)


def pulled(repo: GitRepo, pattern: str | None = None, cursor: str | None = None) -> list[object]:
    wanted = tags.Wanted("shop", "production", pattern)
    feed = tags.feed(wanted, lambda: at_hand(str(repo.folder), Path("/"), Path("/none")))
    return list(feed.pull(Ask(ASK.as_of, cursor=cursor)))


def test_an_annotated_tag_counts_when_it_was_tagged_another_when_it_was_committed(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "shop")
    first = repo.commit("One")
    repo.tag("v1.0")
    repo.tag("v1.1", "The first one, told")
    repo.tag("v1.2rc1")
    told = {item.id: item for item in pulled(repo) if isinstance(item, Deployment)}
    assert {name: item.finished_at for name, item in told.items()} == {"v1.0": repo.at(0), "v1.1": repo.at(1)}
    assert {item.revision for item in told.values()} == {first}
    assert {(item.time_from, item.environment, item.outcome) for item in told.values()} == {
        ("tag", "production", "success")
    }


def test_a_pattern_stands_alone(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "shop")
    repo.commit("One")
    repo.tag("build-1")
    repo.tag("v1.0")
    assert [item.id for item in pulled(repo, "build-*") if isinstance(item, Deployment)] == ["build-1"]


def test_the_same_tags_are_unchanged(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "shop")
    repo.commit("One")
    repo.tag("v1.0")
    (saved,) = [item.text for item in pulled(repo) if isinstance(item, Cursor)]
    assert pulled(repo, cursor=saved) == [Unchanged()]
    repo.tag("v1.1")
    assert len([item for item in pulled(repo, cursor=saved) if isinstance(item, Deployment)]) == 2


def test_an_annotated_tag_of_nobody_counts_when_it_was_committed(tmp_path: Path) -> None:
    """As git wrote them until July 2005."""
    repo = GitRepo(tmp_path / "shop")
    revision = repo.commit("One")
    written = tmp_path / "tag"
    written.write_text(f"object {revision}\ntype commit\ntag v0.99\n\nTest-release\n")
    repo.git(
        "update-ref",
        "refs/tags/v0.99",
        repo.git("hash-object", "-t", "tag", "-w", "--literally", str(written)),
    )
    (found,) = [item for item in pulled(repo) if isinstance(item, Deployment)]
    assert (found.id, found.revision, found.finished_at) == ("v0.99", revision, repo.at(0))


def test_a_tag_of_a_tag_leads_to_the_commit(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "shop")
    repo.commit("One")
    second = repo.commit("Two")
    repo.tag("inner", "A tag")
    repo.git("tag", "-a", "v1.1", "-m", "A tag of it", "inner")
    repo.git("tag", "-a", "v1.2", "-m", "And one of that", "v1.1")
    repo.git("tag", "v9.9", repo.git("rev-parse", "HEAD^{tree}"))
    repo.git("tag", "-a", "v9.8", "-m", "No commit", "v9.9")
    repo.git("tag", "-a", "v9.7", "-m", "No commit either", "v9.8")
    told = {item.id: item.revision for item in pulled(repo) if isinstance(item, Deployment)}
    assert told == {"v1.1": second, "v1.2": second}

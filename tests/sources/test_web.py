"""The pages of what a repository holds, from its address alone."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.gitrepo import GitRepo

from deploybook.sources import web
from deploybook.sources.repository import Repository
from deploybook.sources.web import Web, web_of


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/acme/shop", "https://github.com/acme/shop.git", "https://GitHub.com/acme/shop/",
        "git@github.com:acme/shop.git", "ssh://git@github.com/acme/shop.git", "ssh://git@github.com:22/acme/shop",
        "https://ana:secret@github.com/acme/shop.git", "git://github.com/acme/shop.git",
    ],
)  # fmt: skip
def test_an_address_of_github_tells_where_its_pages_are(address: str) -> None:
    found = web_of(address)
    assert found == Web("github.com", "acme/shop")
    assert found.pull(7) == "https://github.com/acme/shop/pull/7"
    assert found.tag("v1.0") == "https://github.com/acme/shop/releases/tag/v1.0"


def test_gitlab_has_groups_and_addresses_of_its_own() -> None:
    found = web_of("git@gitlab.com:acme/web/shop.git")
    assert found == Web("gitlab.com", "acme/web/shop")
    assert found.pull(7) == "https://gitlab.com/acme/web/shop/-/merge_requests/7"
    assert found.tag("a/b c") == "https://gitlab.com/acme/web/shop/-/tags/a%2Fb%20c"


@pytest.mark.parametrize(
    "address",
    [
        "", "/srv/github.com/acme/shop", "../shop", "https://git.acme.test/acme/shop", "https://github.com/acme",
        "https://github.com.acme.test/acme/shop", "https://acme.test/github.com/acme/shop",
        "https://github.com/acme/sh op", 'https://github.com/acme/"><script>',
        "javascript:github.com/acme/shop",
    ],
)  # fmt: skip
def test_of_anything_else_nothing_is_guessed(address: str) -> None:
    assert web_of(address) is None


@given(st.text())
def test_whatever_follows_stays_on_the_forge_and_is_one_word(text: str) -> None:
    found = web_of(f"https://github.com/acme/{text}")
    if found is not None:
        address = found.pull(1)
        assert address.startswith("https://github.com/acme/")
        assert not set(address) & set(" \t\n\"'<>\\?#@")
    tag = Web("github.com", "acme/shop").tag(text.encode("utf-8", "replace").decode())
    name = tag.removeprefix("https://github.com/acme/shop/releases/tag/")
    assert set(name) <= set(string.ascii_letters + string.digits + "%_.-~")


def test_upstream_counts_before_origin_and_a_mirrors_own_address_before_both(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "shop")
    assert web.of(Repository("shop", repo.folder)) is None
    repo.git("remote", "add", "origin", "git@github.com:ana/shop.git")
    assert web.of(Repository("shop", repo.folder)) == Web("github.com", "ana/shop")
    repo.git("remote", "add", "upstream", "https://github.com/acme/shop")
    assert web.of(Repository("shop", repo.folder)) == Web("github.com", "acme/shop")
    assert web.of(Repository("https://gitlab.com/acme/shop", repo.folder)) == Web("gitlab.com", "acme/shop")

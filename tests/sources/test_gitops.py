from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.gitrepo import GitRepo

from deploybook.feed import Ask, Item, Rejected
from deploybook.records import Deployment
from deploybook.sources import gitops
from deploybook.sources.gitopsfile import value_of
from deploybook.sources.moves import Template
from deploybook.sources.repository import Repository

MESSAGE = "Update {codebase} image tag to {version} for {environment}"
FILE = "image-tags/{environment}/{codebase}"


@pytest.fixture
def shop(tmp_path: Path) -> GitRepo:
    repo = GitRepo(tmp_path / "shop")
    repo.commit("One")
    repo.tag("v1")
    return repo


@pytest.fixture
def ops(tmp_path: Path) -> GitRepo:
    repo = GitRepo(tmp_path / "ops")
    repo.commit("Begin")
    return repo


def pull(ops: GitRepo, shop: GitRepo | None = None, **form: str) -> list[Item]:
    own = None if shop is None else (lambda: Repository("shop", shop.folder))
    history = gitops.History(
        gitops.Form("ops", form.get("message"), form.get("file"), form.get("key")),
        lambda: Repository("ops", ops.folder), frozenset({"shop-app"}), "production",
    )  # fmt: skip
    app = gitops.App("shop", "shop-app", form.get("revision", "{version}"), own)
    return list(gitops.feed(app, history).pull(Ask(datetime(2026, 12, 1, tzinfo=UTC))))


def deployments(items: list[Item]) -> list[Deployment]:
    return [item for item in items if isinstance(item, Deployment)]


def test_a_subject_of_the_form_is_a_deployment_of_the_tag(ops: GitRepo, shop: GitRepo) -> None:
    made = ops.commit("Update shop-app image tag to v1 for Production")
    ops.commit("Update other-app image tag to v9 for production")
    ops.commit("Update shop-app image tag to v1")
    (found,) = deployments(pull(ops, shop, message=MESSAGE))
    assert (found.codebase, found.id, found.environment) == ("shop", made, "production")
    assert (found.version, found.revision) == ("v1", shop.head("v1^{commit}"))
    assert (found.finished_at, found.time_from) == (ops.at(1), "gitops commit")


def test_a_version_may_be_a_full_or_short_revision_and_may_be_unknown(ops: GitRepo, shop: GitRepo) -> None:
    head = shop.commit("Two")
    for version in (head, head[:9], "v404", "fffffff"):
        ops.commit(f"Update shop-app image tag to {version} for staging")
    found = deployments(pull(ops, shop, message=MESSAGE))
    assert [item.revision for item in found] == [head, head, None, None]


def test_the_revision_template_makes_a_tag_of_a_version(ops: GitRepo, shop: GitRepo) -> None:
    ops.commit("Update shop-app image tag to 1 for staging")
    (found,) = deployments(pull(ops, shop, message=MESSAGE, revision="v{version}"))
    assert found.revision == shop.head("v1^{commit}")


def test_each_change_of_the_value_in_a_file_is_a_deployment(ops: GitRepo, shop: GitRepo) -> None:
    path = "image-tags/production/shop-app"
    first = ops.commit("Set", {path: "image_tag: v1\nauto: true\n"})
    ops.commit("Switch something else", {path: "image_tag: v1\nauto: false\n"})
    second = ops.commit("Set", {path: "image_tag: v2\n", "image-tags/staging/shop-app": "image_tag: v2\n"})
    ops.commit("Break", {path: "image_tag: [\n"})
    third = ops.commit("Roll back", {path: "image_tag: v1\n"})
    items = pull(ops, shop, file=FILE, key="image_tag")
    assert [(item.id, item.environment, item.version) for item in deployments(items)] == [
        (first, "production", "v1"),
        (second, "production", "v2"),
        (second, "staging", "v2"),
        (third, "production", "v1"),
    ]
    assert [item.reason for item in items if isinstance(item, Rejected)] == [
        f"{path} has no readable image_tag"
    ]


def test_a_file_moved_on_a_branch_counts_when_it_is_merged(ops: GitRepo) -> None:
    ops.branch("bump")
    ops.commit("Set", {"image-tags/production/shop-app": "image_tag: v1\n"})
    ops.switch("main")
    merge = ops.merge("bump", "Merge bump")
    assert [item.id for item in deployments(pull(ops, file=FILE, key="image_tag"))] == [merge]


def test_a_missing_content_is_set_aside(ops: GitRepo) -> None:
    path = "image-tags/production/shop-app"
    ops.commit("Set", {path: "image_tag: v1\n"})
    blob = ops.head(f"HEAD:{path}")
    ops.commit("Set", {path: "image_tag: v2\n"})
    (ops.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    items = pull(ops, file=FILE, key="image_tag")
    assert [item.version for item in deployments(items)] == ["v2"]
    assert [item.reason for item in items if isinstance(item, Rejected)] == [
        f"the content of {path} is missing"
    ]


@pytest.mark.parametrize(
    ("content", "key", "value"),
    [
        (b"image_tag: v1.10\n", "image_tag", "v1.10"),
        (b"image_tag: '1.10' # now\n", "image_tag", "1.10"),
        (b"image:\n  tag: 1.10\n", "image.tag", "1.10"),
        (b'{"image": {"tag": "7"}}', "image.tag", "7"),
        (b"other: 1\n", "image_tag", None),
        (b"image_tag: {a: 1}\n", "image_tag", None),
        (b"image_tag: !!python/object/apply:os.system [true]\n", "image_tag", None),
    ],
)
def test_a_value_is_read_as_a_word(content: bytes, key: str, value: str | None) -> None:
    assert value_of(content, key) == value


def test_a_template_takes_no_more_than_it_says() -> None:
    template = Template(MESSAGE)
    assert template.read("Update a image tag to v1 for x and y") is None
    assert template.read("update a image tag to v1 for x") is None
    found = template.read("Update a.b image tag to v(1) for X")
    assert found is not None
    assert (found.codebase, found.version, found.environment) == ("a.b", "v(1)", "x")

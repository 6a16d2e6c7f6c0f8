"""With no file: what a checkout says about itself; and what `init` makes of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from tests.support.gitrepo import GitRepo

from deploybook.config import detect, load
from deploybook.config.detect import codebase_name
from deploybook.config.init import MKDOCS_MARKER, init
from deploybook.config.models import TagDeployments
from deploybook.config.schema import SCHEMA_COMMENT
from deploybook.config.suggest import Suggestion, suggest
from deploybook.errors import UsageError

DEPLOY = """
on: push
jobs:
  users: {environment: {name: Production, url: https://x.test}}
  preview: {environment: preview-1}
  each: {environment: "${{ matrix.to }}"}
  first: {environment: staging}
  test: {steps: []}
"""


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=Zoë Ríos", "-c", "user.email=zoe@x.test", "-C", str(folder), *arguments],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "Some Folder"
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "CODEOWNERS").write_text("/docs @acme/writers\n* @acme/checkout @ana # all\n")
    (folder / ".github" / "workflows" / "deploy.yml").write_text(DEPLOY)
    (folder / ".github" / "workflows" / "broken.yml").write_text("jobs: [*x\n")
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "One")
    git(
        folder, "-c", "user.name=dependabot[bot]", "-c", "user.email=1+bot@users.noreply.github.com",
        "commit", "-q", "--allow-empty", "-m", "Two",
    )  # fmt: skip
    git(
        folder, "-c", "user.name=Bo", "-c", "user.email=123+bo-acme@users.noreply.github.com",
        "commit", "-q", "--allow-empty", "-m", "Three",
    )  # fmt: skip
    return folder


def test_a_checkout_is_a_codebase_called_as_its_remote(checkout: Path) -> None:
    git(checkout, "remote", "add", "origin", "git@github.com:acme/Shop_Web.git")
    config = detect(checkout / ".github")
    assert list(config.codebases) == ["shop_web"]
    codebase = config.codebases["shop_web"]
    assert isinstance(codebase.deployments, TagDeployments)
    assert (codebase.repository, codebase.release_branch) == (str(checkout), "trunk")
    assert (config.site.name, config.site.timezone, config.live) == ("shop_web", "UTC", ("production",))
    assert (config.root, config.file) == (checkout, None)


def test_without_a_remote_it_is_called_as_its_folder(checkout: Path) -> None:
    assert list(detect(checkout).codebases) == ["some-folder"]


def test_the_release_branch_is_the_remotes_default_even_when_another_is_checked_out(
    checkout: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(checkout), str(clone))
    git(clone, "checkout", "-q", "-b", "feature")
    config = detect(clone)
    assert config.codebases["some-folder"].release_branch == "trunk"


def test_a_bare_repository_will_do(checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(checkout), str(tmp_path / "shop.git"))
    git(tmp_path / "shop.git", "remote", "remove", "origin")
    assert detect(tmp_path / "shop.git").codebases["shop"].repository == str(tmp_path / "shop.git")


def test_a_checkout_with_no_commit_is_one_all_the_same(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", str(tmp_path / "new"))
    found = detect(tmp_path / "new").codebases
    assert list(found) == ["new"]
    assert found["new"].release_branch is None, "git has a name for a branch that is not there yet"


def test_outside_of_a_checkout_the_next_step_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        detect(tmp_path)
    assert "deploybook init" in caught.value.next_step


@pytest.mark.parametrize(
    ("remote", "folder", "name"),
    [
        ("https://github.com/pypa/pip", "/x", "pip"),
        ("https://github.com/pypa/pip.git/", "/x", "pip"),
        ("git@host.test:group/sub/My.App.git", "/x", "my.app"),
        ("host.test:app", "/x", "app"),
        ("/srv/git/app/.git", "/x", "app"),
        ("C:\\git\\app", "/x", "app"),
        (None, "/home/ana/Shop (new)", "shop-new"),
        (None, "/srv/データ", "code"),
        (None, "/", "code"),
        (None, "/srv/data", "data-code"),
        ("https://x.test/-_a__b-.git", "/x", "a__b"),
    ],
)
def test_any_address_gives_a_legal_name(remote: str | None, folder: str, name: str) -> None:
    assert codebase_name(remote, Path(folder)) == name


def test_a_checkout_suggests_owners_pipelines_environments_and_people(checkout: Path) -> None:
    git(checkout, "remote", "add", "origin", "https://ana:hush@github.com/acme/shop-web.git")
    found = suggest(checkout)
    assert (found.name, found.repository, found.release_branch) == ("shop-web", ".", "trunk")
    assert found.remote == "https://github.com/acme/shop-web.git"
    assert found.codeowners == ".github/CODEOWNERS"
    assert found.teams == ("checkout", "writers")
    assert found.environments == ("staging", "production")
    assert found.pipelines == (".github/workflows/broken.yml", ".github/workflows/deploy.yml")
    assert [(each.key, each.email, each.github) for each in found.people] == [
        ("bo", None, "bo-acme"),
        ("zoe-rios", "zoe@x.test", None),
    ]


def test_gitlab_environments_are_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text(
        "stages: [a]\nlive: {environment: live}\nqa: {environment: {name: qa}}\n"
    )
    git(tmp_path, "init", "-q", str(tmp_path))
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "One")
    assert suggest(tmp_path).environments == ("qa", "live")


def test_what_init_writes_loads_and_says_what_was_found(checkout: Path) -> None:
    done = init(checkout, suggest(checkout))
    assert done.left_alone == ()
    text = (checkout / "deploybook.yml").read_text()
    assert text.startswith(SCHEMA_COMMENT)
    config = load(checkout / "deploybook.yml")
    assert config.codebases["some-folder"].repository == "."
    assert config.codebases["some-folder"].team == "checkout"
    assert config.environments == (("staging",), ("production",))
    assert config.people["zoe-rios"].name == "Zoë Ríos"
    assert (checkout / "mkdocs.yml").read_text().startswith(MKDOCS_MARKER + "\n")
    assert yaml.safe_load((checkout / "mkdocs.yml").read_text()) == {"site_name": "some-folder deploys"}
    assert yaml.safe_load(text)["codebases"]["some-folder"]["release_branch"] == "trunk"
    assert sorted(str(path) for path in done.written) == [
        ".gitignore", "deploybook.schema.json", "deploybook.yml",
        "docs/process/how-we-deploy.md", "docs/process/when-it-goes-wrong.md", "mkdocs.yml",
    ]  # fmt: skip


def test_init_leaves_alone_what_is_there(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: mine\n")
    done = init(tmp_path, Suggestion(name="shop"))
    assert {str(path) for path in done.left_alone} == {".gitignore", "mkdocs.yml"}
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert (tmp_path / "mkdocs.yml").read_text() == "site_name: mine\n"
    again = init(tmp_path, Suggestion(name="other"))
    assert again.written == ()
    assert "shop" in (tmp_path / "deploybook.yml").read_text()


def test_in_an_empty_folder_init_writes_a_file_that_loads(tmp_path: Path) -> None:
    folder = tmp_path / "not there" / "Deploys 2.0"
    init(folder, suggest(folder))
    assert list(load(folder / "deploybook.yml").codebases) == ["deploys-2.0"]


def test_an_empty_checkout_is_the_sites_own_and_tells_of_another(checkout: Path, tmp_path: Path) -> None:
    site = tmp_path / "deploys"
    git(tmp_path, "init", "-q", "-b", "trunk", str(site))
    git(site, "remote", "add", "origin", "https://git.test/acme/deploys")
    alone = suggest(site)
    assert (alone.repository, alone.title, alone.site_branch) == (None, "deploys", "trunk")
    of_another = suggest(site, str(checkout))
    assert of_another.repository == "../Some Folder"
    assert (of_another.teams[0], of_another.site_remote) == ("checkout", "https://git.test/acme/deploys")
    init(site, of_another)
    assert load(site / "deploybook.yml").codebases["some-folder"].team == "checkout"
    git(checkout, "remote", "add", "origin", "https://git.test/acme/shop")
    assert suggest(site, str(checkout)).repository == "../Some Folder"
    assert suggest(site, str(checkout), here=False).repository == "https://git.test/acme/shop"
    far = suggest(site, "https://github.com/acme/Shop_Web.git")
    assert (far.name, far.repository, far.on_github) == (
        "shop_web", "https://github.com/acme/Shop_Web.git", True,
    )  # fmt: skip


def test_the_docs_of_a_codebase_are_not_the_sites(checkout: Path) -> None:
    (checkout / "docs").mkdir()
    (checkout / "docs/api.md").write_text("![x](https://elsewhere.test/x.png)\n")
    (checkout / ".gitignore").write_text("/build\n*.pyc\n")
    done = init(checkout, suggest(checkout))
    assert done.unignored == ("site/", ".site.next/", "site-*/", ".site-*.next/")
    assert Path("deploybook/process/how-we-deploy.md") in done.written
    assert load(checkout / "deploybook.yml").by_hand == checkout / "deploybook"
    again = init(checkout, suggest(checkout))
    assert (again.docs, again.written) == ("deploybook", ())


def test_init_runs_nothing_that_a_checkout_names(tmp_path: Path) -> None:
    repository = GitRepo(tmp_path / "shop")
    repository.commit("Begin", {"CODEOWNERS": "* @acme/checkout\n"})
    repository.trap(tmp_path / "mark")
    assert suggest(tmp_path / "shop").teams == ("checkout",)
    assert not (tmp_path / "mark").exists()


def test_hostile_names_stay_text_in_what_init_writes(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", 'x"#{{7}}', str(tmp_path))
    git(tmp_path, "-c", 'user.name=A": {x: &a [*a]} #{{7}}', "commit", "-q", "--allow-empty", "-m", "One")
    init(tmp_path, suggest(tmp_path))
    config = load(tmp_path / "deploybook.yml")
    (codebase,) = config.codebases.values()
    assert codebase.release_branch == 'x"#{{7}}'
    assert [person.name for person in config.people.values()] == ['A": {x: &a [*a]} #{{7}}']

"""One team's site: its own codebases, the same figures, and links to the rest."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pyarrow.compute as pc
import pytest

from deploybook.build.book import open_book
from deploybook.build.compose import build, sync
from deploybook.build.progress import Progress
from deploybook.config import Config, load
from deploybook.errors import UsageError
from deploybook.example import EXAMPLE_AS_OF, make_example
from deploybook.history import History
from deploybook.pages.book import Book

pytestmark = pytest.mark.xdist_group("part")
QUIET = Progress(quiet=True, verbose=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Four codebases of three teams, and the site of one of the teams."""
    config = load(make_example(tmp_path_factory.mktemp("part") / "acme", codebases=4, years=1))
    build(config.only("checkout"), EXAMPLE_AS_OF, progress=QUIET)
    return config


def _sources(config: Config) -> dict[str, int]:
    with History.open(config.history_url, root=config.root) as history:
        return {source.name: source.rows for source in history.sources()}


def _book(config: Config) -> Book:
    with History.open(config.history_url, root=config.root) as history:
        return open_book(config, history, EXAMPLE_AS_OF, QUIET)


def test_its_own_sources_are_read_and_those_of_others_are_left_as_they_are(whole: Config) -> None:
    asked = _sources(whole)
    assert {"git:shop-web", "git:checkout-api", "records:history/*.jsonl"} <= asked.keys()
    assert not {"git:accounts", "git:catalogue"} & asked.keys()
    sync(whole, EXAMPLE_AS_OF, progress=QUIET)
    every = _sources(whole)
    assert {"git:accounts", "git:catalogue"} <= every.keys()
    sync(whole.only("checkout"), EXAMPLE_AS_OF, progress=QUIET)
    assert _sources(whole) == every


def test_its_figures_are_those_of_the_whole(whole: Config) -> None:
    sync(whole, EXAMPLE_AS_OF, progress=QUIET)
    of_all, of_team = _book(whole).tables["metrics"], _book(whole.only("checkout")).tables["metrics"]
    scope, name = pc.field("scope"), pc.field("name")
    codebases = (scope == "codebase") & name.isin(["shop-web", "checkout-api"])
    own = codebases | ((scope == "team") & (name == "checkout"))
    assert of_team.filter(own).num_rows > 1_000
    assert of_team.filter(own).equals(of_all.filter(own))
    assert set(pc.unique(of_team.filter(scope == "codebase")["name"]).to_pylist()) == {
        "shop-web", "checkout-api",
    }  # fmt: skip


def test_its_site_has_a_folder_of_its_own_and_no_link_in_it_leads_nowhere(whole: Config) -> None:
    site = whole.root / "site-checkout"
    assert not (whole.root / "site").exists()
    assert not (site / "metrics" / "accounts").exists()
    pages = {path.relative_to(site).as_posix(): path.read_text("utf-8") for path in site.rglob("*.html")}
    assert len(pages) > 50
    broken = [
        (page, href)
        for page, text in pages.items()
        if page != "404.html"
        for href in re.findall(r'<a [^>]*?href="?([^"\s>#?]+)', text)
        if not re.match(r"[a-z]+:", href) and not _leads(site, page, href)
    ]
    assert broken == []


def _leads(site: Path, page: str, href: str) -> bool:
    target = (site / page).parent / unquote(href)
    return (target / "index.html").is_file() if target.is_dir() else target.is_file()


def test_it_leads_to_the_whole_site_and_to_the_other_teams(whole: Config) -> None:
    url = str(whole.site.url)
    home = (whole.root / "site-checkout" / "index.html").read_text("utf-8")
    assert f">a part of <a href={url}>{whole.site.name}</a>" in home.replace('"', "")
    assert f"All of {whole.site.name}" in home
    owners = (whole.root / "site-checkout" / "owners" / "index.html").read_text("utf-8")
    for path in ("metrics/teams/accounts/", "metrics/accounts/", "metrics/catalogue/"):
        assert f"{url.rstrip('/')}/{path}" in owners
    assert f"{url.rstrip('/')}/metrics/shop-web/" not in owners
    assert url in (whole.root / "site-checkout" / "404.html").read_text("utf-8")


def test_a_team_that_there_is_not_and_a_site_without_address_are_told(whole: Config) -> None:
    with pytest.raises(UsageError, match="no team 'chekout'") as told:
        whole.only("chekout")
    assert "checkout" in told.value.next_step
    with pytest.raises(UsageError, match="where the rest is"):
        whole.model_copy(update={"site": whole.site.model_copy(update={"url": None})}).only("checkout")
    with pytest.raises(UsageError, match="no codebase is of the team"):
        whole.only("logistics")

"""Whatever a repository says, the site shows it as literal text and nothing of it runs."""

from __future__ import annotations

import csv
import html
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from defusedxml.ElementTree import fromstring
from tests.support import hostile
from tests.support.reading import pages, read, running, words

from deploybook import news
from deploybook.cli import run
from deploybook.text import csv_cell, plain

pytestmark = pytest.mark.xdist_group("hostile")

CONFIG = """
site: {name: "Shop", url: https://deploys.acme.test/}
codebases:
  shop:
    repository: shop.git
    deployments: {from: tags, pattern: "v*"}
areas:
  Shop window: {paths: ["src/1*"]}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    hostile.make(root / "shop.git")
    (root / "deploybook.yml").write_text(CONFIG)
    assert (
        run(["build", "--quiet", "--config", str(root / "deploybook.yml"), "--as-of", "2026-02-20T12:00:00Z"])
        == 0
    )
    return root / "site"


def test_every_title_is_literal_text_on_its_week_page(site: Path) -> None:
    shown = words(
        " ".join(" ".join(read(page).text) for page in (site / "shipped").rglob("2026-W*/index.html"))
    )
    missing = [
        title[:60] for title in hostile.titles().values() if words(plain(news.tell(title).words)) not in shown
    ]
    assert missing == []


def test_no_page_has_an_element_or_attribute_that_runs(site: Path) -> None:
    assert running(site, "https://deploys.acme.test/") == []


def test_scripts_are_only_those_of_every_page_and_the_finders_own(site: Path) -> None:
    ours = _scripts(site / "404.html") | {"changes.js", "owners.js", "process.js"}
    assert "deploybook.js" in ours
    assert not {name for page in pages(site) for name in _scripts(page)} - ours
    bodies = {body for page in pages(site) for body in _inline(page)}
    assert not [body for body in bodies if "alert(1)" in body]


def _scripts(page: Path) -> set[str]:
    sources = (attributes.get("src", "") for tag, attributes in read(page).elements if tag == "script")
    return {source.partition("?")[0].rpartition("/")[2] for source in sources if source}


def _inline(page: Path) -> list[str]:
    return re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", page.read_text("utf-8"), re.DOTALL)


def test_titles_and_navigation_hold_no_markup(site: Path) -> None:
    for page in pages(site):
        text = page.read_text("utf-8")
        title = re.search(r"<title>(.*?)</title>", text, re.DOTALL)
        assert title is not None
        assert "<" not in title[1]
        nav = re.search(r'<nav class="md-nav.*?</nav>', text, re.DOTALL)
        assert nav is None or "alert(1)" not in html.unescape(nav[0])


def test_the_search_index_holds_text_only(site: Path) -> None:
    index = json.loads((site / "search/search_index.json").read_text("utf-8"))
    for entry in index["docs"]:
        assert not re.search(
            r"<(?!/?(p|ul|li|ol|code|pre|em|strong|mark|time|small|dl|dt|dd|blockquote)\b)[a-z!/]",
            entry["text"],
            re.I,
        )
        assert "<" not in entry["title"].replace("<code>", "").replace("</code>", "")


def test_data_files_hold_the_titles_as_they_are(site: Path) -> None:
    literal = {row["id"]: row["title"] for row in pq.read_table(site / "data/changes.parquet").to_pylist()}
    for number, title in hostile.titles().items():
        expected = title.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        assert literal[str(number)].strip() == expected.strip()
    csv.field_size_limit(10_000_000)
    with (site / "data/changes.csv").open(newline="", encoding="utf-8") as file:
        cells = {row["id"]: row["title"] for row in csv.DictReader(file)}
    for number, title in literal.items():
        assert cells[number] == csv_cell(title)


def test_the_tags_are_deployments_and_literal(site: Path) -> None:
    ids = pq.read_table(site / "data/deployments.parquet").column("id").to_pylist()
    assert sorted(ids) == ["v1.0", "v1.1-<script>alert(1)</script>", "v1.2-{onclick=alert(1)}"]


def test_no_page_is_larger_for_a_title_of_a_megabyte(site: Path) -> None:
    assert max(page.stat().st_size for page in pages(site)) < 400_000


def test_the_feeds_are_well_formed_and_hold_titles_as_text(site: Path) -> None:
    atom = "{http://www.w3.org/2005/Atom}"
    entries = fromstring((site / "shipped/feed.xml").read_bytes()).findall(f"{atom}entry")
    items = json.loads((site / "shipped/feed.json").read_text("utf-8"))["items"]
    read_ = [(entry.findtext(f"{atom}id"), entry.findtext(f"{atom}title")) for entry in entries]
    assert len(read_) > 10
    assert [(item["id"], item["title"]) for item in items] == read_
    titles = hostile.titles()
    for id_, title in read_:
        number = int(str(id_).rpartition("/")[2])
        given = titles[number].encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        assert words(str(title)) == words(plain(news.tell(given).words))
    known = {"id", "title", "updated", "published", "author", "name", "link", "category", "summary"}
    assert {element.tag.removeprefix(atom) for entry in entries for element in entry.iter()} <= known | {
        "entry"
    }

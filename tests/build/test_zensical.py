"""Zensical, the theme's successor, builds the same site from what MkDocs is given."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.support import small

OURS = {
    "_headers", "data/build.json",
    *(f"data/kept/{name}.parquet" for name in ("answers", "notices", "published")),
}  # fmt: skip
"""What the main job adds after the builder."""
SEARCH = {"search/search_index.json", "search.json"}
PACKED = {"sitemap.xml.gz"}
"""Only MkDocs writes this; the map itself both do."""


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same book, built by either; Zensical wants paths below the folder of its configuration."""
    root = tmp_path_factory.mktemp("zensical") / "deploys"
    small.make(root, site=", url: https://deploys.acme.test/book/")
    assert small.build(root) == 0
    settings = yaml.safe_load((root / "build/mkdocs.yml").read_text("utf-8"))
    settings |= {"docs_dir": "docs", "site_dir": "by-zensical"}
    (root / "build/zensical.yml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "zensical", "build", "--strict", "-f", "build/zensical.yml"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return root / "site", root / "build/by-zensical"


def files(site: Path) -> set[str]:
    """What is in it but the themes' own files."""
    found = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith("assets/") or "/deploybook/" in name}


def article(page: Path) -> str:
    """The words of a page: tags and white space aside."""
    found = re.search(r"<article.*?</article>", page.read_text("utf-8"), re.DOTALL)
    assert found, page
    return " ".join(re.sub(r"<[^>]*>", " ", found[0]).split())


def test_both_have_the_same_pages_feeds_and_data_files(sites: tuple[Path, Path]) -> None:
    mkdocs, zensical = map(files, sites)
    assert mkdocs - OURS - SEARCH - PACKED == zensical - SEARCH
    assert zensical & SEARCH == {"search.json"}
    assert len([name for name in zensical if name.endswith(".html")]) > 20


def test_feeds_calendars_and_data_files_are_the_same_to_the_byte(sites: tuple[Path, Path]) -> None:
    mkdocs, zensical = sites
    kinds = (".csv", ".parquet", ".xml", ".json", ".ics")
    names = {name for name in files(mkdocs) - OURS - SEARCH if name.endswith(kinds) and name != "sitemap.xml"}
    assert len(names) > 20
    assert [
        name for name in sorted(names) if (mkdocs / name).read_bytes() != (zensical / name).read_bytes()
    ] == []


def test_every_page_says_the_same(sites: tuple[Path, Path]) -> None:
    mkdocs, zensical = sites
    pages = [name for name in files(mkdocs) if name.endswith("index.html")]
    assert [name for name in sorted(pages) if article(mkdocs / name) != article(zensical / name)] == []


def test_both_maps_name_the_same_addresses(sites: tuple[Path, Path]) -> None:
    one, other = (set(re.findall(r"<loc>(.*?)</loc>", (site / "sitemap.xml").read_text())) for site in sites)
    assert {address.replace("&#x2f;", "/") for address in other} == one
    assert "https://deploys.acme.test/book/metrics/" in one

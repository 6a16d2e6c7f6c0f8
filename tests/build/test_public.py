"""A public site says nothing of people, of what went on in an incident, or of where tools are."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.support import small


def words_of(path: Path) -> str:
    """All that a reader of the file could read, lower-case."""
    if path.suffix == ".parquet":
        return repr(pq.read_table(path).to_pylist()).lower()
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8", "replace").lower()


def leaks(site: Path) -> dict[str, set[str]]:
    """The private words that the site says, each with some files that say it."""
    found: dict[str, set[str]] = {}
    for path in site.rglob("*"):
        if path.is_file() and "assets/javascripts" not in path.as_posix():
            said = words_of(path)
            for word in small.PRIVATE:
                if word in said:
                    found.setdefault(word, set()).add(path.relative_to(site).as_posix())
    return found


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("public")
    small.make(root, site=", public: true")
    assert small.build(root) == 0
    return root / "site"


def test_a_private_site_says_who_what_and_where(tmp_path: Path) -> None:
    """So that the test below could fail: every one of these words is on a site that is not public."""
    small.make(tmp_path)
    assert small.build(tmp_path) == 0
    assert set(small.PRIVATE) - set(leaks(tmp_path / "site")) == set()


def test_no_page_feed_or_data_file_of_a_public_site_says_them(public: Path) -> None:
    assert leaks(public) == {}


def test_a_public_site_still_counts_and_tells_the_rest(public: Path) -> None:
    rows = pq.read_table(public / "data/deployments.parquet").to_pylist()
    assert [(row["id"], row["needed_intervention"]) for row in rows] == [
        ("1", False),
        ("2", True),
        ("3", False),
    ]
    titles = pq.read_table(public / "data/changes.parquet").column("title").to_pylist()
    assert "Improve the shelf, part 3" in titles
    (incident,) = pq.read_table(public / "data/incidents.parquet").to_pylist()
    assert (incident["id"], incident["title"], incident["severity"]) == ("77", None, "high")

"""A public site says nothing of people, of what went on in an incident, or of where tools are."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest
from tests.support import small

from deploybook.cli import run
from deploybook.config import load
from deploybook.example import EXAMPLE_AS_OF, make_example


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


def private_words(config: Path) -> dict[str, set[str]]:
    """Of the example: its people, what its incidents are called, and the hosts of its tools."""
    read = load(config)
    rows = [
        json.loads(line) for file in (config.parent / "history").glob("*.jsonl") for line in file.open("rb")
    ]
    people = {
        word for key, one in read.people.items() for word in (key, one.name, one.github, one.email) if word
    }
    said = {row[key] for row in rows for key in ("author", "by", "holder", "person") if row.get(key)}
    hosts = {urlsplit(row["url"]).hostname or "" for row in rows if row.get("url")}
    return {
        "people": people | {name for name in said if isinstance(name, str)},
        "incidents": {row["title"] for row in rows if row["type"] == "incident" and row.get("title")},
        "hosts": hosts - {urlsplit(str(read.site.url)).hostname, "github.com"},
    }


def said_in(site: Path, words: dict[str, set[str]]) -> dict[str, set[str]]:
    """Which of them, and where: in text as whole words, so that Ana is not in analysis."""
    each = {
        kind: re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(found)))})(?![\w-])", re.IGNORECASE)
        for kind, found in words.items()
    }
    found: dict[str, set[str]] = {}
    for path in site.rglob("*"):
        # The page of examples to copy has people of its own, called as the example's are.
        ours = "javascripts" in path.as_posix() or "practices/how-to/" in path.as_posix()
        if path.is_file() and path.suffix not in {".woff2", ".png"} and not ours:
            text = words_of(path)
            if path.name == "search_index.json":
                entries = json.loads(text)["docs"]
                text = json.dumps([each for each in entries if "practices/how-to/" not in each["location"]])
            for kind, pattern in each.items():
                for word in pattern.findall(text):
                    found.setdefault(f"{kind}: {word}", set()).add(path.relative_to(site).as_posix())
    return found


def test_the_example_made_public_names_none_of_its_people_incidents_and_tools(tmp_path: Path) -> None:
    """In any page, feed, calendar, search index or data file."""
    config = make_example(tmp_path / "acme", codebases=2, years=1)
    words = private_words(config)
    assert all(words.values()), "else there is nothing to look for"
    text = config.read_text("utf-8")
    config.write_text(text.replace("simulated: true", "simulated: true\n  public: true", 1))
    assert run(["build", "--quiet", "--config", str(config), "--as-of", EXAMPLE_AS_OF.isoformat()]) == 0
    assert said_in(config.parent / "site", words) == {}

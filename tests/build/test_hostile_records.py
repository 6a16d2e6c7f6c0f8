"""Whatever records say, in whatever field, the site shows it as literal text and nothing of it runs."""

from __future__ import annotations

import csv
import json
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from defusedxml.ElementTree import fromstring
from tests.support import hostile_records
from tests.support.payloads import PAYLOADS
from tests.support.reading import pages, read, running, words

from deploybook.cli import run
from deploybook.text import plain

pytestmark = pytest.mark.xdist_group("hostile records")

CONFIG = """
site: {name: Shop, url: https://deploys.acme.test/}
codebases: {shop: {team: till, deployments: {from: records}}}
teams: {till: {members: [ana]}}
people: {ana: {name: Ana}}
process: {environments: [staging, production], decides: {rotation: keeper}}
rotations: {keeper: {members: [ana], every: 1w, starts: 2026-01-05}}
initiatives: {All: {labels: ["*"]}}
sources: [{records: all.jsonl}]
"""
AS_OF = "2026-01-09T12:00:00Z"


@dataclass(frozen=True)
class Built:
    """The site, and what it took."""

    site: Path
    seconds: float


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("hostile-records")
    (root / "deploybook.yml").write_text(CONFIG)
    with (root / "all.jsonl").open("w") as file:
        file.writelines(f"{line}\n" for line in hostile_records.lines())
    begun = time.process_time()
    assert run(["build", "--quiet", "--config", str(root / "deploybook.yml"), "--as-of", AS_OF]) == 0
    return Built(root / "site", time.process_time() - begun)


def test_every_text_of_every_kind_of_record_is_tried() -> None:
    tried = list(hostile_records.fields())
    assert len(tried) >= 110
    assert ("change", ("issues", "title")) in tried
    assert ("verdict", ("override", "because")) in tried
    assert len(PAYLOADS) >= 85


def test_only_what_is_no_text_or_no_word_is_set_aside(built: Built) -> None:
    """Half a character is no text; nothing and blanks are no word."""
    facts = json.loads((built.site / "data/build.json").read_text("utf-8"))
    (source,) = (each for each in facts["sources"] if each["name"].startswith("records:"))
    fields = len(list(hostile_records.fields()))
    assert 0 < source["rejected"] <= 3 * fields
    # What guards a branch or an environment is one row each, however often it is told.
    assert source["rows"] + source["rejected"] > 0.95 * fields * len(PAYLOADS)


def test_nothing_in_it_runs(built: Built) -> None:
    assert running(built.site, "https://deploys.acme.test/") == []


def test_no_name_becomes_a_path_out_of_the_site(built: Built) -> None:
    root = built.site.parent
    assert {path.name for path in root.iterdir()} == {"deploybook.yml", "all.jsonl", "build", "site"}
    assert not list(root.parent.rglob("out-of-here*"))
    assert [each for each in built.site.rglob("*") if "out-of-here" in each.name and ".." in each.parts] == []


def test_titles_are_literal_text_where_they_are_shown(built: Built) -> None:
    shown = words(" ".join(" ".join(read(page).text) for page in pages(built.site / "incidents")))
    titles = [text for name, text in PAYLOADS.items() if name != "surrogate" and plain(text).strip()]
    assert [text[:60] for text in titles if words(plain(text)[:100]).strip() not in shown] == []


def test_data_files_hold_what_was_written_and_no_formula(built: Built) -> None:
    csv.field_size_limit(10_000_000)
    titles = Counter(pq.read_table(built.site / "data/incidents.parquet").column("title").to_pylist())
    kept = [text.replace("\0", "\ufffd") for name, text in PAYLOADS.items() if name != "surrogate"]
    assert [text[:60] for text in kept if text not in titles] == []
    for path in (built.site / "data").glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                assert not [cell[:60] for cell in row if re.match(r"[=+@\t\r]|-(?!\d)", cell)], path.name


def test_feeds_and_calendars_are_whole(built: Built) -> None:
    for feed in built.site.rglob("feed.xml"):
        fromstring(feed.read_bytes())
    for feed in built.site.rglob("feed.json"):
        json.loads(feed.read_text("utf-8"))
    calendars = list(built.site.rglob("*.ics"))
    assert calendars
    for calendar in calendars:
        unfolded = calendar.read_bytes().decode("utf-8").replace("\r\n ", "").split("\r\n")
        begun = [line for line in unfolded if line.startswith("BEGIN:VEVENT")]
        assert len(begun) == unfolded.count("END:VEVENT")
        assert not [line for line in unfolded if line and not re.match(r"[A-Z][A-Z-]*[;:]", line)]


def test_it_takes_no_longer_and_makes_no_larger_pages_than_what_is_harmless(built: Built) -> None:
    assert built.seconds < 90
    assert max(page.stat().st_size for page in pages(built.site)) < 3_000_000

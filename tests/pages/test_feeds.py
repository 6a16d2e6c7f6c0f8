"""The feeds, held against RFC 4287 and JSON Feed 1.1."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from tests.pages.support import AS_OF, SHOP, book, change, deployment

from deploybook.pages import feeds
from deploybook.pages.book import Book
from deploybook.pages.telling import Teller

A = f"{{{feeds.ATOM}}}"
HOSTILE = "]]></title><script>alert(1)</script> & \x00\x0b bell"
NOTE = "Adds it.\n\n```release-note\nPay with one tap.\nNo card to type.\n```"
CONFIG: dict[str, Any] = {
    **SHOP,
    "codebases": {"shop": {"deployments": {"from": "records"}, "team": "till"}},
    "teams": {"till": {"name": "The till"}},
    "areas": {"Checkout": {"labels": ["area/checkout"]}, "Search & find": {"labels": ["area/search"]}},
}
RECORDS = [
    change("1", "Add one tap", "2026-11-02T09:00:00Z", body=NOTE, labels=["area/checkout"],
           author="Ana <ana@acme.test>", url="https://forge.test/1?a=1&b=2"),
    change("2", HOSTILE, "2026-11-03T09:00:00Z", author=HOSTILE, labels=["area/search"]),
    change("3", "chore: tidy", "2026-11-03T09:00:00Z"),
    change("4", "Add gift cards", "2026-11-03T09:00:00Z"),
    deployment("1", "2026-11-01T09:00:00Z", revision="a"),
    deployment("d1", "2026-11-04T10:00:00Z", ["1", "2", "3", "4"]),
]  # fmt: skip
FORM = {
    "type": "object",
    "required": ["version", "title", "items"],
    "properties": {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": {"type": "string"},
        "home_page_url": {"type": "string", "format": "uri", "pattern": "^https?://"},
        "feed_url": {"type": "string", "pattern": "^https?://"},
        "description": {"type": "string"},
        "language": {"type": "string"},
        "items": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "type": "object",
                "required": ["id"],
                "anyOf": [{"required": ["content_text"]}, {"required": ["content_html"]}],
                "properties": {
                    "id": {"type": "string"},
                    "url": {"type": "string", "pattern": "^https?://"},
                    "external_url": {"type": "string", "pattern": "^https?://"},
                    "title": {"type": "string"},
                    "content_text": {"type": "string"},
                    "date_published": {"type": "string", "format": "date-time"},
                    "date_modified": {"type": "string", "format": "date-time"},
                    "authors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"name": {"type": "string"}},
                            "minProperties": 1,
                        },
                    },
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
"""JSON Feed 1.1 as https://jsonfeed.org/version/1.1 has it, as far as these feeds go."""


def made(book_: Book) -> dict[str, bytes]:
    return {file.path: file.content for file in feeds.pages(book_, Teller(book_))}


def entries(content: bytes) -> list[ET.Element]:
    return ET.fromstring(content).findall(f"{A}entry")


def text(element: ET.Element, name: str) -> str:
    found = element.findall(f"{A}{name}")
    assert len(found) == 1, name
    return found[0].text or ""


@pytest.mark.parametrize("site", [SHOP["site"], {"name": "Söhne & Co", "timezone": "UTC"}])
def test_every_atom_feed_keeps_the_rules_of_rfc_4287(site: dict[str, Any]) -> None:
    files = made(book(RECORDS, {**CONFIG, "site": site}))
    atoms = [content for path, content in files.items() if path.endswith(".xml")]
    assert len(atoms) == 5  # all, two areas, everything else, a team
    for content in atoms:
        feed = ET.fromstring(content)
        assert feed.tag == f"{A}feed"
        ids = [text(each, "id") for each in (feed, *feed.findall(f"{A}entry"))]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"tag:[a-z0-9.-]+,2026:[A-Za-z0-9/%._-]+", each) for each in ids)
        assert text(feed, "title")
        assert feed.find(f"{A}author/{A}name") is not None
        for element in (feed, *feed.findall(f"{A}entry")):
            assert text(element, "title")
            assert datetime.fromisoformat(text(element, "updated")).tzinfo is not None
            links = [(each.get("rel"), each.get("type")) for each in element.findall(f"{A}link")]
            assert len(set(links)) == len(links)
            assert all(each.get("href") for each in element.findall(f"{A}link"))
        for entry in feed.findall(f"{A}entry"):
            assert next(each.get("rel") for each in entry.findall(f"{A}link")) == "alternate"
            assert all(each.get("term") for each in entry.findall(f"{A}category"))


def test_every_json_feed_is_of_its_form() -> None:
    for path, content in made(book(RECORDS, CONFIG)).items():
        if path.endswith(".json"):
            feed = json.loads(content)
            jsonschema.validate(feed, FORM)
            assert len({item["id"] for item in feed["items"]}) == len(feed["items"])


def test_news_is_told_in_its_own_words_with_its_page_and_what_is_behind_the_scenes_is_not() -> None:
    feed = json.loads(made(book(RECORDS, CONFIG))["shipped/feed.json"])
    titles = [item["title"] for item in feed["items"]]
    assert "Pay with one tap." in titles
    assert len(titles) == 3  # the chore is counted on the week's page, and is no news
    item = next(each for each in feed["items"] if each["title"] == "Pay with one tap.")
    assert item["content_text"] == "No card to type.\n\nNew · Checkout · shop #1"
    assert item["url"] == "https://deploys.acme.test/shipped/2026-W45/#shop-1"
    assert item["external_url"] == "https://forge.test/1?a=1&b=2"
    assert item["authors"] == [{"name": "Ana"}]
    assert item["date_published"] == "2026-11-04T10:00:00Z"


def test_text_from_outside_is_text_in_both_forms() -> None:
    files = made(book(RECORDS, CONFIG))
    for path, content in files.items():
        assert b"<script" not in content or path.endswith(".json")
        assert b"\x00" not in content
    titles = [text(entry, "title") for entry in entries(files["shipped/feed.xml"])]
    assert any("<script>alert(1)</script>" in title for title in titles)


def test_areas_and_teams_have_their_own() -> None:
    files = made(book(RECORDS, CONFIG))
    titles = {
        path: [text(entry, "title") for entry in entries(content)]
        for path, content in files.items()
        if path.endswith(".xml")
    }
    assert titles["shipped/areas/checkout/feed.xml"] == ["Pay with one tap."]
    assert titles["shipped/areas/everything-else/feed.xml"] == ["Add gift cards"]
    assert len(titles["shipped/areas/search-find/feed.xml"]) == 1
    assert len(titles["shipped/teams/till/feed.xml"]) == 3


def test_what_is_taken_out_again_comes_once_more_and_says_so() -> None:
    out = change("5", 'Revert "Add gift cards"', "2026-11-05T09:00:00Z", reverts="4")
    later = book([*RECORDS, out, deployment("d2", "2026-11-06T10:00:00Z", ["5"])], CONFIG)
    found = {text(entry, "id"): entry for entry in entries(made(later)["shipped/feed.xml"])}
    entry = found["tag:deploys.acme.test,2026:changes/shop/4"]
    assert text(entry, "title") == "Taken back: Add gift cards"
    assert text(entry, "published") == "2026-11-04T10:00:00Z"
    assert text(entry, "updated") == "2026-11-06T10:00:00Z"


def test_the_clock_changes_nothing() -> None:
    later = AS_OF.replace(day=22)
    assert made(book(RECORDS, CONFIG)) == made(book(RECORDS, CONFIG, as_of=later))


def test_an_empty_history_has_feeds_that_are_whole() -> None:
    files = made(book([], CONFIG))
    assert text(ET.fromstring(files["shipped/feed.xml"]), "updated") == "1970-01-01T00:00:00Z"
    jsonschema.validate(json.loads(files["shipped/feed.json"]), FORM)

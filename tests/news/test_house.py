"""What a repository's own changelog rules say, used before ours; what they say in riddles is left alone."""

from __future__ import annotations

import time

import pytest

from deploybook.news import tell
from deploybook.news.house import House, kind_of, read

RELEASE = b"""
changelog:
  exclude: {labels: [ignore-for-release], authors: [octobot]}
  categories:
    - {title: "Breaking changes", labels: [semver-major]}
    - {title: "Exciting New Features", labels: [Semver-Minor, story]}
    - {title: "Bugs that are gone", labels: [defect]}
    - {title: "Other", labels: ["*"]}
"""
CLIFF = rb"""
[git]
commit_parsers = [
  { message = "^(wip|tmp)", skip = true },
  { message = "^Story", group = "<!-- 0 -->\uD83D Features" },
  { message = "(?i)^defekt:.*", group = "Bug Fixes" },
  { message = "(a+)+$", group = "Features" },
  { body = ".*security", group = "Security" },
]
"""


def test_labels_of_release_yml_decide_before_our_own() -> None:
    house = read({".github/release.yml": RELEASE})
    assert tell("Fix things", labels=["story"], house=house).kind == "new"
    assert tell("Add things", labels=["Defect"], house=house).kind == "fixed"
    assert tell("Add things", labels=["ignore-for-release"], house=house).kind == "behind"
    assert tell("Add things", labels=["other"], house=house).kind == "new"  # by its verb
    assert tell("Add things", author="Octobot", house=house).kind == "behind"


def test_a_heading_that_names_no_kind_says_nothing() -> None:
    house = read({".github/release.yml": RELEASE})
    assert "semver-major" not in house.labels
    assert "*" not in house.labels


def test_groups_of_cliff_toml_decide_by_how_a_title_begins() -> None:
    house = read({"cliff.toml": CLIFF.replace(rb"\uD83D", b"!")})
    assert house.beginnings == (("wip", "behind"), ("tmp", "behind"), ("story", "new"), ("defekt", "fixed"))
    assert tell("Story: pay", house=house).kind == "new"
    assert tell("WIP pay", house=house).kind == "behind"
    assert tell("Defekt: pay", house=house).kind == "fixed"
    assert tell("feat: pay", house=house).kind == "new"


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("\N{ROCKET} Features", "new"), ("<!-- 1 -->Bug Fixes", "fixed"),
        ("Dependency updates", "dependency"),
        ("Performance", "improved"), ("Deprecated", "removed"), ("Miscellaneous Tasks", "behind"),
        ("Documentation", "behind"), ("Other", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_the_kind_of_a_heading(heading: object, kind: str | None) -> None:
    assert kind_of(heading) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"changelog: [1, 2]", b"changelog: {categories: {a: b}}", b"{", b"\xff\xfe", b"a: &x [1]\nb: *x",
        b"changelog: {categories: [{title: 1, labels: 2}], exclude: {labels: [1], authors: no}}",
        b"[" * 5_000, b"x" * 200_000,
        b"[git]\ncommit_parsers = 1", b"[git]\ncommit_parsers = [{message = 1, group = 2}]",
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_it_should_be_says_nothing(content: bytes) -> None:
    assert read({".github/release.yml": content, "cliff.toml": content}) == House()


def test_a_pattern_that_would_never_end_is_not_run() -> None:
    house = read(
        {"cliff.toml": rb"[git]" + b'\ncommit_parsers = [{message = "^(a|a|ab)(a+)+$", group = "Features"}]'}
    )
    began = time.monotonic()
    tell("a" * 10_000 + "!", house=house)
    assert time.monotonic() - began < 1

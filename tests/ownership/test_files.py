"""CODEOWNERS and catalog-info.yaml in small cases of our own, and what each dialect makes of one file."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploybook.ownership import Codeowners, read
from deploybook.ownership.catalog import entries
from deploybook.ownership.github import read as github
from deploybook.ownership.gitlab import read as gitlab

BOTH = "* @all\ndocs/api @docs\n[Till] @till\n*.py\n!gen.py\n"


def test_the_last_rule_wins_on_github() -> None:
    found = github("* @all\n*.py @snakes\n/src/ @src # ask @bob\n/src/gen/\n")
    assert found.owners("a.txt") == ("@all",)
    assert found.owners("a.py") == ("@snakes",)
    assert found.owners("src/a.py") == ("@src",)
    assert found.owners("src/gen/a.py") == ()
    assert [answer.rule.line for answer in found.of("src/gen/a.py")] == [4]


def test_brackets_are_plain_on_github_and_a_rule_that_takes_away_is_set_aside() -> None:
    found = github("/app/[id]/ @pages\n!x @y\nz noat\n")
    assert found.owners("app/[id]/a") == ("@pages",)
    assert found.owners("app/i/a") == ()
    assert [aside.line for aside in found.aside] == [2, 3]


def test_each_section_has_its_say_on_gitlab() -> None:
    found = gitlab(BOTH)
    assert found.owners("deep/docs/api") == ("@docs",)
    assert found.owners("a.py") == ("@all", "@till")
    assert found.owners("gen.py") == ("@all",)
    assert {rule.section for rule in found.rules} == {"(default)", "Till"}


@pytest.mark.parametrize(
    ("location", "paths", "dialect"),
    [
        ("https://github.com/acme/shop", ("CODEOWNERS",), "github"),
        ("https://gitlab.acme.test/shop", ("CODEOWNERS",), "gitlab"),
        ("/srv/shop", ("CODEOWNERS", ".gitlab-ci.yml"), "gitlab"),
        ("/srv/shop", (".github/CODEOWNERS", ".gitlab-ci.yml"), "github"),
        ("/srv/shop", ("CODEOWNERS",), "gitlab"),
    ],
)
def test_the_dialect_is_the_forges(location: str, paths: tuple[str, ...], dialect: str) -> None:
    file = next(path for path in paths if path.endswith("CODEOWNERS"))
    found = read(paths, {file: BOTH.encode()}, location=location)
    assert found.codeowners is not None
    assert (found.codeowners.dialect, found.codeowners.file) == (dialect, file)


def test_a_codebase_in_a_folder_has_its_own_files_and_catalogue() -> None:
    text = b"kind: Component\nmetadata: {name: pay}\nspec: {owner: group:default/till}\n"
    files = {"svc/pay/catalog-info.yaml": text}
    found = read(("README.md", "svc/pay/a.py", *files), files, location=None, folder="svc/pay")
    assert found.paths == ("svc/pay/a.py", "svc/pay/catalog-info.yaml")
    assert [(entry.name, entry.owner) for entry in found.entries] == [("pay", "till")]


def test_the_catalogue_may_hold_several_documents_and_nonsense() -> None:
    api = b"kind: API\nmetadata: {name: a, links: [{url: 'https://a.test', title: Docs}]}\n"
    text = b"kind: Location\n---\n" + api + b"---\n[\n"
    (entry,) = entries(text)
    assert (entry.kind, entry.owner, entry.links) == ("API", None, (("Docs", "https://a.test"),))
    assert entries(b"\xff\xfe") == ()


def test_a_pattern_made_to_take_for_ever_is_set_aside() -> None:
    for reader in (github, gitlab):
        found = reader("*a*a*a*a*a*a*a*b @x\n" + "**/" * 9 + "a @x\n" + "a" * 600 + " @x\n")
        assert not found.rules
        assert len(found.aside) == 3


PATTERNS = st.text(st.sampled_from("ab*?/[]!\\# .-^"), max_size=12)
PATHS = st.text(st.sampled_from("ab/[].# -"), min_size=1, max_size=12)


@given(st.lists(PATTERNS, max_size=4), PATHS)
def test_no_line_breaks_the_reading_and_every_answer_is_a_rule_that_matches(
    lines: list[str], path: str
) -> None:
    for reader in (github, gitlab):
        found: Codeowners = reader("\n".join(f"{line} @x" for line in lines))
        subject = f"/{path}" if found.dialect == "gitlab" else path
        for answer in found.of(path):
            assert answer.rule in found.rules
            assert re.search(answer.rule.expression, subject)

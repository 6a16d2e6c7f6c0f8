"""Every undisputed case of the shared CODEOWNERS set, both dialects."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deploybook.ownership import by_section
from deploybook.ownership.github import expression
from deploybook.ownership.github import read as read_github
from deploybook.ownership.gitlab import read as read_gitlab

CASES = Path(__file__).parents[3] / "shared" / "conformance" / "codeowners"
pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="conformance/codeowners is not beside the checkout"
)


def cases(name: str) -> list[Any]:
    return list(json.loads((CASES / name).read_text("utf-8"))) if CASES.is_dir() else []


@pytest.mark.parametrize("case", cases("github_patterns.json"), ids=lambda case: case["id"])
def test_github_pattern_matches_as_it_should(case: dict[str, Any]) -> None:
    if "disputed" in case:
        pytest.skip(case["disputed"])
    assert bool(re.search(expression(case["pattern"]), case["path"])) is case["match"]


@pytest.mark.parametrize("case", cases("github_lines.json"), ids=lambda case: case["id"])
def test_github_line_is_a_rule_or_is_set_aside(case: dict[str, Any]) -> None:
    found = read_github(case["line"])
    if "error" in case:
        assert not found.rules
        assert [aside.line for aside in found.aside] == [1]
    else:
        assert [(rule.pattern, list(rule.owners)) for rule in found.rules] == [
            (case["pattern"], case["owners"])
        ]


@pytest.mark.parametrize("case", cases("github_files.json"), ids=lambda case: case["id"])
def test_github_file_gives_owners_and_the_line_that_says_so(case: dict[str, Any]) -> None:
    found = read_github(case["text"])
    for query in case["queries"]:
        if "disputed" in query:
            continue
        answers = found.of(query["path"])
        line = answers[0].rule.line if answers else None
        assert (list(found.owners(query["path"])), line) == (query["owners"], query["line"]), query["path"]


@pytest.mark.parametrize("case", cases("gitlab_files.json"), ids=lambda case: case["id"])
def test_gitlab_file_gives_owners_by_section(case: dict[str, Any]) -> None:
    found = read_gitlab(case["text"])
    for path, expected in case["expect"].items():
        sections = {name: list(owners) for name, owners in by_section(found.of(path)).items()}
        assert sections == expected, path

"""`deploybook check`: every problem at once, each with its next step; 1 only where there is an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploybook.cli import run

CONFIG = """
site: {name: Shop, timezone: UTC}
codebases: {shop: {team: till}}
teams: {till: {name: Till}}
"""


def check(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, Any]:
    arguments = [
        "check",
        "--config",
        str(folder / "deploybook.yml"),
        "--as-of",
        "2026-11-20T12:00:00Z",
        *options,
    ]
    code = run(arguments)
    said = capsys.readouterr()
    return code, json.loads(said.out) if "--json" in options else said.out + said.err


def test_what_is_missing_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "deploybook.yml").write_text(CONFIG)
    code, found = check(tmp_path, capsys, "--json")
    assert code == 0
    assert [(each["level"], each["where"]) for each in found] == [("missing", "history")]


def test_a_wrong_statement_and_a_repository_that_is_not_there_are_both_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deploybook.yml").write_text(CONFIG.replace("{team: till}", "{team: till, repository: gone}"))
    (tmp_path / "practices.yml").write_text(
        "- {practice: nothing.such, met: true, by: ana, on: 2026-11-01}\n"
    )
    code, said = check(tmp_path, capsys)
    assert code == 1
    assert "error: practices.yml:1: practice" in said
    assert "error: shop: there is no folder gone" in said
    assert "→ clone it there" in said


def test_an_error_in_the_configuration_is_told_and_is_a_no(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deploybook.yml").write_text(CONFIG + "nonsense: 1\nprocess: {decides: {rotation: none}}\n")
    code, said = check(tmp_path, capsys)
    assert code == 1
    assert "nonsense" in said
    assert "rotation" in said


def test_with_a_history_the_codebases_are_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deploybook.yml").write_text(CONFIG + "sources: [{records: '*.jsonl'}]\n")
    (tmp_path / "x.jsonl").write_text("not json\n")
    assert run(["sync", "--quiet", "--config", str(tmp_path / "deploybook.yml")]) == 0
    code, found = check(tmp_path, capsys, "--json")
    says = {(each["where"], each["says"]) for each in found}
    assert code == 0
    assert ("teams.till", "it has no contact") in says
    assert ("shop", "no deployment to production is known") in says
    assert any(where == "history" and "set aside" in said for where, said in says)

"""`deploybook check`: every problem at once, each with its next step; 1 only where there is an error."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.gitrepo import GitRepo

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
    assert [(each["level"], each["where"]) for each in found] == [
        ("missing", "process"), ("missing", "process"), ("missing", "process"), ("missing", "site"),
        ("missing", "history"),
    ]  # fmt: skip


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


DIFFERS = """
site: {name: Shop, timezone: UTC}
codebases: {shop: {team: till, repository: clone, deployments: {from: records}}}
people: {ana: {name: Ana}, bo: {name: Bo}}
teams: {till: {name: Till, members: [ana], contact: ana}}
sources: [{records: '*.jsonl'}]
process:
  environments: [staging, production]
  cut_off: {weekday: wednesday, time: "12:00"}
  window: {weekday: thursday, from: "10:00", to: "14:00"}
rotations: {keeper: {members: [ana, bo], every: 1w, starts: 2026-11-16}}
"""
WORKFLOW = "on: push\njobs: {ship: {environment: preview}, out: {needs: ship, environment: production}}\n"
DISAGREEMENTS = {
    "Deployments outside the window": ["shop/2"],
    "Merged after the cut-off, and out all the same": ["shop/late"],
    "Approvals that did not happen": ["shop/late"],
    "An environment that nobody named": ["canary"],
    "A stage in the file and not in the text": ["shop: .github/workflows/ship.yml"],
    "A turn of somebody who has left": ["bo"],
}


def _deployment(id_: str, day: int, *changes: str, environment: str = "production") -> dict[str, Any]:
    at = {"started_at": f"2026-11-{day}T11:00:00Z", "finished_at": f"2026-11-{day}T11:10:00Z"}
    made = {"type": "deployment", "codebase": "shop", "id": id_, "environment": environment}
    return {**made, **at, "outcome": "success", "changes": list(changes)}


def test_all_six_kinds_of_disagreement_are_told_by_the_command_and_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deploybook.yml").write_text(DIFFERS)
    page = tmp_path / "docs" / "process" / "how.md"
    page.parent.mkdir(parents=True)
    page.write_text("---\nreviewed: {on: 2026-11-01, by: ana}\n---\n# How\nThrough staging to users.\n")
    GitRepo(tmp_path / "clone").commit("Ship", {".github/workflows/ship.yml": WORKFLOW})
    change = {"type": "change", "codebase": "shop", "title": "A change"}
    records = [
        {**change, "id": "early", "merged_at": "2026-11-10T09:00:00Z", "approvals": 1,
         "approved_at": "2026-11-10T08:00:00Z"},
        {**change, "id": "late", "merged_at": "2026-11-11T15:00:00Z", "approvals": 0},
        _deployment("1", 12, "early", "late"), _deployment("2", 13),
        _deployment("3", 12, environment="canary"),
    ]  # fmt: skip
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
    options = ["--quiet", "--config", str(tmp_path / "deploybook.yml"), "--as-of", "2026-11-20T12:00:00Z"]
    assert run(["sync", *options]) == 0
    code, found = check(tmp_path, capsys, "--json")
    assert code == 0
    assert {each["where"]: each["rows"] for each in found if each["level"] == "differs"} == DISAGREEMENTS
    assert all(each["step"] for each in found if each["level"] == "differs")

    assert run(["render", *options]) == 0
    words = (tmp_path / "build" / "docs" / "process" / "index.md").read_text("utf-8")
    assert all(f"<strong>{title}.</strong>" in words for title in DISAGREEMENTS)


NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def ago(**time: float) -> str:
    return (NOW - timedelta(**time)).isoformat()


def deployment(number: int, **fields: object) -> dict[str, object]:
    given = {"codebase": "shop", "environment": "production", "finished_at": ago(days=2)}
    return {"type": "deployment", "id": str(number), **given, **fields}


def test_data_that_cannot_be_or_is_not_there_is_told_with_what_follows_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each kind once: no such rows, no such line."""
    people = "people: {ana: {name: Ana}}\nsources: [{records: '*.jsonl'}, {jira: {token: env:NOT_SET_HERE,"
    (tmp_path / "deploybook.yml").write_text(
        CONFIG + people + " url: https://jira.test, projects: [SHOP]}}]\n"
    )
    runs = [
        {"type": "pipeline_run", "codebase": "shop", "id": f"{week}-{number}", "pipeline": "ci",
         "outcome": "success", "finished_at": ago(weeks=week, hours=number)}
        for week in range(20) for number in range(8) if week not in (5, 6, 7)
    ]  # fmt: skip
    told = [
        deployment(1, started_at=ago(days=1)),
        deployment(2, finished_at=ago(days=-3)),
        deployment(3, codebase="till"),
        deployment(4, environment="moon"),
        {"type": "incident", "id": "7", "started_at": ago(days=60), "codebases": ["shop"]},
        {"type": "change", "codebase": "shop", "id": "9", "title": "Sell", "merged_at": ago(days=3),
         "opened_at": ago(days=2), "author": "wendolyn"},
        *runs,
    ]  # fmt: skip
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told))
    assert run(["sync", "--quiet", "--only", "records", "--config", str(tmp_path / "deploybook.yml")]) == 0
    capsys.readouterr()
    _, found = check(tmp_path, capsys, "--json")
    assert all(each["so"] and each["step"] for each in found if each["level"] != "differs")
    assert [(each["where"], each["says"], each["rows"]) for each in found if each["level"] == "doubt"] == [
        ("changes", "1 change with a stage that ends before it begins", ["shop/9"]),
        ("deployments", "1 deployment with a stage that ends before it begins", ["shop/1"]),
        ("deployments", "1 deployment in the future", ["2"]),
        ("shop", "no runs of pipelines in the 3 weeks before 2026-10-16", []),
        ("incidents", "1 incident open for more than 30 days", ["7"]),
    ]
    missing = {each["says"]: each for each in found if each["level"] == "missing"}
    assert "NOT_SET_HERE is not set here" in missing
    for kind, name in (("codebase", "till: 1"), ("environment", "moon: 1"), ("person", "wendolyn: 1")):
        assert missing[f"1 name that no {kind} of the configuration has"]["rows"] == [name]
    assert any("Deployments whose revision git has" in says for says in missing)

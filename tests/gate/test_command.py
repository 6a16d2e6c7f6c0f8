"""`deploybook gate` as a pipeline runs it: what it prints, and with which exit code it ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.gitserver import bare_repository

from deploybook.cli import run
from deploybook.history import History

SITE = """
codebases: {{shop: {{repository: shop.git, deployments: {{from: records}}}}}}
sources: [{{records: history.jsonl}}]
process: {{environments: [staging, production]}}
gate: {{release_branch: false, required: false, earlier: false, staging_for: false, whole: false,
       reviewed: false, smoke_younger_than: {smoke}}}
"""
REVISION = "a" * 40


def gate(folder: Path, *more: str, smoke: str = "24h") -> int:
    (folder / "deploybook.yml").write_text(SITE.format(smoke=smoke))
    return run(
        ["gate", "production", "--revision", REVISION, "--config", str(folder / "deploybook.yml"), *more]
    )


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    bare_repository(tmp_path / "shop.git")
    (tmp_path / "deploybook.yml").write_text(SITE.format(smoke="24h"))
    (tmp_path / "history.jsonl").touch()
    assert run(["sync", "--quiet", "--config", str(tmp_path / "deploybook.yml")]) == 0
    return tmp_path


def smoked(folder: Path, outcome: str) -> None:
    at = datetime.now(UTC) - timedelta(minutes=5)
    ran = {"type": "pipeline_run", "codebase": "shop", "id": outcome, "pipeline": "smoke", "outcome": outcome,
           "revision": REVISION, "finished_at": at.isoformat()}  # fmt: skip
    (folder / "history.jsonl").write_text(f"{json.dumps(ran)}\n")
    assert run(["sync", "--quiet", "--config", str(folder / "deploybook.yml")]) == 0


def test_only_a_pass_or_a_person_by_name_and_reason_lets_a_pipeline_go_on(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(shop) == 1
    assert capsys.readouterr().out.endswith(
        "no proof  smoke: no smoke test of this revision is known\n"
        "pass      incidents: no incident is open\nverdict: no proof\n"
    )
    smoked(shop, "failure")
    assert gate(shop) == 1
    said = capsys.readouterr().out
    assert said.startswith("shop aaaaaaaaaa to production\n")
    assert said.endswith("\nverdict: FAIL\n")
    assert gate(shop, "--override-by", "ana", "--because", "users cannot pay") == 0
    assert capsys.readouterr().out.endswith("\nverdict: FAIL, overridden by ana: users cannot pay\n")
    smoked(shop, "success")
    assert gate(shop) == 0
    assert gate(shop, "--override-by", "ana") == 2


def test_as_json_it_is_the_verdict_s_record_and_only_a_saved_one_is_kept(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(shop, "--json", "--save") == 1
    (line,) = capsys.readouterr().out.splitlines()
    verdict = json.loads(line)
    assert {name: verdict[name] for name in ("type", "environment", "revision", "verdict", "codebase")} == {
        "type": "verdict", "environment": "production", "revision": REVISION, "verdict": "no_proof",
        "codebase": "shop",
    }  # fmt: skip
    assert {each["check"]: each["answer"] for each in verdict["reasons"]} == {
        "unlocked": "pass", "smoke": "no_proof", "incidents": "pass",
    }  # fmt: skip
    assert gate(shop, "--json", smoke="false") == 0
    with History.open("duckdb://build/history.duckdb", root=shop, read_only=True) as history:
        assert history.read("verdicts").column("verdict").to_pylist() == ["no_proof"]

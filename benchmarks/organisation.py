"""Organisations to measure with: the example, larger; with more tests; and with an hour's news in it."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

NEWS = 15
"""Changes of an hour: 150,000 in five years of 40 working hours a week."""


def more_tests(root: Path, times: int) -> int:
    """Let each test case of the example stand for so many, in a file a month; how many there are in all."""
    rows = 0
    by_month: dict[str, list[bytes]] = {}
    with (root / "history" / "test_case_runs.jsonl").open("rb") as lines:
        for line in lines:
            rows += 1
            place = line.index(b'"started_at":"') + 14
            by_month.setdefault(line[place : place + 7].decode(), []).append(line)
    for month, found in sorted(by_month.items()):
        with (root / "history" / f"tests-{month}.jsonl").open("wb", 1 << 22) as out:
            for number in range(1, times):
                ending = b'_%03d","outcome"' % number
                out.writelines(line.replace(b'","outcome"', ending, 1) for line in found)
    return rows * times


def an_hour(root: Path, as_of: datetime) -> datetime:
    """Let an hour's changes be merged, tested and deployed; the end of that hour.

    A commit, its pull request, its run with test cases, and its deployment, in each of `NEWS` repositories.
    """
    end = as_of + timedelta(hours=1)
    history = root / "history"
    runs = _last(history / "pipeline_runs.jsonl")
    tests = sorted(history.glob("tests-*.jsonl")) or [history / "test_case_runs.jsonl"]
    names = _tests(history / "test_case_runs.jsonl", tests[-1])
    done = 0
    out: dict[str, list[dict[str, Any]]] = {}
    for last in _last(history / "deployments.jsonl").values():
        codebase, environment = last["codebase"], last["environment"]
        repository = root / "repositories" / f"{codebase}.git"
        if done == NEWS or environment != "prod-us" or codebase not in runs or not repository.is_dir():
            continue
        done += 1
        merged = as_of + timedelta(minutes=done)
        revision = _commit(repository, merged, f"Hourly news (#{9_000 + done})")
        key = f"h{int(end.timestamp())}"
        out.setdefault("changes", []).append({
            "type": "change", "codebase": codebase, "id": str(9_000 + done), "title": "Hourly news",
            "merged_at": _at(merged), "merge_revision": revision, "author": "bo-acme", "approvals": 1,
            "opened_at": _at(merged - timedelta(hours=3)), "additions": 12, "deletions": 3,
        })  # fmt: skip
        out.setdefault("pipeline_runs", []).append(runs[codebase] | {
            "id": key, "revision": revision, "outcome": "success", "attempt": 1, "stages": [],
            **dict.fromkeys(("queued_at", "started_at"), _at(merged)),
            "finished_at": _at(merged + timedelta(minutes=9)),
        })  # fmt: skip
        out.setdefault(tests[-1].stem, []).extend(
            {"type": "test_case_run", "codebase": codebase, "name": name, "suite": "unit", "outcome": "pass",
             "revision": revision, "run": key, "attempt": 1, "job": "test", "started_at": _at(merged)}
            for name in names.get(codebase, ())
        )  # fmt: skip
        for place, region in enumerate(("prod-eu", "prod-us")):
            begun = merged + timedelta(minutes=15 + 5 * place)
            out.setdefault("deployments", []).append({
                "type": "deployment", "codebase": codebase, "id": f"{key}-{place}", "environment": region,
                "revision": revision, "started_at": _at(begun), "outcome": "success",
                "finished_at": _at(begun + timedelta(minutes=4)),
            })  # fmt: skip
    for name, rows in out.items():
        with (history / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    return end


def _at(instant: datetime) -> str:
    return instant.isoformat()


def _last(file: Path) -> dict[str, dict[str, Any]]:
    """The last row of each codebase in a file."""
    found: dict[str, dict[str, Any]] = {}
    with file.open("rb") as lines:
        for line in lines:
            row = json.loads(line)
            found[row["codebase"]] = row
    return found


def _tests(first: Path, last: Path) -> dict[str, set[str]]:
    """Names of test cases by codebase: those of the example, and those of the last month's file."""
    found: dict[str, set[str]] = {}
    for file in {first, last}:
        with file.open("rb") as lines:
            for line in lines:
                row = json.loads(line)
                found.setdefault(row["codebase"], set()).add(row["name"])
    return found


def _commit(repository: Path, when: datetime, message: str) -> str:
    """One more commit on the release branch, with the tree of the last."""
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Bo"), ("EMAIL", "bo@acme.test"), ("DATE", when.isoformat()))
    }

    def git(*words: str) -> str:
        command = ["git", "-C", str(repository), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=who).stdout.strip()

    made = git("commit-tree", "main^{tree}", "-p", "main", "-m", message)
    git("update-ref", "refs/heads/main", made)
    return made

"""The example organisation is real git, true records, one story, and the same every time."""

from __future__ import annotations

import hashlib
import json
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from deploybook import records
from deploybook.config import load
from deploybook.errors import UsageError
from deploybook.example import EXAMPLE_AS_OF, make_example
from deploybook.example.cast import SPECS

ROOT = Path(__file__).parents[2]
REPOSITORY = {spec.name: spec.repository for spec in SPECS}


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example") / "acme"
    make_example(folder)
    return folder


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "history" / f"{name}.jsonl").read_text().splitlines()]


def git(folder: Path, repository: str, *arguments: str) -> list[str]:
    where = folder / "repositories" / f"{repository}.git"
    done = subprocess.run(["git", *arguments], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def test_every_line_is_a_record(example: Path) -> None:
    kinds = {
        type(records.parse(line))
        for path in (example / "history").glob("*.jsonl")
        for line in path.read_bytes().splitlines()
    }
    assert {
        records.Change,
        records.Deployment,
        records.Incident,
        records.BranchRule,
        records.EnvironmentRule,
        records.PipelineRun,
        records.TestCaseRun,
        records.Coverage,
        records.FlagChange,
        records.Availability,
        records.Issue,
        records.Verdict,
        records.Lock,
    } == kinds


def test_no_record_is_there_twice(example: Path) -> None:
    keys = [
        (type(record), *(getattr(record, name) for name in records.KEYS[type(record)]))
        for path in (example / "history").glob("*.jsonl")
        for line in path.read_bytes().splitlines()
        for record in [records.parse(line)]
    ]
    assert len(set(keys)) == len(keys)


def test_every_revision_of_a_change_and_of_a_deployment_is_in_git(example: Path) -> None:
    known = {name: set(git(example, name, "rev-list", "--all")) for name in set(REPOSITORY.values())}
    for change in rows(example, "changes"):
        assert change["merge_revision"] in known[REPOSITORY[change["codebase"]]]
    for deployment in rows(example, "deployments"):
        assert deployment["revision"] in known[REPOSITORY[deployment["codebase"]]]


def test_what_a_change_says_of_its_size_and_files_is_what_git_says(example: Path) -> None:
    changes = [
        change
        for change in rows(example, "changes")
        if change["codebase"] == "catalogue" and "reverts" not in change
    ]
    for change in changes[:: len(changes) // 12]:
        lines = git(
            example, "catalogue", "show", "--numstat", "--format=", "--no-renames", change["merge_revision"]
        )
        counts = [line.split("\t") for line in lines if line]
        assert sum(int(added) for added, _, _ in counts) == change["additions"]
        assert sum(int(gone) for _, gone, _ in counts) == change["deletions"]
        assert [path for _, _, path in counts] == change["files"]


def test_the_history_holds_every_way_of_merging(example: Path) -> None:
    assert any(
        " pull request #" in line for line in git(example, "shop-web", "log", "--merges", "--format=%s")
    )
    assert any("See merge request" in line for line in git(example, "warehouse", "log", "--format=%b"))
    assert not git(example, "accounts", "rev-list", "--merges", "--all")
    assert not git(example, "checkout-api", "rev-list", "--merges", "--all")
    assert git(example, "checkout-api", "for-each-ref", "refs/pull/*/head")
    assert git(example, "warehouse", "for-each-ref", "refs/merge-requests/*/head")
    everywhere = [
        line
        for name in set(REPOSITORY.values())
        for line in git(example, name, "log", "--all", "--format=%b")
    ]
    assert any(line.startswith("(cherry picked from commit ") for line in everywhere)
    assert any(line.startswith("This reverts commit ") for line in everywhere)


def test_a_picked_fix_names_a_commit_of_the_release_branch(example: Path) -> None:
    for name in sorted(set(REPOSITORY.values())):
        main = set(git(example, name, "rev-list", "main"))
        for line in git(example, name, "log", "--all", "--format=%b"):
            if line.startswith("(cherry picked from commit "):
                assert line.split()[-1].rstrip(")") in main


def test_some_pushed_past_the_pull_request(example: Path) -> None:
    merged = {change["merge_revision"] for change in rows(example, "changes")}
    branch = git(example, "shop-web", "rev-list", "--first-parent", "main")[:-1]
    assert 0 < sum(commit not in merged for commit in branch) < len(branch) / 20


def test_a_monorepo_change_may_be_in_two_codebases(example: Path) -> None:
    of: dict[str, set[str]] = {}
    for change in rows(example, "changes"):
        if change["codebase"] in {"notifications", "payments"}:
            of.setdefault(change["id"], set()).add(change["codebase"])
            prefix = f"services/{change['codebase']}/"
            assert any(path.startswith(prefix) for path in change["files"])
    assert {1, 2} == {len(codebases) for codebases in of.values()}


def test_each_step_of_a_change_follows_the_one_before(example: Path) -> None:
    for change in rows(example, "changes"):
        steps = ("first_commit_at", "opened_at", "first_review_at", "approved_at", "merged_at")
        known = [instant(change[step]) for step in steps if change.get(step)]
        assert known == sorted(known)


def test_nothing_happens_after_the_end(example: Path) -> None:
    for change in rows(example, "changes"):
        assert instant(change["merged_at"]) <= EXAMPLE_AS_OF
    for deployment in rows(example, "deployments"):
        assert instant(deployment["finished_at"]) <= EXAMPLE_AS_OF


def test_changes_reach_users_ever_sooner(example: Path) -> None:
    medians = []
    for begin, end in (("2025-01", "2025-09"), ("2026-01", "2026-06"), ("2026-09", "2026-12")):
        leads = []
        for codebase in ("checkout-api", "shop-search"):
            went = sorted(
                (instant(row["finished_at"]), row["revision"])
                for row in rows(example, "deployments")
                if row["codebase"] == codebase and row["environment"] == "prod-eu"
            )
            merged = {
                row["merge_revision"]: row for row in rows(example, "changes") if row["codebase"] == codebase
            }
            seen: set[str] = set()
            for live, revision in went:
                new = set(git(example, REPOSITORY[codebase], "rev-list", revision)) - seen
                if seen and begin <= live.isoformat() < end:
                    leads += [
                        (live - instant(merged[commit]["first_commit_at"])).total_seconds() / 86_400
                        for commit in new
                        if commit in merged
                    ]
                seen |= new
        medians.append(median(leads))
    quarterly, weekly, daily = medians
    assert 40 < quarterly < 90
    assert 3 < weekly < 12
    assert daily < 4


def test_the_last_week_has_its_story(example: Path) -> None:
    incidents = {row["title"]: row for row in rows(example, "incidents")}
    assert "resolved_at" not in incidents["Slow stock look-ups"]
    assert [row for row in incidents.values() if "resolved_at" not in row] == [
        incidents["Slow stock look-ups"]
    ]
    web = [
        row
        for row in rows(example, "deployments")
        if row["codebase"] == "shop-web"
        and row["environment"] == "prod-eu"
        and row["started_at"] > "2026-11-19"
    ]
    assert [row["kind"] for row in web] == ["deploy", "rollback", "deploy"]
    gone = instant(web[1]["finished_at"]) - instant(web[0]["finished_at"])
    assert gone.total_seconds() == 41 * 60
    runs = [
        row
        for row in rows(example, "pipeline_runs")
        if row["codebase"] == "warehouse" and row["pipeline"] == "ci"
    ]
    assert [row["outcome"] for row in runs[-3:]] == ["failure"] * 3


def test_titles_are_many_and_most_have_words_for_users(example: Path) -> None:
    changes = rows(example, "changes")
    assert len({change["title"] for change in changes}) > 1000
    noted = sum(
        "release-note" in change["body"] or "## Release notes" in change["body"] for change in changes
    )
    assert 0.4 < noted / len(changes) < 0.8


def test_test_case_rows_stay_few_enough(example: Path) -> None:
    assert len((example / "history" / "test_case_runs.jsonl").read_bytes().splitlines()) <= 60_000


def test_its_configuration_is_right_and_is_the_one_in_the_root(example: Path) -> None:
    config = load(example / "deploybook.yml")
    assert config.site.simulated
    assert len(config.codebases) == 8
    assert len(config.teams) == 4
    assert any(annotation.cadence for annotation in config.annotations)
    here = (example / "deploybook.yml").read_text()
    there = (ROOT / "deploybook.yml").read_text()
    assert there.replace("build/example/", "") == here


def test_corrected_deployments_are_there(example: Path) -> None:
    known = {f"{row['codebase']}/{row['id']}" for row in rows(example, "deployments")}
    corrected = {correction.deployment for correction in load(example / "deploybook.yml").corrections}
    assert corrected
    assert corrected <= known


def test_the_same_seed_and_end_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_example(tmp_path / name, codebases=2, years=1)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    make_example(tmp_path / "other", codebases=2, years=1, seed=8)
    assert digest(tmp_path / "other") != digest(tmp_path / "one")


def test_it_grows_and_shrinks_and_ends_where_asked(tmp_path: Path) -> None:
    make_example(tmp_path / "many", codebases=10, years=1, until=date(2025, 6, 18))
    config = load(tmp_path / "many" / "deploybook.yml")
    assert [name for name in config.codebases if name.startswith("code-")] == ["code-001", "code-002"]
    merged = [instant(row["merged_at"]) for row in rows(tmp_path / "many", "changes")]
    assert datetime(2025, 6, 13, tzinfo=UTC).date() == max(merged).date()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        make_example(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

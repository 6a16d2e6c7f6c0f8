from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploybook.build.reading import beside
from deploybook.config import Config
from deploybook.config.sources import SOURCE_OPTIONS
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.sources import feeds, gitcmd

GUIDE = Path(__file__).parents[2] / "docs/guide"


def test_each_codebase_has_its_history_and_its_deployments_and_each_pattern_its_records(
    tmp_path: Path,
) -> None:
    gitops = {"from": "gitops", "repository": "ops", "message": "{codebase} {version} {environment}"}
    config = Config.of(
        {
            "codebases": {
                "shop": {"repository": "shop", "deployments": {"from": "tags"}},
                "api": {"repository": "api", "deployments": gitops},
                "hearsay": {"deployments": {"from": "records"}},
            },
            "sources": [{"records": "history/*.jsonl"}],
        },
        root=tmp_path,
    )
    found = {feed.name: feed.snapshot for feed in feeds(config, tmp_path / "build")}
    assert found == {
        "git:shop": False,
        "tags:shop": True,
        "git:api": False,
        "gitops:api": True,
        "locks": True,
        "records:history/*.jsonl": True,
    }


@pytest.mark.parametrize("kind", SOURCE_OPTIONS)
def test_the_guide_has_a_page_for_each_source_and_one_table_leads_to_all_of_them(kind: str) -> None:
    page = GUIDE / ("records.md" if kind == "records" else f"sources/{kind}.md")
    assert f"{kind}:" in page.read_text("utf-8")
    rows = [line for line in (GUIDE / "sources/index.md").read_text("utf-8").splitlines() if line[:2] == "| "]
    (row,) = [row for row in rows if f"({page.name})" in row or f"(../{page.name})" in row]
    assert len([cell for cell in row.strip("| ").split(" | ") if cell]) == 4


def test_a_repository_is_fetched_once_whoever_asks_and_however_many_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", str(origin)], check=True)
    fetched = []

    def run(*arguments: Any, **options: Any) -> bytes:
        fetched.append("fetch" in arguments)
        return real(*arguments, **options)

    real = gitcmd.run
    monkeypatch.setattr(gitcmd, "run", run)
    shop = {"repository": f"file://{origin}", "deployments": {"from": "tags"}}
    config = Config.of({"codebases": {"shop": shop}}, root=tmp_path)
    found = feeds(config, tmp_path / "build")
    git, tags = (next(feed for feed in found if feed.name == name) for name in ("git:shop", "tags:shop"))
    assert git.ahead is not None
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(git.ahead, None) for _ in range(4)]:
            done.result()
    ask = Ask(as_of=datetime(2026, 11, 20, tzinfo=UTC))
    list(git.pull(ask))
    list(tags.pull(ask))
    assert fetched.count(True) == 1


def test_a_repository_that_cannot_be_had_is_an_error_of_each_of_its_feeds(tmp_path: Path) -> None:
    config = Config.of(
        {"codebases": {"shop": {"repository": "gone", "deployments": {"from": "tags"}}}}, root=tmp_path
    )
    ask = Ask(as_of=datetime(2026, 11, 20, tzinfo=UTC))
    found = feeds(config, tmp_path / "build")
    with beside(found, {}) as turns:
        for feed in turns:
            with pytest.raises(SourceError, match="there is no such folder"):
                list(feed.pull(ask))

from __future__ import annotations

from pathlib import Path

from deploybook.config import Config
from deploybook.sources import feeds


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

from __future__ import annotations

from pathlib import Path

import pytest

from deploybook.config import Config
from deploybook.config.sources import SOURCE_OPTIONS
from deploybook.sources import feeds

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

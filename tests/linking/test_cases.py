"""Each folder of `tests/cases` is one sentence about linking, small enough to check by hand.

`input.jsonl` holds records, `expected.jsonl` the columns that the sentence is about: of a row found by
its name, or how many rows a table has. `deploybook.yml` is there where the usual settings would not do.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.linking.tables import linked

from deploybook.config import Config

CASES = sorted(path for path in (Path(__file__).parent.parent / "cases").iterdir() if path.is_dir())
AS_OF = datetime(2026, 6, 30, tzinfo=UTC)
USUAL = {"codebases": {"shop": {}}, "process": {"environments": ["staging", "production"]}}
NAMES = ("id", "codebase", "environment", "revision", "change", "deployment", "event")


@pytest.mark.parametrize("folder", CASES, ids=[path.name for path in CASES])
def test_case(folder: Path) -> None:
    settings = folder / "deploybook.yml"
    content = yaml.safe_load(settings.read_text()) if settings.exists() else USUAL
    found = linked(_lines(folder / "input.jsonl"), Config.of(content, root=folder), AS_OF)
    for wanted in _lines(folder / "expected.jsonl"):
        if "count" in wanted:
            assert {name: len(found[name]) for name in wanted["count"]} == wanted["count"]
            continue
        table = wanted.pop("table")
        # What names a row finds it; a row's other columns are compared.
        key = {"id", "codebase", "environment"} if table == "deployments" else {"id", "codebase"}
        if table not in ("changes", "deployments", "incidents"):
            key = set(NAMES)
        rows = [row for row in found[table] if all(row[name] == wanted[name] for name in key & set(wanted))]
        assert len(rows) == 1, f"{table}: {len(rows)} rows for {wanted}"
        assert {name: rows[0][name] for name in wanted} == wanted


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]

"""The history as files."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet
import pytest
from tests.history.support import NOON, change, coverage, everything, opened, run, synced

from deploybook.errors import StoreError
from deploybook.feed import FORGE
from deploybook.records import FlagChange, parse

pytestmark = pytest.mark.usefixtures("engine")

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]


def test_lines_read_in_again_give_the_same_history(tmp_path: Path) -> None:
    records = [
        change("1", labels=[], issues=[{"id": "7"}], additions=0, body="line\nline \u2028 'quoted' \"so\""),
        coverage(3), run(1), FlagChange(flag="f", environment="production", changed_at=NOON, state=1.0),
    ]  # fmt: skip
    with opened(tmp_path / "one") as first:
        synced(first, records)
        synced(first, [change("1", author="ana")], name="github:shop", rank=FORGE)
        files = first.export(tmp_path / "out", "jsonl")
        before = everything(first)
    assert sorted(each.name for each in files) == [
        "changes.jsonl", "coverage.jsonl", "flag_changes.jsonl", "pipeline_runs.jsonl",
    ]  # fmt: skip
    with opened(tmp_path / "two") as second:
        synced(second, [parse(line) for file in files for line in file.read_bytes().splitlines()])
        assert everything(second) == before


def test_a_cell_that_a_spreadsheet_takes_for_a_formula_is_guarded_in_csv_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as history:
        synced(history, [change(str(at), title=title, body="a=1") for at, title in enumerate(FORMULAS)])
        (as_csv,) = history.export(tmp_path / "out", "csv")
        (as_parquet,) = history.export(tmp_path / "out", "parquet")
    with as_csv.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["title"] for row in rows] == ["'" + title for title in FORMULAS]
    assert {row["body"] for row in rows} == {"a=1"}
    assert pyarrow.parquet.read_table(as_parquet)["title"].to_pylist() == FORMULAS


def test_cells_of_csv_are_plain_and_what_is_unknown_is_empty(tmp_path: Path) -> None:
    fine = datetime(2026, 3, 1, 9, 0, 0, 250_000, tzinfo=UTC)
    with opened(tmp_path) as history:
        synced(history, [change("1", labels=["a", "b"], opened_at=fine, additions=-0)])
        (path,) = history.export(tmp_path / "out", "csv")
    with path.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["merged_at"] == "2026-03-02T12:00:00Z"
    assert row["opened_at"] == "2026-03-01T09:00:00.250000Z"
    assert (row["labels"], row["additions"], row["body"], row["files"]) == ('["a","b"]', "0", "", "")
    assert "source" not in row


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with opened(tmp_path) as history:
        synced(history, [run(1)])
        with pytest.raises(StoreError, match="cannot be written"):
            history.export(tmp_path / "out", "jsonl")

"""The SQL that is ready is that of this source, and says what the expressions say, of every record type."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from scripts.ready import text
from tests.history.support import NOON

from deploybook.history import History, merging, ready
from deploybook.history.columns import TABLES, Column, Kind
from deploybook.prepared import Prepared, read

SOURCES = {"git:a": 10, "github:a": 20, "records:a": 30, "records:b": 30}


def value(chance: random.Random, column: Column) -> object:
    """Something of few possible things, or unknown."""
    pick = chance.randrange(3)
    some: dict[str, object] = {
        "words": ["p", "é'--"][:pick],
        "instant": NOON + timedelta(hours=pick - 1),
        "date": date(2026, 3, 1 + pick),
        "integer": pick,
        "real": pick / 4,
        "flag": pick > 0,
    }
    return some.get(column.shape, f"{column.name} {pick}") if chance.random() < 0.7 else None


def told(chance: random.Random, kind: Kind, sources: dict[str, int]) -> pa.Table:
    """What these sources say, each of some of the same few keys."""
    columns = [column for column in kind.columns if column.name in kind.key]
    keys = [{column.name: value(chance, column) for column in columns} for _ in range(30)]
    keys = [key for key in keys if key[kind.key[0]] is not None][:8]
    rows = [
        {
            **{column.name: value(chance, column) for column in kind.columns},
            **key,
            "source": name,
            "rank": rank,
        }
        for name, rank in sources.items()
        for key in {repr(key): key for key in chance.sample(keys, 6)}.values()
    ]
    return pa.Table.from_pylist(rows, schema=kind.stored.schema)


def fill(history: History, name: str, rows: pa.Table) -> None:
    con = history.database.con  # type: ignore[attr-defined]
    con.register("rows", rows)
    con.execute(f'INSERT INTO "{name}" BY NAME SELECT * FROM rows')
    con.unregister("rows")


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History.open("duckdb://h.duckdb", root=tmp_path) as opened:
        yield opened


def test_what_is_ready_is_what_this_source_makes() -> None:
    assert text(merging.compiled()) == ready.FILE.read_bytes(), "run `python -m scripts.ready`"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_merged_as_the_expression_merges_it(history: History, name: str) -> None:
    kind = TABLES[name]
    fill(history, name, told(random.Random(name), kind, SOURCES))
    by_expression = history.table(name).order_by(list(kind.key)).to_pyarrow()
    found = history.read(name)
    assert 0 < found.num_rows <= 8
    assert found.to_pylist() == by_expression.to_pylist()
    assert found.schema == kind.stored.schema
    rows, connection = history.counting({name: kind.names})
    counted = connection.con.sql(rows[name]).to_arrow_table().to_pylist()
    assert sorted(map(repr, counted)) == sorted(map(repr, found.select(kind.names).to_pylist()))


@pytest.mark.parametrize(
    "merged", [set(), {"test_case_runs"}, {"pipeline_runs"}, {"test_case_runs", "pipeline_runs"}]
)
def test_late_test_case_runs_are_found_as_the_expression_finds_them(
    history: History, merged: set[str]
) -> None:
    chance = random.Random(0)
    for name in ("test_case_runs", "pipeline_runs"):
        rows = told(chance, TABLES[name], SOURCES if name in merged else {"records:a": 30})
        fill(history, name, rows)
    cases, runs = (history.table(name) for name in ("test_case_runs", "pipeline_runs"))
    by_expression = merging.late_cases(cases, runs, NOON).to_pyarrow().to_pylist()
    found = history.cases_after(NOON)
    assert found.num_rows > 0
    assert sorted(map(repr, found.to_pylist())) == sorted(map(repr, by_expression))
    assert found.schema == TABLES["test_case_runs"].stored.schema


def test_after_a_change_to_the_source_expressions_are_asked(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = TABLES["changes"]
    fill(history, "changes", told(random.Random(1), kind, SOURCES))
    before = history.read("changes").to_pylist()
    monkeypatch.setattr(ready, "sql", lambda _name: None)
    assert history.read("changes").to_pylist() == before
    assert history.cases_after(NOON).num_rows == 0


def test_the_file_of_another_source_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    assert read(file, Prepared, "one") is None
    file.write_bytes(text(Prepared(source="one", sql={"a": "SELECT 1"})))
    assert read(file, Prepared, "one") == Prepared(source="one", sql={"a": "SELECT 1"})
    assert read(file, Prepared, "two") is None

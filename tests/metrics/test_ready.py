"""The SQL that is ready is that of this source, for every site; without it figures are the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import ibis
import pytest
from scripts.ready import text
from tests.metrics.support import at, change, deployment, settings, tables

from deploybook.metrics import Engine, compute_arrow, expressions, outliers, ready, running


@pytest.fixture
def of_another_source(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ready, "source", lambda: "another")
    ready.ready.cache_clear()
    yield
    ready.ready.cache_clear()


def test_what_is_ready_is_what_this_source_makes() -> None:
    made = expressions.compiled()
    assert text(made) == ready.FILE.read_bytes(), "run `python -m scripts.ready`"
    assert ready.ready() == made


def test_only_parts_that_say_so_are_others_where_repositories_are_shared() -> None:
    compile = ibis.duckdb.connect().compile
    one, other = (expressions.parts(shared_repositories=shared) for shared in (False, True))
    for name, each in one.items():
        differs = compile(each.table()) != compile(other[name].table())
        assert differs == each.part.by_repository, name
        assert each.part == other[name].part


def test_after_a_change_to_the_source_all_is_compiled_and_the_figures_are_the_same(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    day = at("2026-11-02 10:00")
    rows = tables(deployments=[deployment(id="1", at=day)], changes=[change(id="1", deployed_at=day)])
    chosen = settings()

    def counted(cache: Path) -> tuple[object, ...]:
        engine = Engine(rows, cache=cache)
        return ready.parts(), compute_arrow(engine, chosen).to_pylist(), outliers(engine, chosen).to_pylist()

    before = counted(tmp_path / "before")
    assert list(tmp_path.rglob("*.sql")) == [], "nothing was compiled"
    request.getfixturevalue("of_another_source")
    assert ready.ready() is None
    assert counted(tmp_path / "after") == before
    assert len(list(tmp_path.rglob("*.sql"))) > 5


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for damaged in (None, b"", b"[]", b"{}", ready.FILE.read_bytes()[:-9]):
        if damaged is not None:
            (tmp_path / "ready.json").write_bytes(damaged)
        monkeypatch.setattr(ready, "FILE", tmp_path / "ready.json")
        ready.ready.cache_clear()
        assert ready.ready() is None
        assert ready.sql("deployments") is None
    ready.ready.cache_clear()


def test_counting_loads_nothing_that_compiles() -> None:
    counts = """
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo
from deploybook.metrics import Engine, Settings, compute_arrow, outliers
settings = Settings(ZoneInfo("UTC"), datetime(2026, 11, 2, tzinfo=UTC))
engine = Engine({})
compute_arrow(engine, settings), outliers(engine, settings)
print(*({"ibis", "sqlglot"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", counts], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def test_sql_compiled_by_two_at_the_same_time_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (running.Compiled(str, tmp_path / "sql") for _ in range(2))
    write, written = Path.write_text, []

    def and_then_the_other(path: Path, text: str, encoding: str) -> int:
        written.append(path)
        if len(written) == 1:  # the other one comes in between this one's writing and its putting in place
            write(path, text, encoding)
            monkeypatch.setattr(os, "getpid", lambda: 1)
            other.sql("the same", lambda: "SELECT 1")
            return len(text)
        return write(path, text, encoding)

    monkeypatch.setattr(Path, "write_text", and_then_the_other)
    assert one.sql("the same", lambda: "SELECT 1") == "SELECT 1"
    assert len(set(written)) == 2
    assert one.folder is not None
    assert [path.read_text() for path in one.folder.iterdir()] == ["SELECT 1"]

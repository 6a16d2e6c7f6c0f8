"""Stores that earlier versions wrote are opened, brought up, and read as they were.

`stores/` keeps one for each form that the store ever had, as SQL: the schema's version, then when. They were
written by the program of that time from the same few records.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from tests.history.support import NOON, opened, run, said, synced

from deploybook.history import schema

STORES = sorted((Path(__file__).parent / "stores").glob("*.sql"))


def restored(store: Path, folder: Path) -> None:
    (folder / "h").mkdir()
    with duckdb.connect(folder / "h/history.duckdb") as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute(store.read_text("utf-8"))


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.stem)
def test_an_old_store_is_read_as_it_was(store: Path, tmp_path: Path) -> None:
    restored(store, tmp_path)
    with opened(tmp_path) as history:
        assert said(history, "changes", "id", "author", "labels") == [("1", "ana", ["area/shelf"])]
        assert said(history, "changes", "issues") == [('[{"id":"shop/7","title":"Shelf"}]',)]
        assert said(history, "deployments", "id", "changes", "outcome") == [("5", ["1"], "success")]
        assert said(history, "flag_changes", "state") == [("0.5",)]
        assert said(history, "verdicts", "verdict") == [("pass",)]
        assert history.cursor("records:a") == "as far as nine"
        assert history.sources()[0].last_read == NOON
        assert history.rejected().column("where").to_pylist() == ["history/a.jsonl:9"]


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.stem)
def test_an_old_store_takes_what_is_new_and_is_then_of_today(store: Path, tmp_path: Path) -> None:
    restored(store, tmp_path)
    with opened(tmp_path) as history:
        synced(history, [run(10)])
    with opened(tmp_path, read_only=True) as history:
        assert said(history, "pipeline_runs", "id") == [("10",), ("9",)]
    with duckdb.connect(tmp_path / "h/history.duckdb") as db:
        assert db.execute("SELECT version FROM schema_version").fetchall() == [(schema.known_version(),)]


def test_a_store_of_every_version_is_kept() -> None:
    """Whoever raises the version adds a store of the one before to `stores/`."""
    assert {int(store.stem.partition("-")[0]) for store in STORES} == set(
        range(1, schema.known_version() + 1)
    )

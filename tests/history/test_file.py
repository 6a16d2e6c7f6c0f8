"""The store in a file: who may have it, and what is told when it cannot be used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from tests.history.support import change, everything, opened, run, said, synced

from deploybook.errors import StoreError
from deploybook.history import History, duck, saving


def test_saving_the_same_again_changes_nothing_and_the_file_does_not_grow(tmp_path: Path) -> None:
    records = [run(each) for each in range(20_000)]
    file = tmp_path / "h" / "history.duckdb"
    sizes = []
    for _ in range(6):
        with opened(tmp_path) as history:
            synced(history, records, snapshot=True)
            assert history.read("pipeline_runs").num_rows == 20_000
        sizes.append(file.stat().st_size)
    assert sizes[-1] <= sizes[1]


@pytest.mark.parametrize("held", [0, 4_000, 1 << 30])
def test_rows_are_the_same_whether_they_are_staged_in_memory_or_in_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    monkeypatch.setattr(duck, "HELD", held)
    monkeypatch.setattr(saving, "BATCH", 10)
    with opened(tmp_path) as history:
        for rows in (45, 30):  # the second is merged into the first, and what it does not say goes
            doubled = [run(each % rows, f"said {each}") for each in range(100)]
            synced(history, [*doubled, change("1", body="first"), change("1")], snapshot=True)
            last = {str(each % rows): f"said {each}" for each in range(100)}
            assert said(history, "pipeline_runs", "id", "outcome") == sorted(last.items())
            assert said(history, "changes", "id", "body") == [("1", None)]
            assert [state.rows for state in history.sources()] == [rows + 1]


def test_what_was_staged_and_could_not_be_saved_is_not_saved_with_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as history:
        with monkeypatch.context() as broken:
            broken.setattr(history.database.sql, "merge", lambda _: "MERGE INTO nothing")
            for _ in range(2):
                with pytest.raises(StoreError):
                    history.keep("notices", pa.table({"key": ["lost"]}))
        history.keep("notices", pa.table({"key": ["kept"]}))
        assert history.read_kept("notices")["key"].to_pylist() == ["kept"]


def test_a_field_that_a_record_type_gained_is_added_and_unknown_in_older_rows(tmp_path: Path) -> None:
    with opened(tmp_path) as history:
        synced(history, [change("1", notes="kept")])
    with duckdb.connect(tmp_path / "h" / "history.duckdb") as db:
        db.execute("ALTER TABLE changes DROP COLUMN notes")
        db.execute("DROP TABLE shifts")
    with opened(tmp_path) as history:
        assert said(history, "changes", "id", "notes") == [("1", None)]
        assert said(history, "shifts") == []


def test_a_file_that_is_no_database_is_told_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "history.duckdb").write_bytes(b"not a database " * 4096)
    with pytest.raises(StoreError, match="cannot be opened") as told:
        opened(tmp_path)
    assert "move it away" in told.value.next_step
    assert str(tmp_path) in told.value.where


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    with opened(tmp_path) as history:
        synced(history, [run(each) for each in range(5_000)])
    file = tmp_path / "h" / "history.duckdb"
    whole = file.read_bytes()
    file.write_bytes(whole[: 8192 * 2] + bytes(len(whole) - 8192 * 2))
    with pytest.raises(StoreError), opened(tmp_path) as history:
        everything(history)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "h").mkdir()
    with duckdb.connect(tmp_path / "h" / "history.duckdb") as db:
        db.execute("CREATE TABLE theirs (a INTEGER)")
    with pytest.raises(StoreError, match="not a history"):
        opened(tmp_path)


def test_a_second_process_is_told_that_the_store_is_in_use(tmp_path: Path) -> None:
    held = (
        "import sys\nfrom pathlib import Path\nfrom tests.history.support import opened\n"
        "with opened(Path(sys.argv[1])):\n    print('open', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", held, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StoreError, match="another process is using the history") as told:
            opened(tmp_path)
        assert "wait" in told.value.next_step
        other.communicate()
    with opened(tmp_path) as history:
        assert everything(history) == {}


@pytest.mark.parametrize("url", ["mysql://db/history", "history.duckdb", "duckdb://"])
def test_an_address_that_cannot_be_opened_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError, match="no history that can be opened"):
        History.open(url, root=tmp_path)

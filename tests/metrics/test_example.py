"""The figures of the example organisation, made smaller, against plain SQL over what its site exports."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.metrics import plain

from deploybook.build.book import open_book
from deploybook.build.compose import sync
from deploybook.build.progress import Progress
from deploybook.config import load
from deploybook.example import EXAMPLE_AS_OF, make_example
from deploybook.history import History


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    config = load(make_example(folder / "site", codebases=2, years=1))
    quiet = Progress(quiet=True, verbose=False)
    sync(config, EXAMPLE_AS_OF, progress=quiet)
    with History.open(config.history_url, root=config.root) as history:
        book = open_book(config, history, EXAMPLE_AS_OF, quiet)
    for name, rows in book.tables.items():
        assert isinstance(rows, pa.Table)
        pq.write_table(rows, folder / f"{name}.parquet")
    return folder


def test_plain_sql_over_the_exported_rows_gives_the_same_figures(exported: Path) -> None:
    checked, wrong = plain.compare(exported, "Europe/Berlin")
    assert wrong == []
    assert checked > 500


def test_a_deployment_left_out_is_found_out(exported: Path, tmp_path: Path) -> None:
    for name in ("changes", "deployments", "incidents", "metrics"):
        table = pq.read_table(exported / f"{name}.parquet")
        if name == "deployments":
            table = table.filter(pc.field("counted") & (pc.field("outcome") == "success")).slice(1)
        pq.write_table(table, tmp_path / f"{name}.parquet")
    assert plain.compare(tmp_path, "Europe/Berlin")[1] != []

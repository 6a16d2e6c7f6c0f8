"""What a build does not load: it takes longer to load than a build with nothing new takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

READS = """
import sys
from pathlib import Path
import pyarrow as pa
import deploybook.build.compose
from deploybook.history import History
from deploybook.metrics import INPUTS, Engine

with History.open("duckdb://history.duckdb", root=Path(sys.argv[1])) as history:
    for name in history.tables():
        assert history.read(name).num_rows == 0
    assert history.sources() == [] and history.rejected().num_rows == 0
    assert not any(history.keeps(name) for name in ("published", "notices", "answers"))
    rows, connection = history.counting({name: list(INPUTS[name]) for name in ("verdicts", "coverage")})
    assert not Engine(rows, connection).filled("coverage")
print(*({"pandas", "ibis", "sqlglot"} & set(sys.modules)))
print(type(pa.table({"a": [1]}).to_pandas()).__name__)
"""


def test_a_history_is_read_without_what_takes_long_to_load_and_pandas_is_there_for_who_asks(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", READS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["", "DataFrame"]

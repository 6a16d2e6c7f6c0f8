"""DuckDB's SQL of merged tables, as `ready.json` has it: see `deploybook.prepared`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from deploybook import records
from deploybook.prepared import Prepared, digest, read

FILE = Path(__file__).with_name("ready.json")
CASES = "late cases"
"""The name of the statement of test case runs later than an instant; of tables it is the table's."""


@cache
def source() -> str:
    """The source of this package and of the records that it keeps, as a digest."""
    return digest([*Path(__file__).parent.glob("*.py"), Path(records.__file__)])


@cache
def _ready() -> Prepared | None:
    return read(FILE, Prepared, source())


def sql(name: str) -> str | None:
    """A statement by its name; `None` where it has to be compiled."""
    found = _ready()
    return found.sql.get(name) if found is not None else None

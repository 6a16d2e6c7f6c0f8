"""What is counted, with the SQL that counts it in DuckDB, from `ready.json`: see `deploybook.prepared`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from deploybook.metrics.part import Part
from deploybook.prepared import Prepared, digest, read

FILE = Path(__file__).with_name("ready.json")
OUTLIERS = "outliers"
"""The name that changes and deployments out of the ordinary are looked for under."""


class Ready(Prepared, frozen=True):
    """The file: every part of the metrics, and the SQL of each expression by the name that it runs under."""

    parts: tuple[Part, ...]


@cache
def source() -> str:
    """This package's source, as a digest."""
    return digest(Path(__file__).parent.glob("*.py"))


@cache
def ready() -> Ready | None:
    """What the file says; `None` where it is of another source."""
    return read(FILE, Ready, source())


def parts() -> tuple[Part, ...]:
    """Every part of the metrics."""
    found = ready()
    if found is not None:
        return found.parts
    from deploybook.metrics import expressions  # noqa: PLC0415 - it loads Ibis

    return tuple(each.part for each in expressions.parts(shared_repositories=False).values())


def sql(name: str) -> str | None:
    """DuckDB's SQL of the expression that runs under a name; `None` where it has to be compiled."""
    found = ready()
    return found.sql.get(name) if found is not None else None

"""What the store asks of an engine that keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from deploybook.history.columns import Kind, Layout
from deploybook.history.sql import Sql

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class Merged:
    """A record type of which several sources tell the same rows.

    Args:
        kind: Which.
        order: The sources, as `merging.standing` numbers them.
    """

    kind: Kind
    order: Mapping[str, int]


class Database(Protocol):
    """A connection: statements, rows in bulk as Arrow, and Ibis on the same data."""

    where: str
    """What to call it in a message: a path, or an address without its password."""
    elsewhere: str
    """What to do where what is there cannot be used: as in `move the file away`."""
    sql: Sql
    """The engine's statements."""
    cramped: tuple[type[Exception], ...]
    """Errors after which a save is tried once more, with `roomier`."""

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement with parameters `$1` and on; its rows."""
        ...

    def run(self, statements: Sequence[str]) -> None:
        """Run statements in their order."""
        ...

    def stage(self, layout: Layout) -> None:
        """Begin to stage rows of a layout, in bulk: none is staged."""
        ...

    def append(self, layout: Layout, rows: pa.Table) -> None:
        """Stage more of them: all columns, and `seq`, the order in which they came."""
        ...

    def ready(self, layout: Layout) -> None:
        """All is staged: leave the last row of each key, so that statements may name what is left."""
        ...

    def unstage(self, layout: Layout) -> None:
        """Drop what is staged."""
        ...

    def read(self, laid: Layout | Merged, order: Sequence[str] = ()) -> pa.Table:
        """All rows of a table of the store, by these columns."""
        ...

    def late_cases(self, cases: Layout | Merged, runs: Layout | Merged, instant: datetime) -> pa.Table:
        """The test case runs later than an instant, as `merging.late_cases` finds them."""
        ...

    def table(self, laid: Layout | Merged) -> ibis.Table:
        """A table of the store for Ibis."""
        ...

    def batches(self, rows: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Run an expression and stream its rows."""
        ...

    def counting(
        self, rows: Mapping[str, tuple[ibis.Table | Layout | Merged, Sequence[str]]]
    ) -> tuple[dict[str, Any], Any]:
        """Rows for metrics to count, by name, with the columns that are looked at.

        Returns:
            SQL on a connection, and that connection; or streams of Arrow, and `None`.
        """
        ...

    def saving(self) -> AbstractContextManager[None]:
        """While much is saved: the engine's settings for it."""
        ...

    def roomier(self) -> None:
        """Let a save take more memory."""
        ...

    def claim(self, name: str) -> AbstractContextManager[bool]:
        """Keep a feed to this program; false where another has it. What one has, it may claim again."""
        ...

    def alone(self) -> None:
        """Within a transaction: wait until no other program makes or migrates tables."""
        ...

    def told(self) -> AbstractContextManager[None]:
        """The engine's errors as `StoreError`."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...

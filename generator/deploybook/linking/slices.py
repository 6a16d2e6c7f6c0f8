"""The rows of a table by codebase, without making records of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc


def by_codebase(
    table: pa.Table | None, codebase_of: Callable[[str | None], str | None]
) -> dict[str, pa.Table]:
    """The rows of each configured codebase, in their order.

    Args:
        table: With a column `codebase`; none: there are no rows.
        codebase_of: Which codebase a name means; none: its rows are left out.
    """
    if table is None or not table.num_rows:
        return {}
    table = table.combine_chunks()
    spelled = pc.dictionary_encode(table["codebase"].combine_chunks())
    meant = [codebase_of(name) for name in spelled.dictionary.to_pylist()]
    names = sorted({name for name in meant if name is not None})
    numbers = {name: number for number, name in enumerate(names)}
    number_of = pa.array([None if name is None else numbers[name] for name in meant], pa.int32())
    column = pc.take(number_of, spelled.indices)
    order = pc.sort_indices(column)  # equal ones stay in their order; what is of no codebase comes last
    counts = {row["values"]: row["counts"] for row in pc.value_counts(column).to_pylist()}
    found, start = {}, 0
    for number, name in enumerate(names):
        size = counts.get(number, 0)
        if size:
            found[name] = table.take(order.slice(start, size))
        start += size
    return found


def print_of(tables: Mapping[str, pa.Table | None]) -> bytes:
    """A digest of tables: names, columns, types and every value."""
    digest = blake2b()
    for name, table in sorted(tables.items()):
        sink = pa.BufferOutputStream()
        if table is not None:
            with pa.ipc.new_stream(sink, table.schema) as stream:
                stream.write_table(table.combine_chunks())
        content = sink.getvalue()
        digest.update(f"{name} {content.size}\0".encode())
        digest.update(content)
    return digest.digest()

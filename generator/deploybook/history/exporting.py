"""The history as files: JSONL that can be read in again, CSV for spreadsheets, Parquet as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from deploybook.history.columns import Kind, line_writer

if TYPE_CHECKING:
    import ibis

Format = Literal["jsonl", "csv", "parquet"]
Write = Callable[[pa.RecordBatch], None]
Batches = Callable[[Any], Iterable[pa.RecordBatch]]

FORMULA = "^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""Beginnings that spreadsheets take for a formula, the full-width ones among them."""

INSTANT = "%Y-%m-%dT%H:%M:%SZ"


def export(kind: Kind, rows: ibis.Table, batches: Batches, out: Path, form: Format) -> Path:
    """Write one table, streaming.

    Args:
        kind: The record type.
        rows: Its rows, merged.
        batches: Runs an expression and streams its rows.
        out: A folder that exists.
        form: Which kind of file.

    Returns:
        The file: `changes.jsonl` in `out`.
    """
    path = out / f"{kind.table}.{form}"
    with _WRITERS[form](kind, path) as write:
        for batch in batches(rows.select(*kind.names).order_by(list(kind.key))):
            write(batch)
    return path


@contextmanager
def _jsonl(kind: Kind, path: Path) -> Iterator[Write]:
    line = line_writer(kind)
    with path.open("wb") as file:

        def write(batch: pa.RecordBatch) -> None:
            file.writelines(line(row) + b"\n" for row in batch.to_pylist())

        yield write


@contextmanager
def _csv(kind: Kind, path: Path) -> Iterator[Write]:
    schema = pa.schema([(column.name, _plain(pa.array([], column.arrow)).type) for column in kind.columns])
    with pyarrow.csv.CSVWriter(path, schema) as writer:

        def write(batch: pa.RecordBatch) -> None:
            writer.write_batch(pa.RecordBatch.from_arrays(list(map(_plain, batch.columns)), schema=schema))

        yield write


@contextmanager
def _parquet(kind: Kind, path: Path) -> Iterator[Write]:
    with pyarrow.parquet.ParquetWriter(path, kind.schema, compression="zstd") as writer:

        def write(batch: pa.RecordBatch) -> None:
            writer.write_batch(batch.cast(kind.schema))

        yield write


_WRITERS: dict[Format, Callable[[Kind, Path], AbstractContextManager[Write]]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "parquet": _parquet,
}


def _plain(values: pa.Array) -> pa.Array:
    """A column as CSV has it: RFC 3339 instants, lists as JSON, text guarded against spreadsheets."""
    if pa.types.is_timestamp(values.type):
        return _instants(values)
    if pa.types.is_list(values.type):
        return pa.array(_lists(values.to_pylist()), pa.string())
    if pa.types.is_string(values.type):
        guarded = pc.binary_join_element_wise("'", values, "")
        return pc.if_else(pc.match_substring_regex(values, FORMULA), guarded, values)
    return values


def _instants(values: pa.Array) -> pa.Array:
    """Whole seconds without a fraction, others with six digits."""
    whole = pc.cast(values, pa.timestamp("s", tz="UTC"), safe=False)
    exact = pc.equal(pc.cast(whole, values.type), values)
    return pc.if_else(exact, pc.strftime(whole, INSTANT), pc.strftime(values, INSTANT))


def _lists(values: Iterable[list[str] | None]) -> Iterator[str | None]:
    for value in values:
        yield None if value is None else msgspec.json.encode(value).decode()

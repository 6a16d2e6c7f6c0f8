"""The history's Arrow tables as records again, those of one codebase together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import pyarrow as pa

from deploybook.linking.values import values
from deploybook.records import KEYS, Cause, IssueLink, Reason, Record, Said, Stage

Kind = TypeVar("Kind", bound=Record)

_NESTED: dict[str, Any] = {
    "caused_by": msgspec.json.Decoder(tuple[Cause, ...]),
    "forced": msgspec.json.Decoder(Said),
    "issues": msgspec.json.Decoder(tuple[IssueLink, ...]),
    "override": msgspec.json.Decoder(Said),
    "reasons": msgspec.json.Decoder(tuple[Reason, ...]),
    "stages": msgspec.json.Decoder(tuple[Stage, ...]),
}


def read(tables: Mapping[str, pa.Table], name: str, kind: type[Kind]) -> list[Kind]:
    """The records of a table, one a key; none where there is no such table.

    Columns that are missing are unknown. Of rows with one key the first stands, whatever the order of the
    others: keys are what the history keeps apart.
    """
    table = tables.get(name)
    if table is None or not table.num_rows:
        return []
    fields = [
        (field, encoded)
        for field, encoded in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
        if encoded in table.column_names
    ]
    columns = [_column(encoded, table.column(encoded)) for _, encoded in fields]
    names = [field for field, _ in fields]
    key = [names.index(part) for part in KEYS[kind] if part in names]
    found: dict[tuple[Any, ...], Kind] = {}
    for row in zip(*columns, strict=True):
        of = tuple(row[part] for part in key)
        if of not in found:
            found[of] = kind(**dict(zip(names, row, strict=True)))
    return list(found.values())


def _column(name: str, column: pa.ChunkedArray) -> list[Any]:
    found = values(column)
    if name in _NESTED and not pa.types.is_boolean(column.type):  # a shift's `override` is a plain yes or no
        decoder = _NESTED[name]
        return [None if value is None else decoder.decode(value) for value in found]
    return found

"""Columns of Arrow tables as values of Python, in a fraction of the time that Arrow takes for instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OF_A_MICROSECOND = pa.timestamp("us", tz="UTC")


def values(column: pa.ChunkedArray) -> list[Any]:
    """The values of a column, as `to_pylist` gives them; lists as tuples.

    Arrow makes each instant by way of a time zone's rules; those in UTC have none.
    """
    if column.type == _OF_A_MICROSECOND:
        numbers = column.cast(pa.int64()).to_pylist()
        return [None if n is None else _EPOCH + timedelta(microseconds=n) for n in numbers]
    found: list[Any] = column.to_pylist()
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return [None if value is None else tuple(value) for value in found]
    return found

"""Record structs as columns: one table a record type, and the way from structs to Arrow.

Words and numbers are what they are; instants are UTC; lists of words are arrays; structs and lists of structs
are JSON text, since no two engines nest alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from deploybook.records import KEYS, KINDS, Record

Shape = Literal["text", "words", "json", "instant", "date", "integer", "real", "flag", "share"]

ARROW: dict[Shape, pa.DataType] = {
    "text": pa.string(),
    "words": pa.list_(pa.string()),
    "json": pa.string(),
    "instant": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "integer": pa.int64(),
    "real": pa.float64(),
    "flag": pa.bool_(),
    "share": pa.string(),
}

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
"""Beyond these an instant has no date in some time zone, and whoever reads it later would fail on it."""

_SINGULAR = {"coverage", "availability"}

_SHAPES: tuple[tuple[type[msgspec.inspect.Type], Shape], ...] = (
    (msgspec.inspect.StrType, "text"),
    (msgspec.inspect.LiteralType, "text"),
    (msgspec.inspect.DateTimeType, "instant"),
    (msgspec.inspect.DateType, "date"),
    (msgspec.inspect.BoolType, "flag"),
    (msgspec.inspect.IntType, "integer"),
    (msgspec.inspect.FloatType, "real"),
    (msgspec.inspect.StructType, "json"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a record type as it is stored."""

    name: str
    """As in JSON: `from`."""
    field: str
    """As in Python: `from_`."""
    shape: Shape

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type."""
        return ARROW[self.shape]


PROVENANCE = (Column("source", "source", "text"), Column("rank", "rank", "integer"))


@dataclass(frozen=True)
class Layout:
    """A table as it is kept."""

    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """Names of the key's columns. Null equals null."""
    one_by_one: bool = field(default=False, kw_only=True)
    """A small table whose rows are written singly, never staged."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def schema(self) -> pa.Schema:
        """The columns as an Arrow schema."""
        return pa.schema([(column.name, column.arrow) for column in self.columns])


@dataclass(frozen=True)
class Kind(Layout):
    """A record type as a table. The first column of the key is never null."""

    tag: str
    """The record's `type` in JSON."""
    record: type[Record]

    @property
    def stored(self) -> Layout:
        """The same with what the store adds: which source said it, and the source's rank."""
        return Layout(self.table, (*self.columns, *PROVENANCE), ("source", *self.key))


def _shape(found: msgspec.inspect.Type) -> Shape:
    if isinstance(found, msgspec.inspect.Metadata):
        return _shape(found.type)
    if isinstance(found, msgspec.inspect.UnionType):
        known = [each for each in found.types if not isinstance(each, msgspec.inspect.NoneType)]
        return _shape(known[0]) if len(known) == 1 else "share"
    if isinstance(found, msgspec.inspect.VarTupleType):
        return "words" if _shape(found.item_type) == "text" else "json"
    return next(shape for kind, shape in _SHAPES if isinstance(found, kind))


def _kind(tag: str, record: type[Record]) -> Kind:
    described = msgspec.inspect.type_info(record)
    assert isinstance(described, msgspec.inspect.StructType)
    columns = tuple(Column(each.encode_name, each.name, _shape(each.type)) for each in described.fields)
    names = {column.field: column.name for column in columns}
    table = tag if tag in _SINGULAR else f"{tag}s"
    return Kind(table, columns, tuple(names[field] for field in KEYS[record]), tag, record)


def layout(table: str, key: tuple[str, ...], /, *, one_by_one: bool = False, **shapes: Shape) -> Layout:
    """A table that is not of records, from the shapes of its columns by name."""
    columns = tuple(Column(name, name, shape) for name, shape in shapes.items())
    return Layout(table, columns, key, one_by_one=one_by_one)


TABLES: dict[str, Kind] = {kind.table: kind for kind in (_kind(tag, record) for tag, record in KINDS.items())}
"""Every record type by the name of its table, as `pipeline_runs`."""


@cache
def kind_of(record: type[Record]) -> Kind:
    """The table in which records of this type are kept."""
    return next(kind for kind in TABLES.values() if kind.record is record)


class UnfitError(ValueError):
    """A record holds a value that no column can keep."""


def to_arrow(kind: Kind, records: Sequence[Record]) -> pa.Table:
    """Turn records of one type into a table, one row each, in their order.

    Text that is not Unicode (half a surrogate pair) has the broken character replaced; so has text with a
    character of code 0, which not every engine can keep.

    Raises:
        UnfitError: A number is beyond 64 bits, or an instant beyond the years 1 to 9999.
    """
    return pa.table({column.name: _array(column, records) for column in kind.columns})


def _array(column: Column, records: Sequence[Record]) -> pa.Array:
    values: list[Any] = list(map(attrgetter(column.field), records))
    if column.shape == "json":
        values = [None if value is None else _json(value) for value in values]
    elif column.shape == "share":
        values = [None if value is None else str(value) for value in values]
    try:
        array = pa.array(values, column.arrow)
    except UnicodeEncodeError:
        array = pa.array([_clean(value) for value in values], column.arrow)
    except (OverflowError, pa.ArrowInvalid) as error:
        raise UnfitError(f"`{column.name}` is beyond what can be kept: {error}") from error
    if column.shape == "instant":
        _bounded(column, array)
    return array if column.shape not in ("text", "words") else without_zeros(array)


def without_zeros(text: pa.Array) -> pa.Array:
    """Text, or lists of text, with the replacement character for those of code 0."""
    words = text.flatten() if pa.types.is_list(text.type) else text
    if not pc.any(pc.match_substring(words, "\0")).as_py():
        return text
    return pa.array([_clean(value) for value in text.to_pylist()], text.type)


def _bounded(column: Column, instants: pa.Array) -> None:
    span = pc.min_max(instants)
    first, last = (span[end].cast(pa.int64()).as_py() for end in ("min", "max"))
    if first is not None and (first < _micros(EARLIEST) or last > _micros(LATEST)):
        raise UnfitError(f"`{column.name}` is beyond the years 1 to 9999")


def _micros(instant: datetime) -> int:
    return int(pa.scalar(instant, ARROW["instant"]).cast(pa.int64()).as_py())


_encode = msgspec.json.Encoder().encode


def _json(value: Any) -> str:
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        return _encode(_clean(msgspec.to_builtins(value))).decode()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    if isinstance(value, (list, tuple)):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items()}
    return value


def line_writer(kind: Kind) -> Callable[[dict[str, Any]], bytes]:
    """A function from a row of the kind's table to the record's line of JSONL, without the newline.

    Unknown fields are left out. What it writes, `records.parse` reads.
    """
    plain = [column.name for column in kind.columns if column.shape not in ("json", "share")]
    nested = [column.name for column in kind.columns if column.shape == "json"]
    shares = [column.name for column in kind.columns if column.shape == "share"]

    def write(row: dict[str, Any]) -> bytes:
        line: dict[str, Any] = {"type": kind.tag}
        line |= {name: row[name] for name in plain if row[name] is not None}
        line |= {name: msgspec.Raw(row[name].encode()) for name in nested if row[name] is not None}
        line |= {name: _number(row[name]) for name in shares if row[name] is not None}
        return _encode(line)

    return write


def _number(share: str) -> str | float:
    return share if share in ("on", "off") else float(share)

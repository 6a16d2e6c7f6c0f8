"""The history as partitioned Parquet in a folder or an object store, for engines of many machines.

Below the address: `<table>/part=<digest of the source>/<state>.parquet`. The state is a word that the store
gives a source with each save, so no file is written over: a source that said nothing new keeps its files, and
whoever is reading the ones before can end in peace. They are removed by the second run after.
"""

from __future__ import annotations

import hashlib
import posixpath
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

from deploybook.errors import StoreError
from deploybook.history.columns import TABLES
from deploybook.history.store import History

_SPARK = {"s3": "s3a", "gcs": "gs"}
"""Schemes that Spark knows under another name."""

ROW_GROUP = 250_000
"""Rows that one task reads at least."""


@dataclass(frozen=True)
class Laid:
    """A table as it lies there."""

    schema: pa.Schema
    key: tuple[str, ...]
    files: tuple[str, ...]
    """Addresses as the engine opens them; of several sources, where there is more than one."""
    ranks: Mapping[str, int]
    """The rank of each source that has rows in it."""


class Lake:
    """Tables in a folder or an object store.

    Args:
        url: A folder, or an address as `s3://bucket/deploybook`, that the engine's machines reach too.
        root: The folder that a relative path starts from.

    Raises:
        StoreError: It is no address, or it cannot be reached.
    """

    def __init__(self, url: str, root: Path) -> None:
        self.where = url if "://" in url else str((root / url).resolve())
        try:
            self._files, self._base = pyarrow.fs.FileSystem.from_uri(self.where)
        except (pa.ArrowException, OSError) as error:
            raise StoreError(
                f"this place for tables cannot be reached: {error}",
                where=self.where,
                next_step="write a folder, or an address as s3://bucket/folder, in `engine: {tables: …}`",
            ) from error
        scheme, found, rest = self.where.partition("?")[0].rstrip("/").partition("://")
        self._shown = f"{_SPARK.get(scheme, scheme)}://{rest}" if found else f"file://{self._base}"

    def address(self, path: str) -> str:
        """A path in the store as Spark writes it."""
        return self._shown + path.removeprefix(self._base)

    def lay(self, history: History, names: Iterable[str]) -> dict[str, Laid]:
        """Bring tables up to what the history holds; of what changed, whole sources are written anew.

        Raises:
            StoreError: The history cannot be read or the files cannot be written.
        """
        states = history.states()
        try:
            return {name: self._lay(history, name, states) for name in names}
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"tables cannot be written: {error}",
                where=self.where,
                next_step="see that there is room, and that this user may write there",
            ) from error

    def _lay(self, history: History, name: str, states: Mapping[str, tuple[int, str]]) -> Laid:
        kind = TABLES[name]
        files: list[str] = []
        ranks: dict[str, int] = {}
        current: set[str] = set()
        there = self._listed(name)
        for source, (rank, state) in states.items():
            part = f"{self._base}/{name}/part={hashlib.sha256(source.encode()).hexdigest()[:24]}"
            path, none = f"{part}/{state}.parquet", f"{part}/_{state}.empty"
            current |= {path, none}
            if path not in there and none not in there:
                wrote = self._write(path, kind.stored.schema, history.kept_of(name, source))
                if not wrote:
                    self._files.create_dir(part, recursive=True)
                    self._files.open_output_stream(none).close()
                    continue
            if none not in there:
                files.append(self.address(path))
                ranks[source] = rank
        self._tidy(name, there, current)
        return Laid(kind.stored.schema, kind.key, tuple(files), ranks)

    def _write(self, path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> bool:
        """Write rows under another name first; false where there are none, and nothing is left then."""
        folder = posixpath.dirname(path)
        new = f"{folder}/_{uuid.uuid4().hex}.new"
        self._files.create_dir(folder, recursive=True)
        rows = 0
        with pq.ParquetWriter(new, schema, filesystem=self._files, compression="zstd") as writer:
            for group in _grouped(batches, schema):
                writer.write_table(group)
                rows += group.num_rows
        if rows:
            self._files.move(new, path)
        else:
            self._files.delete_file(new)
        return bool(rows)

    def put(self, folder: str, name: str, rows: pa.Table) -> str:
        """Write a table of this run; the address as Spark opens it."""
        path = f"{self._base}/{folder}/{name}.parquet"
        self._files.create_dir(posixpath.dirname(path), recursive=True)
        pq.write_table(rows, path, filesystem=self._files, compression="zstd")
        return self.address(path)

    def drop(self, folder: str) -> None:
        """Remove what a run has put there."""
        self._files.delete_dir(f"{self._base}/{folder}")

    def _listed(self, name: str) -> set[str]:
        chosen = pyarrow.fs.FileSelector(f"{self._base}/{name}", allow_not_found=True, recursive=True)
        return {info.path for info in self._files.get_file_info(chosen) if info.is_file}

    def _tidy(self, name: str, there: set[str], current: set[str]) -> None:
        """Mark what is no longer current, and remove what an earlier run has marked."""
        mark = f"{self._base}/{name}/_old"
        old = there - current - {mark}
        marked: set[str] = set()
        if mark in there:
            with self._files.open_input_stream(mark) as file:
                marked = set(file.read().decode().splitlines())
        for path in old & marked:
            self._files.delete_file(path)
        if old - marked or old & marked:
            with self._files.open_output_stream(mark) as file:
                file.write("\n".join(sorted(old - marked)).encode())


def _grouped(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Batches put together to what is worth a row group."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch.cast(schema))
        if sum(each.num_rows for each in waiting) >= ROW_GROUP:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)

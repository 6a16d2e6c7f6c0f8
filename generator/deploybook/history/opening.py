"""Opening the file of a history, and what is said when that or its use fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import ibis

from deploybook.errors import StoreError


@contextmanager
def told(where: str) -> Iterator[None]:
    """The engine's errors as ours.

    Raises:
        StoreError: Instead of DuckDB's own error.
    """
    try:
        yield
    except duckdb.Error as error:
        raise StoreError(
            f"the history cannot be read or written: {_first_line(error)}",
            where=where,
            next_step="free disk space or mend the file's permissions; if the file is damaged, move it "
            "away and sync again: sources are read anew",
        ) from error


@contextmanager
def written(out: Path) -> Iterator[None]:
    """The system's errors on writing files as ours.

    Raises:
        StoreError: Instead of `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the files cannot be written: {error.strerror or error}",
            where=str(out),
            next_step="name a folder that can be written, on a disk with room",
        ) from error


def path_of(url: str, root: Path) -> Path:
    """The file that a `duckdb://` URL names; a relative path starts from `root`.

    Raises:
        StoreError: The URL is another one.
    """
    scheme, found, rest = url.partition("://")
    if not found or scheme != "duckdb" or not rest:
        raise StoreError(
            "this is no history that can be opened",
            where=url,
            next_step="write `history: duckdb://build/history.duckdb` with the path of a file",
        )
    return (root / rest).resolve()


def connect(path: Path, *, read_only: bool) -> Any:
    """An Ibis connection to the file, in UTC.

    Raises:
        StoreError: The file is missing, in use, or not readable.
    """
    if read_only and not path.exists():
        raise StoreError("there is no history yet", where=str(path), next_step="run `deploybook sync`")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = ibis.duckdb.connect(path, read_only=read_only)
        connection.con.execute("SET TimeZone = 'UTC'")
    except (duckdb.Error, OSError) as error:
        says = _first_line(error)
        if "lock" in says.lower():
            raise StoreError(
                f"another process is using the history: {says}",
                where=str(path),
                next_step="wait until it has ended and try again",
            ) from error
        raise StoreError(
            f"the history cannot be opened: {says}",
            where=str(path),
            next_step="if the file is damaged or no history, move it away and sync again: sources are read "
            "anew",
        ) from error
    return connection


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

"""Which engine an address of a history is for."""

from __future__ import annotations

from pathlib import Path

from deploybook.errors import StoreError
from deploybook.history.database import Database


def database(url: str, root: Path, *, read_only: bool) -> Database:
    """Connect to what the address names.

    Args:
        url: As `history:` in the configuration.
        root: The folder that a relative path in the URL starts from.
        read_only: Nothing is to be made.

    Raises:
        StoreError: The address is of no engine that we know, or it cannot be opened.
    """
    if url.startswith(("postgres://", "postgresql://")):
        from deploybook.history.postgres import Postgres  # noqa: PLC0415 — an extra

        return Postgres(url, read_only=read_only)
    from deploybook.history.duck import Duck  # noqa: PLC0415

    return Duck(path_of(url, root), read_only=read_only)


def path_of(url: str, root: Path) -> Path:
    """The file that a `duckdb://` URL names; a relative path starts from `root`.

    Raises:
        StoreError: The URL is another one.
    """
    scheme, found, rest = url.partition("://")
    if not found or scheme != "duckdb" or not rest:
        shown = f"{scheme}://" if found else "history:"
        raise StoreError(
            "this is no history that can be opened",
            where=shown,
            next_step="write `history: duckdb://build/history.duckdb` with the path of a file, or "
            "`history: postgres://user@host/database`",
        )
    return (root / rest).resolve()

"""What is said when files cannot be written, and how an engine's own words are shortened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploybook.errors import StoreError


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


def first_line(error: Exception) -> str:
    """The first line of what an error says."""
    return str(error).strip().partition("\n")[0]

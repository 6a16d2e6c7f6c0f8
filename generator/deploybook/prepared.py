"""SQL that was compiled once from the program's own source, for all sites, in a file beside it.

Compiling takes longer than most histories take to count, and loading what compiles them takes a second; yet
the result is the same for every site. `python -m scripts.ready` writes these files. Each holds for the very
source that it was made from: after a change to it all is compiled as it is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A file of statements.

    Args:
        source: Of which source it is, as `digest` tells it.
        sql: Each statement by its name.
    """

    source: str
    sql: dict[str, str]


_File = TypeVar("_File", bound=Prepared)


def digest(paths: Iterable[Path]) -> str:
    """What these files say, shortly."""
    found = hashlib.sha256()
    for path in sorted(paths):
        found.update(path.read_bytes())
    return found.hexdigest()[:24]


def read(file: Path, kind: type[_File], source: str) -> _File | None:
    """What the file says; `None` where it is not there, damaged, or of another source."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        return None
    return found if found.source == source else None

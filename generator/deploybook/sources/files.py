"""Files that a source reads: found by a pattern, and known again by size, time and digest."""

from __future__ import annotations

import glob
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from deploybook.errors import SourceError


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was when it was looked at: `name` as the glob found it, time in nanoseconds."""

    name: str
    size: int
    modified: int
    digest: str


def look_at(pattern: str, root: Path, before: dict[str, File]) -> list[File]:
    """The files of a pattern, in the order of their names; a folder stands for all files in it.

    One whose size and time are as before is not read again for its digest.

    Args:
        pattern: A glob, relative to `root` unless absolute; `**` crosses folders.
        root: The folder of the configuration.
        before: What was found the last time, by name.

    Raises:
        SourceError: One cannot be read.
    """
    if (root / pattern).is_dir():
        pattern = f"{pattern.rstrip('/')}/**/*"
    names = sorted(glob.glob(pattern, root_dir=root, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    found = []
    for name in names:
        try:
            if not (root / name).is_file():
                continue
            stat = (root / name).stat()
            known = before.get(name)
            if known is None or (known.size, known.modified) != (stat.st_size, stat.st_mtime_ns):
                with (root / name).open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                known = File(name, stat.st_size, stat.st_mtime_ns, digest)
        except OSError as error:
            raise unreadable(name, error) from error
        found.append(known)
    return found


def unreadable(name: str, error: OSError) -> SourceError:
    """What is said of a file that cannot be read."""
    return SourceError(
        f"the file cannot be read: {error.strerror}", where=name, next_step="Make it readable."
    )


def nothing_found(kind: str, pattern: str) -> SourceError:
    """What is said where a pattern finds no file."""
    return SourceError(
        "no file matches", where=f"{kind}: {pattern}", next_step="Check the pattern, or write the file."
    )


def same(files: list[File], before: dict[str, File]) -> bool:
    """Whether names and contents are as they were."""
    return {(file.name, file.digest) for file in files} == {
        (file.name, file.digest) for file in before.values()
    }


def to_cursor(files: list[File]) -> str:
    """The files as text, for a cursor."""
    return json.dumps([[file.name, file.size, file.modified, file.digest] for file in files])


def of_cursor(cursor: str | None) -> dict[str, File]:
    """The files of a cursor, by name; none where it cannot be read."""
    try:
        return {row[0]: File(*row) for row in json.loads(cursor or "[]")}
    except (ValueError, TypeError, IndexError, KeyError):
        return {}


def lines_kept(path: Path, file: File) -> int | None:
    """How many whole lines a file held when it was looked at; `None` where it no longer begins with them.

    Raises:
        OSError: It cannot be read.
    """
    digest, left, last, count = hashlib.sha256(), file.size, b"\n", 0
    with path.open("rb") as stream:
        while left and (block := stream.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
            count += block.count(b"\n")
            last = block[-1:]
    return count if left == 0 and last == b"\n" and digest.hexdigest() == file.digest else None


def lines(
    stream: BinaryIO, longest: int, number: int = 0, left: int = sys.maxsize
) -> Iterator[tuple[int, bytes | None]]:
    """Number and content of each line that is not blank; `None` for one of more bytes than `longest`.

    Args:
        stream: Read from where it stands.
        longest: Bytes of a line.
        number: How many lines are before.
        left: Bytes after which nothing more is read.
    """
    while line := stream.readline(min(longest + 1, left)):
        number += 1
        left -= len(line)
        if len(line) > longest:
            while line and not line.endswith(b"\n"):
                line = stream.readline(min(longest, left))
                left -= len(line)
            yield number, None
            continue
        line = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if line:
            yield number, line

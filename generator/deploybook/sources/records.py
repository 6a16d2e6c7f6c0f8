"""Record files: the universal way in, one JSON object a line."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import msgspec

from deploybook.errors import SourceError
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.records import Record, RecordError, parse

LONGEST_LINE = 8 << 20
"""A line of more bytes is set aside unread."""

CodebaseOf = Callable[[str], str | None]
"""What a name of other systems is called in the configuration; `None` where it is not known."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it was when it was looked at: `name` as the glob found it, time in nanoseconds."""

    name: str
    size: int
    modified: int
    digest: str


def feed(pattern: str, root: Path, codebase_of: CodebaseOf) -> Feed:
    """The feed of the files that a glob finds, in the order of their names; each pull tells all of them.

    Args:
        pattern: A glob, relative to `root` unless absolute; `**` crosses folders.
        root: The folder of the configuration.
        codebase_of: Puts the configuration's name in place of another; a name it does not know stands.
    """

    def pull(ask: Ask) -> Iterator[Item]:
        before = _saved(ask.cursor)
        files = _looked_at(pattern, root, before)
        if before and {(file.name, file.digest) for file in files} == {
            (file.name, file.digest) for file in before.values()
        }:
            yield Unchanged()
            return
        known = lru_cache(maxsize=10_000)(codebase_of)
        for done, file in enumerate(files):
            ask.progress(f"records {pattern}", done, len(files))
            yield from _records(root / file.name, file.name, known)
        yield Cursor(json.dumps([[file.name, file.size, file.modified, file.digest] for file in files]))

    return Feed(f"records:{pattern}", RECORDS, pull, snapshot=True)


def _looked_at(pattern: str, root: Path, before: dict[str, _File]) -> list[_File]:
    """The files of the glob; one whose size and time are as before is not read again for its digest.

    Raises:
        SourceError: There is none, or one cannot be read.
    """
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
                known = _File(name, stat.st_size, stat.st_mtime_ns, digest)
        except OSError as error:
            raise SourceError(
                f"the file cannot be read: {error.strerror}", where=name, next_step="Make it readable."
            ) from error
        found.append(known)
    if not found:
        raise SourceError(
            "no file matches", where=f"records: {pattern}", next_step="Check the pattern, or write the file."
        )
    return found


def _records(path: Path, name: str, codebase_of: CodebaseOf) -> Iterator[Record | Rejected]:
    try:
        with path.open("rb") as stream:
            for number, line in _lines(stream):
                if line is None:
                    yield Rejected(f"{name}:{number}", f"the line is longer than {LONGEST_LINE} bytes", "")
                    continue
                try:
                    yield _called(parse(line), codebase_of)
                except RecordError as error:
                    yield Rejected(f"{name}:{number}", str(error), line[:500].decode("utf-8", "replace"))
    except OSError as error:
        raise SourceError(
            f"the file cannot be read: {error.strerror}", where=name, next_step="Make it readable."
        ) from error


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Number and content of each line that is not blank; `None` for one that is too long."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(LONGEST_LINE)
            yield number, None
            continue
        line = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if line:
            yield number, line


def _called(record: Record, codebase_of: CodebaseOf) -> Record:
    """The record with the configuration's names of its codebases."""
    name = getattr(record, "codebase", None)
    if name is not None and (known := codebase_of(name)) is not None and known != name:
        record = msgspec.structs.replace(record, codebase=known)
    names = getattr(record, "codebases", None)
    if names:
        known_names = tuple(codebase_of(each) or each for each in names)
        if known_names != names:
            record = msgspec.structs.replace(record, codebases=known_names)
    return record


def _saved(cursor: str | None) -> dict[str, _File]:
    try:
        return {row[0]: _File(*row) for row in json.loads(cursor or "[]")}
    except (ValueError, TypeError, IndexError, KeyError):
        return {}

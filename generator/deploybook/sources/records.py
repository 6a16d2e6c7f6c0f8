"""Record files: the universal way in, one JSON object a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import msgspec

from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.records import Record, RecordError, parse
from deploybook.sources import files

LONGEST_LINE = 8 << 20
"""A line of more bytes is set aside unread."""

CodebaseOf = Callable[[str], str | None]
"""What a name of other systems is called in the configuration; `None` where it is not known."""


def feed(pattern: str, root: Path, codebase_of: CodebaseOf) -> Feed:
    """The feed of the files that a glob finds, in the order of their names; each pull tells all of them.

    Args:
        pattern: A glob, relative to `root` unless absolute; `**` crosses folders.
        root: The folder of the configuration.
        codebase_of: Puts the configuration's name in place of another; a name it does not know stands.
    """

    def pull(ask: Ask) -> Iterator[Item]:
        before = files.of_cursor(ask.cursor)
        found = files.look_at(pattern, root, before)
        if not found:
            raise files.nothing_found("records", pattern)
        if before and files.same(found, before):
            yield Unchanged()
            return
        known = lru_cache(maxsize=10_000)(codebase_of)
        for done, file in enumerate(found):
            ask.progress(f"records {pattern}", done, len(found))
            yield from _records(root / file.name, file.name, known)
        yield Cursor(files.to_cursor(found))

    return Feed(f"records:{pattern}", RECORDS, pull, snapshot=True)


def _records(path: Path, name: str, codebase_of: CodebaseOf) -> Iterator[Record | Rejected]:
    try:
        with path.open("rb") as stream:
            for number, line in files.lines(stream, LONGEST_LINE):
                if line is None:
                    yield Rejected(f"{name}:{number}", f"the line is longer than {LONGEST_LINE} bytes", "")
                    continue
                try:
                    yield _called(parse(line), codebase_of)
                except RecordError as error:
                    yield Rejected(f"{name}:{number}", str(error), line[:500].decode("utf-8", "replace"))
    except OSError as error:
        raise files.unreadable(name, error) from error


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

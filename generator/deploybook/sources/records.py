"""Record files: the universal way in, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import msgspec

from deploybook.feed import RECORDS, Added, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.records import KEYS, KINDS, Record, RecordError, parse
from deploybook.sources import files
from deploybook.sources.files import File

LONGEST_LINE = 8 << 20
"""A line of more bytes is set aside unread."""
MOST_SUBJECTS = 5_000
"""Subjects remembered of a file; one with more of them may tell of any."""

CodebaseOf = Callable[[str], str | None]
"""What a name of other systems is called in the configuration; `None` where it is not known."""
Subject = tuple[str, str]
"""The type of a record and its codebase, where that is of its key: others are never the same thing."""

_BY_CODEBASE = {kind: "codebase" in KEYS[kind] for kind in KINDS.values()}


@dataclass
class _Told:
    """What a file has told as far as it was read."""

    file: File
    subjects: set[Subject] = field(default_factory=set)

    def may_meet(self, other: _Told) -> bool:
        """Whether another may have told of the same things."""
        many = max(len(self.subjects), len(other.subjects)) >= MOST_SUBJECTS
        return many or not self.subjects.isdisjoint(other.subjects)


@dataclass(frozen=True)
class _Part:
    """What is to be read of a file."""

    told: _Told
    begin: int = 0
    """The first byte."""
    lines: int = 0
    """How many lines are before it."""


def feed(pattern: str, root: Path, codebase_of: CodebaseOf, naming: str = "") -> Feed:
    """The feed of the files that a glob finds, in the order of their names.

    Where files only grew or came, a pull tells what is new in them; else all of it.

    Args:
        pattern: A glob, relative to `root` unless absolute; `**` crosses folders.
        root: The folder of the configuration.
        codebase_of: Puts the configuration's name in place of another; a name it does not know stands.
        naming: A word that is another where `codebase_of` may answer otherwise.
    """

    def pull(ask: Ask) -> Iterator[Item]:
        before = _of_cursor(ask.cursor, naming)
        looked_at = {name: told.file for name, told in before.items()}
        found = files.look_at(pattern, root, looked_at)
        if not found:
            raise files.nothing_found("records", pattern)
        if before and files.same(found, looked_at):
            yield Unchanged()
            return
        known = lru_cache(maxsize=10_000)(codebase_of)
        parts = _news(found, before, root, known)
        if parts is None:
            parts = [_Part(_Told(file)) for file in found]
        else:
            yield Added()
        for done, part in enumerate(parts):
            ask.progress(f"records {pattern}", done, len(parts))
            yield from _records(root, part, known)
        yield Cursor(_to_cursor([part.told for part in parts], naming))

    return Feed(f"records:{pattern}", RECORDS, pull, snapshot=True)


def _news(
    found: list[File], before: Mapping[str, _Told], root: Path, codebase_of: CodebaseOf
) -> list[_Part] | None:
    """What is new of each file; `None` where all has to be told again.

    A later line of the same thing replaces an earlier one. So nothing may be told by itself that stands
    before what a file further on told of the same things.
    """
    if not before or before.keys() - {file.name for file in found}:
        return None
    parts = []
    for file in found:
        part = _grown(file, before.get(file.name), root)
        if part is None:
            return None
        parts.append(part)
    for place, part in enumerate(parts):
        if part.begin == part.told.file.size:
            continue
        new = replace(part, told=_Told(part.told.file))
        for _ in _records(root, new, codebase_of):
            pass
        later = (before.get(each.told.file.name) for each in parts[place + 1 :])
        if any(new.told.may_meet(each) for each in later if each):
            return None
    return parts


def _grown(file: File, before: _Told | None, root: Path) -> _Part | None:
    """What is new of a file; `None` where it did more than grow."""
    if before is None:
        return _Part(_Told(file))
    told = _Told(file, set(before.subjects))
    if before.file.digest == file.digest:
        return _Part(told, file.size)
    try:
        lines = files.lines_kept(root / file.name, before.file) if file.size > before.file.size else None
    except OSError as error:
        raise files.unreadable(file.name, error) from error
    return None if lines is None else _Part(told, before.file.size, lines)


def _records(root: Path, part: _Part, codebase_of: CodebaseOf) -> Iterator[Record | Rejected]:
    """What a part of a file says, its subjects noted."""
    name, left, subjects = part.told.file.name, part.told.file.size - part.begin, part.told.subjects
    try:
        with (root / name).open("rb") as stream:
            stream.seek(part.begin)
            for number, line in files.lines(stream, LONGEST_LINE, part.lines, left):
                if line is None:
                    yield Rejected(f"{name}:{number}", f"the line is longer than {LONGEST_LINE} bytes", "")
                    continue
                try:
                    record = _called(parse(line), codebase_of)
                except RecordError as error:
                    yield Rejected(f"{name}:{number}", str(error), line[:500].decode("utf-8", "replace"))
                    continue
                if len(subjects) < MOST_SUBJECTS:
                    subjects.add(_subject(record))
                yield record
    except OSError as error:
        raise files.unreadable(name, error) from error


def _subject(record: Record) -> Subject:
    kind = type(record)
    return kind.__name__, record.codebase if _BY_CODEBASE[kind] else ""  # type: ignore[attr-defined]


def _to_cursor(told: list[_Told], naming: str) -> str:
    rows = [[*astuple(each.file), sorted(each.subjects)] for each in told]
    return json.dumps({"naming": naming, "files": rows}, separators=(",", ":"))


def _of_cursor(cursor: str | None, naming: str) -> dict[str, _Told]:
    """The files of a cursor, by name; none where it is of other names, or cannot be read."""
    try:
        known = json.loads(cursor or "{}")
        if known["naming"] != naming:
            return {}
        return {
            row[0]: _Told(File(*row[:4]), {(kind, codebase) for kind, codebase in row[4]})
            for row in known["files"]
        }
    except (ValueError, TypeError, IndexError, KeyError):
        return {}


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

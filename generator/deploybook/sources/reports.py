"""Reports that test and coverage tools leave in files, read as they come and kept when the files are gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.records import Record
from deploybook.sources import files
from deploybook.sources.files import File

LONGEST_FILE = 256 << 20
"""A report of more bytes is set aside unread."""

MOST_KEPT = 20_000
"""Files that a cursor remembers; of more, the oldest names are read again where they are still there."""

Reader = Callable[[bytes, File], Iterator[Record]]
"""Makes records of a report's content; raises `ReportError` where it is none."""


class ReportError(ValueError):
    """A file is no report that can be read; the message says why."""


def feed(kind: str, pattern: str, root: Path, settings: str, reader: Reader) -> Feed:
    """The feed of the reports that a pattern finds; a report is read once, as long as it stays the same.

    What was read stays when the file goes: reports are of one run, and the next one overwrites them.

    Args:
        kind: As `junit`.
        pattern: A glob or a folder, relative to `root`.
        root: The folder of the configuration.
        settings: What else the records are made of (the revision, for one): another one reads all again.
        reader: Reads one report.
    """
    made_by = hashlib.sha256(settings.encode()).hexdigest()[:16]

    def pull(ask: Ask) -> Iterator[Item]:
        seen = _of_cursor(ask.cursor)
        before = files.of_cursor(json.dumps(seen.get(made_by, [])))
        found = files.look_at(pattern, root, before)
        if not found and ask.cursor is None:
            raise files.nothing_found(kind, pattern)
        new = [file for file in found if before.get(file.name, None) is None or _changed(file, before)]
        if not new:
            yield Unchanged()
            return
        for done, file in enumerate(new):
            ask.progress(f"{kind} {pattern}", done, len(new))
            yield from _read(root / file.name, file, reader)
        yield Cursor(json.dumps({made_by: json.loads(files.to_cursor(found[-MOST_KEPT:]))}))

    return Feed(f"{kind}:{pattern}", RECORDS, pull)


def _changed(file: File, before: dict[str, File]) -> bool:
    return before[file.name].digest != file.digest


def _of_cursor(cursor: str | None) -> dict[str, list[object]]:
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _read(path: Path, file: File, reader: Reader) -> Iterator[Item]:
    if file.size > LONGEST_FILE:
        yield Rejected(file.name, f"the file is larger than {LONGEST_FILE} bytes", "")
        return
    try:
        content = path.read_bytes()
    except OSError as error:
        raise files.unreadable(file.name, error) from error
    try:
        yield from list(reader(content, file))
    except ReportError as error:
        yield Rejected(file.name, str(error), content[:500].decode("utf-8", "replace"))


def parse_xml(content: bytes) -> Element:
    """The root of an XML file, without namespaces; opens nothing else and expands no entity.

    Raises:
        ReportError: It is not XML, or asks for what an attack would ask for.
    """
    try:
        root: Element = fromstring(content)
    except DefusedXmlException as error:
        raise ReportError(
            f"it declares entities or reaches outside, as attacks do: {type(error).__name__}"
        ) from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise ReportError(f"this is no XML: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def instant(text: str | None) -> datetime | None:
    """A time of a report, in UTC where it says no offset; `None` where it cannot be read."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip().replace(" UTC", "Z"))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def epoch(text: str | None) -> datetime | None:
    """Seconds or milliseconds since 1970; `None` where it is neither."""
    try:
        number = float(text or "")
        return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC) if number > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def written(file: File) -> datetime:
    """When a file was last written."""
    return datetime.fromtimestamp(file.modified / 1e9, UTC)

"""CDEvents 0.4 and 0.5 in files: one event a line, or a JSON file of one event or a list of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploybook.config import Config
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.sources import files
from deploybook.sources.cdevent import Event, EventError, read
from deploybook.sources.cdstory import Story

LONGEST_LINE = 8 << 20
"""An event of more bytes is set aside unread."""
LONGEST_FILE = 64 << 20
"""So is a JSON file of more bytes that is not one event a line."""


def feed(pattern: str, config: Config) -> Feed:
    """The feed of the events that a pattern finds; each pull tells all, joined by what they are about.

    Args:
        pattern: A glob or a folder, relative to the configuration.
        config: Matches the names that the events use.
    """

    def pull(ask: Ask) -> Iterator[Item]:
        before = files.of_cursor(ask.cursor)
        found = files.look_at(pattern, config.root, before)
        if not found:
            raise files.nothing_found("cdevents", pattern)
        if before and files.same(found, before):
            yield Unchanged()
            return
        story = Story(config, f"cdevents {pattern}")
        unused: Counter[str] = Counter()
        for done, file in enumerate(found):
            ask.progress(f"cdevents {pattern}", done, len(found))
            for item in _events(config.root / file.name, file.name):
                if isinstance(item, Rejected):
                    yield item
                elif not story.add(item):
                    unused[item.kind] += 1
        yield from story.told()
        for kind, count in sorted(unused.items()):
            yield Rejected(f"cdevents {pattern}: {kind[:200]}", f"kept, not used: {count:,} of this type", "")
        yield Cursor(files.to_cursor(found))

    return Feed(f"cdevents:{pattern}", RECORDS, pull, snapshot=True)


def _events(path: Path, name: str) -> Iterator[Event | Rejected]:
    try:
        with path.open("rb") as stream:
            if (whole := _whole(stream.read(LONGEST_FILE + 1))) is not None:
                for number, value in enumerate(whole, 1):
                    yield _event(value, f"{name}, event {number}" if len(whole) > 1 else name)
                return
            stream.seek(0)
            for number, line in files.lines(stream, LONGEST_LINE):
                where = f"{name}:{number}"
                if line is None:
                    yield Rejected(where, f"the line is longer than {LONGEST_LINE} bytes", "")
                    continue
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError) as error:
                    yield Rejected(where, f"this is no JSON: {error}", line[:500].decode("utf-8", "replace"))
                    continue
                yield _event(value, where)
    except OSError as error:
        raise files.unreadable(name, error) from error


def _whole(text: bytes) -> list[Any] | None:
    """The events of a file that is one JSON value; `None` for one event a line."""
    if len(text) > LONGEST_FILE or text.count(b"\n{") > 1:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else [value]


def _event(value: Any, where: str) -> Event | Rejected:
    try:
        return read(value)
    except EventError as error:
        return Rejected(where, str(error), json.dumps(value)[:500])

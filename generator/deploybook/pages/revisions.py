"""What a calendar says of its own changes: which events are others than when it was last published.

A program that was given an event before takes a new version of it only where `SEQUENCE` is higher, or where
that is the same and `DTSTAMP` is later. What did not change keeps both, so that no program tells of news
where there are none.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import icalendar

_STAMPS = ("DTSTAMP", "SEQUENCE", "LAST-MODIFIED")
_STAMP_LINES = re.compile(rf"^(?:{'|'.join(_STAMPS)})[:;][^\r\n]*\r\n".encode(), re.MULTILINE)
_EVENT = re.compile(rb"BEGIN:VEVENT\r\n.*?\r\nEND:VEVENT\r\n", re.DOTALL)
_UID = re.compile(rb"^UID:([^\r\n]*)", re.MULTILINE)


def revised(now: bytes, before: bytes | None, as_of: datetime) -> bytes:
    """A calendar, its events numbered on from the last published one.

    Args:
        now: The calendar, every event in its first revision.
        before: As it was last published, if it was; what is no calendar counts as none.
        as_of: When what changed is said to have changed.
    """
    known = {} if before is None else {_uid(event): event for event in _EVENT.findall(before)}
    return _EVENT.sub(lambda found: _told(found[0], known.get(_uid(found[0])), as_of), now)


def _uid(event: bytes) -> bytes:
    found = _UID.search(event)
    return found[1] if found else b""


def _told(event: bytes, old: bytes | None, as_of: datetime) -> bytes:
    """An event as it is published now, after an old version of it.

    Most are letter by letter what they were, and are not read: reading one takes longer than making it.
    """
    if old is None:
        return event
    if _STAMP_LINES.sub(b"", event) == _STAMP_LINES.sub(b"", old):
        return old
    try:
        made, was = icalendar.Event.from_ical(event), icalendar.Event.from_ical(old)
    except (ValueError, KeyError, AttributeError):
        return event
    _number(made, was, as_of)
    return bytes(made.to_ical())


def _number(event: Any, old: Any, as_of: datetime) -> None:
    same = _says(event) == _says(old)
    stamps = {name: old[name] for name in _STAMPS if name in old}
    for name in _STAMPS:
        event.pop(name, None)
    if same:
        for name, value in stamps.items():
            event[name] = value
        return
    at = as_of.astimezone(UTC).replace(microsecond=0)
    event.add("sequence", int(stamps.get("SEQUENCE", 0)) + 1)
    # A clock that went back must not hide the change.
    event.add("dtstamp", max([at, *(value.dt for name, value in stamps.items() if name != "SEQUENCE")]))
    event.add("last-modified", at)


def _says(event: Any) -> bytes:
    """An event without what it says of its own changes."""
    plain = icalendar.Event()
    for name, value in event.items():
        if name not in _STAMPS:
            plain[name] = value
    return bytes(plain.to_ical())

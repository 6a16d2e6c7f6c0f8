"""What a calendar says of its own changes: which events are others than when it was last published.

A program that was given an event before takes a new version of it only where `SEQUENCE` is higher, or where
that is the same and `DTSTAMP` is later. What did not change keeps both, so that no program tells of news
where there are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import icalendar

_STAMPS = ("DTSTAMP", "SEQUENCE", "LAST-MODIFIED")


def revised(now: bytes, before: bytes | None, as_of: datetime) -> bytes:
    """A calendar, its events numbered on from the last published one.

    Args:
        now: The calendar, every event in its first revision.
        before: As it was last published, if it was; what is no calendar counts as none.
        as_of: When what changed is said to have changed.
    """
    known = _events(before)
    if not known:
        return now
    made = icalendar.Calendar.from_ical(now)
    for event in made.walk("VEVENT"):
        old = known.get(str(event["uid"]))
        if old is not None:
            _number(event, old, as_of)
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


def _events(before: bytes | None) -> Mapping[str, Any]:
    if before is None:
        return {}
    try:
        return {str(event["uid"]): event for event in icalendar.Calendar.from_ical(before).walk("VEVENT")}
    except (ValueError, KeyError, AttributeError):
        return {}

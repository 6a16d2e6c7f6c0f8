"""Instants as other systems write them: ISO 8601, with an offset or in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def instant(text: Any) -> datetime | None:
    """The instant that a text is; `None` where there is no text.

    Raises:
        ValueError: It is none.
    """
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise ValueError("a time is no text")
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def certain(text: Any) -> datetime:
    """The instant that a text is, where there has to be one.

    Raises:
        ValueError: There is none.
    """
    found = instant(text)
    if found is None:
        raise ValueError("a time is missing")
    return found

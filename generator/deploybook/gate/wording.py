"""Instants, lengths of time and lists, as a terminal shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from deploybook.words import NBSP, duration

_SHOWN = 5
_LONGEST = 200


def instant(at: datetime, zone: ZoneInfo) -> str:
    """As `2026-11-23 13:05 CET`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def span(length: timedelta) -> str:
    """As `41 min`."""
    return duration(length.total_seconds()).replace(NBSP, " ")


def listed(names: Sequence[str]) -> str:
    """As `a, b and 3 more`; text from outside in one line, cut to a readable length."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(line(name) for name in names[:_SHOWN]) + more


def line(text: str) -> str:
    """Text from outside without what would move a terminal's cursor."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: _LONGEST + 1])
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"

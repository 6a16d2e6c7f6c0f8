"""Locks in words for people, and as plain values for machines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from deploybook.locks.freezes import Freeze
from deploybook.locks.keeper import Held
from deploybook.locks.rules import Target
from deploybook.sources.lockrefs import LockState

_LONGEST = 300


def what(state: LockState) -> str:
    """As `production, shop-web`."""
    return Target(state.environment, state.codebase).shown


def until(state: LockState, zone: ZoneInfo) -> str:
    """As `until 2026-11-23 13:05 CET`; by the holder's clock."""
    return f"until {_at(state.expires_at, zone)}" if state.expires_at else "until it is released"


def standing(held: Held, zone: ZoneInfo) -> str:
    """One line: what is locked, by whom, since and until when, and why."""
    state = held.ref.state
    if state is None:
        return (
            f"{held.target.shown}: {held.ref.ref} is no lock that can be read; "
            "it blocks until it is released with --force"
        )
    parts = [f"{held.target.shown} is locked"]
    parts += [f"by {_line(state.holder)}"] if state.holder else []
    parts += [f"in run {_line(state.run)}"] if state.run else []
    parts.append(f"since {_at(state.since, zone)} {until(state, zone)}")
    text = " ".join(parts)
    text += f": {_line(state.reason)}" if state.reason else ""
    text += f" (but for {', '.join(map(_line, state.exempt))})" if state.exempt else ""
    if held.free:
        text += "; its lease is over, it may be taken"
    elif state.expires_at is not None and state.lease_seconds is not None:
        left = held.seen_since.timestamp() + state.lease_seconds
        at = _at(datetime.fromtimestamp(left, UTC), zone)
        text += f"; if it is still the same at {at}, this machine may take it over"
    return text


def frozen(freeze: Freeze, zone: ZoneInfo) -> str:
    """As `frozen until 2027-01-04 00:00 CET: year's end`."""
    return f"frozen until {_at(freeze.until, zone)}: {_line(freeze.because)}"


def facts(state: LockState) -> dict[str, Any]:
    """A lock as the fields of its record, with its exemptions."""
    found: dict[str, Any] = msgspec.to_builtins(state.record())
    return found | ({"exempt": list(state.exempt)} if state.exempt else {})


def standing_facts(held: Held) -> dict[str, Any]:
    """The same of a lock that stands; without its claim: none is released unawares."""
    seen = {"seen_since": held.seen_since.isoformat(), "may_be_taken_over": held.free}
    if held.ref.state is None:
        return {
            "environment": held.target.environment,
            "codebase": held.target.codebase,
            "readable": False,
        } | seen
    return {name: value for name, value in facts(held.ref.state).items() if name != "claim"} | seen


def _at(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def _line(text: str) -> str:
    """Text from outside in one line of a terminal: nothing that moves the cursor or hides what follows."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: _LONGEST + 1])
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"

"""Turns of a rotation that another system keeps: what is over stands as it was, what comes may change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from deploybook.config import Config
from deploybook.feed import Ask, Cursor, Item, Rejected, Unchanged
from deploybook.records import Shift

BEHIND = timedelta(days=365)
"""How far back a first reading looks."""
AHEAD = timedelta(days=365)
"""How far ahead turns are read."""


class People:
    """Who holds a turn, of one source; whom it cannot match it counts, to be told at the end.

    Args:
        config: Whose people they are.
        where: The source, for the list of what matched nobody.
    """

    def __init__(self, config: Config, where: str) -> None:
        self._config = config
        self._where = where
        self._strange: Counter[str] = Counter()

    def person(self, *names: str | None) -> str | None:
        """The person that any of these names is, the first that fits; else the first name, as it stands."""
        for name in names:
            if (known := self._config.person_of(name)) is not None:
                return known
        called = next((name.strip() for name in names if name and name.strip()), None)
        if called is not None:
            self._strange[called[:200]] += 1
        return called

    def strange(self) -> Iterator[Rejected]:
        """Each name that is nobody's, once, with the line of configuration that would mend it."""
        for name in sorted(self._strange):
            word = json.dumps(name, ensure_ascii=False)
            says = f"nobody is called so: under `people:`, give who it is `also_known_as: [{word}]`"
            yield Rejected(f"{self._where}: {name}", says, "")


def since(ask: Ask) -> datetime:
    """From when on to ask: what was over when it was last read is not asked for again."""
    seen, _ = _saved(ask.cursor)
    return seen or ask.since or ask.as_of - BEHIND


def told(fresh: Iterable[Shift], ask: Ask) -> Iterator[Item]:
    """All turns that are known: those that were over when last read as they were, and `fresh` ones after.

    Args:
        fresh: The turns from `since(ask)` on, as the source says them now.
        ask: Its cursor holds the turns of the last time.
    """
    seen, kept = _saved(ask.cursor)
    turns = sorted(settled(kept, fresh, seen), key=lambda turn: (turn.from_, turn.to))
    yield from turns
    yield Cursor(json.dumps({"seen": ask.as_of.isoformat(), "turns": msgspec.to_builtins(turns)}))
    if seen is not None and turns == kept:
        yield Unchanged()


def settled(kept: Iterable[Shift], fresh: Iterable[Shift], seen: datetime | None) -> Iterator[Shift]:
    """Turns with everything before `seen` from `kept` and everything after it from `fresh`.

    A turn that ran at `seen` and is still the same person's stays one; else it is cut there.
    """
    if seen is None:
        yield from fresh
        return
    running: dict[tuple[str, str, bool], Shift] = {}
    for turn in kept:
        if turn.from_ >= seen:
            continue
        if turn.to <= seen:
            yield turn
        else:
            running[turn.rotation, turn.person, bool(turn.override)] = turn
    for turn in fresh:
        if turn.to <= seen:
            continue
        before = running.pop((turn.rotation, turn.person, bool(turn.override)), None)
        if turn.from_ > seen and before is not None:
            running[turn.rotation, turn.person, bool(turn.override)] = before
            before = None
        begin = before.from_ if before is not None else max(turn.from_, seen)
        yield msgspec.structs.replace(turn, from_=begin)
    for turn in running.values():
        yield msgspec.structs.replace(turn, to=seen)


def _saved(cursor: str | None) -> tuple[datetime | None, list[Shift]]:
    try:
        found: dict[str, Any] = json.loads(cursor or "{}")
        turns = msgspec.convert(found.get("turns", []), list[Shift])
        return (datetime.fromisoformat(found["seen"]) if "seen" in found else None), turns
    except (ValueError, TypeError, AttributeError, msgspec.ValidationError):
        return None, []

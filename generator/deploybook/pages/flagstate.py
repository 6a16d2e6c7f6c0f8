"""How far each flag is on where users are: delivered is not released."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from deploybook import words
from deploybook.pages.book import Book


@dataclass(frozen=True)
class FlagState:
    """A flag at `as_of`.

    Attributes:
        on: Whether all users have what is behind it.
        off: Whether none has.
        says: The state in words: "on", "off", "on for 10 %", "on in one of two regions".
        since: When it became so, UTC.
    """

    on: bool
    off: bool
    says: str
    since: datetime


def flag_states(book: Book) -> dict[str, FlagState]:
    """The state of every flag that records switch where users are; one never switched there is unknown."""
    table = book.history["flag_changes"]
    regions = book.config.live
    everywhere = book.config.process.environments[-1].name.lower()
    newest: dict[str, dict[str, tuple[datetime, str]]] = defaultdict(dict)
    columns = (table.column(name).to_pylist() for name in ("flag", "environment", "changed_at", "state"))
    for flag, environment, at, state in zip(*columns, strict=True):
        if at > book.as_of:
            continue
        name = environment.lower()
        places = regions if name == everywhere else (name,) if name in regions else ()
        for place in places:
            if place not in newest[flag] or newest[flag][place][0] <= at:
                newest[flag][place] = (at, str(state))
    return {flag: _state(found, len(regions)) for flag, found in newest.items() if found}


def _state(found: dict[str, tuple[datetime, str]], regions: int) -> FlagState:
    since = max(at for at, _ in found.values())
    shares = [_share(state) for _, state in found.values()]
    shares += [0.0] * (regions - len(shares))
    if len(set(shares)) == 1:
        share = shares[0]
        says = {0.0: "off", 1.0: "on"}.get(share) or f"on for {words.percent(share)}"
        return FlagState(share == 1, share == 0, says, since)
    some = sum(share > 0 for share in shares)
    if some < regions:
        return FlagState(
            False, False, f"on in {words.spelled(some)} of {words.spelled(regions)} regions", since
        )
    least, most = words.percent(min(shares)), words.percent(max(shares))
    return FlagState(False, False, f"on for {least} to {most}", since)


def _share(state: str) -> float:
    named = {"on": 1.0, "off": 0.0}.get(state.casefold())
    return named if named is not None else min(max(float(state), 0.0), 1.0)

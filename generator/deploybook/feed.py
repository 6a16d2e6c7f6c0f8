"""What passes from a source to the history: one thing to read, what is asked of it, and what it yields.

`sources` makes feeds and `history` saves what they yield; neither knows the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from deploybook.records import Record

GIT = 10
FORGE = 20
RECORDS = 30
"""Whose field stands where several sources know it: forge over git, records over both."""
GATE = "gate"
"""What the verdicts that the gate saved are called among the sources."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that could not be read: set aside, counted, shown, and stopping nothing."""

    where: str
    """File and line, URL, or revision."""
    reason: str
    text: str
    """The beginning of what was found, at most 500 characters."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next pull may take up: all that was yielded before it may be saved."""

    text: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing new since the cursor, and nothing to forget."""


@dataclass(frozen=True, slots=True)
class Afresh:
    """What this pull yields is all there is, as after a rewritten history: the rest is forgotten."""


@dataclass(frozen=True, slots=True)
class Added:
    """Of a snapshot: what this pull yields comes to what was yielded before, and nothing is forgotten."""


OUR_OWN = frozenset({GATE, "locks", "notices"})
"""Names of the feeds that no configuration asks for: what the program itself found."""


def _silent(what: str, done: int, total: int | None) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class Ask:
    """What a pull is asked for."""

    as_of: datetime
    cursor: str | None = None
    """As last saved; `None` at first, or when a backfill asks for everything."""
    since: datetime | None = None
    progress: Callable[[str, int, int | None], None] = field(default=_silent)
    """Called with what is read, how much is done, and of how much (`None`: unknown)."""
    max_wait: float = 300.0
    """Seconds: where a system asks to wait longer, the feed stops and says until when."""
    wait: Callable[[float], None] = time.sleep
    """Waits these seconds."""


Item = Record | Rejected | Cursor | Unchanged | Afresh | Added


@dataclass(frozen=True)
class Feed:
    """One thing to read.

    Attributes:
        name: The key of its cursor and its line on the data page, as `git:shop-web`.
        rank: `GIT`, `FORGE` or `RECORDS`.
        pull: Yields records, rejected lines and cursors. Raises `SourceError`.
        snapshot: What one pull yields is all there is; what it no longer yields is forgotten.
        said: What the last pull cost, in one line: requests made, saved and left. Empty where it made none.
        naming: A word that is another where names may match otherwise; empty where it matches none.
        ahead: Does beside other feeds, in a thread, what `pull` will need: fetches, say. It is handed the
            cursor as it was last saved; what fails in it is for `pull` to say.
    """

    name: str
    rank: int
    pull: Callable[[Ask], Iterator[Item]]
    snapshot: bool = False
    said: Callable[[], str] = field(default=str)
    naming: str = ""
    ahead: Callable[[str | None], object] | None = None

    def goes_on(self, cursor: str | None) -> bool:
        """Whether a pull may take up from a cursor: names still match as they did when it was saved."""
        return not self.naming or (cursor or "").startswith(f"{self.naming} ")

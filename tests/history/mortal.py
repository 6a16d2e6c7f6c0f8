"""A program that saves much and may be killed at any moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

from tests.history.support import ask, change, opened, run

from deploybook.feed import Ask, Cursor, Feed, Item, Rejected

ROWS = 4_000
STEP = 1_000


def pull(asked: Ask) -> Iterator[Item]:
    """Runs and changes, with a cursor every 1,000 of them, from where the cursor stands."""
    start = int(asked.cursor or 0)
    for each in range(start, ROWS):
        yield run(each) if each % 3 else change(str(each))
        if each % 1_000 == 0:
            yield Rejected(f"line {each}", "made up", "{")
        if (each + 1) % STEP == 0:
            yield Cursor(str(each + 1))


def main(folder: Path, server: str | None, begun: Event | None = None) -> None:
    """Sync two feeds, a snapshot and one in steps, as a program does that may be killed.

    Args:
        folder: Whose store.
        server: The address of a server, where the store is not in a file.
        begun: Set when the store is open.
    """
    os.environ.pop("HISTORY_SERVER", None)
    if server:
        os.environ["HISTORY_SERVER"] = server
    with opened(folder) as history:
        if begun:
            begun.set()
        steps = Feed(name="github:shop", rank=20, pull=pull)
        history.sync(steps, ask(history.cursor(steps.name)))
        history.sync(Feed(name="records:all", rank=30, pull=pull, snapshot=True), ask())

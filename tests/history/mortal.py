"""A program that saves much and may be killed at any moment."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import pyarrow as pa
from tests.history.support import ask, change, opened, run

from deploybook.feed import Ask, Cursor, Feed, Item, Rejected

ROWS = 4_000
STEP = 1_000
FEEDS = ("github:shop", "records:all")


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
        steps = Feed(name=FEEDS[0], rank=20, pull=pull)
        history.sync(steps, ask(history.cursor(steps.name)))
        history.sync(Feed(name=FEEDS[1], rank=30, pull=pull, snapshot=True), ask())


SHARED = 8
"""Feeds that eight writers want, all of them."""


def shared_feed(number: int, watch: Path) -> Feed:
    """The feed of that number; two that pull it at once leave a file `twice` in `watch`."""
    name = f"github:repo-{number}"

    def watched(asked: Ask) -> Iterator[Item]:
        with (watch / f"{number}").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                (watch / "twice").touch()
            yield from pull(asked)

    return Feed(name=name, rank=20, pull=watched, snapshot=number == SHARED - 1)


def writer(folder: Path, server: str | None, watch: Path, first: int) -> None:
    """Pull every shared feed that nobody else is pulling, from the `first` on, and keep the same notices."""
    os.environ.pop("HISTORY_SERVER", None)
    if server:
        os.environ["HISTORY_SERVER"] = server
    with opened(folder) as history:
        for step in range(SHARED):
            feed = shared_feed((first + step) % SHARED, watch)
            with history.claim(feed.name) as ours:
                if ours:
                    cursor = None if feed.snapshot else history.cursor(feed.name)
                    history.sync(feed, ask(cursor))
            keys = [f"{each}" for each in range(500)]
            history.keep("notices", pa.table({"key": keys if first % 2 else keys[::-1], "text": keys}))

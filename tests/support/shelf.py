"""A store in memory that keeps what feeds yield as the history does."""

from __future__ import annotations

from typing import Any

import msgspec

from deploybook.errors import SourceError
from deploybook.feed import Ask, Cursor, Feed, Rejected
from deploybook.records import KEYS, Record


class Shelf:
    """Keeps what feeds yield by its keys, as the history does; each cursor saves what came before it.

    The history saves at some cursors only; to save at each is the harder case for a feed that is stopped.
    """

    def __init__(self) -> None:
        self.records: dict[tuple[Any, ...], Record] = {}
        self.cursors: dict[str, str] = {}
        self.rejected: list[str] = []

    def sync(self, feed: Feed, ask: Ask) -> SourceError | None:
        waiting: list[Record] = []
        try:
            for item in feed.pull(ask):
                if isinstance(item, Record):
                    waiting.append(item)
                elif isinstance(item, Rejected):
                    self.rejected.append(item.reason)
                elif isinstance(item, Cursor):
                    self._save(waiting)
                    self.cursors[feed.name] = item.text
        except SourceError as error:
            return error
        self._save(waiting)
        return None

    def _save(self, waiting: list[Record]) -> None:
        for record in waiting:
            self.records[type(record), *(getattr(record, key) for key in KEYS[type(record)])] = record
        waiting.clear()

    def of(self, kind: type[Record]) -> list[dict[str, Any]]:
        return [msgspec.structs.asdict(record) for record in self.records.values() if type(record) is kind]

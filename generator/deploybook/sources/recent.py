"""Incidents by when they were created: new ones, those of the last days again, and those left open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from deploybook.errors import SourceError
from deploybook.feed import Ask, Cursor, Item, Rejected, Unchanged
from deploybook.sources.http import Absent
from deploybook.sources.instants import instant

OVERLAP = timedelta(days=7)
"""How far back of the newest is read again: what is written down of an incident changes for some days."""

Row = dict[str, Any]


class Recent:
    """What is known of the incidents of one system, in the cursor and in this pull.

    Args:
        system: As "Opsgenie", for messages.
        ask: What is asked; its cursor is that of these incidents.
    """

    def __init__(self, system: str, ask: Ask) -> None:
        self._system, self._ask = system, ask
        found = _loaded(ask.cursor)
        self.newest = instant(found.get("newest"))
        waiting = found.get("open")
        self._waiting = {str(key) for key in waiting} if isinstance(waiting, (list, dict)) else set()
        self._page = found["page"] if isinstance(found.get("page"), int) else 0
        self._top = instant(found.get("top")) if self._page else None
        self._seen: set[str] = set()
        self._open: set[str] = set()
        self.since = ask.since or (self.newest - OVERLAP if self.newest else None)
        """From when on to ask; `None`: from the beginning."""

    def __len__(self) -> int:
        return len(self._seen)

    def new(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Those that this pull has not had."""
        for row in rows:
            if str(row.get("id")) not in self._seen:
                self._seen.add(str(row.get("id")))
                yield row

    def forwards(
        self, page: Callable[[datetime | None, int], tuple[list[Row], datetime | None]], size: int,
        read: Callable[[Row], Iterator[Item]], created: Callable[[Row], datetime | None],
    ) -> Iterator[Item]:  # fmt: skip
        """Told oldest first, each request from where the last page ended; a cursor after each.

        Args:
            page: Asks for what was created at an instant or later, leaving out so many of them; says where
                to go on once a page is not full, `None` where that is the end.
            size: Of a page that is full.
            read: Makes the items of a row.
            created: When a row was created.
        """
        begin, skip, again, full = self.since, 0, False, False
        while True:
            rows, following = page(begin, skip)
            new = list(self.new(rows))
            if not new and (len(rows) >= size or (full and not rows)) and not again:
                again = True  # a page came twice, as out of a cache, or not at all
                continue
            again, full = False, len(rows) >= size
            for row in new:
                yield from read(row)
            times = list(filter(None, map(created, rows)))
            last = max(times, default=None)
            self.newest = max(filter(None, (self.newest, last)), default=None)
            self._tell()
            if len(rows) < size and following is None:
                return
            if rows:
                yield self._cursor(self._waiting | self._open)
            if len(rows) < size:
                begin, skip = following, 0
            elif last is not None and (begin is None or last > begin):
                begin, skip = last, 0
            elif begin is not None and min(times, default=begin) >= begin - timedelta(seconds=1):
                skip += len(rows)  # more than a page of one instant
            else:
                raise self._again()

    def backwards(
        self, page: Callable[[int], tuple[list[Row], bool]],
        read: Callable[[Row], Iterator[Item]], created: Callable[[Row], datetime | None],
    ) -> Iterator[Item]:  # fmt: skip
        """Told newest first, by numbered pages, until what was known before; a cursor after each.

        What is added meanwhile moves rows on to later pages, so that none is passed over. Where a pull was
        stopped the next goes on at its last page, and then reads what has come since.

        Args:
            page: Asks for a page, from 0; and says whether there are more.
            read: Makes the items of a row.
            created: When a row was created.
        """
        first = self._page
        top = self._top
        for start in [first, 0] if first else [0]:
            number, more, again = start, True, False
            while more:
                rows, more = page(number)
                new = list(self.new(rows))
                if more and not new and number > 0 and start == first:
                    if again:
                        raise self._again()
                    again = True
                    continue
                again = False
                for row in new:
                    yield from read(row)
                times = list(filter(None, map(created, rows)))
                top = max(filter(None, (top, *times)), default=None)
                self._tell()
                if not new or (self.since is not None and times and min(times) < self.since):
                    break
                if more and start == first:
                    yield self._cursor(self._waiting | self._open, page=number, top=top)
                number += 1
            self.newest = max(filter(None, (self.newest, top)), default=None)
            if start and self._ask.since is None and self.newest is not None:
                self.since = self.newest - OVERLAP

    def noted(self, id_: str, *, is_open: bool) -> None:
        """Whether an incident that was told is still open."""
        if is_open:
            self._open.add(id_)

    def left(self, one: Callable[[str], Row], read: Callable[[Row], Iterator[Item]]) -> Iterator[Item]:
        """Those that were open and have not come in this pull, each asked for by itself.

        Args:
            one: Asks for an incident.
            read: Makes its items.
        """
        for id_ in self.gone():
            try:
                row = one(id_)
            except Absent:
                says = f"it was open, and {self._system} has it no more: what was known of it stands"
                yield Rejected(f"{self._system} {id_}", says, "")
            else:
                self._seen.add(id_)
                yield from read(row)

    def gone(self) -> list[str]:
        """Those that were open and have not come in this pull."""
        return sorted(self._waiting - self._seen)

    def end(self) -> Cursor | Unchanged:
        """The cursor once everything was read."""
        cursor = self._cursor(self._open)
        return Unchanged() if cursor.text == self._ask.cursor and not self._seen else cursor

    def _cursor(self, open_: set[str], **more: Any) -> Cursor:
        found: dict[str, Any] = {"newest": self.newest, "open": sorted(open_), **more}
        return Cursor(json.dumps(found, default=lambda at: at.astimezone(UTC).isoformat()))

    def _tell(self) -> None:
        self._ask.progress(f"incidents of {self._system}", len(self._seen), None)

    def _again(self) -> SourceError:
        return SourceError(
            f"{self._system} gave the same page twice, so that another is missing",
            next_step="What was read so far is kept; run again later.",
        )


def created_at(key: str) -> Callable[[Row], datetime | None]:
    """Reads when a row was created from one of its fields; unknown where that is no instant."""

    def created(row: Row) -> datetime | None:
        try:
            return instant(row.get(key))
        except ValueError:
            return None

    return created


def _loaded(cursor: str | None) -> Row:
    try:
        found = json.loads(cursor or "{}")
        instant(found.get("newest")), instant(found.get("top"))
    except (ValueError, AttributeError):
        return {}
    return dict(found)

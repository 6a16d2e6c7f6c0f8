"""A REST list read in the order in which its entries changed, taken up again where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from deploybook.feed import Ask, Cursor, Item, Rejected, Unchanged
from deploybook.sources.http import Client

PAGE = 100
OVERLAP = timedelta(minutes=10)
"""How far back of the newest change is asked again: a change may show later than one that came after it."""

Row = dict[str, Any]


class Newer:
    """The entries of a list that changed since the cursor.

    A list that moves while it is read loses entries between numbered pages. So each request asks for what
    changed since the last entry that was seen; for the next page only where a whole page changed at once.

    Args:
        client: Of the system.
        path: Of the list.
        params: That are always sent.
        since: The parameter's name that asks for what changed since.
        time: The entry's field that says when it changed.
        ask: What is asked; its cursor is this list's.
    """

    def __init__(
        self, client: Client, path: str, params: dict[str, Any], *, since: str, time: str, ask: Ask
    ) -> None:
        self._client, self._path, self._params = client, path, params
        self._since, self._time, self._ask = since, time, ask
        self._told: dict[str, str] = {}

    def pull(self, read: Any, what: str) -> Iterator[Item]:
        """What `read` makes of each entry; one that it cannot read is set aside.

        Args:
            read: Makes the items of an entry.
            what: The list in words.
        """
        newest, seen = self._saved()
        start = newest or (_text(self._ask.since) if self._ask.since else None)
        since = _back(newest, OVERLAP) if newest else start
        page, done, again = 1, 0, False
        while True:
            rows = self._page(since, page)
            new = [row for row in rows if seen.get(str(row.get("id"))) != self._changed(row)]
            if not new and (len(rows) >= PAGE or (done and not rows)) and not again:
                again = True  # a page of the list came twice, or not at all
                continue
            again = False
            for row in new:
                seen[str(row.get("id"))] = self._changed(row)
                yield from self._read(read, row, what)
            done += len(new)
            self._ask.progress(what, done, None)
            newest = max([newest or "", *map(self._changed, rows)]) or None
            if len(rows) < PAGE or newest is None:
                break
            # Systems differ in whether "since" takes in the instant itself: a millisecond before does.
            following = _back(newest, timedelta(milliseconds=1))
            since, page = (following, 1) if since is None or following > since else (since, page + 1)
            yield Cursor(self._text(newest, seen))
        text = self._text(newest, seen)
        yield Unchanged() if text == self._ask.cursor else Cursor(text)

    def _changed(self, row: Row) -> str:
        """When an entry changed, in UTC; empty where it does not say."""
        try:
            return _text(datetime.fromisoformat(row[self._time]))
        except (KeyError, TypeError, ValueError):
            return ""

    def _page(self, since: str | None, page: int) -> list[Row]:
        params = {**self._params, "per_page": PAGE, self._since: since, "page": page if page > 1 else None}
        content = self._client.get(self._path, params).content
        return [row for row in content if isinstance(row, dict)] if isinstance(content, list) else []

    def _read(self, read: Any, row: Row, what: str) -> Iterator[Item]:
        try:
            yield from list(read(row))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            where = str(row.get("web_url") or row.get("id") or what)
            reason = f"the answer is not as expected: {type(error).__name__} {error}"
            yield Rejected(where, reason[:300], json.dumps(row)[:500])

    def _saved(self) -> tuple[str | None, dict[str, str]]:
        try:
            found = json.loads(self._ask.cursor or "{}")
            return found.get("newest"), {str(key): str(value) for key, value in found["seen"].items()}
        except (ValueError, AttributeError, KeyError, TypeError):
            return None, {}

    def _text(self, newest: str | None, seen: dict[str, str]) -> str:
        """With the entries that the overlap will bring again, so that they are not read twice."""
        edge = _back(newest, OVERLAP) if newest else ""
        kept = {key: value for key, value in sorted(seen.items()) if value >= edge}
        return json.dumps({"newest": newest, "seen": kept})


def _back(text: str, by: timedelta) -> str:
    return _text(datetime.fromisoformat(text) - by)


def _text(instant: datetime) -> str:
    instant = instant.astimezone(UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"

"""Issues with a label that says so, as incidents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from deploybook.feed import Ask, Cursor, Item, Rejected, Unchanged
from deploybook.records import Incident
from deploybook.sources.github.door import Door, Place
from deploybook.sources.http import Answer

_SEVERITY = re.compile(r"(?:severity[:/ -]\s*|(?=sev[- ]?\d))(.+)", re.IGNORECASE)


def incidents(door: Door, place: Place, labels: tuple[str, ...], ask: Ask) -> Iterator[Item]:
    """The issues with any of these labels, in the order they were updated.

    GitHub pages a list that moves while it is read; so each request asks for what was updated since the
    last that was seen, and none is passed over.
    """
    try:
        known = {str(key): dict(value) for key, value in json.loads(ask.cursor or "{}").items()}
    except (ValueError, TypeError, AttributeError):
        known = {}
    unchanged = True
    for label in labels:
        seen: set[int] = set()
        state = known.setdefault(label, {})
        since = state.get("since") or (ask.since.strftime("%Y-%m-%dT%H:%M:%SZ") if ask.since else None)
        etag, page, again = state.get("etag"), 1, False
        while True:
            answer = _page(door, place, label, since, page, etag, ask)
            if answer.unchanged:
                break
            unchanged = False
            rows = [row for row in answer.content if isinstance(row, dict)]
            new = [row for row in rows if row.get("id") not in seen and "pull_request" not in row]
            for row in new:
                yield _incident(place, row)
            if len(rows) == 100 and seen.issuperset(row.get("id") for row in rows) and not again:
                again = True  # a page of the list came twice, or not at all
                continue
            again = False
            seen.update(row["id"] for row in rows if "id" in row)
            last = max((str(row.get("updated_at")) for row in rows), default=since)
            ask.progress(f"incidents of {place.codebase}", len(seen), None)
            if len(rows) < 100:
                # A tag belongs to its question: where that moves on, the next sync will ask another one.
                moved = _page(door, place, label, last, 1, None, ask) if last != since else answer
                state.update(since=last, etag=moved.etag)
                break
            page, since, etag = (page + 1 if last == since else 1), last, None
            state["since"] = since
            yield Cursor(json.dumps(known))
    yield Unchanged() if unchanged else Cursor(json.dumps(known))


def _page(  # noqa: PLR0917
    door: Door, place: Place, label: str, since: str | None, page: int, etag: str | None, ask: Ask
) -> Answer:
    params = {
        "labels": label, "state": "all", "sort": "updated", "direction": "asc", "per_page": 100,
        "since": since, "page": page if page > 1 else None,
    }  # fmt: skip
    return door.client(ask).get(f"{place.rest}/issues", params, etag)


def _incident(place: Place, row: dict[str, Any]) -> Item:
    try:
        labels = [str(each["name"] if isinstance(each, dict) else each) for each in row.get("labels") or ()]
        severity = next((found[1] for name in labels if (found := _SEVERITY.match(name))), None)
        closed = row.get("closed_at")
        return Incident(
            id=f"{place.codebase}/{row['number']}",
            started_at=datetime.fromisoformat(row["created_at"]),
            title=row.get("title"),
            codebases=(place.codebase,),
            resolved_at=datetime.fromisoformat(closed) if closed else None,
            severity=severity,
            url=row.get("html_url"),
        )
    except (KeyError, TypeError, ValueError) as error:
        reason = f"GitHub's answer is not as expected: {type(error).__name__} {error}"
        return Rejected(str(row.get("html_url") or place.rest), reason, json.dumps(row)[:500])

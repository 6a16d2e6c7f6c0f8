"""PagerDuty: incidents with their times and services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from deploybook.config import Config, secret
from deploybook.config.sources import PagerdutyOptions
from deploybook.errors import SourceError, UsageError
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.records import Incident
from deploybook.sources.http import Client, session
from deploybook.sources.matching import Names

PAGE = 100
SLICE = timedelta(days=150)
"""Asked for at once: PagerDuty answers for six months at most."""
OVERLAP = timedelta(days=7)
LONGEST_OPEN = timedelta(days=30)
"""An incident that is open longer is no longer asked for again."""
FIRST = datetime(2009, 1, 1, tzinfo=UTC)
"""Before there was a PagerDuty."""

_NEEDS = "Check the variable that `token:` names: a REST API key of PagerDuty, read-only."


def feed(options: PagerdutyOptions, config: Config) -> Feed:
    """The feed of the incidents; those of services that match no codebase are listed.

    Args:
        options: The key, and where PagerDuty is.
        config: Matches services with codebases.
    """
    source = _Source(options, config)
    return Feed("pagerduty", RECORDS, source.pull, said=source.said)


def client(options: PagerdutyOptions, ask: Ask) -> Client:
    """PagerDuty, spoken to for one run.

    Raises:
        SourceError: The variable with the key is empty.
    """
    try:
        token = secret(options.token)
    except UsageError as error:
        raise SourceError(error.what, where="pagerduty", next_step=error.next_step) from error
    send = session(
        {"Authorization": f"Token token={token}", "Accept": "application/vnd.pagerduty+json;version=2"}
    )
    return Client(
        "PagerDuty", send, base=options.url.rstrip("/"), advice=_NEEDS, max_wait=ask.max_wait, wait=ask.wait
    )


class _Source:
    def __init__(self, options: PagerdutyOptions, config: Config) -> None:
        self._options, self._config = options, config
        self._client: Client | None = None

    def said(self) -> str:
        return self._client.budget.take() if self._client else ""

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Slice by slice, oldest first; a cursor after each page."""
        self._client = client(self._options, ask)
        newest, waiting = _saved(ask.cursor)
        begin = _begin(newest, waiting, ask)
        names = Names(self._config, "pagerduty")
        seen: set[str] = set()
        still: dict[str, str] = {}
        again = offset = 0
        while begin < ask.as_of:
            end = min(begin + SLICE, ask.as_of + timedelta(days=1))
            rows = self._page(begin, end, offset)
            new = [row for row in rows if row.get("id") not in seen]
            if not new and len(rows) >= PAGE and not again:
                again = 1  # as when a cache tells the page before a second time
                continue
            for row in new:
                seen.add(str(row.get("id")))
                if _created(row) is not None:  # what says nonsense is set aside, and moves no cursor
                    created = str(row["created_at"])
                    newest = max(newest or created, created)
                    if row.get("status") != "resolved":
                        still[str(row.get("id"))] = created
                yield _incident(names, row)
            ask.progress("incidents of PagerDuty", len(seen), None)
            following = max(filter(None, map(_created, rows)), default=begin) - timedelta(seconds=1)
            if len(rows) < PAGE:
                begin, offset = end, 0
            elif following > begin:
                begin, offset = following, 0
            else:
                offset += len(rows)  # more than a page within one second
            again = 0
            if new:
                yield Cursor(_text(newest, {**waiting, **still}))
        yield from names.strange()
        cursor = _text(newest, still)
        yield Cursor(cursor) if seen or cursor != ask.cursor else Unchanged()

    def _page(self, begin: datetime, end: datetime, offset: int) -> list[dict[str, Any]]:
        assert self._client is not None
        params = {
            "since": begin.isoformat(), "until": end.isoformat(), "limit": PAGE, "sort_by": "created_at:asc",
            "time_zone": "UTC", "offset": offset or None,
        }  # fmt: skip
        found = self._client.get("/incidents", params).content.get("incidents") or []
        return [row for row in found if isinstance(row, dict)]


def _created(row: dict[str, Any]) -> datetime | None:
    try:
        return _instant(row["created_at"])
    except (KeyError, ValueError, TypeError):
        return None


def _begin(newest: str | None, waiting: dict[str, str], ask: Ask) -> datetime:
    """Seven days before the newest, or where the oldest that was open began, at most thirty days before."""
    if newest is None:
        return ask.since or FIRST
    begin = _instant(newest) - OVERLAP
    open_ = [at for at in map(_instant, waiting.values()) if ask.as_of - at <= LONGEST_OPEN]
    return min([begin, *open_])


def _incident(names: Names, row: dict[str, Any]) -> Incident | Rejected:
    try:
        service = row.get("service") or {}
        codebase = names.codebase(service.get("summary"), service.get("id"))
        begun = _instant(row["created_at"])
        ended = row.get("resolved_at")
        if ended is None and row.get("status") == "resolved":
            ended = row.get("last_status_change_at")  # the last change of one that is resolved
        priority = (row.get("priority") or {}).get("summary") or row.get("urgency")
        return Incident(
            id=str(row["id"]),
            started_at=begun,
            detected_at=begun,
            resolved_at=_instant(ended) if ended else None,
            title=row.get("title"),
            codebases=(codebase,) if codebase else None,
            severity=priority,
            url=row.get("html_url"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        where = str(row.get("html_url") or row.get("id"))
        reason = f"PagerDuty's answer is not as expected: {type(error).__name__} {error}"
        return Rejected(where, reason[:300], json.dumps(row)[:500])


def _saved(cursor: str | None) -> tuple[str | None, dict[str, str]]:
    try:
        found = json.loads(cursor or "{}")
        return found.get("newest"), {str(key): str(value) for key, value in found.get("open", {}).items()}
    except (ValueError, AttributeError):
        return None, {}


def _text(newest: str | None, waiting: dict[str, str]) -> str:
    return json.dumps({"newest": newest, "open": dict(sorted(waiting.items()))})


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)

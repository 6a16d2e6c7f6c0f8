"""PagerDuty: incidents with their times and services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from deploybook.config import Config
from deploybook.config.sources import PagerdutyOptions
from deploybook.feed import RECORDS, Ask, Feed, Item
from deploybook.records import Incident
from deploybook.sources.instants import certain
from deploybook.sources.matching import Names
from deploybook.sources.recent import Recent, created_at
from deploybook.sources.vendors import UNEXPECTED, Held, Vendor

PAGE = 100
SLICE = timedelta(days=150)
"""Asked for at once: PagerDuty answers for six months at most."""
FIRST = datetime(2009, 1, 1, tzinfo=UTC)
"""Before there was a PagerDuty."""

_created = created_at("created_at")
_NEEDS = "Check the variable that `token:` names: a REST API key of PagerDuty, read-only."


def feed(options: PagerdutyOptions, config: Config) -> Feed:
    """The feed of the incidents; those of services that match no codebase are listed.

    Args:
        options: The key, and where PagerDuty is.
        config: Matches services with codebases.
    """
    source = _Source(options, config)
    return Feed("pagerduty", RECORDS, source.pull, said=source.vendor.said)


def vendor(options: PagerdutyOptions) -> Vendor:
    """PagerDuty, as it is spoken to."""
    headers: dict[str, str | Held] = {
        "Authorization": ("Token token={}", options.token),
        "Accept": "application/vnd.pagerduty+json;version=2",
    }
    return Vendor("PagerDuty", options.url, _NEEDS, headers)


class _Source:
    def __init__(self, options: PagerdutyOptions, config: Config) -> None:
        self._options, self._config = options, config
        self.vendor = vendor(options)

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Slice by slice, oldest first; then those that were open."""
        self.vendor.open(ask)
        names, recent = Names(self._config, "pagerduty"), Recent("PagerDuty", ask)
        read = partial(self._read, names, recent)
        yield from recent.forwards(partial(self._page, ask.as_of), PAGE, read, _created)
        yield from recent.left(self._one, read)
        yield from names.strange()
        yield recent.end()

    def _read(self, names: Names, recent: Recent, row: dict[str, Any]) -> Iterator[Item]:
        try:
            made: Item = _incident(names, row)
            recent.noted(str(row["id"]), is_open=row.get("status") != "resolved")
        except UNEXPECTED as error:
            made = self.vendor.unexpected(str(row.get("html_url") or row.get("id")), error, row)
        yield made

    def _page(
        self, now: datetime, begin: datetime | None, skip: int
    ) -> tuple[list[dict[str, Any]], datetime | None]:
        """A page of a slice, and where the next slice begins."""
        since = begin or FIRST
        until = min(since + SLICE, max(now, since) + timedelta(days=1))
        params = {
            "since": (since - timedelta(seconds=1)).isoformat(), "until": until.isoformat(), "limit": PAGE,
            "sort_by": "created_at:asc", "time_zone": "UTC", "offset": skip or None,
        }  # fmt: skip
        rows = self.vendor.rows(self.vendor.client.get("/incidents", params).content, "incidents")
        return rows, until if until < now else None

    def _one(self, id_: str) -> dict[str, Any]:
        found = self.vendor.client.get(f"/incidents/{quote(id_, safe='')}").content
        row = found.get("incident") if isinstance(found, dict) else None
        if not isinstance(row, dict):
            raise self.vendor.stranger()
        return row


def _incident(names: Names, row: dict[str, Any]) -> Incident:
    service = row.get("service") or {}
    codebase = names.codebase(service.get("summary"), service.get("id"))
    begun = certain(row["created_at"])
    ended = row.get("resolved_at")
    if ended is None and row.get("status") == "resolved":
        ended = row.get("last_status_change_at")  # the last change of one that is resolved
    priority = (row.get("priority") or {}).get("summary") or row.get("urgency")
    return Incident(
        id=str(row["id"]),
        started_at=begun,
        detected_at=begun,
        resolved_at=certain(ended) if ended else None,
        title=row.get("title"),
        codebases=(codebase,) if codebase else None,
        severity=priority,
        url=row.get("html_url"),
    )

"""Statuspage: incidents as they were told to customers (REST API v1, or what a public page says of itself).

An incident begins when its page says that it did: `started_at`, else its first update. It is over when it was
resolved, by the time of that update; the time of the last change is never taken for that. Planned maintenance
is no incident.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from deploybook.config import Config
from deploybook.config.sources import StatuspageOptions
from deploybook.errors import SourceError
from deploybook.feed import RECORDS, Ask, Feed, Item, Rejected
from deploybook.records import Incident
from deploybook.sources.instants import certain, instant
from deploybook.sources.matching import Names
from deploybook.sources.recent import Recent, created_at
from deploybook.sources.vendors import UNEXPECTED, Vendor

PAGE = 100
LATEST = 50
"""So many incidents a public page tells, and no more."""

_ADVICE = "Check `page:` and the variable that `token:` names: an API key of a user of that page."
_PLANNED = frozenset({"scheduled", "in_progress", "verifying", "completed"})
_OVER = frozenset({"resolved", "postmortem"})
_created = created_at("created_at")

Row = dict[str, Any]


def feed(options: StatuspageOptions, config: Config) -> Feed:
    """The feed of a page's incidents; components that match no codebase are listed.

    Args:
        options: The page, and the key where it is read with one.
        config: Matches components with codebases.
    """
    source = _Source(options, config)
    return Feed(source.where, RECORDS, source.pull, said=source.vendor.said)


class _Source:
    def __init__(self, options: StatuspageOptions, config: Config) -> None:
        self._options, self._config = options, config
        self.vendor = Vendor(
            "Statuspage", options.url, _ADVICE, {"Authorization": ("OAuth {}", options.token)}
        )
        self.where = f"statuspage:{options.page or urlsplit(options.url).netloc}"

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Newest first, until what was known; then those that were open."""
        self.vendor.open(ask)
        names, recent = Names(self._config, self.where), Recent("Statuspage", ask)
        read = partial(self._read, names, recent)
        if self._options.page is None:
            yield from self._public(recent, read)
        else:
            yield from recent.backwards(self._page, read, _created)
            yield from recent.left(self._one, read)
        yield from names.strange()
        yield recent.end()

    def _public(self, recent: Recent, read: Any) -> Iterator[Item]:
        """The latest of a public page; that older ones are out of reach is said."""
        rows = self.vendor.rows(self.vendor.client.get("/api/v2/incidents.json").content, "incidents")
        times = [at for at in map(_created, rows) if at is not None]
        known = recent.newest
        for row in recent.new(rows):
            yield from read(row)
        if len(rows) >= LATEST and times and (known is None or min(times) > known):
            says = (
                f"a public page tells its last {LATEST} incidents: for older ones, give `page:` and `token:`"
            )
            yield Rejected(self.where, says, "")
        recent.newest = max([*times, *([known] if known else [])], default=None)
        for id_ in recent.gone():
            says = "it was open when it was last told, and the public page no more tells of it"
            yield Rejected(f"{self.where} {id_}", says, "")

    def _page(self, number: int) -> tuple[list[Row], bool]:
        """A page, and whether there are more; an empty one is the last only where the next is as well."""
        rows = self._listed(number)
        if not rows and number and self._listed(number + 1):
            raise SourceError(
                "Statuspage gave an empty page in the middle of its list", where=self.vendor.url,
                next_step="What was read so far is kept; run again later.",
            )  # fmt: skip
        return rows, bool(rows)

    def _listed(self, number: int) -> list[Row]:
        found = self.vendor.client.get(self._path, {"limit": PAGE, "page": number + 1}).content
        return self.vendor.rows(found)

    def _one(self, id_: str) -> Row:
        found = self.vendor.client.get(f"{self._path}/{quote(id_, safe='')}").content
        if not isinstance(found, dict):
            raise self.vendor.stranger()
        return found

    @property
    def _path(self) -> str:
        return f"/v1/pages/{quote(self._options.page or '', safe='')}/incidents"

    def _read(self, names: Names, recent: Recent, row: Row) -> Iterator[Item]:
        try:
            if (
                row.get("scheduled_for")
                or row.get("status") in _PLANNED
                or row.get("impact") == "maintenance"
            ):
                return
            items = list(_told(row, names))
            recent.noted(str(row["id"]), is_open=row.get("status") not in _OVER)
        except UNEXPECTED as error:
            items = [self.vendor.unexpected(f"{self.where} {row.get('id')}", error, row)]
        yield from items


def _told(row: Row, names: Names) -> Iterator[Item]:
    updates = [each for each in row.get("incident_updates") or () if isinstance(each, dict)]
    times = [at for each in updates if (at := instant(each.get("display_at") or each.get("created_at")))]
    begun = instant(row.get("started_at")) or min(times, default=None) or certain(row["created_at"])
    parts = [each for each in row.get("components") or () if isinstance(each, dict)]
    found = (names.codebase(each.get("name"), each.get("id")) for each in parts)
    codebases = tuple(dict.fromkeys(name for name in found if name is not None))
    ended = _ended(row, updates)
    yield Incident(
        id=str(row["id"]), started_at=begun, resolved_at=ended, title=row.get("name"),
        codebases=codebases or None, severity=row.get("impact"), down=_down(updates),
        url=row.get("shortlink") or None,
    )  # fmt: skip
    if ended is None and row.get("status") in _OVER:
        says = "it is over, but no update says since when, and so it counts as open"
        yield Rejected(str(row.get("shortlink") or row["id"]), says, "")


def _ended(row: Row, updates: list[Row]) -> datetime | None:
    """When it was resolved: as the page says, else the time of the last update that resolved it."""
    if row.get("status") not in _OVER:
        return None
    if (said := instant(row.get("resolved_at"))) is not None:
        return said
    times = [
        at
        for each in updates
        if each.get("status") == "resolved"
        and (at := instant(each.get("display_at") or each.get("created_at")))
    ]
    return max(times, default=None)


def _down(updates: list[Row]) -> bool | None:
    """Whether a component was out, as far as the updates say what became of the components."""
    states = [
        part.get("new_status")
        for each in updates
        for part in each.get("affected_components") or ()
        if isinstance(part, dict)
    ]
    return "major_outage" in states if states else None

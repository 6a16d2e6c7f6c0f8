"""Datadog's incidents (API v2, `incidents/search`): newest first, then those that were open.

Their times are their own: when customers began to feel it, when it was detected, when it was resolved. The
time of the last change is never taken for an end.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from deploybook.config import Config
from deploybook.config.sources import DatadogOptions
from deploybook.errors import SourceError
from deploybook.feed import RECORDS, Ask, Feed, Item, Rejected
from deploybook.records import Incident
from deploybook.sources.instants import certain, instant
from deploybook.sources.matching import Names
from deploybook.sources.recent import Recent, created_at
from deploybook.sources.vendors import UNEXPECTED, Vendor

PAGE = 100

_ADVICE = (
    "Check `url:` (which site of Datadog) and the variables that `api_key:` and `app_key:` name: the "
    "application key needs the scopes incident_read and slos_read."
)
_OVER = frozenset({"resolved", "completed"})
_created = created_at("created")

Row = dict[str, Any]


def vendor(options: DatadogOptions) -> Vendor:
    """Datadog, as it is spoken to."""
    keys = {"DD-API-KEY": ("{}", options.api_key), "DD-APPLICATION-KEY": ("{}", options.app_key)}
    return Vendor("Datadog", options.url, _ADVICE, keys)


def app(url: str) -> str | None:
    """Where people look at what an API serves; `None` where the address does not say."""
    host = urlsplit(url).netloc
    if not host.startswith("api."):
        return None
    site = host.removeprefix("api.")
    return f"https://{site}" if site.count(".") > 1 else f"https://app.{site}"


def feed(options: DatadogOptions, config: Config) -> Feed:
    """The feed of the incidents; services that match no codebase are listed.

    Args:
        options: The keys, where Datadog is, and which incidents count.
        config: Matches services with codebases.
    """
    source = _Source(options, config)
    return Feed("datadog:incidents", RECORDS, source.pull, said=source.vendor.said)


class _Source:
    def __init__(self, options: DatadogOptions, config: Config) -> None:
        self.vendor = vendor(options)
        self._options, self._config = options, config

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Newest first, until what was known; then those that were open."""
        self.vendor.open(ask)
        names, recent = Names(self._config, "datadog:incidents"), Recent("Datadog", ask)
        read = partial(self._read, names, recent)
        yield from recent.backwards(self._page, read, _created)
        yield from recent.left(self._one, read)
        yield from names.strange()
        yield recent.end()

    def _page(self, number: int) -> tuple[list[Row], bool]:
        """A page, and whether there are more of the incidents that the answer counts."""
        params = {
            "query": self._options.query, "sort": "-created", "page[size]": PAGE,
            "page[offset]": number * PAGE,
        }  # fmt: skip
        found = self.vendor.client.get("/api/v2/incidents/search", params).content
        data = found.get("data") if isinstance(found, dict) else None
        told = data.get("attributes") if isinstance(data, dict) else None
        rows = [_flat(row.get("data")) for row in self.vendor.rows(told, "incidents")]
        total = told.get("total") if isinstance(told, dict) else None
        more = number * PAGE + len(rows) < total if isinstance(total, int) else len(rows) == PAGE
        if more and len(rows) < PAGE:
            raise SourceError(
                f"Datadog counts {total} incidents and gave only {len(rows)} from the {number * PAGE}th on",
                next_step="What was read so far is kept; run again later.",
            )
        return rows, more

    def _one(self, id_: str) -> Row:
        found = self.vendor.client.get(f"/api/v2/incidents/{quote(id_, safe='')}").content
        row = _flat(found.get("data") if isinstance(found, dict) else None)
        if not row:
            raise self.vendor.stranger()
        return row

    def _read(self, names: Names, recent: Recent, row: Row) -> Iterator[Item]:
        try:
            if row.get("is_test") is True:
                return
            items = list(self._told(row, names))
            recent.noted(str(row["id"]), is_open=_state(row) not in _OVER)
        except UNEXPECTED as error:
            items = [self.vendor.unexpected(f"datadog {row.get('id')}", error, row)]
        yield from items

    def _told(self, row: Row, names: Names) -> Iterator[Item]:
        found, ended = instant(row.get("detected")), instant(row.get("resolved"))
        begun = instant(row.get("customer_impact_start")) or found or certain(row["created"])
        over = _state(row) in _OVER
        severity = row.get("severity")
        shown = app(self._options.url)
        url = f"{shown}/incidents/{row['public_id']}" if shown and row.get("public_id") else None
        yield Incident(
            id=str(row["id"]), started_at=begun, detected_at=found, title=row.get("title"),
            resolved_at=ended if over else None, url=url,
            codebases=names.codebases(_field(row, "services")) or None,
            severity=None if severity == "UNKNOWN" else severity,
        )  # fmt: skip
        if over and ended is None:
            says = "it is over, but not since when, and so it counts as open: set when it was resolved"
            yield Rejected(str(url or row["id"]), says, "")


def _flat(data: Any) -> Row:
    """An incident's attributes with its id; empty where there are none."""
    attributes = data.get("attributes") if isinstance(data, dict) else None
    return {**attributes, "id": data.get("id")} if isinstance(attributes, dict) else {}


def _state(row: Row) -> Any:
    """The state; newer answers have it only among the fields."""
    return row.get("state") or next(iter(_field(row, "state")), None)


def _field(row: Row, name: str) -> list[str]:
    """The values of a field of an incident: one or several."""
    value = ((row.get("fields") or {}).get(name) or {}).get("value")
    values = value if isinstance(value, list) else [value]
    return [str(each) for each in values if each]

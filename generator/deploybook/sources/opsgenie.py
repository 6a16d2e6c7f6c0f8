"""Opsgenie: incidents with their services (Incident API v1), and alerts that are incidents (Alert API v2).

Asked for by when they were created, oldest first. An incident is over when its impact ended, an alert when
its report says that it was closed; the time of the last change is never taken for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from deploybook.config import Config
from deploybook.config.sources import OpsgenieOptions
from deploybook.feed import RECORDS, Ask, Feed, Item, Rejected
from deploybook.records import Incident
from deploybook.sources.instants import certain, instant
from deploybook.sources.matching import Names
from deploybook.sources.recent import Recent, created_at
from deploybook.sources.vendors import UNEXPECTED, Vendor

PAGE = 100

_ADVICE = "Check `url:` (EU or not) and the variable that `token:` names: an API key with read access."
_OVER = frozenset({"resolved", "closed"})
_created = created_at("createdAt")


def vendor(options: OpsgenieOptions) -> Vendor:
    """Opsgenie, as it is spoken to."""
    return Vendor("Opsgenie", options.url, _ADVICE, {"Authorization": ("GenieKey {}", options.token)})


def feeds(options: OpsgenieOptions, config: Config) -> list[Feed]:
    """A feed of the incidents, and one of the alerts where a query says which are incidents.

    Args:
        options: The key, where Opsgenie is, and which alerts count.
        config: Matches services with codebases.
    """
    found = []
    if options.incidents:
        incidents = _Incidents(options, config)
        found.append(Feed(incidents.where, RECORDS, incidents.pull, said=incidents.vendor.said))
    if options.alerts is not None:
        alerts = _Alerts(options, config)
        found.append(Feed(alerts.where, RECORDS, alerts.pull, said=alerts.vendor.said))
    return found


class _Incidents:
    path, where = "/v1/incidents", "opsgenie:incidents"

    def __init__(self, options: OpsgenieOptions, config: Config) -> None:
        self.vendor = vendor(options)
        self._options, self._config = options, config
        self._services: dict[str, str] | None = None

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Page by page, oldest first; then those that were open."""
        self.vendor.open(ask)
        self._services = None
        names, recent = Names(self._config, self.where), Recent("Opsgenie", ask)
        read = partial(self._read, names, recent)
        yield from recent.forwards(self._page, PAGE, read, _created)
        yield from recent.left(self._one, read)
        yield from names.strange()
        yield recent.end()

    def query(self, begin: datetime | None) -> str:
        """What was created since: in milliseconds, rounded down."""
        return f"createdAt >= {int(begin.timestamp() * 1000)}" if begin else "createdAt >= 0"

    def made(self, row: dict[str, Any], names: Names) -> Iterator[Item]:
        """An incident; one that is over and does not say since when is listed."""
        called = [(self._service(each), each) for each in row.get("impactedServices") or () if each]
        found = (names.codebase(*each) for each in called)
        codebases = tuple(dict.fromkeys(name for name in found if name is not None))
        created, ended = certain(row["createdAt"]), instant(row.get("impactEndDate"))
        begun = instant(row.get("impactStartDate")) or created
        url = (row.get("links") or {}).get("web")
        yield Incident(
            id=str(row["id"]), started_at=begun, resolved_at=ended, title=row.get("message"),
            detected_at=instant(row.get("impactDetectDate")) or created, codebases=codebases or None,
            severity=row.get("priority"), url=url,
        )  # fmt: skip
        if ended is None and row.get("status") in _OVER:
            says = "it is over, but not since when, and so it counts as open: set the end of its impact"
            yield Rejected(str(url or row["id"]), says, "")

    def _read(self, names: Names, recent: Recent, row: dict[str, Any]) -> Iterator[Item]:
        try:
            items = list(self.made(row, names))
            recent.noted(str(row["id"]), is_open=row.get("status") not in _OVER)
        except UNEXPECTED as error:
            items = [self.vendor.unexpected(f"{self.where} {row.get('id')}", error, row)]
        yield from items

    def _page(self, begin: datetime | None, skip: int) -> tuple[list[dict[str, Any]], None]:
        params = {
            "query": self.query(begin), "sort": "createdAt", "order": "asc", "limit": PAGE,
            "offset": skip or None,
        }  # fmt: skip
        return self.vendor.rows(self.vendor.client.get(self.path, params).content, "data"), None

    def _one(self, id_: str) -> dict[str, Any]:
        found = self.vendor.client.get(f"{self.path}/{quote(id_, safe='')}").content
        row = found.get("data") if isinstance(found, dict) else None
        if not isinstance(row, dict):
            raise self.vendor.stranger()
        return row

    def _service(self, id_: str) -> str | None:
        """The name of a service; they are asked for once, and only where an incident names one."""
        if self._services is None:
            self._services = {}
            while True:
                params = {"limit": PAGE, "offset": len(self._services) or None}
                rows = self.vendor.rows(self.vendor.client.get("/v1/services", params).content, "data")
                known = len(self._services)
                self._services |= {str(row.get("id")): str(row.get("name")) for row in rows}
                if len(rows) < PAGE or len(self._services) == known:
                    break
        return self._services.get(id_)


class _Alerts(_Incidents):
    path, where = "/v2/alerts", "opsgenie:alerts"

    def query(self, begin: datetime | None) -> str:
        """The alerts that count, since."""
        return f"({self._options.alerts}) AND {super().query(begin)}"

    def made(self, row: dict[str, Any], names: Names) -> Iterator[Item]:
        """An alert: its tags say whose it is, as `shop-web` or `service:shop-web`, else its integration."""
        tags = [part for tag in row.get("tags") or () for part in (str(tag), str(tag).rpartition(":")[2])]
        whose = next((tag for tag in tags if self._config.codebase_of(tag) is not None), None)
        codebase = names.codebase(whose or (row.get("integration") or {}).get("name"))
        begun = certain(row["createdAt"])
        after = (row.get("report") or {}).get("closeTime")
        yield Incident(
            id=str(row["id"]), started_at=begun, detected_at=begun, title=row.get("message"),
            resolved_at=begun + timedelta(milliseconds=int(after)) if after is not None else None,
            codebases=(codebase,) if codebase else None, severity=row.get("priority"),
            url=(row.get("links") or {}).get("web"),
        )  # fmt: skip

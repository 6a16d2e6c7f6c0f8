"""Alertmanager: the alerts that fire now, as incidents (API v2, `GET /api/v2/alerts`).

It keeps no past. So what is asked each time is what fires; an alert that fired the last time and does no more
is over, and when is only known to lie between the two: the later of them is written down. Where Prometheus is
read too, its own record of alerts (`prometheus: {alerts: …}`) says it to the step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from deploybook.config import Config
from deploybook.config.sources import AlertmanagerOptions
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected
from deploybook.records import Incident
from deploybook.sources.matching import Names
from deploybook.sources.vendors import UNEXPECTED, Vendor

_ADVICE = "Check `url:`, and the bearer token that the variable of `token:` holds, where it needs one."


def feed(options: AlertmanagerOptions, config: Config) -> Feed:
    """The feed of what fires; alerts of services that match no codebase are listed."""
    source = _Source(options, config)
    return Feed("alertmanager", RECORDS, source.pull, said=source.vendor.said)


class _Source:
    def __init__(self, options: AlertmanagerOptions, config: Config) -> None:
        self._options, self._config = options, config
        token = {"Authorization": ("Bearer {}", options.token)}
        self.vendor = Vendor("Alertmanager", options.url, _ADVICE, token)

    def pull(self, ask: Ask) -> Iterator[Item]:
        """One request: what fires is open, what fired the last time and does no more is over."""
        self.vendor.open(ask)
        names = Names(self._config, "alertmanager")
        now: dict[str, dict[str, Any]] = {}
        for row in self._alerts():
            made = self._read(row, names)
            if isinstance(made, Incident):
                now[made.id] = row
            yield made
        for id_, row in _before(ask.cursor).items():
            if id_ not in now:
                yield self._read(row, names, over=ask.as_of)
        yield from names.strange()
        yield Cursor(json.dumps(now, sort_keys=True))

    def _read(self, row: dict[str, Any], names: Names, over: datetime | None = None) -> Incident | Rejected:
        try:
            return _incident(row, names, over)
        except UNEXPECTED as error:
            return self.vendor.unexpected("alertmanager", error, row)

    def _alerts(self) -> list[dict[str, Any]]:
        # Silenced and inhibited alerts fire all the same: somebody only asked not to be told.
        path = "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true"
        for each in self._options.filters:
            path += "&filter=" + quote(each, safe="")
        found = self.vendor.client.get(path).content
        return [_kept(row) for row in self.vendor.rows(found)]


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    """What an incident is made of, and no more: it waits in the cursor until the alert is over."""
    labels, notes = row.get("labels"), row.get("annotations")
    return {
        "fingerprint": row.get("fingerprint"),
        "startsAt": row.get("startsAt"),
        "labels": labels if isinstance(labels, dict) else {},
        "summary": notes.get("summary") if isinstance(notes, dict) else None,
        "url": row.get("generatorURL"),
    }


def _before(cursor: str | None) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return (
        {key: row for key, row in found.items() if isinstance(row, dict)} if isinstance(found, dict) else {}
    )


def _incident(row: dict[str, Any], names: Names, over: datetime | None) -> Incident:
    labels = {str(key): str(value) for key, value in row["labels"].items()}
    begun = datetime.fromisoformat(row["startsAt"])
    codebase = names.labelled(labels)
    return Incident(
        id=f"alert-{row['fingerprint']}-{begun:%Y%m%dT%H%M%SZ}",
        started_at=begun,
        detected_at=begun,
        resolved_at=over,
        title=row["summary"] or labels.get("alertname"),
        codebases=(codebase,) if codebase else None,
        severity=labels.get("severity"),
        environment=labels.get("environment") or labels.get("env"),
        url=row["url"] or None,
    )

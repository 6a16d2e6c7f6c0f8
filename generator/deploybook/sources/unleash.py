"""Unleash: when a feature flag was switched on or off (admin API of Unleash 6 and 7, `/search/events`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from deploybook.config.sources import UnleashOptions
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected
from deploybook.records import FlagChange
from deploybook.sources.http import Client
from deploybook.sources.vendors import UNEXPECTED, Vendor

PAGE = 1000
OVERLAP = timedelta(days=1)
"""How much is read again: events are asked for by their day."""

_TYPES = {"feature-environment-enabled": "on", "feature-environment-disabled": "off"}
_ADVICE = "Check the variable that `token:` names: a token of Unleash that may read its events."


def feed(options: UnleashOptions) -> Feed:
    """The feed of the switches of every flag, or of those in the projects that the options name."""
    source = _Source(options)
    return Feed("unleash", RECORDS, source.pull, said=source.vendor.said)


class _Source:
    def __init__(self, options: UnleashOptions) -> None:
        self._options = options
        self._environments = {key.lower(): value.lower() for key, value in options.environments.items()}
        self.vendor = Vendor("Unleash", options.url, _ADVICE, {"Authorization": ("{}", options.token)})

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Newest first, page by page: what arrives meanwhile moves rows on, so that none is passed over."""
        client = self.vendor.open(ask)
        since = _since(ask)
        newest, seen, offset, again = since, set[str](), 0, False
        while True:
            rows = self._page(client, since, offset)
            stale = seen.issuperset(str(row.get("id")) for row in rows) and len(rows) in {0, PAGE}
            if offset and stale and not again:
                again = True  # a page of the list came twice, or not at all
                continue
            again = False
            for row in rows:
                if str(row.get("id")) in seen:
                    continue
                seen.add(str(row.get("id")))
                made = self._switch(row)
                if isinstance(made, FlagChange):
                    newest = max(newest or made.changed_at, made.changed_at)
                yield made
            ask.progress("switches of Unleash", len(seen), None)
            if len(rows) < PAGE:
                break
            offset += len(rows)
        if newest is not None:
            yield Cursor(json.dumps({"newest": newest.isoformat()}))

    def _page(self, client: Client, since: datetime | None, offset: int) -> list[dict[str, Any]]:
        params = {
            "type": f"IS_ANY_OF:{','.join(_TYPES)}",
            "from": f"IS:{since.astimezone(UTC):%Y-%m-%d}" if since else None,
            "project": f"IS_ANY_OF:{','.join(self._options.projects)}" if self._options.projects else None,
            "limit": PAGE, "offset": offset or None,
        }  # fmt: skip
        found = client.get("/api/admin/search/events", params).content
        return self.vendor.rows(found, "events")

    def _switch(self, row: dict[str, Any]) -> FlagChange | Rejected:
        try:
            environment = str(row["environment"]).lower()
            return FlagChange(
                flag=str(row["featureName"]),
                environment=self._environments.get(environment, environment),
                changed_at=datetime.fromisoformat(row["createdAt"]),
                state="on" if _TYPES[row["type"]] == "on" else "off",
                by=row.get("createdBy") or None,
            )
        except UNEXPECTED as error:
            return self.vendor.unexpected("unleash", error, row)


def _since(ask: Ask) -> datetime | None:
    """A day before the newest that is known; at first, and with `--since`, as asked."""
    if ask.since is not None:
        return ask.since
    try:
        return datetime.fromisoformat(json.loads(ask.cursor or "{}")["newest"]) - OVERLAP
    except (ValueError, KeyError, TypeError):
        return None

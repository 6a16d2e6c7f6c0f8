"""Jira: issues, epics, incidents (REST API: Cloud v3 `search/jql`, Server and Data Center v2 `search`).

Asked for in the order of their last change, so that a sync that was stopped goes on where it was. An issue is
closed when Jira set its resolution date; the date of its last change is never taken for that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

from deploybook.config import Config
from deploybook.config.sources import JiraOptions
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected
from deploybook.records import Incident, Issue
from deploybook.sources.http import TRIES, Client
from deploybook.sources.instants import instant
from deploybook.sources.matching import Names
from deploybook.sources.vendors import UNEXPECTED, Vendor

PAGE = 100
OVERLAP = timedelta(hours=2)
"""How much is read again: changes of the minute of the last one, and all where a clock is an hour off."""
LAP = 20
"""Issues that each numbered page repeats: what changes meanwhile moves to the end, and others move up."""

_KINDS: dict[str, Literal["epic", "story", "bug"]] = {"epic": "epic", "story": "story", "bug": "bug"}
_FIELDS = "summary,status,issuetype,labels,parent,components,priority,created,updated,resolutiondate"
_ADVICE = "Check `user:` and the variable that `token:` names: they must be able to browse these projects."


def feed(options: JiraOptions, config: Config) -> Feed:
    """The feed of the issues of some projects; those of the types that are incidents are incidents too."""
    source = _Source(options, config)
    return Feed("jira", RECORDS, source.pull, said=source.vendor.said)


class _Source:
    def __init__(self, options: JiraOptions, config: Config) -> None:
        self._options, self._config = options, config
        self._incidents = {name.casefold() for name in options.incidents}
        # A cloud's token is a user's password; Server and Data Center take theirs by itself.
        bearer = {"Authorization": ("Bearer {}", None if options.user else options.token)}
        auth = (options.user, options.token) if options.user else None
        self.vendor = Vendor("Jira", options.url, _ADVICE, bearer, auth)

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Page by page, the longest unchanged first; a cursor after each."""
        client = self.vendor.open(ask)
        names = Names(self._config, "jira")
        newest = None if ask.since else _saved(ask.cursor)
        begin = ask.since or (newest - OVERLAP if newest else None)
        jql = self._jql(begin, ask.as_of)
        seen: set[str] = set()
        for rows in self._pages(client, jql):
            for row in rows:
                if str(row.get("key")) in seen:
                    continue
                seen.add(str(row.get("key")))
                yield from self._told(row, names)
                newest = max(filter(None, (newest, _changed(row))), default=None)
            ask.progress("issues of Jira", len(seen), None)
            if newest is not None:
                yield Cursor(json.dumps({"updated": newest.isoformat()}))
        yield from names.strange()

    def _jql(self, begin: datetime | None, now: datetime) -> str:
        """By minutes ago: a date in JQL would be read in the time zone of whoever the token belongs to."""
        projects = ", ".join(json.dumps(name) for name in self._options.projects)
        parts = [f"project in ({projects})"]
        if begin is not None:
            parts.append(f"updated >= -{max(1, int((now - begin).total_seconds() // 60) + 1)}m")
        return " AND ".join(parts) + " ORDER BY updated ASC, key ASC"

    def _pages(self, client: Client, jql: str) -> Iterator[list[dict[str, Any]]]:
        common = {"jql": jql, "fields": _FIELDS, "maxResults": PAGE}
        if not self._options.cloud:
            yield from self._numbered(client, common)
            return
        token: str | None = None
        again = False
        while True:
            found = self._asked(client, "/rest/api/3/search/jql", common | {"nextPageToken": token})
            if token and not found["issues"] and not again:
                again = True  # a page of the list did not come
                continue
            again = False
            yield found["issues"]
            token = found.get("nextPageToken")
            if not token:
                return

    def _numbered(self, client: Client, common: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """Pages by number, each from within the one before: where they do not meet, one goes back."""
        known: set[str] = set()
        start = back = 0
        while True:
            found = self._asked(client, "/rest/api/2/search", common | {"startAt": start or None})
            rows = found["issues"]
            if start and not (rows and rows[0].get("key") in known) and back < TRIES:
                start, back = max(0, start - PAGE // 2), back + 1
                continue
            yield rows
            known |= {str(row.get("key")) for row in rows}
            if not rows or start + len(rows) >= int(found.get("total") or 0):
                return
            start, back = start + max(1, len(rows) - LAP), 0

    def _asked(self, client: Client, path: str, params: dict[str, Any]) -> dict[str, Any]:
        found = client.get(path, params).content
        rows = self.vendor.rows(found, "issues", "Check `url:` and `cloud:`.")
        return {**found, "issues": rows}

    def _told(self, row: dict[str, Any], names: Names) -> Iterator[Item]:
        try:
            key, fields = str(row["key"]), row["fields"]
            kind = str((fields.get("issuetype") or {}).get("name") or "")
            parts = [str(each["name"]) for each in fields.get("components") or () if each.get("name")]
            opened, closed = instant(fields.get("created")), instant(fields.get("resolutiondate"))
            status = fields.get("status") or {}
            done = closed is not None or (status.get("statusCategory") or {}).get("key") == "done"
            url = f"{self._options.url.rstrip('/')}/browse/{key}"
            title = str(fields.get("summary") or key)
            yield Issue(
                id=key, title=title, state="closed" if done else "open",
                kind=_KINDS.get(kind.casefold()),
                parent=(fields.get("parent") or {}).get("key"), labels=tuple(fields.get("labels") or ()),
                opened_at=opened, closed_at=closed, url=url,
            )  # fmt: skip
            if kind.casefold() in self._incidents and opened is not None:
                codebases = names.codebases(parts)
                yield Incident(
                    id=key, started_at=opened, resolved_at=closed, title=title, codebases=codebases or None,
                    severity=(fields.get("priority") or {}).get("name"), url=url,
                )  # fmt: skip
                if done and closed is None:
                    says = "it is done, but has no resolution date, and so counts as open"
                    yield Rejected(f"jira, {key}", says, "")
        except UNEXPECTED as error:
            yield self.vendor.unexpected(f"jira, {row.get('key')}", error, row)


def _changed(row: dict[str, Any]) -> datetime | None:
    fields = row.get("fields")
    try:
        return instant(fields.get("updated")) if isinstance(fields, dict) else None
    except (TypeError, ValueError):
        return None


def _saved(cursor: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads(cursor or "{}")["updated"])
    except (ValueError, KeyError, TypeError):
        return None

"""LaunchDarkly: when a feature flag was switched or rolled out further (its audit log, `/api/v2/auditlog`).

The log is read in slices of time, oldest first, so that a sync that was stopped goes on where it was. Its
list says which flag and environment a change touched; what that made of the flag only the entry itself tells,
so each entry that may have switched a flag takes one request more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from deploybook.config.sources import LaunchdarklyOptions
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.records import FlagChange
from deploybook.sources.http import Absent, Client
from deploybook.sources.vendors import UNEXPECTED, Held, Vendor

PAGE = 20
"""As many as LaunchDarkly lists at once."""
SLICE = timedelta(days=90)
OVERLAP = timedelta(hours=1)
"""How much is listed again: an entry may show later than one that came after it."""
FIRST = datetime(2014, 1, 1, tzinfo=UTC)
"""Before there was a LaunchDarkly."""

_RESOURCE = re.compile(r"proj/(?P<project>[^:;]+):env/(?P<environment>[^:;]+):flag/(?P<flag>[^:;]+)")
_SWITCHES = (
    "createFlag",
    "updateOn",
    "updateFallthrough",
    "updateOffVariation",
    "updateRules",
    "updateTargets",
)
"""How the actions begin that may change whom a flag is on for; measured roll-outs begin so, too."""
_ADVICE = "Check the variable that `token:` names: an access token of LaunchDarkly with the role Reader."

Row = dict[str, Any]


def feeds(options: LaunchdarklyOptions) -> list[Feed]:
    """A feed for each project that the options name; one for all where they name none."""
    return [_Source(options, project).feed() for project in options.projects or ("*",)]


class _Source:
    def __init__(self, options: LaunchdarklyOptions, project: str) -> None:
        self._options, self._project = options, project
        self._environments = {key.lower(): value.lower() for key, value in options.environments.items()}
        headers: dict[str, str | Held] = {
            "Authorization": ("{}", options.token),
            "LD-API-Version": "20240415",
        }
        self.vendor = Vendor("LaunchDarkly", options.url, _ADVICE, headers)

    def feed(self) -> Feed:
        name = "launchdarkly" if self._project == "*" else f"launchdarkly:{self._project}"
        return Feed(name, RECORDS, self.pull, said=self.vendor.said)

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Slice by slice; a cursor after each entry that was read, and after each slice."""
        client = self.vendor.open(ask)
        reached, told = _saved(ask.cursor)
        begin = ask.since or (reached - OVERLAP if reached else FIRST)
        newest = None if ask.since else reached
        ahead = ask.as_of + timedelta(days=1)  # its clock may be ahead of ours
        while begin < ahead:
            end = min(begin + SLICE, ahead)
            entries, crowded = self._listed(client, begin, end, ask)
            for row in [row for row in entries if not isinstance(row.get("date"), int)]:
                entries.remove(row)
                yield Rejected(f"LaunchDarkly, entry {row['_id']}", "it has no time", json.dumps(row)[:500])
            for instant in crowded:
                reason = f"more than {PAGE} entries are of this millisecond, and LaunchDarkly lists no more"
                yield Rejected(f"LaunchDarkly, {_instant(instant).isoformat()}", reason, "")
            for row in sorted(entries, key=lambda row: (row["date"], str(row["_id"]))):
                newest = max(newest or begin, _instant(row["date"]))
                if (key := str(row["_id"])) not in told:
                    told[key] = row["date"]
                    if _may_switch(row):
                        yield from self._read(client, row)
                        yield Cursor(_text(newest, told))
            begin = end
            if end < ask.as_of:
                # Nothing older can come any more: a sync that is stopped need not begin in 2014 again.
                newest = max(newest or end, end)
                yield Cursor(_text(newest, told))
        text = _text(newest, told) if newest else None
        yield Cursor(text) if text and text != ask.cursor else Unchanged()

    def _listed(
        self, client: Client, begin: datetime, end: datetime, ask: Ask
    ) -> tuple[list[Row], list[int]]:
        """The entries of a slice, asked for from the newest down; and the instants that have too many."""
        found: dict[str, Row] = {}
        crowded: list[int] = []
        before, again = _milliseconds(end), False
        while True:
            params = {
                "spec": f"proj/{self._project}:env/*:flag/*", "limit": PAGE,
                "after": _milliseconds(begin) - 1, "before": before,
            }  # fmt: skip
            content = client.get("/api/v2/auditlog", params).content
            rows = self.vendor.rows(content, "items")
            if found and not rows and not again:
                again = True  # a page of the list did not come
                continue
            again = False
            known, size = len(found), len(rows)
            found |= {str(row.get("_id")): {"_id": row.get("_id"), **row} for row in rows}
            ask.progress("entries of LaunchDarkly's log", len(found), None)
            dates = [row["date"] for row in rows if isinstance(row.get("date"), int)]
            if size < PAGE or not dates:
                return list(found.values()), crowded
            # `before` leaves its own instant out: entries of the same millisecond are asked for again.
            oldest = min(dates)
            if len(found) == known and oldest == before - 1:
                crowded.append(oldest)
            before = min(before, oldest + 1) if len(found) > known else min(before - 1, oldest)

    def _read(self, client: Client, row: Row) -> Iterator[Item]:
        where = f"LaunchDarkly, entry {row['_id']}"
        try:
            whole = client.get(f"/api/v2/auditlog/{row['_id']}").content
            yield from self._told({**row, **whole})
        except Absent:
            yield Rejected(where, "LaunchDarkly lists this entry and does not have it", json.dumps(row)[:500])
        except UNEXPECTED as error:
            yield self.vendor.unexpected(where, error, row)

    def _told(self, entry: Row) -> Iterator[FlagChange]:
        site = ((entry.get("_links") or {}).get("site") or {}).get("href")
        for flag, key in _touched(entry):
            state = state_of(entry.get("currentVersion"), key)
            before = state_of(entry.get("previousVersion"), key) or "off"
            if state is not None and state != before:
                environment = key.lower()
                yield FlagChange(
                    flag=flag, environment=self._environments.get(environment, environment),
                    changed_at=_instant(entry["date"]), state=state, by=_by(entry),
                    url=f"{self._options.url.rstrip('/')}{site}" if str(site).startswith("/") else None,
                )  # fmt: skip


def state_of(version: Row | None, environment: str) -> Any:
    """Whom a flag is on for in an environment: nobody ("off"), all or some ("on"), or a share.

    On is who is served anything but the variation that stands for off. Where the default rule serves a part
    of all, that is the share; where only rules or targets serve somebody, nobody knows how many: on.

    Args:
        version: The flag, as an entry of the log has it.
        environment: Its key in LaunchDarkly.
    """
    config = ((version or {}).get("environments") or {}).get(environment)
    if config is None:
        return None
    if not config["on"]:
        return "off"
    off = config.get("offVariation")
    share = _share(config.get("fallthrough") or {}, off)
    if share >= 1:
        return "on"
    if share > 0:
        return share
    some = any(_share(rule, off) > 0 for rule in config.get("rules") or ())
    aimed = (*(config.get("targets") or ()), *(config.get("contextTargets") or ()))
    return "on" if some or any(each.get("values") and each["variation"] != off for each in aimed) else "off"


def _share(served: Row, off: int | None) -> float:
    """Of those that a rule is for, the share that it serves anything but off."""
    if served.get("rollout") is None:
        return float("variation" in served and served["variation"] != off)
    weights = [(each["variation"], float(each["weight"])) for each in served["rollout"]["variations"]]
    total = sum(weight for _, weight in weights)
    return round(sum(weight for which, weight in weights if which != off) / total, 5) if total else 0.0


def _touched(entry: Row) -> list[tuple[str, str]]:
    """The flags and environments of an entry whose switches it may have moved."""
    found = {
        (resource["flag"], resource["environment"]): None
        for access in entry.get("accesses") or ()
        if str(access.get("action")).startswith(_SWITCHES)
        and (resource := _RESOURCE.match(str(access.get("resource"))))
    }
    return list(found)


def _may_switch(row: Row) -> bool:
    try:
        return row.get("kind") == "flag" and bool(_touched(row))
    except (TypeError, AttributeError):
        return True  # reading it will say what is wrong with it


def _by(entry: Row) -> str | None:
    """Who did it: a member by name and address, else the token or the application that acted."""
    member = entry.get("member") or {}
    name = f"{member.get('firstName') or ''} {member.get('lastName') or ''}".strip()
    address = member.get("email")
    if address:
        return f"{name} <{address}>" if name else str(address)
    actor = entry.get("token") or entry.get("app") or {}
    return name or actor.get("name") or None


def _saved(cursor: str | None) -> tuple[datetime | None, dict[str, int]]:
    """The newest instant that was reached, and the entries about it that were read, with their dates."""
    try:
        found = json.loads(cursor or "{}")
        newest = datetime.fromisoformat(found["newest"])
        return newest, {str(key): int(value) for key, value in found["told"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, {}


def _text(newest: datetime, told: dict[str, int]) -> str:
    edge = _milliseconds(newest - OVERLAP)
    kept = {key: date for key, date in sorted(told.items()) if date >= edge}
    return json.dumps({"newest": newest.isoformat(), "told": kept})


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)

"""Test and coverage reports that runs leave in their artifacts, each artifact read once.

GitHub lists artifacts newest first and keeps them ninety days. A sync lists back to what is known, an hour
further, for an artifact that took long to be sent; reads the oldest first; and may stop after any.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from deploybook.errors import SourceError
from deploybook.feed import Ask, Cursor, Item, Rejected, Unchanged
from deploybook.sources.github.bundles import LARGEST, Artifact, reports
from deploybook.sources.github.door import Door, Place
from deploybook.sources.http import Absent
from deploybook.sources.instants import certain

FIRST = 50
"""Artifacts that the first sync reads: the newest; each takes two requests."""
MOST = 200
"""Artifacts that a later sync reads; the next one reads on."""
PAGES = 10
"""Pages of a hundred that the first sync looks through."""
OVERLAP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class State:
    """What the cursor keeps.

    Attributes:
        etag: Of the first page of the list, once all that it lists was read.
        newest: When the newest artifact was made that was read or is not wanted.
        read: The ids of those that are at most an hour older.
    """

    etag: str | None = None
    newest: str | None = None
    read: tuple[tuple[int, str], ...] = ()

    @classmethod
    def of(cls, cursor: str | None) -> State:
        """Of a cursor's text; what cannot be read is as nothing."""
        try:
            found = json.loads(cursor or "{}")
            read = tuple((int(number), str(at)) for number, at in found.get("read", ()))
            return cls(found.get("etag"), found.get("newest"), read)
        except (ValueError, AttributeError, TypeError):
            return cls()

    def text(self) -> str:
        """As a cursor."""
        return json.dumps({"etag": self.etag, "newest": self.newest, "read": self.read})

    def after(self, row: dict[str, Any]) -> State:
        """Once this one was read."""
        newest = max(self.newest or "", row["created_at"])
        floor = _floor(newest)
        kept = [each for each in (*self.read, (row["id"], row["created_at"])) if each[1] >= floor]
        return State(None, newest, tuple(kept))


def artifacts(door: Door, place: Place, patterns: tuple[str, ...], ask: Ask) -> Iterator[Item]:
    """The reports in new artifacts whose names fit.

    Args:
        door: GitHub.
        place: The repository.
        patterns: As "*junit*", in any case.
        ask: What is asked.

    Raises:
        SourceError: GitHub cannot be reached, or its list is not whole.
    """
    state = State.of(ask.cursor)
    rows, etag = _listed(door, place, state, ask)
    if rows is None:
        yield Unchanged()
        return
    first = state.newest is None
    wanted = [row for row in rows if _fits(str(row["name"]), patterns) and not row.get("expired")]
    wanted = sorted(wanted, key=lambda row: (row["created_at"], row["id"]))
    all_of_them = len(wanted) <= MOST
    wanted = wanted[-FIRST:] if first else wanted[:MOST]
    for done, row in enumerate(wanted):
        ask.progress(f"artifacts of {place.codebase}", done, len(wanted))
        yield from _contents(door, place, row, ask)
        state = state.after(row)
        # A first sync that is stopped reads on from the newest that it has: the rest is newer.
        yield Cursor(state.text())
    if first or all_of_them:
        for row in rows:
            state = state.after(row)
        state = replace(state, etag=etag)
    yield Cursor(state.text())


def _listed(
    door: Door, place: Place, state: State, ask: Ask
) -> tuple[list[dict[str, Any]] | None, str | None]:
    """What is listed and was not read, and the tag of the list; `None` where nothing is new."""
    floor = _floor(state.newest) if state.newest else ask.since and f"{ask.since:%Y-%m-%dT%H:%M:%SZ}"
    known = {number for number, _ in state.read}
    found: dict[int, dict[str, Any]] = {}
    etag, seen, page = None, 0, 1
    while True:
        params = {"per_page": 100, "page": page if page > 1 else None}
        answer = door.client(ask).get(
            f"{place.rest}/actions/artifacts", params, state.etag if page == 1 else None
        )
        if answer.unchanged:
            return None, None
        etag = etag or answer.etag
        content = answer.content if isinstance(answer.content, dict) else {}
        listed = [row for row in content.get("artifacts") or () if isinstance(row, dict)]
        rows = [row for row in listed if _is_artifact(row)]
        found |= {row["id"]: row for row in rows if (floor or "") <= row["created_at"]}
        seen += len(listed)
        whole = seen >= int(content.get("total_count") or 0)
        below = any(row["created_at"] < (floor or "") for row in rows)
        if whole or below or (state.newest is None and page == PAGES):
            return [row for number, row in found.items() if number not in known], etag
        if not listed:
            raise SourceError(
                f"GitHub lists {seen} artifacts of {content.get('total_count')}", where=place.rest,
                next_step="What was read so far is kept; run again later.",
            )  # fmt: skip
        page += 1


def _contents(door: Door, place: Place, row: dict[str, Any], ask: Ask) -> Iterator[Item]:
    run = row.get("workflow_run") if isinstance(row.get("workflow_run"), dict) else {}
    assert isinstance(run, dict)
    artifact = Artifact(
        codebase=place.codebase,
        name=str(row["name"]),
        run=str(run["id"]) if run.get("id") else None,
        revision=run.get("head_sha"),
        made_at=datetime.fromisoformat(row["created_at"]),
        url=f"{place.owner}/{place.name} artifact {row['id']}",
    )
    if int(row.get("size_in_bytes") or 0) > LARGEST:
        yield Rejected(f"{artifact.url} {artifact.name}", f"it is larger than {LARGEST:,} bytes", "")
        return
    try:
        content = door.file(ask, f"{place.rest}/actions/artifacts/{row['id']}/zip", LARGEST)
    except Absent:
        yield Rejected(f"{artifact.url} {artifact.name}", "GitHub has it no more, or it has expired", "")
        return
    if content is None:
        yield Rejected(f"{artifact.url} {artifact.name}", f"it is larger than {LARGEST:,} bytes", "")
        return
    yield from reports(artifact, content)


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def _is_artifact(row: dict[str, Any]) -> bool:
    try:
        return isinstance(row["id"], int) and bool(row["name"]) and bool(certain(row["created_at"]))
    except (KeyError, ValueError, TypeError):
        return False


def _floor(newest: str) -> str:
    return (certain(newest) - OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")

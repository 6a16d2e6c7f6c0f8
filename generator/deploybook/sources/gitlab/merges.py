"""Merged merge requests with their first commit, first review and approvals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from deploybook.feed import Ask, Item
from deploybook.records import Change
from deploybook.sources.gitlab.door import Door, Place
from deploybook.sources.newer import Newer, Row


def changes(door: Door, place: Place, ask: Ask) -> Iterator[Item]:
    """The merge requests that were merged or changed since the cursor: two requests more for each."""
    client = door.client(ask)

    def read(row: Row) -> Iterator[Item]:
        own = f"{place.rest}/merge_requests/{row['iid']}"
        commits = door.all(ask, f"{own}/commits")
        notes = door.all(ask, f"{own}/notes?sort=asc&order_by=created_at")
        yield change(place, row, commits, notes)

    params = {"state": "merged", "order_by": "updated_at", "sort": "asc", "scope": "all"}
    listed = Newer(
        client, f"{place.rest}/merge_requests", params, since="updated_after", time="updated_at", ask=ask
    )
    yield from listed.pull(read, f"merge requests of {place.codebase}")


def change(place: Place, row: Row, commits: list[Row], notes: list[Row]) -> Change:
    """A merge request as a change.

    Args:
        place: The project.
        row: Of the list.
        commits: Its own.
        notes: What people and GitLab wrote below it, oldest first: approvals are among them.
    """
    author = (row.get("author") or {}).get("username")
    # A merge that GitLab does not date (it lost the time of some) was at its last close.
    merged_at = datetime.fromisoformat(row["merged_at"] or row["closed_at"])
    reviews = [note for note in notes if _at(note) <= merged_at and _who(note) != author]
    first = next((_at(note) for note in reviews if not note.get("system") or _approves(note)), None)
    approved: dict[str, datetime] = {}
    for note in reviews:
        if note.get("system") and _approves(note):
            approved.setdefault(_who(note), _at(note))
        elif note.get("system") and str(note.get("body")).startswith("unapproved"):
            approved.pop(_who(note), None)
    merge = row.get("merge_commit_sha") or row.get("squash_commit_sha") or row.get("sha")
    return Change(
        codebase=place.codebase,
        id=str(row["iid"]),
        title=row["title"],
        merged_at=merged_at,
        body=row.get("description"),
        author=author,
        branch=row.get("source_branch"),
        base=row.get("target_branch"),
        url=row.get("web_url"),
        opened_at=datetime.fromisoformat(row["created_at"]) if row.get("created_at") else None,
        first_commit_at=min(
            (datetime.fromisoformat(each["authored_date"]) for each in commits if each.get("authored_date")),
            default=None,
        ),
        first_review_at=first,
        approved_at=min(approved.values(), default=None),
        approvals=len(approved),
        merge_revision=merge,
        revisions=tuple(str(each["id"]) for each in commits) or None,
        labels=tuple(str(label) for label in row["labels"]) if "labels" in row else None,
        milestone=(row.get("milestone") or {}).get("title"),
    )


def _approves(note: Row) -> bool:
    return str(note.get("body")).startswith("approved this merge request")


def _who(note: Row) -> str:
    return str((note.get("author") or {}).get("username"))


def _at(note: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(note["created_at"])

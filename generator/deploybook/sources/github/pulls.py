"""Merged pull requests with reviews, labels, milestone, linked issues and their first commits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from deploybook.feed import Ask, Item
from deploybook.records import Change, IssueLink
from deploybook.sources.github.door import Door, Place
from deploybook.sources.github.walk import List, pull
from deploybook.sources.instants import instant

MOST_COMMITS = 20
"""Commits asked for with each pull request; of a longer one the revisions are git's to tell."""

_QUERY = """query Pulls($owner: String!, $name: String!, $first: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequests(
      states: MERGED, first: $first, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}
    ) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        number title body url createdAt mergedAt updatedAt additions deletions
        baseRefName headRefName
        author { login }
        mergeCommit { oid }
        milestone { title }
        labels(first: 50) { nodes { name } }
        commits(first: 20) { totalCount nodes { commit { oid authoredDate } } }
        reviews(first: 100) { totalCount nodes { state submittedAt author { login } } }
        #closingIssuesReferences
        #files
      }
    }
  }
}"""
_ISSUES = (
    "closingIssuesReferences(first: 20) "
    "{ nodes { number title url repository { nameWithOwner } labels(first: 20) { nodes { name } } } }"
)
_FILES = "files(first: 100) { totalCount nodes { path } }"


def changes(door: Door, place: Place, ask: Ask, *, files: bool = False) -> Iterator[Item]:
    """The pull requests that were merged, updated or reviewed since the cursor.

    Args:
        door: GitHub.
        place: The repository, and the codebase's folder in it: others' pull requests are left out.
        ask: What is asked.
        files: Whether anything asks which files a change touched.
    """

    def read(ask: Ask, node: dict[str, Any]) -> Iterator[Item]:
        touched = _touched(door, place, ask, node) if files or place.path else None
        if place.path and touched is not None:
            folder = f"{place.path.strip('/')}/"
            if not any(path.startswith(folder) for path in touched):
                return
        yield change(place, node, touched)

    wanted = List(
        what="pull requests",
        probe="/pulls",
        probe_params={"state": "closed", "sort": "updated", "direction": "desc", "per_page": 1},
        query=_QUERY,
        optional={
            "closingIssuesReferences": _ISSUES,
            **({"files": _FILES} if files or place.path else {}),
        },
        connection="pullRequests",
        time="updatedAt",
        overlap=timedelta(hours=1),
        read=read,
        news=20,
    )
    yield from pull(door, place, wanted, ask)


def change(place: Place, node: dict[str, Any], files: tuple[str, ...] | None = None) -> Change:
    """A pull request as a change; what a server does not tell is unknown."""
    author = _login(node)
    merged_at = datetime.fromisoformat(node["mergedAt"])
    reviews = _Reviews.of(node.get("reviews"), author, merged_at)
    commits = _nodes(node.get("commits"))
    whole = commits is not None and (node["commits"].get("totalCount") or 0) == len(commits)
    revisions = tuple(each["commit"]["oid"] for each in commits) if commits and whole else None
    return Change(
        codebase=place.codebase,
        id=str(node["number"]),
        title=node["title"],
        merged_at=merged_at,
        body=node.get("body"),
        author=author,
        branch=node.get("headRefName"),
        base=node.get("baseRefName"),
        url=node.get("url"),
        opened_at=instant(node.get("createdAt")),
        first_commit_at=min(
            (datetime.fromisoformat(each["commit"]["authoredDate"]) for each in commits or ()), default=None
        ),
        first_review_at=reviews.first,
        approved_at=reviews.approved,
        approvals=reviews.approvals,
        merge_revision=(node.get("mergeCommit") or {}).get("oid"),
        revisions=revisions,
        labels=_names(node.get("labels"), "name"),
        milestone=(node.get("milestone") or {}).get("title"),
        issues=_issues(place, node.get("closingIssuesReferences")),
        additions=node.get("additions"),
        deletions=node.get("deletions"),
        files=files,
    )


class _Reviews:
    """What reviewers said before the merge; the author's own comments are no review."""

    def __init__(self, first: datetime | None, approved: datetime | None, approvals: int | None) -> None:
        self.first, self.approved, self.approvals = first, approved, approvals

    @classmethod
    def of(cls, reviews: Any, author: str | None, merged_at: datetime) -> _Reviews:
        nodes = _nodes(reviews)
        if nodes is None:
            return cls(None, None, None)
        given: list[tuple[datetime, str, str]] = []
        for node in nodes:
            at = instant(node.get("submittedAt"))
            who = _login(node) or ""
            if at is not None and at <= merged_at and (who != author or not who):
                given.append((at, who, node.get("state") or ""))
        given.sort()
        latest: dict[str, tuple[datetime, str]] = {}
        for at, who, state in given:
            if state in {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}:  # a comment takes no approval back
                latest[who] = (at, state)
        standing = sorted(at for at, state in latest.values() if state == "APPROVED")
        cut = (reviews.get("totalCount") or 0) > len(nodes)
        return cls(
            given[0][0] if given else None,
            standing[0] if standing else None,
            # Where there are more reviews than were told, no approval may only mean none yet.
            len(standing) if standing or not cut else None,
        )


def _touched(door: Door, place: Place, ask: Ask, node: dict[str, Any]) -> tuple[str, ...] | None:
    paths = _names(node.get("files"), "path")
    if paths is not None and (node["files"].get("totalCount") or 0) <= len(paths):
        return paths
    found: list[str] = []
    client = door.client(ask)
    for page in range(1, 31):  # GitHub tells of 3,000 files at most
        answer = client.get(f"{place.rest}/pulls/{node['number']}/files", {"per_page": 100, "page": page})
        found += [str(each["filename"]) for each in answer.content]
        if len(answer.content) < 100:
            break
    return tuple(found)


def _issues(place: Place, issues: Any) -> tuple[IssueLink, ...] | None:
    nodes = _nodes(issues)
    if nodes is None:
        return None
    here = f"{place.owner}/{place.name}".casefold()
    found = []
    for node in nodes:
        repository = str((node.get("repository") or {}).get("nameWithOwner") or here)
        inside = repository.casefold() == here
        found.append(
            IssueLink(
                id=f"{place.codebase}/{node['number']}" if inside else f"{repository}#{node['number']}",
                title=node.get("title"),
                url=node.get("url"),
                labels=_names(node.get("labels"), "name"),
            )
        )
    return tuple(found)


def _nodes(connection: Any) -> list[dict[str, Any]] | None:
    if not isinstance(connection, dict) or not isinstance(connection.get("nodes"), list):
        return None
    return [node for node in connection["nodes"] if isinstance(node, dict)]


def _names(connection: Any, key: str) -> tuple[str, ...] | None:
    nodes = _nodes(connection)
    return None if nodes is None else tuple(str(node[key]) for node in nodes)


def _login(node: dict[str, Any]) -> str | None:
    return (node.get("author") or {}).get("login")

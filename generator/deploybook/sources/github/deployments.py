"""Deployments with every status, and releases that stand for deployments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from deploybook.feed import Ask, Item
from deploybook.records import Deployment, Outcome
from deploybook.sources.github.door import Door, Place
from deploybook.sources.github.walk import List, pull
from deploybook.sources.instants import certain
from deploybook.sources.matching import Names

_DEPLOYMENTS = """query Deployments($owner: String!, $name: String!, $first: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    deployments(first: $first, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        databaseId environment commitOid createdAt task
        creator { login }
        ref { name prefix }
        statuses(first: 50) {
          totalCount
          nodes { state createdAt logUrl environmentUrl creator { login } }
        }
      }
    }
  }
}"""

_RELEASES = """query Releases($owner: String!, $name: String!, $first: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    releases(first: $first, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        tagName createdAt publishedAt isDraft isPrerelease url
        author { login }
        tagCommit { oid }
      }
    }
  }
}"""

_ENDED: dict[str, Outcome] = {"FAILURE": "failure", "ERROR": "error"}
_RUN = re.compile(r"/actions/runs/(\d+)")


def deployments(door: Door, place: Place, names: Names, ask: Ask) -> Iterator[Item]:
    """The deployments of a repository, new ones and those that had not ended."""

    def read(ask: Ask, node: dict[str, Any]) -> Iterator[Item]:
        statuses = node.get("statuses") or {}
        if (statuses.get("totalCount") or 0) > len(statuses.get("nodes") or ()):
            node = {**node, "statuses": {"nodes": _all_statuses(door, place, ask, node)}}
        yield deployment(place, names, node)

    wanted = List(
        what="deployments",
        probe="/deployments",
        probe_params={"per_page": 100},
        query=_DEPLOYMENTS,
        optional={},
        connection="deployments",
        time="createdAt",
        overlap=timedelta(days=3),
        read=read,
        is_open=lambda node: not _states(node) & {"SUCCESS", "FAILURE", "ERROR", "INACTIVE"},
    )
    yield from pull(door, place, wanted, ask)
    yield from names.strange()


def deployment(place: Place, names: Names, node: dict[str, Any]) -> Deployment:
    """A deployment, ended when its own status said so; never when it was last updated."""
    statuses = sorted(_nodes(node), key=lambda status: str(status.get("createdAt")))
    begun = next((each for each in statuses if each.get("state") == "IN_PROGRESS"), None)
    success = next((each for each in statuses if each.get("state") == "SUCCESS"), None)
    failures = [each for each in statuses if each.get("state") in _ENDED]
    end = success or (failures[-1] if failures else None)
    outcome: Outcome | None = None
    if end is not None:
        outcome = "success" if end is success else _ENDED[end["state"]]
    ref = node.get("ref") or {}
    logs = [str(each["logUrl"]) for each in [*([end] if end else []), *statuses] if each.get("logUrl")]
    run = next((found[1] for log in logs if (found := _RUN.search(log))), None)
    by = (node.get("creator") or {}).get("login")
    return Deployment(
        codebase=place.codebase,
        id=str(node["databaseId"]),
        environment=names.environment(node.get("environment") or "production"),
        revision=node.get("commitOid"),
        version=ref.get("name") if ref.get("prefix") == "refs/tags/" else None,
        started_at=certain(begun["createdAt"] if begun else node["createdAt"]),
        finished_at=certain(end["createdAt"]) if end else None,
        outcome=outcome,
        kind="rollback" if "rollback" in (node.get("task") or "").lower() else None,
        by=by,
        url=logs[0] if logs else None,
        pipeline_run=run,
    )


def _all_statuses(door: Door, place: Place, ask: Ask, node: dict[str, Any]) -> list[dict[str, Any]]:
    client = door.client(ask)
    found: list[dict[str, Any]] = []
    path: str | None = f"{place.rest}/deployments/{node['databaseId']}/statuses?per_page=100"
    while path:
        answer = client.get(path)
        found += [
            {
                "state": str(each["state"]).upper(),
                "createdAt": each["created_at"],
                "logUrl": each.get("log_url"),
            }
            for each in answer.content
        ]
        path = answer.next_page
    return found


def releases(door: Door, place: Place, environment: str, ask: Ask) -> Iterator[Item]:
    """Each published release, without pre-releases, as a deployment of its tag's commit."""

    def read(_: Ask, node: dict[str, Any]) -> Iterator[Item]:
        if node.get("isDraft") or node.get("isPrerelease") or not node.get("publishedAt"):
            return
        yield Deployment(
            codebase=place.codebase,
            id=node["tagName"],
            environment=environment,
            revision=(node.get("tagCommit") or {}).get("oid"),
            version=node["tagName"],
            finished_at=certain(node["publishedAt"]),
            outcome="success",
            by=(node.get("author") or {}).get("login"),
            url=node.get("url"),
            time_from="release",
        )

    wanted = List(
        what="releases",
        probe="/releases",
        probe_params={"per_page": 100},
        query=_RELEASES,
        optional={},
        connection="releases",
        time="createdAt",
        # A draft that was made long ago may be published today.
        overlap=timedelta(days=90),
        read=read,
    )
    yield from pull(door, place, wanted, ask)


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in (node.get("statuses") or {}).get("nodes") or [] if isinstance(each, dict)]


def _states(node: dict[str, Any]) -> set[str]:
    return {str(each.get("state")) for each in _nodes(node)}

"""Pipelines, deployments, releases and incidents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from deploybook.feed import Ask, Item
from deploybook.records import Deployment, Incident, Outcome
from deploybook.sources.gitlab import attempts
from deploybook.sources.gitlab.door import Door, Place
from deploybook.sources.instants import instant
from deploybook.sources.matching import Names
from deploybook.sources.newer import Newer, Row

_DEPLOYED: dict[str, Outcome] = {"success": "success", "failed": "failure", "canceled": "cancel"}


def runs(door: Door, place: Place, ask: Ask) -> Iterator[Item]:
    """The pipelines that ended since the cursor: a request more for each, two for a red or repeated one."""
    client = door.client(ask)

    def read(row: Row) -> Iterator[Item]:
        if row.get("status") not in attempts.ENDED:
            return
        own = f"{place.rest}/pipelines/{row['id']}"
        whole = client.get(own).content
        asked = attempts.worth_asking(whole)
        jobs = door.all(ask, f"{own}/jobs?include_retried=true") if asked else []
        yield from attempts.runs(place, whole, jobs)

    params = {"order_by": "updated_at", "sort": "asc"}
    listed = Newer(
        client, f"{place.rest}/pipelines", params, since="updated_after", time="updated_at", ask=ask
    )
    yield from listed.pull(read, f"pipelines of {place.codebase}")


def deployments(door: Door, place: Place, names: Names, ask: Ask) -> Iterator[Item]:
    """The deployments that began or ended since the cursor."""

    def read(row: Row) -> Iterator[Item]:
        yield deployment(place, names, row)

    params = {"order_by": "updated_at", "sort": "asc"}
    listed = Newer(
        door.client(ask), f"{place.rest}/deployments", params,
        since="updated_after", time="updated_at", ask=ask,
    )  # fmt: skip
    yield from listed.pull(read, f"deployments of {place.codebase}")
    yield from names.strange()


def deployment(place: Place, names: Names, row: Row) -> Deployment:
    """A deployment, which ended when its job did; without one the finish is unknown."""
    job = row.get("deployable") or {}
    outcome = _DEPLOYED.get(str(row.get("status")))
    pipeline = job.get("pipeline") or {}
    tag = row.get("ref") if job.get("tag") else None
    return Deployment(
        codebase=place.codebase,
        id=str(row["iid"]),
        environment=names.environment(row["environment"]["name"]),
        revision=row.get("sha"),
        version=tag,
        started_at=instant(job.get("started_at") or row.get("created_at")),
        finished_at=instant(job.get("finished_at")) if outcome else None,
        outcome=outcome,
        by=(row.get("user") or {}).get("username"),
        url=job.get("web_url") or pipeline.get("web_url"),
        pipeline_run=str(pipeline["id"]) if pipeline.get("id") else None,
    )


def releases(door: Door, place: Place, environment: str, ask: Ask) -> Iterator[Item]:
    """Each release as a deployment of its commit; all are told each time, so that one gone is forgotten."""
    client = door.client(ask)
    path: str | None = f"{place.rest}/releases?per_page=100"
    while path:
        answer = client.get(path)
        for row in answer.content:
            if row.get("upcoming_release"):
                continue
            yield Deployment(
                codebase=place.codebase,
                id=row["tag_name"],
                environment=environment,
                revision=(row.get("commit") or {}).get("id"),
                version=row["tag_name"],
                finished_at=instant(row["released_at"]),
                outcome="success",
                by=(row.get("author") or {}).get("username"),
                url=(row.get("_links") or {}).get("self"),
                time_from="release",
            )
        path = answer.next_page


def incidents(door: Door, place: Place, labels: tuple[str, ...], ask: Ask) -> Iterator[Item]:
    """Incidents, and issues with one of the labels, that changed since the cursor."""
    wanted = {label.casefold() for label in labels}

    def read(row: Row) -> Iterator[Item]:
        has = {str(label).casefold() for label in row.get("labels") or ()}
        if row.get("issue_type") == "incident" or has & wanted:
            yield incident(place, row)

    params = {"order_by": "updated_at", "sort": "asc", "scope": "all"}
    listed = Newer(
        door.client(ask), f"{place.rest}/issues", params, since="updated_after", time="updated_at", ask=ask
    )
    yield from listed.pull(read, f"incidents of {place.codebase}")


def incident(place: Place, row: Row) -> Incident:
    """An incident; its end is when it was closed."""
    severity = str(row.get("severity") or "UNKNOWN").lower()
    return Incident(
        id=f"{place.codebase}/{row['iid']}",
        started_at=datetime.fromisoformat(row["created_at"]),
        title=row.get("title"),
        codebases=(place.codebase,),
        resolved_at=instant(row.get("closed_at")),
        severity=None if severity == "unknown" else severity,
        url=row.get("web_url"),
    )

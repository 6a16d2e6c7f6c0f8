"""Pipelines, deployments, releases and incidents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from deploybook.feed import Ask, Item
from deploybook.records import Deployment, Incident, Outcome, PipelineRun, Stage
from deploybook.sources.gitlab.door import Door, Place
from deploybook.sources.instants import instant
from deploybook.sources.matching import Names
from deploybook.sources.newer import Newer, Row

_ENDED = {"success": "success", "failed": "failure", "canceled": "cancel", "skipped": "skip"}
_DEPLOYED: dict[str, Outcome] = {"success": "success", "failed": "failure", "canceled": "cancel"}


def runs(door: Door, place: Place, ask: Ask) -> Iterator[Item]:
    """The pipelines that ended since the cursor: one request more for each, two for a red one."""
    client = door.client(ask)

    def read(row: Row) -> Iterator[Item]:
        if row.get("status") not in _ENDED:
            return
        own = f"{place.rest}/pipelines/{row['id']}"
        whole = client.get(own).content
        red = row["status"] == "failed"
        jobs = client.get(f"{own}/jobs", {"per_page": 100, "include_retried": "true"}).content if red else []
        yield run(place, whole, jobs)

    params = {"order_by": "updated_at", "sort": "asc"}
    listed = Newer(
        client, f"{place.rest}/pipelines", params, since="updated_after", time="updated_at", ask=ask
    )
    yield from listed.pull(read, f"pipelines of {place.codebase}")


def run(place: Place, row: Row, jobs: list[Row]) -> PipelineRun:
    """A pipeline that ended; its finish is its own `finished_at`."""
    return PipelineRun(
        codebase=place.codebase,
        id=str(row["id"]),
        pipeline=str(row.get("name") or "pipeline"),
        outcome=_ENDED[row["status"]],
        revision=row.get("sha"),
        branch=row.get("ref"),
        trigger=row.get("source"),
        queued_at=instant(row.get("created_at")),
        started_at=instant(row.get("started_at")),
        finished_at=instant(row.get("finished_at")),
        stages=tuple(_stage(job) for job in sorted(jobs, key=lambda job: int(job["id"]))) or None,
        url=row.get("web_url"),
    )


def _stage(job: Row) -> Stage:
    return Stage(
        name=str(job["name"]),
        outcome=_ENDED.get(str(job.get("status"))),
        started_at=instant(job.get("started_at")),
        finished_at=instant(job.get("finished_at")),
    )


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

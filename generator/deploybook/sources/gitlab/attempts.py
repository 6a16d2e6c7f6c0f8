"""A pipeline as pipeline runs, one an attempt, each with its own times.

GitLab runs jobs again within the same pipeline, and moves its status and its end. What was before stands in
the jobs alone: one that is there a second time, made when all others had ended, begins an attempt.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from deploybook.records import PipelineRun, Stage
from deploybook.sources.gitlab.door import Place
from deploybook.sources.instants import instant
from deploybook.sources.newer import Row

ENDED = {"success": "success", "failed": "failure", "canceled": "cancel", "skipped": "skip"}
SOON = timedelta(minutes=1)
"""A job that is made again sooner after the last had ended was retried by GitLab itself: the same attempt."""


def worth_asking(row: Row) -> bool:
    """Whether a pipeline's jobs say more: it is red, or took longer than its jobs did, as one run again."""
    began, ended = instant(row.get("started_at")), instant(row.get("finished_at"))
    idle = ended - began - timedelta(seconds=row.get("duration") or 0) if began and ended else None
    return row["status"] == "failed" or (row.get("duration") is not None and (idle or SOON) > SOON)


def runs(place: Place, row: Row, jobs: list[Row]) -> Iterator[PipelineRun]:
    """The attempts of a pipeline that has ended, oldest first.

    Args:
        place: The project.
        row: The pipeline in whole.
        jobs: Of all attempts; none where they were not asked for.
    """
    begins = _begins(jobs)
    last = len(begins) + 1
    for attempt in range(1, last + 1):
        own = [job for job in jobs if _attempt(job, begins) == attempt]
        made = instant(row.get("created_at")) if attempt == 1 else begins[attempt - 2]
        starts = [at for job in own if (at := instant(job.get("started_at")))]
        ends = [at for job in own if (at := instant(job.get("finished_at"))) and job.get("started_at")]
        yield PipelineRun(
            codebase=place.codebase,
            id=str(row["id"]),
            attempt=attempt,
            pipeline=str(row.get("name") or "pipeline"),
            outcome=ENDED[row["status"]] if attempt == last else _together(own),
            revision=row.get("sha"),
            branch=row.get("ref"),
            trigger=row.get("source"),
            queued_at=made,
            started_at=instant(row.get("started_at")) if attempt == 1 else min(starts, default=None),
            finished_at=instant(row.get("finished_at")) if attempt == last else max(ends, default=None),
            stages=tuple(_stage(job) for job in own) or None,
            url=row.get("web_url"),
        )


def _begins(jobs: list[Row]) -> list[datetime]:
    """When each attempt but the first was begun."""
    found: list[datetime] = []
    current: set[str] = set()
    for job in sorted(jobs, key=lambda job: int(job["id"])):
        made = instant(job.get("created_at"))
        if job["name"] in current and made and _all_ended(jobs, made - SOON, made):
            found.append(made)
            current = set()
        current.add(job["name"])
    return found


def _all_ended(jobs: list[Row], by: datetime, before: datetime) -> bool:
    """Whether all jobs that had begun before an instant had ended by another."""
    begun = (job for job in jobs if (at := instant(job.get("started_at"))) and at < before)
    return all((end := instant(job.get("finished_at"))) is not None and end <= by for job in begun)


def _attempt(job: Row, begins: list[datetime]) -> int:
    """By when it ran: one that was passed over at first is run later under its old number."""
    at = instant(job.get("started_at")) or instant(job.get("created_at"))
    return 1 + sum(at is not None and at >= begin for begin in begins)


def _together(jobs: list[Row]) -> str:
    """The outcome of an attempt that only its jobs tell of."""
    found = {ENDED.get(str(job.get("status"))) for job in jobs if not job.get("allow_failure")}
    return next((word for word in ("failure", "cancel", "success") if word in found), "skip")


def _stage(job: Row) -> Stage:
    return Stage(
        name=str(job["name"]),
        outcome=ENDED.get(str(job.get("status"))),
        started_at=instant(job.get("started_at")),
        finished_at=instant(job.get("finished_at")),
    )

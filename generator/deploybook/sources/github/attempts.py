"""A workflow run as pipeline runs, one an attempt, each with its own times; and as a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from deploybook.records import Deployment, Outcome, PipelineRun, Stage
from deploybook.sources.github.door import Place
from deploybook.sources.github.jobs import Job
from deploybook.sources.instants import instant

OUTCOMES = {
    "success": "success",
    "failure": "failure",
    "timed_out": "failure",
    "startup_failure": "error",
    "cancelled": "cancel",
    "stale": "cancel",
    "skipped": "skip",
    "neutral": "skip",
    "action_required": "skip",
}
_DEPLOYED: dict[str, Outcome] = {
    "success": "success",
    "failure": "failure",
    "error": "error",
    "cancel": "cancel",
}


def is_done(run: dict[str, Any]) -> bool:
    """Whether its latest attempt has ended."""
    return run.get("status") == "completed" and run.get("conclusion") in OUTCOMES


def runs(
    place: Place, run: dict[str, Any], jobs: list[Job] | None, deploys_to: str | None
) -> Iterator[PipelineRun]:
    """The attempts of a run that has ended, oldest first.

    The end of an attempt is that of its last job: a run's `updated_at` moves on later. Without its jobs it
    is unknown, and so are the attempts before the last.

    Args:
        place: The repository.
        run: As the REST interface gives it.
        jobs: Of all its attempts; `None` where they are not known.
        deploys_to: The environment that the workflow deploys to.
    """
    last = int(run.get("run_attempt") or 1)
    begun = instant(run.get("run_started_at")) or instant(run.get("created_at"))
    for attempt, own in _parted(jobs, last, begun):
        ended = attempt == last
        outcome = OUTCOMES[run["conclusion"]] if ended else _together(own)
        starts = [job.started_at for job in own if job.started_at and job.conclusion != "skipped"]
        ends = [job.completed_at for job in own if job.completed_at and job.conclusion != "skipped"]
        queued = instant(run.get("created_at")) if attempt == 1 else begun if ended else None
        yield PipelineRun(
            codebase=place.codebase,
            id=str(run["id"]),
            attempt=attempt,
            pipeline=str(run.get("name") or run.get("path") or run.get("workflow_id")),
            outcome=outcome,
            revision=run.get("head_sha"),
            branch=run.get("head_branch"),
            trigger=run.get("event"),
            queued_at=queued,
            started_at=min(starts, default=begun if ended else queued),
            finished_at=max(ends, default=None),
            deploys_to=deploys_to,
            stages=tuple(_stage(job) for job in own) or None,
            url=run.get("html_url") if last == 1 else f"{run.get('html_url')}/attempts/{attempt}",
        )


def _parted(jobs: list[Job] | None, last: int, begun: datetime | None) -> Iterator[tuple[int, Sequence[Job]]]:
    """Which jobs are of which attempt: as they say; else, of two, by whether they began before the second."""
    if jobs is None:
        yield last, ()
        return
    if last == 1:
        yield 1, jobs
        return
    if all(job.attempt is not None for job in jobs):
        for attempt in range(1, last + 1):
            own = [job for job in jobs if job.attempt == attempt]
            if own or attempt == last:
                yield attempt, own
        return
    if last == 2 and begun is not None:
        first = [job for job in jobs if job.started_at is not None and job.started_at < begun]
        if first:
            yield 1, first
        yield 2, [job for job in jobs if job not in first]
        return
    yield last, ()


def _together(jobs: Sequence[Job]) -> str:
    """The outcome of an attempt that only its jobs tell of."""
    found = {OUTCOMES.get(job.conclusion or "", "cancel") for job in jobs}
    return next((word for word in ("failure", "error", "cancel", "success") if word in found), "skip")


def _stage(job: Job) -> Stage:
    return Stage(
        name=job.name or "a job without a name",
        outcome=OUTCOMES.get(job.conclusion or ""),
        started_at=job.started_at,
        finished_at=job.completed_at,
    )


def deployment(run: PipelineRun) -> Deployment | None:
    """A run of a workflow that deploys, as a deployment; one that was passed over is none."""
    outcome = _DEPLOYED.get(run.outcome)
    if outcome is None or run.deploys_to is None:
        return None
    return Deployment(
        codebase=run.codebase,
        id=run.id if run.attempt == 1 else f"{run.id}-{run.attempt}",
        environment=run.deploys_to,
        revision=run.revision,
        started_at=run.started_at,
        finished_at=run.finished_at,
        outcome=outcome,
        url=run.url,
        pipeline_run=run.id,
    )

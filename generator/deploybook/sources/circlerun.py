"""What CircleCI tells of a pipeline's workflows, as pipeline runs and deployments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploybook.records import Deployment, Outcome, PipelineRun, Stage
from deploybook.sources.instants import instant

Row = dict[str, Any]

_OUTCOMES = {
    "success": "success", "failed": "failure", "error": "error", "unauthorized": "error",
    "canceled": "cancel", "not_run": "skip",
}  # fmt: skip
_JOBS = _OUTCOMES | {
    "infrastructure_fail": "error", "timedout": "failure", "terminated-unknown": "error", "retried": "failure"
}  # fmt: skip
_DEPLOYED: dict[str, Outcome] = {
    "success": "success", "failure": "failure", "error": "error", "cancel": "cancel"
}  # fmt: skip
_FORGES = {"gh": "github", "bb": "bitbucket"}


@dataclass(frozen=True)
class Project:
    """A project of CircleCI: where it is, whose it is, and which of its workflows and jobs deploy."""

    url: str
    slug: str
    codebase: str
    deploys: Mapping[str, str]

    def page(self, number: Any, workflow: str) -> str:
        """Where a workflow is to be seen."""
        begin, _, rest = self.slug.partition("/")
        site = "https://app.circleci.com" if self.url == "https://circleci.com" else self.url
        return f"{site}/pipelines/{_FORGES.get(begin, begin)}/{rest}/{number}/workflows/{workflow}"


def told(
    project: Project, pipeline: Row, workflows: list[Row], jobs: Callable[[str], list[Row]]
) -> Iterator[PipelineRun | Deployment]:
    """The workflows of a pipeline that have ended, and what they deployed.

    Jobs are asked for where they say more: of what went red, was run again, or may deploy.

    Args:
        project: Whose they are.
        pipeline: As CircleCI tells it.
        workflows: All of it, those that run, too: they count as attempts.
        jobs: Asks for the jobs of a workflow, by its id.
    """
    named: dict[str, list[Row]] = {}
    for row in sorted(workflows, key=lambda row: (row["created_at"], row["id"])):
        # A setup workflow may be called as the one that it sets up.
        name = f"{row['name']} (setup)" if row.get("tag") == "setup" else str(row["name"])
        named.setdefault(name, []).append(row)
    for name, attempts in named.items():
        for attempt, row in enumerate(attempts, start=1):
            if row["status"] not in _OUTCOMES:
                continue
            says_more = bool(project.deploys) or len(attempts) > 1
            asked = says_more or _OUTCOMES[row["status"]] not in {"success", "skip"}
            own = jobs(str(row["id"])) if asked else []
            run = _run(project, pipeline, {**row, "name": name, "attempt": attempt}, own)
            yield run
            yield from _deployments(project, pipeline, run, own)


def _run(project: Project, pipeline: Row, row: Row, jobs: list[Row]) -> PipelineRun:
    """An attempt; `row` is the workflow with its attempt's number and the name that the run has."""
    began, name, attempt = instant(row["created_at"]), row["name"], row["attempt"]
    revision, branch = _checkout(pipeline)
    return PipelineRun(
        codebase=project.codebase,
        id=f"{pipeline['number']}/{name}",
        attempt=attempt,
        pipeline=name,
        outcome=_OUTCOMES[row["status"]],
        revision=revision,
        branch=branch,
        trigger=(pipeline.get("trigger") or {}).get("type"),
        queued_at=instant(pipeline["created_at"]) if attempt == 1 else began,
        started_at=began,
        finished_at=instant(row.get("stopped_at")),
        deploys_to=_environment(project, name),
        stages=tuple(map(_stage, sorted(jobs, key=lambda job: str(job.get("started_at") or "~")))) or None,
        url=project.page(pipeline["number"], row["id"]),
    )


def _checkout(pipeline: Row) -> tuple[str | None, str | None]:
    """The revision and the branch: a pipeline of CircleCI's GitHub App has them among its parameters."""
    vcs = pipeline.get("vcs") or {}
    git = (pipeline.get("trigger_parameters") or {}).get("git") or {}
    return vcs.get("revision") or git.get("checkout_sha"), vcs.get("branch") or git.get("branch")


def _stage(job: Row) -> Stage:
    return Stage(
        name=str(job["name"]),
        outcome=_JOBS.get(str(job.get("status"))),
        started_at=instant(job.get("started_at")),
        finished_at=instant(job.get("stopped_at")),
    )


def _deployments(project: Project, pipeline: Row, run: PipelineRun, jobs: list[Row]) -> Iterator[Deployment]:
    """The workflow, where it deploys; else those of its jobs that do and were begun."""
    by = ((pipeline.get("trigger") or {}).get("actor") or {}).get("login") or None
    if run.deploys_to is not None:
        if (outcome := _DEPLOYED.get(run.outcome)) is not None:
            yield Deployment(
                codebase=run.codebase,
                id=run.id if run.attempt == 1 else f"{run.id}-{run.attempt}",
                environment=run.deploys_to, revision=run.revision, version=_tag(pipeline),
                started_at=run.started_at, finished_at=run.finished_at, outcome=outcome,
                by=by, url=run.url, pipeline_run=run.id,
            )  # fmt: skip
        return
    for job in jobs:
        environment = _environment(project, str(job["name"]))
        ended = _DEPLOYED.get(_JOBS.get(str(job.get("status")), ""))
        if environment and ended and job.get("started_at") and job.get("job_number") is not None:
            yield Deployment(
                codebase=run.codebase, id=str(job["job_number"]),
                environment=environment, revision=run.revision, version=_tag(pipeline),
                started_at=instant(job["started_at"]), finished_at=instant(job.get("stopped_at")),
                outcome=ended, by=by, url=f"{run.url}/jobs/{job['job_number']}", pipeline_run=run.id,
            )  # fmt: skip


def _tag(pipeline: Row) -> str | None:
    git = (pipeline.get("trigger_parameters") or {}).get("git") or {}
    return (pipeline.get("vcs") or {}).get("tag") or git.get("tag") or None


def _environment(project: Project, name: str) -> str | None:
    found = project.deploys.get(name)
    return found.lower() if found else None

"""Jenkins: the builds of a job with their stages, tests and revisions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from deploybook.config.sources import JenkinsOptions
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Unchanged
from deploybook.records import PipelineRun, Stage, TestCaseRun
from deploybook.sources.http import Absent, Client
from deploybook.sources.vendors import UNEXPECTED, Vendor

PAGE = 100
_TREE = (
    "allBuilds[_class,number,result,building,timestamp,duration,url,"
    "actions[_class,totalCount,causes[shortDescription],lastBuiltRevision[SHA1,branch[name]]]]"
)
_OUTCOMES = {
    "SUCCESS": "success",
    "FAILURE": "failure",
    "FAILED": "failure",
    "UNSTABLE": "failure",
    "ABORTED": "cancel",
    "NOT_BUILT": "skip",
    "NOT_EXECUTED": "skip",
}
_CASES: dict[str, Literal["pass", "fail", "skip"]] = {
    "PASSED": "pass",
    "FIXED": "pass",
    "FAILED": "fail",
    "REGRESSION": "fail",
    "SKIPPED": "skip",
}
_NEEDS = "Check `user:` and the variable that `token:` names. The user needs to read the job (Job/Read)."


def feeds(options: JenkinsOptions) -> list[Feed]:
    """A feed a job; nothing is asked yet."""
    return [_feed(options, job, codebase) for job, codebase in options.jobs.items()]


def _feed(options: JenkinsOptions, job: str, codebase: str) -> Feed:
    reader = _Job(options, job, codebase)
    return Feed(f"jenkins:{job}", RECORDS, reader.pull, said=reader.vendor.said)


class _Job:
    def __init__(self, options: JenkinsOptions, job: str, codebase: str) -> None:
        self._options, self._job, self._codebase = options, job, codebase
        path = "".join(f"/job/{quote(part, safe='')}" for part in job.strip("/").split("/"))
        base = options.url.rstrip("/") + path
        self.vendor = Vendor("Jenkins", base, _NEEDS, {}, auth=(options.user, options.token))

    def pull(self, ask: Ask) -> Iterator[Item]:
        """The builds that ended since the cursor.

        Jenkins tells the newest first. They are listed down to what is known, then read from the oldest on,
        so that a sync may stop after any build.
        """
        client = self.vendor.open(ask)
        known = int(ask.cursor) if ask.cursor and ask.cursor.isdecimal() else 0
        builds = sorted(self._listed(client, known, ask), key=lambda build: int(build["number"]))
        for done, build in enumerate(builds):
            if build.get("building") or build.get("result") is None:
                break  # what comes after it is read when it has ended, so that no build is passed over
            ask.progress(f"builds of {self._job}", done, len(builds))
            yield from self._read(client, build)
            known = int(build["number"])
            yield Cursor(str(known))
        if str(known) == ask.cursor:
            yield Unchanged()

    def _listed(self, client: Client, known: int, ask: Ask) -> Iterator[dict[str, Any]]:
        seen: set[int] = set()
        first, again = 0, False
        while True:
            # New builds push others down the list while it is read: one may come twice, none is missed.
            tree = f"{_TREE}{{{first},{first + PAGE}}}"
            rows = client.get("/api/json", {"tree": tree}).content.get("allBuilds") or []
            stale = seen.issuperset(row["number"] for row in rows) and len(rows) in {0, PAGE}
            if first and stale and not again:
                again = True  # a page of the list came twice, or not at all
                continue
            again = False
            for row in rows:
                begun = _instant(row.get("timestamp"))
                early = ask.since is not None and begun is not None and begun < ask.since
                if row["number"] not in seen and row["number"] > known and not early:
                    seen.add(row["number"])
                    yield row
            if len(rows) < PAGE or min(row["number"] for row in rows) <= known:
                return
            first += PAGE

    def _read(self, client: Client, build: dict[str, Any]) -> Iterator[Item]:
        try:
            stages = None
            if str(build.get("_class")).endswith("WorkflowRun"):
                told = self._asked(client, f"/{build['number']}/wfapi/describe")
                stages = told.get("stages") if told else None
            run = pipeline_run(self._codebase, self._job, build, stages)
            yield run
            if any("totalCount" in action for action in build.get("actions") or ()):
                report = self._asked(client, f"/{build['number']}/testReport/api/json")
                yield from test_cases(run, report or {})
        except UNEXPECTED as error:
            yield self.vendor.unexpected(str(build.get("url") or self._job), error, build)

    @staticmethod
    def _asked(client: Client, path: str) -> dict[str, Any] | None:
        """What a plug-in tells; nothing where it is not there."""
        try:
            content = client.get(path).content
        except Absent:
            return None
        return content if isinstance(content, dict) else None


def pipeline_run(
    codebase: str, job: str, build: dict[str, Any], stages: list[dict[str, Any]] | None
) -> PipelineRun:
    """A build that ended.

    Args:
        codebase: Whose it is.
        job: Its path, which is the pipeline's name.
        build: As the JSON API gives it: `timestamp` and `duration` in milliseconds.
        stages: Of the pipeline's stage view; `None` where there is none.
    """
    actions = [action for action in build.get("actions") or () if isinstance(action, dict)]
    revision: dict[str, Any] = next(
        (each["lastBuiltRevision"] for each in actions if each.get("lastBuiltRevision")), {}
    )
    causes = [cause for action in actions for cause in action.get("causes") or ()]
    begun = _instant(build["timestamp"])
    branch = next((each.get("name") for each in revision.get("branch") or ()), None)
    return PipelineRun(
        codebase=codebase,
        id=f"{job}/{build['number']}",
        pipeline=job,
        outcome=_OUTCOMES.get(build["result"], str(build["result"]).lower()),
        revision=revision.get("SHA1"),
        branch=branch.removeprefix("refs/remotes/origin/") if branch else None,
        trigger=causes[0].get("shortDescription") if causes else None,
        started_at=begun,
        finished_at=begun + timedelta(milliseconds=build["duration"]) if begun else None,
        stages=tuple(_stage(stage) for stage in stages) if stages else None,
        url=build.get("url"),
    )


def _stage(stage: dict[str, Any]) -> Stage:
    begun = _instant(stage.get("startTimeMillis"))
    took = timedelta(milliseconds=stage.get("durationMillis") or 0)
    return Stage(
        name=str(stage["name"]),
        outcome=_OUTCOMES.get(str(stage.get("status"))),
        started_at=begun,
        finished_at=begun + took if begun else None,
    )


def test_cases(run: PipelineRun, report: dict[str, Any]) -> Iterator[TestCaseRun]:
    """The cases of a build's test report."""
    for suite in report.get("suites") or ():
        for case in suite.get("cases") or ():
            yield TestCaseRun(
                codebase=run.codebase,
                name=str(case["name"]),
                outcome=_CASES.get(str(case.get("status")), "skip"),
                suite=case.get("className") or suite.get("name"),
                revision=run.revision,
                run=run.id,
                job=run.pipeline,
                started_at=run.started_at,
                duration_seconds=max(float(case.get("duration") or 0), 0.0),
            )


def _instant(milliseconds: Any) -> datetime | None:
    return (
        datetime.fromtimestamp(milliseconds / 1000, UTC) if isinstance(milliseconds, (int, float)) else None
    )

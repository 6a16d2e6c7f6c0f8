"""What the smoke tests of a revision prove.

They are told by pipelines, jobs or stages whose names say so, or by test cases of such suites or jobs. Of
each the newest run counts. A test that failed and passed within that run proves nothing: only a clean run
after it does. Nor does a run that was skipped, did not end, is too old, of another revision, or from before
the revision was in the environment that it is promoted from: it ran against something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploybook.gate.facts import Answer, Facts
from deploybook.gate.wording import instant, listed, span
from deploybook.metrics.outcomes import GREEN, RED
from deploybook.records import PipelineRun, TestCaseRun

_WORST_FIRST: tuple[Answer, ...] = ("fail", "no_proof", "pass")


@dataclass(frozen=True)
class Result:
    """One run of smoke tests on the revision in question."""

    unit: str
    """Which of them: what runs again under the same name replaces it."""
    at: datetime | None
    attempt: int
    answer: Answer
    says: str


def judge(facts: Facts, limit: timedelta) -> tuple[Answer, str]:
    """What they prove together: the worst of them counts."""
    words = tuple(word.casefold() for word in facts.config.gate.smoke)
    results = [*_of_runs(facts, words), *_of_tests(facts, words)]
    if not results:
        return "no_proof", _nothing(facts, words)
    newest: dict[str, Result] = {}
    for result in sorted(results, key=lambda each: (each.at.timestamp() if each.at else 0, each.attempt)):
        newest[result.unit] = result
    again = {each.unit for each in results if each.answer == "fail"}
    judged = [_aged(each, facts, limit, again=each.unit in again) for each in newest.values()]
    worst = min((answer for answer, _ in judged), key=_WORST_FIRST.index)
    return worst, listed([says for answer, says in judged if answer == worst])


def _aged(result: Result, facts: Facts, limit: timedelta, *, again: bool) -> tuple[Answer, str]:
    """A pass proves something for as long as it is fresh."""
    if result.answer != "pass":
        return result.answer, result.says
    if result.at is None:
        return "no_proof", f"{result.unit} passed, but when is unknown"
    age = facts.question.as_of - result.at
    if age > limit:
        return "no_proof", f"{result.unit} passed {span(age)} ago: older than {span(limit)}"
    there = _there_since(facts)
    if there is not None and result.at < there:
        return "no_proof", f"{result.unit} passed before this revision was in {', '.join(facts.earlier)}"
    clean = " on a clean run after a failed one" if again else ""
    return "pass", f"{result.unit} passed on this revision{clean}, {instant(result.at, facts.config.zone)}"


def _there_since(facts: Facts) -> datetime | None:
    """When the revision first came to an environment before; `None` where it is not there: `earlier` says so.

    A deployment's own pipeline may test before it ends, so its start counts where that is known.
    """
    began: list[datetime] = []
    for name in facts.earlier:
        found = facts.running(name)
        if found is not None and facts.is_it(found.revision):
            own = (run.started_at for run in facts.runs if run.id == found.pipeline_run)
            began.append(found.started_at or next(filter(None, own), None) or found.at)
    return min(began, default=None)


def _nothing(facts: Facts, words: tuple[str, ...]) -> str:
    other = [run for run in facts.runs if run.revision and _is_smoke(words, run.pipeline, run.job)]
    if other:
        newest = max(other, key=lambda run: (_at(run) or facts.question.as_of, run.id))
        return f"the newest smoke test is of {(newest.revision or '')[:10]}, not of this revision"
    return "no smoke test of this revision is known"


def _is_smoke(words: tuple[str, ...], *names: str | None) -> bool:
    return any(word in name.casefold() for name in names if name for word in words)


def _of_runs(facts: Facts, words: tuple[str, ...]) -> Iterator[Result]:
    for run in facts.runs:
        if not facts.is_it(run.revision):
            continue
        name = run.pipeline if run.job is None else f"{run.pipeline}, {run.job}"
        if _is_smoke(words, run.pipeline, run.job):
            yield Result(name, _at(run), run.attempt, *_outcome(name, run.outcome))
        for stage in run.stages or ():
            if _is_smoke(words, stage.name):
                unit = f"{stage.name} of {run.pipeline}"
                at = stage.finished_at or _at(run)
                yield Result(unit, at, run.attempt, *_outcome(unit, stage.outcome or ""))


def _outcome(name: str, outcome: str) -> tuple[Answer, str]:
    if outcome.lower() in GREEN:
        return "pass", ""
    if outcome.lower() in RED:
        return "fail", f"{name} failed on this revision"
    return "no_proof", f"{name} did not end on this revision: {outcome or 'no outcome'}"


def _of_tests(facts: Facts, words: tuple[str, ...]) -> Iterator[Result]:
    """Test cases by suite, run and attempt: what ran together is one result."""
    when = {(run.id, run.attempt): _at(run) for run in facts.runs}
    groups: dict[tuple[str, str | None, int], list[TestCaseRun]] = {}
    for case in facts.tests:
        if facts.is_it(case.revision) and _is_smoke(words, case.suite, case.job):
            unit = case.suite or case.job or ""
            groups.setdefault((unit, case.run, case.attempt or 1), []).append(case)
    for (unit, run, attempt), cases in groups.items():
        told = [case.started_at for case in cases if case.started_at is not None]
        at = max(told, default=when.get((run or "", attempt)))
        if at is None or at <= facts.question.as_of:
            yield Result(unit, at, attempt, *_cases(unit, cases))


def _cases(unit: str, cases: Sequence[TestCaseRun]) -> tuple[Answer, str]:
    failed = {case.name for case in cases if case.outcome in ("fail", "error")}
    passed = {case.name for case in cases if case.outcome == "pass"}
    if lost := sorted(failed - passed):
        return "fail", f"{unit}: {listed(lost)} failed on this revision"
    if failed:
        return "no_proof", f"{unit}: {listed(sorted(failed))} both failed and passed in one run: run it again"
    if not passed:
        return "no_proof", f"{unit}: all were skipped"
    return "pass", ""


def _at(run: PipelineRun) -> datetime | None:
    return run.finished_at or run.started_at

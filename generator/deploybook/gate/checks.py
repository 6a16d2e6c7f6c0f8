"""The checks of the gate: small functions from what is known to an answer and one line that says why.

`None` stands for a check that has nothing to ask here: it is switched off, or there is no environment before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from deploybook.gate import smoke
from deploybook.gate.facts import Answer, Facts, LockInTheWay
from deploybook.gate.wording import instant, listed, span
from deploybook.linking.model import LinkedChange
from deploybook.metrics.outcomes import BEFORE_MERGE, GREEN, RED, RETIRED_DAYS
from deploybook.periods import local_date
from deploybook.records import PipelineRun, Reason

Check = Callable[[Facts], Reason | None]

_STALE_INCIDENT = timedelta(days=30)
_BUDGET = timedelta(days=28)
_FEW = 5


def unlocked(facts: Facts) -> Reason | None:
    """No lock is in the way, but for the changes that it lets through."""
    if not facts.config.gate.unlocked:
        return None
    if isinstance(facts.locks, str):
        return _reason("unlocked", "no_proof", facts.locks)
    barred = [lock for lock in facts.locks if not _lets_through(lock, facts)]
    if barred:
        return _reason("unlocked", "fail", "; ".join(lock.says for lock in barred))
    if facts.locks:
        return _reason("unlocked", "pass", f"let through by name: {facts.locks[0].says}")
    return _reason("unlocked", "pass", "no lock is in the way")


def _lets_through(lock: LockInTheWay, facts: Facts) -> bool:
    """Whether a lock lets through this revision, or every single change that it brings."""
    if any(facts.is_it(name) for name in lock.exempt):
        return True
    names = {name.removeprefix(f"{facts.question.codebase}/").lstrip("#!").casefold() for name in lock.exempt}
    brought = facts.brings
    return bool(brought) and all(change.id.lstrip("#!").casefold() in names for change in brought or ())


def window(facts: Facts) -> Reason | None:
    """It is inside the window of the calendar, on no holiday and in no freeze."""
    calendar, now = facts.config.calendar, facts.question.as_of
    today = local_date(now, calendar.zone)
    ruled = calendar.rule_on(today).window is not None
    if not facts.config.gate.window or not facts.live or not (ruled or calendar.freezes):
        return None
    if calendar.window_of(now) is not None:
        return _reason("window", "pass", "inside the window")
    off = calendar.off(today)
    frozen = next((each for each in calendar.freezes if each.first <= today <= each.last), None)
    if not ruled and frozen is None:
        return _reason("window", "pass", "no freeze today")
    coming = calendar.next_windows(now, 1)
    step = f"; the next window begins {instant(coming[0].start, calendar.zone)}" if coming else ""
    return _reason("window", "fail", f"{off or 'outside the window'}{step}")


def release_branch(facts: Facts) -> Reason | None:
    """The newest ended run of every required pipeline on the release branch is green."""
    if not facts.config.gate.release_branch:
        return None
    newest = _newest(_on_branch(facts))
    if not newest:
        return _reason("release_branch", "no_proof", "no run on the release branch is known")
    red = sorted(name for name, run in newest.items() if run.outcome.lower() in RED)
    if red:
        return _reason("release_branch", "fail", f"the release branch is red: {listed(red)}")
    return _reason("release_branch", "pass", f"the release branch is green: {listed(sorted(newest))}")


def required(facts: Facts) -> Reason | None:
    """The required pipelines ran on this very revision, to a green end."""
    if not facts.config.gate.required:
        return None
    wanted = facts.config.codebases[facts.question.codebase].required or sorted(
        {run.pipeline for run in _on_branch(facts)}
    )
    if not wanted:
        return _reason("required", "no_proof", "no pipeline is known")
    newest = _newest(run for run in facts.runs if facts.is_it(run.revision) and run.pipeline in wanted)
    red = sorted(name for name, run in newest.items() if run.outcome.lower() in RED)
    if red:
        return _reason("required", "fail", f"red on this revision: {listed(red)}")
    missing = [name for name in wanted if not any(run.pipeline == name for run in newest.values())]
    if missing:
        return _reason("required", "no_proof", f"did not end on this revision: {listed(missing)}")
    return _reason("required", "pass", f"green on this revision: {listed(sorted(newest))}")


def smoke_tests(facts: Facts) -> Reason | None:
    """The smoke tests of this revision passed, lately, and not only by luck."""
    limit = facts.config.gate.smoke_younger_than
    if limit is None or not facts.earlier:
        return None
    answer, says = smoke.judge(facts, limit)
    return _reason("smoke", answer, says)


def earlier(facts: Facts) -> Reason | None:
    """The environment before runs exactly this revision."""
    if not facts.config.gate.earlier or not facts.earlier:
        return None
    running = {name: found for name in facts.earlier if (found := facts.running(name)) is not None}
    before = ", ".join(facts.earlier)
    if not running:
        return _reason("earlier", "no_proof", f"no deployment to {before} is known")
    other = {name: found for name, found in running.items() if not facts.is_it(found.revision)}
    if not other:
        return _reason("earlier", "pass", f"{', '.join(running)} runs exactly this revision")
    name, found = next(iter(other.items()))
    if found.revision is None:
        return _reason("earlier", "no_proof", f"which revision {name} runs is not known")
    return _reason("earlier", "fail", f"{name} runs {found.revision[:10]}, not this revision")


def staging_for(facts: Facts) -> Reason | None:
    """This revision has been in the environment before for long enough."""
    limit = facts.config.gate.staging_for
    if limit is None or not facts.earlier:
        return None
    since = [
        found.at
        for name in facts.earlier
        if (found := facts.running(name)) is not None and facts.is_it(found.revision)
    ]
    if not since:
        return _reason("staging_for", "no_proof", f"it is not in {', '.join(facts.earlier)}")
    soaked = facts.question.as_of - max(since)
    says = f"{span(soaked)} in {', '.join(facts.earlier)}"
    if soaked < limit:
        due = instant(max(since) + limit, facts.config.zone)
        return _reason("staging_for", "fail", f"{says} of {span(limit)}: wait until {due}")
    return _reason("staging_for", "pass", says)


def incidents(facts: Facts) -> Reason | None:
    """No incident of the codebase is open; one open for over a month was probably never closed."""
    if not facts.config.gate.incidents:
        return None
    since = facts.question.as_of - _STALE_INCIDENT
    found = {
        each.id: each.title or each.id
        for each in facts.incidents
        if each.resolved_at is None
        and each.started_at >= since
        and each.codebase in (None, facts.question.codebase)
        and (each.environment is None or each.environment.lower() in facts.question.environments)
    }
    if found:
        return _reason("incidents", "fail", f"open: {listed([f'{k} {v}' for k, v in found.items()])}")
    return _reason("incidents", "pass", "no incident is open")


def whole(facts: Facts) -> Reason | None:
    """It has no change in it that was taken back later: who would ship what lies between the two?"""
    if not facts.config.gate.whole:
        return None
    if facts.place is None:
        return _reason("whole", "no_proof", "git does not have this revision")
    at = {change.id: change.merge_revision for change in facts.changes}
    broken = [
        f"{_called(change)} but not {_named(change.reverted_by)}, which takes it back"
        for change in facts.changes
        if change.reverted_by is not None
        and change.merge_revision in facts.contained
        and at.get(change.reverted_by) not in facts.contained
    ]
    if broken:
        return _reason("whole", "fail", f"it has {listed(broken)}")
    return _reason("whole", "pass", "nothing in it was taken back later")


def reviewed(facts: Facts) -> Reason | None:
    """Every change that it brings was approved by someone other than its author."""
    if not facts.config.gate.reviewed:
        return None
    brought = facts.brings
    if brought is None:
        return _reason("reviewed", "no_proof", "git does not have this revision: what it brings is unknown")
    no = [_called(change) for change in brought if change.approved is False]
    unknown = [_called(change) for change in brought if change.approved is None]
    if no:
        return _reason("reviewed", "fail", f"not approved by another: {listed(no)}")
    if unknown:
        return _reason("reviewed", "no_proof", f"whether they were reviewed is unknown: {listed(unknown)}")
    says = "all its changes were approved by another" if brought else "it brings no change"
    return _reason("reviewed", "pass", says)


def budget(facts: Facts) -> Reason | None:
    """The change fail rate of the last four weeks is within the target."""
    target = facts.config.targets.get("change_fail_rate")
    if not facts.config.gate.budget or not facts.live or target is None or target.at_most is None:
        return None
    since = facts.question.as_of - _BUDGET
    counted = [each for each in facts.deployments if each.counted and each.reached and each.at >= since]
    failed = sum(each.needed_intervention for each in counted)
    says = f"{failed} of {len(counted)} deployments of the last four weeks needed intervention"
    if len(counted) < _FEW:
        return _reason("budget", "pass", f"{says}: too few to judge")
    if failed / len(counted) > target.at_most:
        return _reason("budget", "fail", f"{says}, more than the target of {target.at_most:.0%}")
    return _reason("budget", "pass", says)


CHECKS: tuple[Check, ...] = (
    unlocked, window, release_branch, required, earlier, staging_for, smoke_tests, incidents, whole, reviewed,
    budget,
)  # fmt: skip
"""In the order in which they are told."""


def _reason(check: str, answer: Answer, says: str) -> Reason:
    return Reason(check=check, answer=answer, says=says)


def _on_branch(facts: Facts) -> list[PipelineRun]:
    """Ended runs on the release branch: of the required pipelines, else of all that run there."""
    codebase = facts.config.codebases[facts.question.codebase]
    commits = {commit.revision for commit in facts.branch}
    since = facts.question.as_of - timedelta(days=RETIRED_DAYS)
    return [
        run
        for run in facts.runs
        if run.outcome.lower() in (*GREEN, *RED)
        and run.deploys_to is None
        and (run.trigger or "") not in BEFORE_MERGE
        and (_is_branch(run.branch, codebase.release_branch) or run.revision in commits)
        and (run.pipeline in codebase.required if codebase.required else (_at(run) or since) >= since)
    ]


def _is_branch(name: str | None, release: str | None) -> bool:
    return name is not None and name == release


def _newest(runs: Iterable[PipelineRun]) -> dict[str, PipelineRun]:
    """The newest ended run of each pipeline and job; cancelled ones are passed over."""
    found: dict[str, PipelineRun] = {}
    for run in sorted(runs, key=_order):
        if run.outcome.lower() in (*GREEN, *RED):
            found[run.pipeline if run.job is None else f"{run.pipeline}, {run.job}"] = run
    return found


def _order(run: PipelineRun) -> tuple[float, int, str]:
    at = _at(run)
    return (at.timestamp() if at else 0.0, run.attempt, run.id)


def _at(run: PipelineRun) -> datetime | None:
    return run.finished_at or run.started_at


def _called(change: LinkedChange) -> str:
    return _named(change.id)


def _named(id_: str) -> str:
    return f"#{id_}" if id_.isdecimal() else id_[:10]

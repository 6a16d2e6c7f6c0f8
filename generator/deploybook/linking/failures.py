"""Which deployment failed, why we say so, and what ended it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from deploybook.linking.changes import Ledger
from deploybook.linking.deployments import Run
from deploybook.linking.model import shortened
from deploybook.linking.rules import Correction, Rules

SAID, UNDONE, MENDED, NEAR = "said", "undone", "mended", "near"
STRENGTH = (SAID, UNDONE, MENDED, NEAR)


def needed_intervention(run: Run) -> bool:
    """Whether it failed by what is said, undone or mended; near alone is not enough."""
    return any(kind in run.evidence for kind in (SAID, UNDONE, MENDED))


def mark(run: Run, kind: str, because: str) -> None:
    """Add a piece of evidence, once."""
    told = run.evidence.setdefault(kind, [])
    if because not in told:
        told.append(because)


def ended_at(run: Run) -> tuple[datetime, str] | None:
    """When its failure ended and by what: whichever came first, never before the deployment itself."""
    return min((end for end in run.ends if end[0] >= run.at), default=None)


def tell_said_by_deployments(runs: Sequence[Run]) -> None:
    """What a deployment says it mends has failed, and is ended by it."""
    by_id: dict[str, list[Run]] = {}
    for run in runs:
        by_id.setdefault(run.id, []).append(run)
    for run in runs:
        for name in run.record.mends or ():
            found = by_id.get(name) or by_id.get(name.removeprefix(f"{run.record.codebase}/")) or []
            same = [each for each in found if each.environment == run.environment] or found
            for failed in same:
                if failed is run:
                    continue
                mark(failed, SAID, f"Deployment {run.name} says that it mends it.")
                if run.reached:
                    failed.ends.append((run.at, f"deployment:{run.id}"))


def tell_undone(runs: Iterable[Run], ledger: Ledger, rules: Rules) -> None:
    """What a rollback or a revert took out within the limit has failed; later, it only ends a failure."""
    days = _days(rules.undone.total_seconds())
    brought: dict[tuple[str, int], Run] = {}
    for run in runs:
        for each in run.removed:
            each.withdrawn_by = run
            each.ends.append((run.at, f"deployment:{run.id}"))
        if run.removed and run.at - run.removed[0].at <= rules.undone:
            mark(run.removed[0], UNDONE, f"Rollback {run.name} took it out within {days}.")
        for change in run.move.reverted:
            failed = brought.get((run.environment, change))
            if failed is None or ledger.news[change].takes_back:
                continue
            failed.ends.append((run.at, f"deployment:{run.id}"))
            if run.at - failed.at <= rules.undone:
                name = shortened(ledger.news[change].record.id)
                mark(failed, UNDONE, f"Deployment {run.name} reverted its change {name} within {days}.")
        if run.baseline or run.kind == "rollback":
            continue
        for change in run.move.entered:
            brought[run.environment, change] = run


def tell_mended(runs: Iterable[Run], rules: Rules) -> None:
    """A hotfix that names nothing mends the latest planned deployment before it, unless that is ended."""
    latest: dict[str, Run] = {}
    hours = _hours(rules.mended.total_seconds())
    for run in runs:
        if not run.reached:
            continue
        if run.kind == "hotfix" and not run.record.mends:
            failed = latest.get(run.environment)
            if failed is not None and run.at - failed.at <= rules.mended and not _is_ended(failed, run):
                mark(failed, MENDED, f"Hotfix {run.name} followed within {hours}.")
                failed.ends.append((run.at, f"deployment:{run.id}"))
        elif run.kind == "planned":
            latest[run.environment] = run


def _is_ended(failed: Run, by: Run) -> bool:
    return needed_intervention(failed) and any(failed.at <= at <= by.at for at, _ in failed.ends)


def tell_corrections(runs: Iterable[Run], codebase: str, corrections: Iterable[Correction]) -> None:
    """A person's word stands; the rule's answer is kept beside it."""
    said: dict[str, Correction] = {each.deployment: each for each in corrections}
    wanted = [run for run in runs if f"{codebase}/{run.id}" in said]
    lives = {run.id for run in wanted if run.live}
    for run in wanted:
        if run.id in lives and not run.live:
            continue
        word = said[f"{codebase}/{run.id}"]
        rule = _answer(run)
        person = f"{word.by} says that it {'failed' if word.failed else 'did not fail'}"
        sentence = f"{person} ({word.on.isoformat()}): {word.because}"
        run.corrected = f"{rule} {sentence}"
        if word.failed:
            mark(run, SAID, sentence)
        else:
            run.evidence.clear()
            run.ends.clear()


def _answer(run: Run) -> str:
    if not run.evidence:
        return "The rule says that it did not fail."
    kinds = ", ".join(kind for kind in STRENGTH if kind in run.evidence)
    sentences = " ".join(because for kind in STRENGTH for because in run.evidence.get(kind, ()))
    if needed_intervention(run):
        return f"The rule says that it failed ({kinds}): {sentences}"
    return f"The rule says that it did not fail, near it alone ({kinds}): {sentences}"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:g} hours"


def _days(seconds: float) -> str:
    return f"{seconds / 86400:g} days"

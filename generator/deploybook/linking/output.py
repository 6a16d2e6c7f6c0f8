"""Linked rows out of what was found: plain copying, and the lengths of time between two instants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from deploybook.linking.changes import Ledger, News, first_commit_at
from deploybook.linking.deliveries import Fate
from deploybook.linking.deployments import Run
from deploybook.linking.failures import STRENGTH, ended_at, needed_intervention
from deploybook.linking.incidents import Tie
from deploybook.linking.model import BranchCommit, LinkedChange, LinkedDeployment, LinkedIncident
from deploybook.linking.rules import Rules
from deploybook.messages import is_bot
from deploybook.records import Change, Incident


def seconds(start: datetime | None, end: datetime | None) -> int | None:
    """Whole seconds from `start` to `end`; unknown where either is, or where the clock went backwards."""
    if start is None or end is None or end < start:
        return None
    return int((end - start).total_seconds())


def change_row(ledger: Ledger, change: News, fate: Fate, rules: Rules, codebase: str) -> LinkedChange:
    """A change and what became of it. One that is told as another has that one's state, and no times."""
    record = change.record
    first = first_commit_at(ledger.graph, change) if change.known else None
    counted = fate.first if change.original is None else None
    deployed = counted.at if counted is not None else None
    merged = record.merged_at if change.known else None
    reverted_by = min(change.reverted_by, default=None)
    return LinkedChange(
        codebase=codebase,
        id=record.id,
        title=record.title,
        body=record.body,
        author=record.author,
        bot=is_bot(record.author),
        by_pull_request=change.by_pull_request,
        branch=record.branch,
        area=rules.area_of(record.labels or (), record.files or (), codebase),
        team=rules.codebases[codebase].team,
        labels=record.labels or (),
        milestone=record.milestone,
        issues=tuple(msgspec.json.encode(issue).decode() for issue in record.issues or ()),
        flags=rules.flags_of(record.labels or ()),
        files=record.files,
        notes=record.notes,
        url=record.url,
        merged_at=record.merged_at,
        merge_revision=record.merge_revision,
        opened_at=record.opened_at,
        first_commit_at=first,
        first_review_at=record.first_review_at,
        approved_at=record.approved_at,
        approvals=record.approvals,
        approved=_approved(record) if change.by_pull_request else None,
        additions=record.additions,
        deletions=record.deletions,
        reverts=ledger.news[change.reverts[0]].record.id if change.reverts else None,
        reverted_by=ledger.news[reverted_by].record.id if reverted_by is not None else None,
        original=ledger.news[change.original].record.id if change.original is not None else None,
        state=fate.state,
        environment=counted.environment if counted is not None else None,
        deployment=counted.id if counted is not None else None,
        deployed_at=deployed,
        withdrawn_at=fate.withdrawn_at,
        withdrawn_by=fate.withdrawn_by.id if fate.withdrawn_by is not None else None,
        live_again_at=fate.live_again_at,
        lead_time_seconds=seconds(first, deployed),
        coding_seconds=seconds(first, record.opened_at),
        pickup_seconds=seconds(record.opened_at, record.first_review_at),
        review_seconds=seconds(record.first_review_at, merged),
        waiting_seconds=seconds(merged, deployed),
    )


def _approved(record: Change) -> bool | None:
    if record.approved_at is not None:
        return record.approved_at <= record.merged_at
    return None if record.approvals is None else record.approvals > 0


def deployment_row(
    run: Run, ledger: Ledger, rules: Rules, codebase: str, told: Sequence[Run]
) -> LinkedDeployment:
    """A deployment and how it went.

    Args:
        run: The deployment.
        ledger: The codebase's changes.
        rules: Settings.
        codebase: Its name.
        told: The deployments of the roll-out that it stands for, itself first; a roll-out fails once.
    """
    record = run.record
    failed = next((each for each in told if needed_intervention(each)), None)
    if run.corrected is not None:
        told, failed = (run,), run if needed_intervention(run) else None
    end = ended_at(failed) if failed is not None else None
    return LinkedDeployment(
        codebase=codebase,
        id=run.id,
        environment=run.environment,
        live=run.live,
        counted=run.counted,
        team=rules.codebases[codebase].team,
        revision=record.revision if run.tip is None else ledger.graph.revisions[run.tip],
        version=record.version,
        previous=_revision(run.previous, ledger),
        started_at=record.started_at,
        finished_at=run.finished_at,
        at=run.at,
        time_from=record.time_from,
        outcome=run.outcome,
        reached=run.live and run.reached,
        rollout=run.rollout.id if run.rollout is not None and run.live else None,
        kind=run.kind,
        baseline=run.baseline,
        matched=run.tip is not None or bool(record.changes),
        delivered=tuple(ledger.news[each].record.id for each in run.delivered),
        again=tuple(ledger.news[each].record.id for each in run.again),
        withdrew=tuple(ledger.news[each].record.id for each in run.move.left),
        undone=tuple(ledger.news[each].record.id for each in run.move.undone),
        changes=len(run.delivered),
        needed_intervention=failed is not None,
        evidence=tuple(kind for kind in STRENGTH if any(kind in each.evidence for each in told)),
        because=tuple(
            dict.fromkeys(
                words for kind in STRENGTH for each in told for words in each.evidence.get(kind, ())
            )
        ),
        corrected=run.corrected,
        mends=record.mends or (),
        recovered_at=end[0] if end is not None else None,
        recovery_seconds=seconds(failed.at, end[0]) if failed is not None and end is not None else None,
        ended_by=end[1] if end is not None else None,
        withdrawn_by=run.withdrawn_by.id if run.withdrawn_by is not None else None,
        duration_seconds=seconds(record.started_at, run.finished_at),
        rollback_seconds=seconds(record.started_at, run.finished_at) if run.kind == "rollback" else None,
        by=record.by,
        url=record.url,
        pipeline_run=record.pipeline_run,
    )


def _revision(run: Run | None, ledger: Ledger) -> str | None:
    if run is None:
        return None
    return ledger.graph.revisions[run.tip] if run.tip is not None else run.record.revision


def incident_row(incident: Incident, tie: Tie) -> LinkedIncident:
    """An incident with one of its ties."""
    detected, resolved = incident.detected_at, incident.resolved_at
    found = tie.found
    return LinkedIncident(
        id=incident.id,
        codebase=tie.codebase,
        title=incident.title,
        severity=incident.severity,
        environment=incident.environment.lower() if incident.environment else None,
        down=incident.down,
        started_at=incident.started_at,
        detected_at=detected,
        resolved_at=resolved,
        deployment=found.deployment if found is not None else None,
        deployment_environment=found.environment if found is not None else None,
        matched_by=tie.matched_by,
        unmatched_because=tie.because,
        flag=tie.flag,
        time_to_restore_seconds=seconds(incident.started_at, resolved),
        time_to_detect_seconds=seconds(found.finished_at, detected) if found is not None else None,
        url=incident.url,
    )


def branch_rows(ledger: Ledger, codebase: str, as_of: datetime) -> list[BranchCommit]:
    """The first-parent commits of the release branch, oldest first, and whose change each is."""
    rows = []
    for place in ledger.branch:
        commit = ledger.graph.commits[place]
        at = commit.committed_at or commit.authored_at
        if at is None or at > as_of:
            continue
        owner = ledger.owner[place]
        rows.append(
            BranchCommit(
                codebase=codebase,
                revision=commit.revision,
                committed_at=at,
                change=ledger.news[owner].record.id if owner >= 0 else None,
            )
        )
    return rows

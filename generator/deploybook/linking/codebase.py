"""One codebase, linked: its changes, its deployments, what was delivered, and what failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from deploybook.linking import relations
from deploybook.linking.changes import Ledger, News, find_changes, release_head
from deploybook.linking.deliveries import deliver
from deploybook.linking.deployments import Run, runs_of, tell_rollouts
from deploybook.linking.failures import tell_corrections, tell_mended, tell_said_by_deployments, tell_undone
from deploybook.linking.graph import Graph
from deploybook.linking.incidents import Answer, Deployed, Question, answer, tell_incident
from deploybook.linking.kept import Rows
from deploybook.linking.model import BranchCommit, Delivery, LinkedChange, LinkedDeployment, to_table
from deploybook.linking.output import branch_rows, change_row, deployment_row
from deploybook.linking.rows import read
from deploybook.linking.rules import CodebaseRules, Rules
from deploybook.linking.tickets import linked
from deploybook.records import Change, Commit, Deployment, IssueLink

OWN = ("commits", "changes", "deployments")
"""The tables whose rows are each of one codebase."""


@dataclass(frozen=True)
class Given:
    """All that a codebase is linked from, besides the rules and the clock: `key_of` has each of it."""

    tables: Mapping[str, pa.Table | None]
    """Its rows of `OWN`."""
    issues: Mapping[str, IssueLink]
    patches: Mapping[str, str]
    head: str | None
    asked: list[Question]


def link_codebase(own: CodebaseRules, given: Given, rules: Rules, as_of: datetime) -> Rows:
    """Link one codebase, as it stood at `as_of`."""
    tables = {name: table for name, table in given.tables.items() if table is not None}
    graph = Graph(read(tables, "commits", Commit))
    changes = read(tables, "changes", Change)
    pulls = [linked(each, given.issues) for each in changes] if given.issues else changes
    runs = runs_of(read(tables, "deployments", Deployment), graph, rules, as_of)
    ledger = find_changes(
        graph,
        pulls,
        own,
        deployed=[
            run.tip
            for run in runs  # what a preview tries may never be merged, and it delivers nothing
            if run.tip is not None and run.delivers and run.environment in rules.environments
        ],
        head=release_head(graph, pulls, own.release_branch, given.head),
        as_of=as_of,
    )
    _add_unknown(ledger, runs)
    together = relations.copies(ledger, given.patches)
    relations.tell_originals(ledger, together)
    relations.tell_reverts(ledger, together)
    tell_rollouts(runs)
    delivered = deliver(
        ledger,
        runs,
        together,
        environments=rules.environments,
        live=rules.live,
        is_hotfix=lambda news: rules.is_hotfix(news.record.labels or (), news.record.branch),
    )
    answers = _fail(own.name, ledger, runs, given.asked, rules)
    found = []
    for news, fate in zip(ledger.news, delivered.fates, strict=True):
        told = delivered.fates[news.original] if news.original is not None else fate
        found.append(change_row(ledger, news, told, rules, own.name))
    members: dict[int, list[Run]] = {}
    for run in runs:
        if run.rollout is not None:
            members.setdefault(id(run.rollout), []).append(run)
    return Rows(
        changes=to_table(LinkedChange, sorted(found, key=lambda row: (row.merged_at, row.id))),
        deliveries=to_table(Delivery, delivered.rows),
        deployments=to_table(
            LinkedDeployment,
            [deployment_row(run, ledger, rules, own.name, members.get(id(run), [run])) for run in runs],
        ),
        branch_commits=to_table(BranchCommit, branch_rows(ledger, own.name, as_of)),
        answers=to_table(Answer, answers),
    )


def _add_unknown(ledger: Ledger, runs: Iterable[Run]) -> None:
    """Changes that a deployment names and nobody has, each as the deployment that named it first tells it."""
    for run in runs:
        for name in run.record.changes or () if run.delivers else ():
            if name not in ledger.by_id:
                ledger.by_id[name] = len(ledger.news)
                record = Change(codebase=ledger.codebase, id=name, title=name, merged_at=run.at)
                ledger.news.append(News(record, by_pull_request=True, known=False))


def _fail(
    name: str, ledger: Ledger, runs: list[Run], asked: Iterable[Question], rules: Rules
) -> list[Answer]:
    """Mark failures, strongest evidence first: what a hotfix mends depends on what had ended before it."""
    found = answer(asked, Deployed(name, ledger, runs), rules)
    for each, run, _ in found:
        if run is not None and each.cause is not None:
            tell_incident(each.incident, run, said=True)
    tell_said_by_deployments(runs)
    tell_undone(runs, ledger, rules)
    tell_mended(runs, rules)
    for each, run, _ in found:
        if run is not None and each.cause is None:
            tell_incident(each.incident, run, said=False)
    tell_corrections(runs, name, rules.corrections)
    return [
        Answer(incident=each.incident.id, nth=each.nth, because=words)
        if run is None
        else Answer(
            incident=each.incident.id, nth=each.nth,
            deployment=run.id, environment=run.environment, finished_at=run.finished_at,
        )
        for each, run, words in found
    ]  # fmt: skip

"""Join the history: which change is in which deployment, which deployment failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import msgspec
import pyarrow as pa

from deploybook.config import Config
from deploybook.linking import relations
from deploybook.linking.changes import Ledger, News, find_changes, release_head
from deploybook.linking.deliveries import Delivered, deliver
from deploybook.linking.deployments import Run, runs_of, tell_rollouts
from deploybook.linking.failures import tell_corrections, tell_mended, tell_said_by_deployments, tell_undone
from deploybook.linking.graph import Graph
from deploybook.linking.incidents import Deployed, tell_incident, tie
from deploybook.linking.model import (
    BranchCommit,
    Delivery,
    LinkedChange,
    LinkedDeployment,
    LinkedIncident,
    to_table,
)
from deploybook.linking.output import branch_rows, change_row, deployment_row, incident_row
from deploybook.linking.rows import read
from deploybook.linking.rules import CodebaseRules, Rules, rules_of
from deploybook.linking.tickets import by_key, linked
from deploybook.records import Change, Commit, Deployment, Incident, Issue


@dataclass(frozen=True)
class Linked:
    """What linking found, each table in the columns of its row type in `model`."""

    changes: pa.Table
    deliveries: pa.Table
    deployments: pa.Table
    incidents: pa.Table
    branch_commits: pa.Table


def link(tables: Mapping[str, pa.Table], config: Config, as_of: datetime) -> Linked:
    """Link the history of every configured codebase, as it stood at `as_of`.

    Args:
        tables: The merged tables of the history by name, with the records' fields as columns: `commits`,
            `changes`, `deployments`, `incidents`, `issues`; a missing one is empty. Besides, where at hand:
            `patch_ids` (`revision`, `patch_id`: what `git patch-id --stable` prints), which tells copies
            that have no `-x` line; `heads` (`codebase`, `revision`: the newest commit of the release branch),
            without which that branch is found by where pull requests arrived.
        config: The site's configuration.
        as_of: UTC; what happened later is not there yet.

    Rows come in a fixed order: by codebase, then time, then id, whatever the order of the tables.
    """
    return link_by(tables, rules_of(config), as_of)


def link_by(tables: Mapping[str, pa.Table], rules: Rules, as_of: datetime) -> Linked:
    """Link by rules, without a configuration."""
    commits = _by_codebase(read(tables, "commits", Commit), rules)
    keyed = by_key(read(tables, "issues", Issue))
    changes = read(tables, "changes", Change)
    pulls = _by_codebase([linked(each, keyed) for each in changes] if keyed else changes, rules)
    deployments = _by_codebase(read(tables, "deployments", Deployment), rules)
    incidents = read(tables, "incidents", Incident)
    heads = {
        rules.codebase_of(name): revision
        for name, revision in _pairs(tables, "heads", "codebase", "revision")
    }
    patches = dict(_pairs(tables, "patch_ids", "revision", "patch_id"))
    parts = [
        _codebase(
            rules.codebases[name],
            Graph(commits.get(name, ())),
            pulls.get(name, []),
            deployments.get(name, []),
            rules=rules,
            as_of=as_of,
            head=heads.get(name),
            patches=patches,
        )
        for name in sorted(rules.codebases)
    ]
    incident_rows = _fail(parts, incidents, rules, as_of)
    return _tables(parts, incident_rows, rules, as_of)


@dataclass
class _Part:
    """One codebase, linked."""

    name: str
    ledger: Ledger
    runs: list[Run]
    delivered: Delivered
    members: dict[int, list[Run]] = field(default_factory=dict)


Kind = TypeVar("Kind", Commit, Change, Deployment)


def _by_codebase(records: Iterable[Kind], rules: Rules) -> dict[str, list[Kind]]:
    found: dict[str, list[Kind]] = {}
    names: dict[str, str | None] = {}
    for record in records:
        if record.codebase not in names:
            names[record.codebase] = rules.codebase_of(record.codebase)
        if (name := names[record.codebase]) is not None:
            found.setdefault(name, []).append(record)
    return found


def _pairs(tables: Mapping[str, pa.Table], name: str, left: str, right: str) -> Iterable[tuple[str, str]]:
    table = tables.get(name)
    if table is None:
        return []
    return zip(table.column(left).to_pylist(), table.column(right).to_pylist(), strict=True)


def _codebase(
    own: CodebaseRules,
    graph: Graph,
    pulls: list[Change],
    deployments: list[Deployment],
    *,
    rules: Rules,
    as_of: datetime,
    head: str | None,
    patches: Mapping[str, str],
) -> _Part:
    runs = runs_of(deployments, graph, rules, as_of)
    ledger = find_changes(
        graph,
        pulls,
        own,
        deployed=[run.tip for run in runs if run.tip is not None and run.delivers],
        head=release_head(graph, pulls, own.release_branch, head),
        as_of=as_of,
    )
    _add_unknown(ledger, runs)
    together = relations.copies(ledger, patches)
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
    part = _Part(own.name, ledger, runs, delivered)
    for run in runs:
        if run.rollout is not None:
            part.members.setdefault(id(run.rollout), []).append(run)
    return part


def _add_unknown(ledger: Ledger, runs: Iterable[Run]) -> None:
    """Changes that a deployment names and nobody has, each as the deployment that named it first tells it."""
    for run in runs:
        for name in run.record.changes or () if run.delivers else ():
            if name not in ledger.by_id:
                ledger.by_id[name] = len(ledger.news)
                record = Change(codebase=ledger.codebase, id=name, title=name, merged_at=run.at)
                ledger.news.append(News(record, by_pull_request=True, known=False))


def _fail(
    parts: list[_Part], incidents: list[Incident], rules: Rules, as_of: datetime
) -> list[LinkedIncident]:
    """Mark failures, strongest evidence first: what a hotfix mends depends on what had ended before it."""
    deployed = {part.name: Deployed(part.name, part.ledger, part.runs) for part in parts}
    rows: list[LinkedIncident] = []
    near = []
    for whole in sorted(incidents, key=lambda each: (each.started_at, each.id)):
        if whole.started_at > as_of:
            continue
        incident = _until(whole, as_of)
        ties = tie(incident, deployed, rules)
        rows += [incident_row(incident, each) for each in ties]
        if incident.caused_by:
            tell_incident(incident, ties)
        else:
            near.append((incident, ties))
    for part in parts:
        tell_said_by_deployments(part.runs)
        tell_undone(part.runs, part.ledger, rules)
        tell_mended(part.runs, rules)
    for incident, ties in near:
        tell_incident(incident, ties)
    for part in parts:
        tell_corrections(part.runs, part.name, rules.corrections)
    return rows


def _until(incident: Incident, as_of: datetime) -> Incident:
    """What was known of it at `as_of`."""
    later = {
        name: None
        for name in ("detected_at", "resolved_at")
        if (at := getattr(incident, name)) is not None and at > as_of
    }
    return msgspec.structs.replace(incident, **later)


def _tables(parts: list[_Part], incidents: list[LinkedIncident], rules: Rules, as_of: datetime) -> Linked:
    changes: list[LinkedChange] = []
    deployments: list[LinkedDeployment] = []
    deliveries: list[Delivery] = []
    branch: list[BranchCommit] = []
    for part in parts:
        found = []
        for news, fate in zip(part.ledger.news, part.delivered.fates, strict=True):
            told = part.delivered.fates[news.original] if news.original is not None else fate
            found.append(change_row(part.ledger, news, told, rules, part.name))
        changes += sorted(found, key=lambda row: (row.merged_at, row.id))
        deployments += [
            deployment_row(run, part.ledger, rules, part.name, part.members.get(id(run), [run]))
            for run in part.runs
        ]
        deliveries += part.delivered.rows
        branch += branch_rows(part.ledger, part.name, as_of)
    return Linked(
        changes=to_table(LinkedChange, changes),
        deliveries=to_table(Delivery, deliveries),
        deployments=to_table(LinkedDeployment, deployments),
        incidents=to_table(LinkedIncident, incidents),
        branch_commits=to_table(BranchCommit, branch),
    )

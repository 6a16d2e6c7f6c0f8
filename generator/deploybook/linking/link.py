"""Join the history: which change is in which deployment, which deployment failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec
import pyarrow as pa
from msgspec import Struct

from deploybook.config import Config
from deploybook.forks import of_each
from deploybook.linking.codebase import OWN, Given, link_codebase
from deploybook.linking.incidents import Answer, Question, questions, ties
from deploybook.linking.kept import KeptLinks, Rows, key_of
from deploybook.linking.model import (
    BranchCommit,
    Delivery,
    LinkedChange,
    LinkedDeployment,
    LinkedIncident,
    from_table,
    schema,
    to_table,
)
from deploybook.linking.output import incident_row
from deploybook.linking.rows import read
from deploybook.linking.rules import Rules, rules_of
from deploybook.linking.slices import by_codebase
from deploybook.linking.tickets import by_key
from deploybook.records import Incident, Issue

_WORTH = 5_000
"""So many rows take as long to link as another process that does it takes to start, and to hand over."""


@dataclass(frozen=True)
class Linked:
    """What linking found, each table in the columns of its row type in `model`."""

    changes: pa.Table
    deliveries: pa.Table
    deployments: pa.Table
    incidents: pa.Table
    branch_commits: pa.Table


def link(
    tables: Mapping[str, pa.Table], config: Config, as_of: datetime, kept: KeptLinks | None = None
) -> Linked:
    """Link the history of every configured codebase, as it stood at `as_of`.

    Args:
        tables: The merged tables of the history by name, with the records' fields as columns: `commits`,
            `changes`, `deployments`, `incidents`, `issues`; a missing one is empty. Besides, where at hand:
            `patch_ids` (`codebase`, `revision`, `patch_id`: what `git patch-id --stable` prints), which
            tells copies that have no `-x` line; `heads` (`codebase`, `revision`: the newest commit of the
            release branch), without which that branch is found by where pull requests arrived.
        config: The site's configuration.
        as_of: UTC; what happened later is not there yet.
        kept: Where what was found is kept, and found again while it would be the same.

    Rows come in a fixed order: by codebase, then time, then id, whatever the order of the tables.
    """
    return link_by(tables, rules_of(config), as_of, kept)


def link_by(
    tables: Mapping[str, pa.Table], rules: Rules, as_of: datetime, kept: KeptLinks | None = None
) -> Linked:
    """Link by rules, without a configuration."""
    own = {name: by_codebase(tables.get(name), rules.codebase_of) for name in OWN}
    heads = {
        rules.codebase_of(name): revision
        for name, revision in _columns(tables, "heads", "codebase", "revision")
    }
    issues = by_key(read(tables, "issues", Issue))
    names = sorted(rules.codebases)
    incidents = [
        _until(each, as_of)
        for each in sorted(read(tables, "incidents", Incident), key=lambda each: (each.started_at, each.id))
        if each.started_at <= as_of
    ]
    asked: dict[str, list[Question]] = {}
    for incident in incidents:
        for name, question in questions(incident, names, rules):
            asked.setdefault(name, []).append(question)
    patches: dict[str, dict[str, str]] = {name: {} for name in rules.codebases}
    for codebase, revision, patch in _columns(tables, "patch_ids", "codebase", "revision", "patch_id"):
        patches.get(rules.codebase_of(codebase) or "", {})[revision] = patch
    everywhere = sha256(msgspec.json.encode(issues)).hexdigest()
    owned = {name: {each: own[each].get(name) for each in OWN} for name in names}
    keys: dict[str, str] = {}
    known: dict[str, Rows] = {}
    size: dict[str, int] = {}
    for name, mine in owned.items():
        if kept:
            others = [everywhere, patches[name], heads.get(name), asked.get(name, [])]
            keys[name] = key_of(kept.edition, name, mine, others, as_of)
            if (rows := kept.read(name, keys[name])) is not None:
                known[name] = rows
                continue
        size[name] = sum(table.num_rows for table in mine.values() if table is not None)

    def linked(name: str) -> Rows:
        given = Given(owned[name], issues, patches[name], heads.get(name), asked.get(name, []))
        rows = link_codebase(rules.codebases[name], given, rules, as_of)
        if kept:
            kept.write(name, keys[name], rows)
        return rows

    new = sorted(size, key=lambda name: -size[name])  # the longest first
    worth = 1 + len(new) * _WORTH // (1 + sum(size.values()))
    known |= zip(new, of_each(new, linked, worth=worth), strict=True)
    if kept:
        kept.prune(names)
    found = [known[name] for name in names]
    answers: dict[tuple[str, int, str], list[Answer]] = {}
    for name, rows in zip(names, found, strict=True):
        for each in from_table(Answer, rows.answers):
            answers.setdefault((each.incident, each.nth, name), []).append(each)
    told = [incident_row(each, tie) for each in incidents for tie in ties(each, answers, names, rules)]
    return Linked(
        changes=_together(LinkedChange, [rows.changes for rows in found]),
        deliveries=_together(Delivery, [rows.deliveries for rows in found]),
        deployments=_together(LinkedDeployment, [rows.deployments for rows in found]),
        incidents=to_table(LinkedIncident, told),
        branch_commits=_together(BranchCommit, [rows.branch_commits for rows in found]),
    )


def _together(kind: type[Struct], tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables([schema(kind).empty_table(), *tables]).combine_chunks()


def _columns(tables: Mapping[str, pa.Table], name: str, *columns: str) -> Iterable[tuple[str, ...]]:
    table = tables.get(name)
    if table is None:
        return []
    return zip(*(table.column(each).to_pylist() for each in columns), strict=True)


def _until(incident: Incident, as_of: datetime) -> Incident:
    """What was known of it at `as_of`."""
    later = {
        name: None
        for name in ("detected_at", "resolved_at")
        if (at := getattr(incident, name)) is not None and at > as_of
    }
    return msgspec.structs.replace(incident, **later)

"""Which pipelines have to be green: those that branch rules ask for, where nothing else is said."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deploybook.config import Config
from deploybook.linking.rows import read
from deploybook.records import BranchRule

_NEWEST = 20
"""Runs of a pipeline whose jobs tell which checks it answers: its file changes, and old jobs go."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def by_branch_rules(config: Config, rules: pa.Table, runs: Callable[[], pa.Table]) -> Config:
    """The configuration with `required:` of the branch rules where a codebase says none itself.

    A check is called as a pipeline is, or as one of its jobs. One that is neither is of another system, and
    no runs of it are known: it requires no pipeline.

    Args:
        config: The site's.
        rules: The table `branch_rules`.
        runs: Gives the table `pipeline_runs`; asked only where checks are to be looked up.
    """
    checks = _checks(config, read({"branch_rules": rules}, "branch_rules", BranchRule))
    if not checks:
        return config
    found = _pipelines(checks, runs())
    if not found:
        return config
    codebases = {
        name: each.model_copy(update={"required": found[name]}) if name in found else each
        for name, each in config.codebases.items()
    }
    with_rules = config.model_copy(update={"codebases": codebases})
    # What was worked out of the configuration is worked out again.
    for name in set(vars(with_rules)) - set(Config.model_fields):
        del vars(with_rules)[name]
    return with_rules


def _checks(config: Config, rules: Iterable[BranchRule]) -> dict[str, set[str]]:
    """The required checks of each codebase's release branch, folded."""
    found: dict[str, set[str]] = {}
    for rule in rules:
        codebase = config.codebases.get(rule.codebase)
        if codebase is None or codebase.required or not rule.checks:
            continue
        if codebase.release_branch in (None, rule.branch):
            found[rule.codebase] = {check.casefold() for check in rule.checks}
    return found


def _pipelines(checks: Mapping[str, set[str]], runs: pa.Table) -> dict[str, tuple[str, ...]]:
    mine = runs.filter(pc.is_in(runs["codebase"], pa.array(list(checks), pa.string())))
    columns = mine.select(["codebase", "pipeline", "started_at", "stages"]).to_pylist()
    newest: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in columns:
        newest[row["codebase"], row["pipeline"]].append(row)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for (codebase, pipeline), rows in sorted(newest.items()):
        rows.sort(key=lambda row: row["started_at"] or _LONG_AGO, reverse=True)
        names = {pipeline.casefold()}
        for row in rows[:_NEWEST]:
            names |= {stage["name"].casefold() for stage in json.loads(row["stages"] or "[]")}
        if names & checks[codebase]:
            found[codebase].append(pipeline)
    return {codebase: tuple(pipelines) for codebase, pipelines in found.items()}

"""Whether a release branch is green now, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from deploybook.config import Config
from deploybook.metrics.branch import GREEN, RED


@dataclass(frozen=True)
class Branch:
    """A release branch: green where the newest finished run of every required pipeline was a success."""

    codebase: str
    branch: str
    green: bool
    since: datetime
    """When it became so."""
    red: tuple[str, ...] = ()
    """The pipelines that are red."""
    revision: str | None = None
    """What the run was of with which it became so."""


def branches(runs: pa.Table, config: Config, as_of: datetime) -> list[Branch]:
    """Every codebase whose release branch has finished runs, by name."""
    found = []
    known = runs.filter(
        pc.and_(pc.is_valid(runs["finished_at"]), pc.less_equal(runs["finished_at"], pa.scalar(as_of)))
    )
    for name in sorted(config.codebases):
        codebase = config.codebases[name]
        mine = known.filter(pc.equal(known["codebase"], name))
        branch = codebase.release_branch or "main"
        mine = mine.filter(
            pc.and_(
                pc.equal(mine["branch"], branch),
                pc.is_in(pc.utf8_lower(mine["outcome"]), pa.array([*GREEN, *RED])),
            )
        )
        mine = mine.filter(pc.is_null(mine["deploys_to"]))
        if codebase.required is not None:
            mine = mine.filter(pc.is_in(mine["pipeline"], pa.array(list(codebase.required), pa.string())))
        if mine.num_rows:
            found.append(_state(name, branch, mine))
    return found


def _state(name: str, branch: str, runs: pa.Table) -> Branch:
    runs = runs.sort_by([("finished_at", "ascending"), ("attempt", "ascending")])
    names = ("pipeline", "outcome", "finished_at", "revision")
    columns = (runs.column(column).to_pylist() for column in names)
    newest: dict[str, str] = {}
    green, since, turned = True, runs.column("finished_at")[0].as_py(), None
    for pipeline, outcome, finished, revision in zip(*columns, strict=True):
        newest[pipeline] = outcome.lower()
        now = all(outcome in GREEN for outcome in newest.values())
        if now != green:
            green, since, turned = now, finished, revision
    red = tuple(sorted(pipeline for pipeline, outcome in newest.items() if outcome not in GREEN))
    return Branch(name, branch, green, since, red, turned)

"""Whether release branches are green, since when, and when they were not: the rows behind `metrics.branch`.

The same rule once more, run by run: a page names the run that turned a branch red, and notices count nothing.
`tests/pages/test_branches.py` holds both to each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deploybook.config import Config
from deploybook.linking.model import BranchCommit
from deploybook.metrics.outcomes import BEFORE_MERGE, GREEN, RED, RETIRED_DAYS
from deploybook.practices import Span


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


@dataclass(frozen=True)
class Run:
    """A run that ended on a release branch, of a pipeline that counts there."""

    at: datetime
    attempt: int
    id: str
    pipeline: str
    job: str
    red: bool
    revision: str | None
    url: str | None


@dataclass(frozen=True)
class Turn:
    """An instant at which a branch turned red or green."""

    at: datetime
    red: bool
    run: Run | None
    """With which; none where a red pipeline was given up."""


_COLUMNS = ("codebase", "pipeline", "job", "branch", "trigger", "revision", "outcome", "id", "attempt", "url")


@dataclass(frozen=True)
class Branches:
    """The release branches of a site up to an instant.

    Args:
        runs: The history's pipeline runs.
        config: Names the required pipelines, and branches.
        as_of: What ended later does not count.
        names: Release branches as the remotes have them; the configuration's own stand before.
        commits: Those of the branches: a run that names no branch is looked for among them. Where none are
            known, and nothing names the branch, it is taken for `main`.
    """

    runs: pa.Table
    config: Config
    as_of: datetime
    names: Mapping[str, str]
    commits: Iterable[BranchCommit] = ()

    def states(self) -> list[Branch]:
        """Every codebase whose release branch has runs that still count, by name."""
        found = []
        for name, runs in sorted(self._by_codebase.items()):
            newest, turns = self._walk(name, runs)
            if newest:
                last = turns[-1] if turns else Turn(runs[0].at, False, None)
                red = tuple(sorted({run.pipeline for run in newest.values() if run.red}))
                revision = last.run.revision if last.run else None
                branch = self._release(name, with_commits=False) or ""
                found.append(Branch(name, branch, not red, last.at, red, revision))
        return found

    def breaks(self) -> dict[str, list[Span]]:
        """When each was red, oldest first; the last break may be open."""
        found: dict[str, list[Span]] = {}
        for name, runs in self._by_codebase.items():
            _, turns = self._walk(name, runs)
            ends = [turn.at for turn in turns if not turn.red]
            found[name] = [
                Span(turn.at, end, turn.run.url if turn.run else None)
                for turn, end in zip([t for t in turns if t.red], [*ends, None], strict=False)
            ]
        return found

    def _release(self, codebase: str, *, with_commits: bool) -> str | None:
        named = self.config.codebases[codebase].release_branch or self.names.get(codebase)
        return named or (None if with_commits else "main")

    @cached_property
    def _by_codebase(self) -> dict[str, list[Run]]:
        here = {(commit.codebase, commit.revision) for commit in self.commits}
        committed = {codebase for codebase, _ in here}
        found: dict[str, list[Run]] = defaultdict(list)
        for at, name, pipeline, job, branch, trigger, revision, outcome, id_, attempt, url in self._ended():
            codebase = self.config.codebases.get(name)
            if codebase is None or trigger in BEFORE_MERGE:
                continue
            release = self._release(name, with_commits=name in committed)
            named = branch is not None and release is not None
            if (branch != release) if named else ((name, revision) not in here):
                continue
            if codebase.required and pipeline not in codebase.required:
                continue
            red = outcome.lower() in RED
            found[name].append(Run(at, attempt or 0, id_, pipeline, job or "", red, revision, url))
        return {
            name: sorted(runs, key=lambda run: (run.at, run.attempt, run.id)) for name, runs in found.items()
        }

    def _ended(self) -> Iterator[tuple[Any, ...]]:
        """`at` and the columns of the runs that came to an end."""
        at = pc.coalesce(self.runs["finished_at"], self.runs["started_at"])
        outcome = pc.utf8_lower(self.runs["outcome"])
        ended = pc.is_in(outcome, pa.array([*GREEN, *RED]))
        chosen = pc.and_kleene(ended, pc.less_equal(at, pa.scalar(self.as_of)))
        rows = self.runs.select(_COLUMNS).add_column(0, "at", at).filter(chosen)
        return zip(*(column.to_pylist() for column in rows.columns), strict=True)

    def _walk(self, codebase: str, runs: list[Run]) -> tuple[dict[tuple[str, str], Run], list[Turn]]:
        """The newest run of each pipeline's job that counts at the end, and every turn until then."""
        events: list[tuple[datetime, Run | None, tuple[str, str]]] = [
            (run.at, run, (run.pipeline, run.job)) for run in runs
        ]
        if not self.config.codebases[codebase].required:
            last = {unit: at for at, _, unit in events}
            gone = ((at + timedelta(days=RETIRED_DAYS), None, unit) for unit, at in last.items())
            events += [event for event in gone if event[0] <= self.as_of]
            events.sort(key=lambda event: event[0])
        newest: dict[tuple[str, str], Run] = {}
        turns: list[Turn] = []
        for at, group in groupby(events, key=lambda event: event[0]):
            told = None
            for _, run, unit in group:
                if run is None:
                    newest.pop(unit, None)
                else:
                    newest[unit] = run
                    told = run if told is None or run.red else told
            red = any(run.red for run in newest.values())
            if red != (bool(turns) and turns[-1].red):
                turns.append(Turn(at, red, told))
        return newest, turns

"""Breaks of release branches: from the first red finish to when every pipeline is green again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

import pyarrow as pa

from deploybook.config import Config
from deploybook.practices import Span

_RED = frozenset({"failure", "error"})


def breaks(runs: pa.Table, config: Config, as_of: datetime) -> dict[str, list[Span]]:
    """The breaks of every codebase's release branch up to an instant, oldest first; the last may be open."""
    ends: dict[str, list[tuple[datetime, str, bool]]] = defaultdict(list)
    columns = ("codebase", "pipeline", "outcome", "branch", "finished_at", "deploys_to")
    for name, pipeline, outcome, branch, finished, deploys_to in zip(
        *(runs.column(column).to_pylist() for column in columns), strict=True
    ):
        codebase = config.codebases.get(name)
        if codebase is None or finished is None or finished > as_of or deploys_to is not None:
            continue
        required = codebase.required
        if branch != (codebase.release_branch or "main") or (required and pipeline not in required):
            continue
        if outcome == "success" or outcome in _RED:
            ends[name].append((finished, pipeline, outcome in _RED))
    return {name: list(_spans(sorted(found))) for name, found in ends.items()}


def _spans(ends: Iterable[tuple[datetime, str, bool]]) -> Iterator[Span]:
    red: set[str] = set()
    began: datetime | None = None
    for at, pipeline, is_red in ends:
        red = red | {pipeline} if is_red else red - {pipeline}
        if red and began is None:
            began = at
        elif not red and began is not None:
            yield Span(began, at)
            began = None
    if began is not None:
        yield Span(began, None)

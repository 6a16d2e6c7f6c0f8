"""Since when each practice has had its answer, as the site said it.

What the configuration says is known for today alone: no history could answer it for an earlier day. So the
program keeps its own answers, a row whenever one is another one than before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa

Key = tuple[str, str, str]
"""Codebase, practice, stage."""

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("codebase", "practice", "stage", "status")),
        ("since", pa.timestamp("us", tz="UTC")),
    ]
)


def told(kept: pa.Table | None, as_of: datetime) -> Mapping[Key, Sequence[tuple[datetime, str]]]:
    """The answers that were published up to an instant, each from when it was first given; oldest first."""
    found: dict[Key, list[tuple[datetime, str]]] = defaultdict(list)
    for row in kept.to_pylist() if kept is not None else ():
        if row["since"] <= as_of:
            found[row["codebase"], row["practice"], row["stage"]].append((row["since"], row["status"]))
    for answers in found.values():
        answers.sort()
    return found


def changed(kept: pa.Table, now: pa.Table, as_of: datetime) -> pa.Table:
    """The rows to keep after a publish: answers that are others than the last that was kept.

    Args:
        kept: What is kept.
        now: Today's answers: codebase, practice, stage, status.
        as_of: The clock; where something later is kept, nothing is.
    """
    before: dict[Key, tuple[datetime, str]] = {}
    for row in sorted(kept.to_pylist(), key=lambda row: row["since"]):
        before[row["codebase"], row["practice"], row["stage"]] = (row["since"], row["status"])
    rows = []
    for row in now.select(["codebase", "practice", "stage", "status"]).to_pylist():
        last = before.get((row["codebase"], row["practice"], row["stage"]))
        if last is None or (last[1] != row["status"] and last[0] < as_of):
            rows.append({**row, "since": as_of})
    return pa.Table.from_pylist(rows, schema=SCHEMA)

"""Deployment locks as the history has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa


@dataclass(frozen=True)
class HeldLock:
    """A lock that holds."""

    environment: str
    codebase: str | None
    holder: str | None
    reason: str | None
    since: datetime
    expires_at: datetime | None


def held(locks: pa.Table, as_of: datetime) -> list[HeldLock]:
    """Locks that hold at an instant: begun, not released, not expired; oldest first."""
    columns = (
        "environment", "codebase", "holder", "reason", "since", "expires_at", "released_at",
    )  # fmt: skip
    found = []
    for row in locks.select(list(columns)).to_pylist():
        released = row.pop("released_at")
        ends = [end for end in (released, row["expires_at"]) if end is not None]
        if row["since"] <= as_of and all(end > as_of for end in ends):
            found.append(HeldLock(**row))
    return sorted(found, key=lambda lock: (lock.since, lock.environment, lock.codebase or ""))

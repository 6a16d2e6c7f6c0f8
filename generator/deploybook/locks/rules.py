"""Which locks stand in each other's way, and when one may be taken over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from deploybook.sources.lockrefs import ALL, LockState, named

_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True)
class Target:
    """What is to be locked."""

    environment: str
    """In lower case; `all` for every one."""
    codebase: str | None = None
    """`None` for every one."""

    @property
    def shown(self) -> str:
        """As `production, shop-web`."""
        environment = "every environment" if self.environment == ALL else self.environment
        return environment if self.codebase is None else f"{environment}, {self.codebase}"


def target_of(prefix: str, ref: str) -> Target:
    """What a ref locks, by its name: also where its content cannot be read."""
    return Target(*named(prefix, ref))


def overlaps(one: Target, other: Target) -> bool:
    """Whether something lies in both."""
    environments = {one.environment, other.environment}
    codebases = {one.codebase, other.codebase}
    return (len(environments) == 1 or ALL in environments) and (len(codebases) == 1 or None in codebases)


def covers(lock: Target, target: Target) -> bool:
    """Whether all of a target lies in a lock."""
    return lock.environment in (target.environment, ALL) and lock.codebase in (target.codebase, None)


def may_take_over(state: LockState, seen_since: datetime, now: datetime) -> bool:
    """Whether a lock is free for another: it stood unchanged for its whole lease, before our own eyes.

    Args:
        state: The lock as it is.
        seen_since: When this machine first saw the lock's present commit, by this machine's clock.
        now: By the same clock.
    """
    return state.lease_seconds is not None and now - seen_since >= timedelta(seconds=state.lease_seconds)


def time_left(state: LockState, now: datetime) -> timedelta | None:
    """How long the holder may still rely on its lock: it stops before anyone could take it over.

    A tenth of the lease, at most five minutes, is kept back for the step that cannot be undone. `None`: for
    as long as it is not released.
    """
    if state.lease_seconds is None:
        return None
    lease = timedelta(seconds=state.lease_seconds)
    return state.renewed_at + lease - min(lease / 10, _MARGIN) - now

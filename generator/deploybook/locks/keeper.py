"""Claim, renew, check, release: what a lock promises.

- One holder: of those who claim overlapping locks at once at most one is told that it holds. Claims of one
  ref are decided by the push. Claims that overlap in different refs (all codebases, and one) are decided by
  looking again after the push: of two such claims the later to look sees the other and gives its own back.
- No clock of another machine is trusted: see `rules.may_take_over`.
- Only its claim, or the CI run that made it, renews or releases a lock; anyone else gives a reason, and it is
  on record.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from deploybook.errors import SourceError
from deploybook.locks.rules import Target, covers, may_take_over, overlaps, target_of, time_left
from deploybook.locks.seen import Sightings
from deploybook.locks.store import Place, Store, Update
from deploybook.records import Said
from deploybook.sources.lockrefs import LockRef, LockState, ref_of

_TRIES = 8
_FAILURES = 4
_PAUSE = 0.2
"""Seconds, at most, before the next attempt; each at random, so that two that met part."""


@dataclass(frozen=True)
class Clock:
    """The time of this machine, handed in by the command line."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]


@dataclass(frozen=True)
class Wanted:
    """A lock as it is asked for.

    Attributes:
        targets: All of them, or none.
        lease: How long it holds; `None`: until it is released.
        claim: The claim that is renewed; `None`: the run's own, or a new one.
        fresh: The claim that a new lock gets: at random, and the same in every place it is taken in.
        forced: Against whatever is locked; who, and why.
    """

    targets: Sequence[Target]
    lease: timedelta | None = None
    holder: str | None = None
    run: str | None = None
    reason: str | None = None
    exempt: tuple[str, ...] = ()
    claim: str | None = None
    forced: Said | None = None
    fresh: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(frozen=True)
class Held:
    """A lock that stands, as this machine sees it."""

    ref: LockRef
    target: Target
    seen_since: datetime
    """When this machine first saw it as it is, by its own clock."""
    free: bool
    """Whether this machine has seen it unchanged for its whole lease: anyone may take it over."""

    def is_own(self, claim: str | None, run: str | None) -> bool:
        """Whether it is the asker's: by its claim, or where none is given by its CI run."""
        state = self.ref.state
        if state is None:
            return False
        return state.claim == claim if claim is not None else run is not None and state.run == run

    def in_the_way_of(self, targets: Sequence[Target]) -> bool:
        """Whether it overlaps one of the targets."""
        return any(overlaps(self.target, target) for target in targets)


@dataclass(frozen=True)
class Answer:
    """What became of a request.

    Attributes:
        done: `claimed`, `renewed`, `released`, `nothing` (to release), or `refused`.
        claim: The claim that holds now, or was released.
        in_the_way: The locks that it was refused for.
    """

    done: Literal["claimed", "renewed", "released", "nothing", "refused"]
    claim: str | None = None
    states: tuple[LockState, ...] = ()
    in_the_way: tuple[Held, ...] = ()
    new: tuple[Target, ...] = ()
    """Of a claim, what the asker did not hold before."""

    @property
    def held(self) -> bool:
        """Whether the asker holds the lock now."""
        return self.done in ("claimed", "renewed")


class Keeper:
    """The locks of one place, as one machine works with them."""

    def __init__(self, place: Place, clock: Clock, sightings: Sightings) -> None:
        self.place = place
        self._clock = clock
        self._sightings = sightings

    def held(self) -> list[Held]:
        """The locks that stand now, those that may be taken over included.

        Raises:
            SourceError: The repository cannot be read.
        """
        with Store(self.place) as store:
            return self._standing(store.read())

    def claim(self, wanted: Wanted) -> Answer:
        """Take a lock, or renew one that is the asker's own; all targets or none.

        Raises:
            SourceError: The repository cannot be read or written.
        """
        with Store(self.place) as store:
            for _ in range(_TRIES):
                answer = self._try_claim(store, wanted)
                if answer is not None:
                    return answer
                self._pause()
            standing = self._standing(store.read())
        return Answer("refused", in_the_way=tuple(_others(standing, wanted)))

    def release(
        self, targets: Sequence[Target], *, claim: str | None, run: str | None, forced: Said | None = None
    ) -> Answer:
        """Release locks within the targets: the asker's own, or any, where it is forced.

        Raises:
            SourceError: The repository cannot be read or written.
        """
        with Store(self.place) as store:
            for _ in range(_TRIES):
                standing = [
                    held
                    for held in self._standing(store.read())
                    if any(covers(target, held.target) for target in targets)
                ]
                due = [held for held in standing if forced is not None or held.is_own(claim, run)]
                if not due:
                    others = tuple(held for held in standing if not held.free)
                    return Answer("refused" if others else "nothing", in_the_way=others)
                updates = [self._end(held, forced) for held in due]
                if self._swap(store, updates):
                    states = tuple(update.state for update in updates)
                    return Answer("released", claim=states[0].claim, states=states)
                self._pause()
        return Answer("refused", in_the_way=tuple(due))

    def check(self, targets: Sequence[Target], *, claim: str | None, run: str | None) -> Answer:
        """Whether the asker still holds all of the targets, with time left for a step that cannot be undone.

        Raises:
            SourceError: The repository cannot be read: then nobody knows, and nothing should be done.
        """
        standing = self.held()
        now = self._clock.now()
        states = []
        for target in targets:
            state = next(
                (
                    held.ref.state
                    for held in standing
                    if held.is_own(claim, run) and covers(held.target, target) and _lasts(held.ref.state, now)
                ),
                None,
            )
            if state is None:
                near = tuple(held for held in standing if overlaps(held.target, target))
                return Answer("refused", in_the_way=near)
            states.append(state)
        return Answer("renewed", claim=states[0].claim, states=tuple(states))

    def _try_claim(self, store: Store, wanted: Wanted) -> Answer | None:
        """One attempt; `None` where another was in between, and it is worth another."""
        refs = store.read()
        standing = self._standing(refs)
        others = _others(standing, wanted)
        if wanted.forced is None and any(not held.free for held in others):
            return Answer("refused", in_the_way=tuple(held for held in others if not held.free))
        own = {held.ref.ref: held.ref.state for held in standing if held.is_own(wanted.claim, wanted.run)}
        if wanted.claim is not None and not own:
            return Answer("refused")
        claim = next((state.claim for state in own.values() if state), None) or wanted.fresh
        at = {found.ref: found.commit for found in refs}
        taken = [self._taken(target, wanted, claim, own, at) for target in wanted.targets]
        names = {update.ref for update in taken}
        ended = [self._end(held, wanted.forced) for held in others if held.ref.ref not in names]
        if not self._swap(store, [*taken, *ended]):
            return None
        new = names - own.keys()
        if new and not self._alone(store, wanted, claim, new):
            return None
        states = tuple(update.state for update in taken)
        fresh = tuple(target_of(self.place.prefix, name) for name in sorted(new))
        return Answer("claimed" if new else "renewed", claim, states, new=fresh)

    def _taken(
        self,
        target: Target,
        wanted: Wanted,
        claim: str,
        own: Mapping[str, LockState | None],
        at: Mapping[str, str],
    ) -> Update:
        now = self._clock.now()
        ref = ref_of(self.place.prefix, target.environment, target.codebase)
        before = own.get(ref)
        state = LockState(
            environment=target.environment,
            codebase=target.codebase,
            claim=claim,
            nonce=secrets.token_hex(8),
            since=before.since if before else now,
            renewed_at=now,
            lease_seconds=round(wanted.lease.total_seconds()) if wanted.lease else None,
            holder=wanted.holder,
            run=wanted.run,
            reason=wanted.reason or (before.reason if before else None),
            exempt=wanted.exempt or (before.exempt if before else ()),
            forced=wanted.forced or (before.forced if before else None),
        )
        return Update(ref, at.get(ref), state)

    def _end(self, held: Held, forced: Said | None) -> Update:
        """The move that says that a lock is no more."""
        now = self._clock.now()
        state = held.ref.state or LockState(
            environment=held.target.environment,
            codebase=held.target.codebase,
            claim="unknown",
            nonce="",
            since=now,
            renewed_at=now,
        )
        ended = msgspec.structs.replace(
            state, released_at=now, nonce=secrets.token_hex(8), forced=forced or state.forced
        )
        return Update(held.ref.ref, held.ref.commit, ended)

    def _alone(self, store: Store, wanted: Wanted, claim: str, new: Set[str]) -> bool:
        """Look again after the push: where another overlaps in a ref of its own, give back what was taken."""
        standing = self._standing(store.read())
        taken = [held for held in standing if held.ref.ref in new and held.is_own(claim, None)]
        if len(taken) < len(new):
            return False
        if all(held.free or held.is_own(claim, None) for held in _others(standing, wanted)):
            return True
        self._swap(store, [self._end(held, None) for held in taken])
        return False

    def _swap(self, store: Store, updates: Sequence[Update]) -> bool:
        """Swap; where it fails and nobody was first, it may be that two met at the server's own lock."""
        for _ in range(_FAILURES - 1):
            try:
                return store.swap(updates)
            except SourceError:
                self._pause()
        return store.swap(updates)

    def _standing(self, refs: Sequence[LockRef]) -> list[Held]:
        now = self._clock.now()
        found = []
        for each in refs:
            if each.state is not None and each.state.released_at is not None:
                continue
            since = self._sightings.since(self.place.shown, each.ref, each.commit, now)
            free = each.state is not None and may_take_over(each.state, since, now)
            found.append(Held(each, target_of(self.place.prefix, each.ref), since, free))
        return found

    def _pause(self) -> None:
        self._clock.sleep(random.uniform(_PAUSE / 4, _PAUSE))  # noqa: S311 - not a secret


def _others(standing: Sequence[Held], wanted: Wanted) -> list[Held]:
    """The locks that are not the asker's and overlap what it wants."""
    return [
        held
        for held in standing
        if not held.is_own(wanted.claim, wanted.run) and held.in_the_way_of(wanted.targets)
    ]


def _lasts(state: LockState | None, now: datetime) -> bool:
    left = time_left(state, now) if state else timedelta()
    return left is None or left > timedelta()

"""What happens around deployments: locks, hand-overs, flaky tests, sources that are behind. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from deploybook.notify.known import Known
from deploybook.notify.model import Event
from deploybook.notify.words import plain, span
from deploybook.records import Lock
from deploybook.words import NBSP, day, joined


def lock(known: Known) -> Iterator[Event]:
    """A lock was taken, forced, or is held for too long; one that covers several environments is one."""
    by_claim: dict[tuple[str, str | None], list[Lock]] = {}
    for each in known.locks:
        by_claim.setdefault((each.claim, each.codebase), []).append(each)
    for locks in by_claim.values():
        yield from _of_lock(known, locks)


def _of_lock(known: Known, locks: Sequence[Lock]) -> Iterator[Event]:
    """One claim's lock on the environments of a step."""
    limit, each = known.config.notices.lock_held_for, locks[0]
    places = joined([plain(name) for name in dict.fromkeys(part.environment for part in locks)])
    what = f"{each.codebase or 'every codebase'} in {places}"
    key, subject = f"{each.claim}|{each.codebase or ''}", f"{each.codebase or ''} {places}"
    holder, teams = known.name(each.holder), known.team(each.codebase)
    ended = each.released_at or each.expires_at
    over = ended is not None and ended <= known.as_of
    why = plain(each.reason or "no reason given")
    if each.forced is None and known.new(each.since) and not over:
        yield Event(
            "lock", f"lock|taken|{key}", f"lock {subject}", each.since,
            f"{holder} locks {what}: {why}", "environments/", teams, state="taken",
        )  # fmt: skip
    if each.forced is not None:
        by, of = known.name(each.forced.by), _forced_from(known, each)
        took = known.name(each.holder) == by
        at = each.since if took else each.released_at or each.since
        if known.new(at):
            did = (
                f"{by} locks {what} by force" if took else f"{by} released {holder}'s lock of {what} by force"
            )
            yield Event(
                "lock", f"lock|forced|{key}", f"lock forced {subject}", at,
                f"{did}: {plain(each.forced.because)}", "environments/", teams, people=of, urgent=True,
                state="forced",
            )  # fmt: skip
    if limit is not None and not over and known.as_of - each.since >= limit:
        person = known.person(each.holder)
        yield Event(
            "lock", f"lock|held|{key}", f"lock held {subject}", known.as_of,
            f"{holder} has locked {what} for over {span(limit)}: {why}", "environments/",
            teams, people={person: "holds the lock"} if person else {}, state="held",
        )  # fmt: skip


def _forced_from(known: Known, lock: Lock) -> dict[str, str]:
    """Whose lock was ended by force, the holder's own or the one that this one took the place of."""
    found: dict[str, str] = {}
    for other in known.locks:
        same = other.environment == lock.environment and other.codebase == lock.codebase
        if other.claim == lock.claim or (same and other.released_at == lock.since):
            person = known.person(other.holder)
            if person is not None and lock.forced is not None and person != known.person(lock.forced.by):
                found[person] = "held the lock"
    return found


def shift(known: Known) -> Iterator[Event]:
    """A rotation is handed over: for who takes it, and for whose turn it was."""
    for name in known.config.rotations:
        turns = known.rotation(name).shifts(known.since - timedelta(minutes=1), known.as_of)
        before = {turn.end: turn.person for turn in turns}
        for turn in turns:
            if not known.new(turn.start):
                continue
            until = day(turn.end, known.config.zone).replace(NBSP, " ")
            key = f"shift|{name}|{turn.start.isoformat()}|{turn.person}"
            yield Event(
                "shift", key, f"shift {name}", turn.start, f"You hold {name} until {until}", "process/",
                people={turn.person: f"takes over {name}"},
            )  # fmt: skip
            left = before.get(turn.start, turn.person)
            if left != turn.person:
                yield Event(
                    "shift", f"{key}|from {left}", f"shift {name}", turn.start,
                    f"{known.name(turn.person)} takes {name} over from you, until {until}", "process/",
                    people={left: f"hands over {name}"},
                )  # fmt: skip


def flaky(known: Known) -> Iterator[Event]:
    """A test both passed and failed on one revision: for who owns it, once a month and test."""
    for codebase, suite, name, at in known.flaky:
        if known.new(at):
            month = f"{at.astimezone(known.config.zone):%Y-%m}"
            yield Event(
                "flaky", f"flaky|{codebase}|{name}|{month}", f"flaky {codebase}|{name}", at,
                f"{codebase}: {plain(name)} both passed and failed on one revision", "metrics/flaky-tests/",
                *known.owners(codebase, suite),
            )  # fmt: skip


def source(known: Known) -> Iterator[Event]:
    """A source cannot be read, or was not for long: pages show what was known before."""
    for name, at in known.errors.items():
        if known.new(at):
            day = f"{at.astimezone(known.config.zone):%Y-%m-%d}"
            yield Event(
                "source", f"source|{name}|{day}", f"source {name}", at,
                f"{plain(name)} cannot be read: the site shows what it knew before", "data/",
                *known.keepers(),
            )  # fmt: skip
    for name, read in known.stale.items():
        if name not in known.errors:
            yield Event(
                "source", f"source|{name}|stale since {read.isoformat()}", f"source {name}", known.as_of,
                f"{plain(name)} was not read for {span(known.as_of - read)}: "
                "the site shows what it knew then",
                "data/", *known.keepers(),
            )  # fmt: skip

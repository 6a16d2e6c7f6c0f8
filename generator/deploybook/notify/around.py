"""What happens around deployments: locks, hand-overs, flaky tests, sources that are behind. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from deploybook.notify.known import Known
from deploybook.notify.model import Event
from deploybook.notify.words import plain, span


def lock(known: Known) -> Iterator[Event]:
    """A lock was taken, forced, or is held for too long."""
    limit = known.config.notices.lock_held_for
    for each in known.locks:
        holder = plain(each.holder or "somebody")
        what = f"{each.environment}{f', {each.codebase}' if each.codebase else ''}"
        key = f"{each.claim}|{each.environment}|{each.codebase or ''}"
        teams = known.team(each.codebase)
        ended = each.released_at or each.expires_at
        over = ended is not None and ended <= known.as_of
        why = plain(each.reason or "no reason given")
        if known.new(each.since) and not over:
            yield Event(
                "lock", f"lock|taken|{key}", f"lock {what}", each.since,
                f"{what} is locked by {holder}: {why}", "environments/", teams,
            )  # fmt: skip
        forced_at = each.released_at or each.since
        if each.forced is not None and known.new(forced_at):
            yield Event(
                "lock", f"lock|forced|{key}", f"lock forced {what}", forced_at,
                f"{what}: {plain(each.forced.by)} forced the lock: {plain(each.forced.because)}",
                "environments/", teams, urgent=True,
            )  # fmt: skip
        if limit is not None and not over and known.as_of - each.since >= limit:
            person = known.person(each.holder)
            yield Event(
                "lock", f"lock|held|{key}", f"lock held {what}", each.since + limit,
                f"{what} has been locked by {holder} for {span(limit)}: {why}", "environments/",
                teams=known.team(each.codebase), people={person: "holds the lock"} if person else {},
            )  # fmt: skip


def shift(known: Known) -> Iterator[Event]:
    """A rotation is handed over: for who takes it, and for whose turn it was."""
    for name in known.config.rotations:
        turns = known.rotation(name).shifts(known.since - timedelta(minutes=1), known.as_of)
        before = {turn.end: turn.person for turn in turns}
        for turn in turns:
            if not known.new(turn.start):
                continue
            until = f"{turn.end.astimezone(known.config.zone):%Y-%m-%d}"
            key = f"shift|{name}|{turn.start.isoformat()}|{turn.person}"
            yield Event(
                "shift", key, f"shift {name}", turn.start, f"You hold {name} until {until}", "process/",
                people={turn.person: f"takes over {name}"},
            )  # fmt: skip
            left = before.get(turn.start, turn.person)
            if left != turn.person:
                who = known.config.people.get(turn.person)
                taker = plain((who.name if who else None) or turn.person)
                yield Event(
                    "shift", f"{key}|from {left}", f"shift {name}", turn.start,
                    f"{taker} takes {name} over from you, until {until}", "process/",
                    people={left: f"hands over {name}"},
                )  # fmt: skip


def flaky(known: Known) -> Iterator[Event]:
    """A test both passed and failed on one revision: for the team, once a month and test."""
    for codebase, name, at in known.flaky:
        if known.new(at):
            month = f"{at.astimezone(known.config.zone):%Y-%m}"
            yield Event(
                "flaky", f"flaky|{codebase}|{name}|{month}", f"flaky {codebase}|{name}", at,
                f"{codebase}: {plain(name)} both passed and failed on one revision", "metrics/flaky-tests/",
                teams=known.team(codebase),
            )  # fmt: skip


def source(known: Known) -> Iterator[Event]:
    """A source cannot be read, or was not for long: pages show what was known before. For who decides."""
    for name, at in known.errors.items():
        if known.new(at):
            day = f"{at.astimezone(known.config.zone):%Y-%m-%d}"
            yield Event(
                "source", f"source|{name}|{day}", f"source {name}", at,
                f"{plain(name)} cannot be read: the site shows what it knew before", "data/",
                people=known.decider(),
            )  # fmt: skip
    for name, read in known.stale.items():
        if name not in known.errors:
            yield Event(
                "source", f"source|{name}|stale since {read.isoformat()}", f"source {name}", read,
                f"{plain(name)} was not read for {span(known.as_of - read)}: "
                "the site shows what it knew then",
                "data/", people=known.decider(),
            )  # fmt: skip

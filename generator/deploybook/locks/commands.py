"""What `lock`, `unlock` and `locks` do over every place that keeps the locks concerned, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from deploybook.config import Config
from deploybook.config.values import Duration
from deploybook.errors import SourceError, UsageError
from deploybook.locks import wording
from deploybook.locks.freezes import Freeze, freeze_at
from deploybook.locks.keeper import Answer, Clock, Held, Keeper, Wanted
from deploybook.locks.rules import Target
from deploybook.locks.seen import Sightings
from deploybook.locks.where import environments, known_codebases, places, targets
from deploybook.locks.who import holder_of, run_of
from deploybook.records import Said
from deploybook.sources.lockrefs import ALL, LockState


@dataclass(frozen=True)
class Request:
    """The words of a command line.

    Attributes:
        environment: An environment, a group of them, or `all`; empty: whatever there is.
        expires: How long, as `4h`; `None`: until it is released.
        because: Why it is forced; `None`: it is not.
        variables: The environment variables: who and which run.
    """

    environment: str
    codebases: Sequence[str]
    variables: Mapping[str, str]
    expires: str | None = None
    reason: str | None = None
    exempt: tuple[str, ...] = ()
    claim: str | None = None
    because: str | None = None


@dataclass(frozen=True)
class Reply:
    """The answer of a command: lines for people, facts for machines."""

    yes: bool
    lines: list[str]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """What the commands work with; `sightings` is what this machine has seen of locks before."""

    config: Config
    clock: Clock
    sightings: Sightings

    def lock(self, request: Request) -> Reply:
        """Claim or renew; all or none, also where several repositories keep the locks.

        Raises:
            SourceError: A repository cannot be read or written.
            UsageError: There is no such environment or codebase, or a word cannot be read.
        """
        names = environments(self.config, request.environment)
        forced = self._forced(request)
        freeze = self._freeze(names)
        if freeze is not None and forced is None:
            return self._frozen(freeze, request.environment)
        wanted = Wanted(
            (), lease=_lease(request.expires), holder=holder_of(request.variables),
            run=run_of(request.variables), reason=request.reason, exempt=request.exempt,
            claim=request.claim, forced=forced,
        )  # fmt: skip
        done: list[tuple[Keeper, Answer]] = []
        for keeper, part in self._parts(names, request):
            try:
                answer = keeper.claim(replace(wanted, targets=part))
            except SourceError:
                _give_back(done)
                raise
            if not answer.held:
                _give_back(done)
                return self._refused(answer)
            done.append((keeper, answer))
        answers = [answer for _, answer in done]
        states = [state for answer in answers for state in answer.states]
        first = answers[0]
        lines = [f"locked {wording.what(state)} {wording.until(state, self.config.zone)}" for state in states]
        return Reply(
            True,
            [*lines, f"claim {first.claim}"],
            {"done": first.done, "claim": first.claim, "locks": [wording.facts(state) for state in states]},
        )

    def check(self, request: Request) -> Reply:
        """Whether the asker still holds the lock, with time left: asked before what cannot be undone.

        Raises:
            SourceError: A repository cannot be read.
            UsageError: There is no such environment or codebase.
        """
        names = environments(self.config, request.environment)
        run = run_of(request.variables)
        states: list[LockState] = []
        for keeper, part in self._parts(names, request):
            answer = keeper.check(part, claim=request.claim, run=run)
            if not answer.held:
                return self._refused(answer, says="this claim does not hold, or not for long enough: stop")
            states += answer.states
        freeze = self._freeze(names)
        if freeze is not None and not all(state.forced for state in states):
            return self._frozen(freeze, request.environment)
        lines = [f"holds {wording.what(state)} {wording.until(state, self.config.zone)}" for state in states]
        return Reply(
            True,
            lines,
            {"done": "held", "claim": states[0].claim, "locks": [wording.facts(s) for s in states]},
        )

    def unlock(self, request: Request) -> Reply:
        """Release what the asker holds; what others hold only where it is forced.

        Raises:
            SourceError: A repository cannot be read or written.
            UsageError: There is no such environment or codebase, or a reason is missing.
        """
        names = environments(self.config, request.environment)
        forced, run = self._forced(request), run_of(request.variables)
        states: list[LockState] = []
        refused: list[Held] = []
        for keeper, part in self._parts(names, request):
            answer = keeper.release(part, claim=request.claim, run=run, forced=forced)
            states += answer.states
            refused += answer.in_the_way
        if refused and not states:
            return self._refused(
                Answer("refused", in_the_way=tuple(refused)),
                says="held by another: give its --claim, or --force with a --reason",
            )
        lines = [f"released {wording.what(state)}" for state in states] or ["nothing is locked there"]
        facts = {
            "done": "released" if states else "nothing",
            "locks": [wording.facts(state) for state in states],
        }
        return Reply(True, lines, facts)

    def locks(self, request: Request) -> Reply:
        """Every lock that stands, and the freeze of the calendar.

        Raises:
            SourceError: A repository cannot be read.
            UsageError: There is no such codebase.
        """
        names = environments(self.config, request.environment) if request.environment else (ALL,)
        standing = self.standing(names, known_codebases(self.config, request.codebases))
        freeze = self._freeze(names)
        lines = [wording.standing(held, self.config.zone) for held in standing]
        facts: dict[str, Any] = {"locks": [wording.standing_facts(held) for held in standing], "freeze": None}
        if freeze is not None:
            lines.append(wording.frozen(freeze, self.config.zone))
            facts["freeze"] = {"because": freeze.because, "until": freeze.until.isoformat()}
        return Reply(True, lines or ["nothing is locked"], facts)

    def standing(self, names: Sequence[str], codebases: Sequence[str]) -> list[Held]:
        """The locks that stand in the way of environments and codebases; none named: all there are.

        Raises:
            SourceError: A repository cannot be read.
        """
        found: list[Held] = []
        for keeper, own in self._keepers(codebases):
            asked = targets(names, own if codebases else [])
            found += [held for held in keeper.held() if held.in_the_way_of(asked)]
        return found

    def in_the_way(
        self, names: Sequence[str], codebase: str, request: Request
    ) -> list[tuple[str, tuple[str, ...]]]:
        """The locks of others that stand on environments of a codebase: each in words, and what it exempts.

        Raises:
            SourceError: A repository cannot be read.
            UsageError: No repository keeps the codebase's locks.
        """
        run = run_of(request.variables)
        return [
            (wording.standing(held, self.config.zone), held.ref.state.exempt if held.ref.state else ())
            for held in self.standing(names, [codebase])
            if not held.free and not held.is_own(request.claim, run)
        ]

    def _parts(self, names: Sequence[str], request: Request) -> list[tuple[Keeper, list[Target]]]:
        """What is asked for, by the place that keeps it."""
        codebases = known_codebases(self.config, request.codebases)
        return [
            (keeper, targets(names, own if codebases else [])) for keeper, own in self._keepers(codebases)
        ]

    def _keepers(self, codebases: Sequence[str]) -> list[tuple[Keeper, list[str]]]:
        found = places(self.config, codebases)
        # Always in one order: two that want the same places do not each hold half of them.
        return [
            (Keeper(place, self.clock, self.sightings), found[place])
            for place in sorted(found, key=lambda each: each.shown)
        ]

    def _freeze(self, names: Sequence[str]) -> Freeze | None:
        asked = self.config.live if ALL in names else names
        now = self.clock.now()
        return next((found for name in asked if (found := freeze_at(self.config, name, now))), None)

    def _refused(self, answer: Answer, says: str = "") -> Reply:
        lines = [wording.standing(held, self.config.zone) for held in answer.in_the_way]
        lines += [says] if says else []
        facts = [wording.standing_facts(held) for held in answer.in_the_way]
        return Reply(
            False,
            lines or ["refused: this claim no longer holds; others were always first, or it was released"],
            {"done": "refused", "claim": None, "in_the_way": facts},
        )

    def _frozen(self, freeze: Freeze, environment: str) -> Reply:
        facts = {"because": freeze.because, "until": freeze.until.isoformat()}
        return Reply(
            False,
            [f"{environment} is {wording.frozen(freeze, self.config.zone)}"],
            {"done": "refused", "claim": None, "in_the_way": [], "freeze": facts},
        )

    def _forced(self, request: Request) -> Said | None:
        if request.because is None:
            return None
        if not request.because.strip():
            raise UsageError(
                "a forced lock needs a reason",
                where="--force",
                next_step='add --reason "why": it is put on record and shown on the site',
            )
        return Said(by=holder_of(request.variables) or "unknown", because=request.because)


def _give_back(done: Sequence[tuple[Keeper, Answer]]) -> None:
    """All or none: release what was taken in other places, but for what the asker held before.

    What cannot be given back, because its place is out of reach as well, ends with its lease.
    """
    for keeper, answer in reversed(done):
        if answer.new:
            with suppress(SourceError):
                keeper.release(answer.new, claim=answer.claim, run=None)


def _lease(text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        lease = TypeAdapter[timedelta](Duration).validate_python(text)
    except ValidationError:
        lease = timedelta()
    if lease < timedelta(minutes=1):
        raise UsageError(
            f"{text!r} is no time to hold a lock",
            where="--expires",
            next_step="write it like 30m, 4h or 2d, at least 1m",
        )
    return lease

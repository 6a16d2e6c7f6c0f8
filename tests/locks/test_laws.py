"""Machines with differing clocks claim, renew, release, force and crash in any order."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.locks.machines import API, PRODUCTION, WEB, Machine, Time
from tests.support.gitserver import bare_repository

from deploybook.locks import Target, overlaps
from deploybook.records import Said

FAST = {"ana": 0.0, "bo": 61.0, "cy": -47.0}
"""Minutes that each machine's clock is fast."""
HOURS = 1
KEPT_BACK = 5
"""Minutes before its end at which a holder stops to rely on its lock: a tenth of it, at most five."""


@dataclass
class Trust:
    """What a machine was last told: that it holds a target, since it asked at `minutes` of the true time."""

    claim: str
    target: Target
    minutes: float
    version: int
    """Counts renewals, so that what others saw can be told apart."""


class Locks(RuleBasedStateMachine):
    """The model knows the true time and, for each machine, what it holds and what it has seen since when."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="locks-laws-"))
        bare = bare_repository(self.folder / "shop.git")
        self.time = Time()
        self.machines = {
            name: Machine(name, str(bare), self.folder, self.time, fast) for name, fast in FAST.items()
        }
        self.held: list[tuple[str, Trust]] = []
        self.seen: dict[tuple[str, str, int], float] = {}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)

    @rule(name=st.sampled_from(sorted(FAST)), what=st.sampled_from([WEB, API, PRODUCTION]))
    def claim(self, name: str, what: Target) -> None:
        machine = self.machines[name]
        in_the_way = [(who, each) for who, each in self.held if overlaps(each.target, what)]
        self.looks(name)
        free = all(self.waited(name, each) for _, each in in_the_way)
        answer = machine.keeper.claim(machine.wants(what, hours=HOURS))
        assert answer.held == free
        if answer.held:
            for who, each in in_the_way:
                stops_at = each.minutes + HOURS * 60 - KEPT_BACK
                assert self.time.minutes >= stops_at, f"{who} still relied on it"
                self.held.remove((who, each))
            assert answer.claim
            self.held.append((name, Trust(answer.claim, what, self.time.minutes, 0)))
            self.looks(name)

    @rule(pick=st.integers(0, 2))
    def renew(self, pick: int) -> None:
        if pick < len(self.held):
            name, trust = self.held[pick]
            machine = self.machines[name]
            answer = machine.keeper.claim(machine.wants(trust.target, hours=HOURS, claim=trust.claim))
            assert answer.done == "renewed"
            trust.minutes, trust.version = self.time.minutes, trust.version + 1
            self.looks(name)

    @rule(pick=st.integers(0, 2))
    def release(self, pick: int) -> None:
        if pick < len(self.held):
            name, trust = self.held.pop(pick)
            answer = self.machines[name].keeper.release([trust.target], claim=trust.claim, run=None)
            assert answer.done == "released"
            self.looks(name)

    @rule(name=st.sampled_from(sorted(FAST)), what=st.sampled_from([WEB, PRODUCTION]))
    def force(self, name: str, what: Target) -> None:
        machine = self.machines[name]
        forced = Said(by=name, because="users wait")
        answer = machine.keeper.claim(machine.wants(what, hours=HOURS, forced=forced))
        assert answer.done == "claimed"
        assert answer.claim
        self.held = [(who, each) for who, each in self.held if not overlaps(each.target, what)]
        self.held.append((name, Trust(answer.claim, what, self.time.minutes, 0)))
        self.looks(name)

    @rule(minutes=st.sampled_from([5, 31, 55, 60]))
    def wait(self, minutes: int) -> None:
        self.time.pass_(minutes)

    @rule(name=st.sampled_from(sorted(FAST)), pick=st.integers(0, 2))
    def check(self, name: str, pick: int) -> None:
        if pick < len(self.held):
            who, trust = self.held[pick]
            sure = self.time.minutes - trust.minutes < HOURS * 60 - KEPT_BACK
            assert self.machines[who].keeper.check([trust.target], claim=trust.claim, run=None).held == sure
            self.looks(who)

    @invariant()
    def no_two_holders_overlap(self) -> None:
        targets = [trust.target for _, trust in getattr(self, "held", [])]
        for place, one in enumerate(targets):
            assert not any(overlaps(one, other) for other in targets[place + 1 :])

    def looks(self, name: str) -> None:
        for _, trust in self.held:
            self.seen.setdefault((name, trust.claim, trust.version), self.time.minutes)

    def waited(self, name: str, trust: Trust) -> bool:
        return self.time.minutes - self.seen[name, trust.claim, trust.version] >= HOURS * 60


Locks.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLocks = Locks.TestCase

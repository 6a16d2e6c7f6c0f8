from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from tests.locks.machines import API, EVERYTHING, NOON, PREFIX, PRODUCTION, WEB, Machine, Time
from tests.support.gitserver import bare_repository

from deploybook.errors import SourceError
from deploybook.locks import Answer, Clock, Keeper, Place, Sightings
from deploybook.records import Said


class World:
    """One repository, some machines."""

    def __init__(self, folder: Path) -> None:
        self.bare = bare_repository(folder / "shop.git")
        self.folder = folder
        self.time = Time()

    def machine(self, name: str, fast: float = 0) -> Machine:
        return Machine(name, str(self.bare), self.folder, self.time, fast)

    def holders(self) -> dict[str, str | None]:
        standing = self.machine("looker").keeper.held()
        return {each.target.shown: each.ref.state.holder if each.ref.state else None for each in standing}

    def git(self, *arguments: str, given: bytes = b"") -> str:
        done = subprocess.run(
            ["git", "-C", str(self.bare), *arguments], input=given, check=True, capture_output=True
        )
        return done.stdout.decode().strip()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_who_comes_second_is_refused_and_told_who_holds_it(world: World) -> None:
    ana, bo = world.machine("ana"), world.machine("bo")
    assert ana.keeper.claim(ana.wants(WEB, reason="release 12")).done == "claimed"
    answer = bo.keeper.claim(bo.wants(WEB))
    assert answer.done == "refused"
    assert [held.ref.state and held.ref.state.reason for held in answer.in_the_way] == ["release 12"]
    assert world.holders() == {"production, shop-web": "ana"}


def test_a_released_lock_is_free_and_its_ref_stays_as_its_log(world: World) -> None:
    ana, bo = world.machine("ana"), world.machine("bo")
    claim = ana.keeper.claim(ana.wants(WEB)).claim
    assert ana.keeper.release([WEB], claim=claim, run=None).done == "released"
    assert world.holders() == {}
    assert bo.keeper.claim(bo.wants(WEB)).done == "claimed"
    assert world.git("rev-list", "--count", f"{PREFIX}production/shop-web") == "3"


def test_only_its_claim_releases_a_lock(world: World) -> None:
    ana, bo = world.machine("ana"), world.machine("bo")
    claim = ana.keeper.claim(ana.wants(WEB)).claim
    assert bo.keeper.release([WEB], claim="guessed", run=None).done == "refused"
    assert bo.keeper.release([WEB], claim=None, run=None).done == "refused"
    assert bo.keeper.release([API], claim=None, run=None).done == "nothing"
    assert bo.keeper.release([PRODUCTION], claim=claim, run=None).done == "released"


def test_a_ci_run_finds_its_own_lock_and_renews_it_instead_of_losing_to_itself(world: World) -> None:
    first, again, other = world.machine("first"), world.machine("again"), world.machine("other")
    claimed = first.keeper.claim(first.wants(WEB, run="github:acme/shop/7", reason="release 12"))
    world.time.pass_(60)
    renewed = again.keeper.claim(again.wants(WEB, run="github:acme/shop/7"))
    assert (renewed.done, renewed.claim) == ("renewed", claimed.claim)
    assert renewed.states[0].since == claimed.states[0].since
    assert renewed.states[0].reason == "release 12"
    assert other.keeper.claim(other.wants(WEB, run="github:acme/shop/8")).done == "refused"
    assert again.keeper.release([WEB], claim=None, run="github:acme/shop/7").done == "released"


def test_a_claim_that_was_lost_cannot_be_renewed(world: World) -> None:
    ana, bo = world.machine("ana"), world.machine("bo")
    claim = ana.keeper.claim(ana.wants(WEB)).claim
    bo.keeper.claim(bo.wants(WEB, forced=Said(by="bo", because="users wait")))
    assert ana.keeper.claim(ana.wants(WEB, claim=claim)).done == "refused"
    assert ana.keeper.check([WEB], claim=claim, run=None).done == "refused"
    assert world.holders() == {"production, shop-web": "bo"}


@pytest.mark.parametrize(
    ("held", "asked", "refused"),
    [
        (WEB, WEB, True),
        (WEB, API, False),
        (WEB, PRODUCTION, True),
        (PRODUCTION, WEB, True),
        (EVERYTHING, WEB, True),
        (WEB, EVERYTHING, True),
    ],
)
def test_a_lock_of_all_and_a_lock_of_one_stand_in_each_others_way(
    world: World, held: object, asked: object, refused: bool
) -> None:
    ana, bo = world.machine("ana"), world.machine("bo")
    ana.keeper.claim(ana.wants(held))  # type: ignore[arg-type]
    assert (bo.keeper.claim(bo.wants(asked)).done == "refused") is refused  # type: ignore[arg-type]


def test_of_several_all_or_none_are_taken(world: World) -> None:
    ana, bo = world.machine("ana"), world.machine("bo")
    ana.keeper.claim(ana.wants(API))
    assert bo.keeper.claim(bo.wants(WEB, API)).done == "refused"
    assert world.holders() == {"production, shop-api": "ana"}
    ana.keeper.release([PRODUCTION], claim=None, run=None, forced=Said(by="bo", because="done"))
    assert bo.keeper.claim(bo.wants(WEB, API)).done == "claimed"
    assert world.holders() == {"production, shop-api": "bo", "production, shop-web": "bo"}


def test_a_lock_left_by_a_crash_is_free_once_another_saw_it_for_its_whole_lease(world: World) -> None:
    dead, bo, cy = world.machine("dead"), world.machine("bo"), world.machine("cy")
    dead.keeper.claim(dead.wants(WEB, hours=4))
    world.time.pass_(60)
    assert bo.keeper.claim(bo.wants(WEB)).done == "refused"
    world.time.pass_(239)
    assert bo.keeper.claim(bo.wants(WEB)).done == "refused"
    assert cy.keeper.claim(cy.wants(WEB)).done == "refused"
    world.time.pass_(1)
    assert cy.keeper.claim(cy.wants(WEB)).done == "refused"
    assert bo.keeper.claim(bo.wants(WEB)).done == "claimed"


def test_a_renewal_begins_the_wait_again(world: World) -> None:
    ana, bo = world.machine("ana"), world.machine("bo")
    claim = ana.keeper.claim(ana.wants(WEB, hours=1)).claim
    assert bo.keeper.claim(bo.wants(WEB)).done == "refused"
    world.time.pass_(50)
    ana.keeper.claim(ana.wants(WEB, hours=1, claim=claim))
    world.time.pass_(30)
    assert bo.keeper.claim(bo.wants(WEB)).done == "refused"
    world.time.pass_(60)
    assert bo.keeper.claim(bo.wants(WEB)).done == "claimed"


@pytest.mark.parametrize("fast", [-60, 60])
def test_clocks_that_differ_by_an_hour_neither_shorten_a_lease_nor_lengthen_trust(
    world: World, fast: float
) -> None:
    ana, bo = world.machine("ana"), world.machine("bo", fast=fast)
    claim = ana.keeper.claim(ana.wants(WEB, hours=1)).claim
    assert bo.keeper.claim(bo.wants(WEB)).done == "refused"
    world.time.pass_(53)
    assert ana.keeper.check([WEB], claim=claim, run=None).held
    assert bo.keeper.claim(bo.wants(WEB)).done == "refused"
    world.time.pass_(6)
    assert not ana.keeper.check([WEB], claim=claim, run=None).held
    assert bo.keeper.claim(bo.wants(WEB)).done == "refused"
    world.time.pass_(1)
    assert bo.keeper.claim(bo.wants(WEB)).done == "claimed"


def test_a_clock_that_was_put_back_makes_a_machine_wait_longer_not_shorter(world: World) -> None:
    ana, bo = world.machine("ana"), world.machine("bo", fast=120)
    ana.keeper.claim(ana.wants(WEB, hours=1))
    bo.keeper.claim(bo.wants(WEB))
    bo.fast = 0
    world.time.pass_(59)
    assert bo.keeper.claim(bo.wants(WEB)).done == "refused"


def test_a_sticky_lock_never_ends_by_itself(world: World) -> None:
    ana, bo = world.machine("ana"), world.machine("bo")
    claim = ana.keeper.claim(ana.wants(WEB, hours=None)).claim
    bo.keeper.claim(bo.wants(WEB))
    world.time.pass_(60 * 24 * 30)
    assert bo.keeper.claim(bo.wants(WEB)).done == "refused"
    assert ana.keeper.check([WEB], claim=claim, run=None).held


def test_force_ends_every_lock_in_the_way_and_says_why(world: World) -> None:
    ana, bo, cy = world.machine("ana"), world.machine("bo"), world.machine("cy")
    ana.keeper.claim(ana.wants(WEB))
    bo.keeper.claim(bo.wants(API))
    because = Said(by="cy", because="users cannot pay")
    answer = cy.keeper.claim(cy.wants(PRODUCTION, forced=because))
    assert answer.states[0].forced == because
    assert world.holders() == {"production": "cy"}


def test_a_check_asks_for_the_whole_of_what_will_be_done(world: World) -> None:
    ana = world.machine("ana")
    claim = ana.keeper.claim(ana.wants(WEB)).claim
    assert ana.keeper.check([WEB], claim=claim, run=None).held
    assert not ana.keeper.check([PRODUCTION], claim=claim, run=None).held
    assert not ana.keeper.check([WEB, API], claim=claim, run=None).held


def test_what_is_no_lock_blocks_until_it_is_forced(world: World) -> None:
    tree = world.git("mktree")
    by_hand = world.git(
        "-c", "user.name=x", "-c", "user.email=x@acme.test", "commit-tree", "-m", "mine", tree
    )
    world.git("update-ref", f"{PREFIX}production/shop-web", by_hand)
    ana = world.machine("ana")
    assert ana.keeper.claim(ana.wants(API)).done == "claimed"
    answer = ana.keeper.claim(ana.wants(WEB))
    assert [(held.target, held.ref.state) for held in answer.in_the_way] == [(WEB, None)]
    forced = Said(by="ana", because="left by a script")
    assert ana.keeper.claim(ana.wants(WEB, forced=forced)).held


def test_a_host_that_refuses_such_refs_is_an_error_that_names_the_setting(world: World) -> None:
    hook = world.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'only branches' >&2\nexit 1\n")
    hook.chmod(0o755)
    ana = world.machine("ana")
    with pytest.raises(SourceError) as caught:
        ana.keeper.claim(ana.wants(WEB))
    assert "refs/heads/locks/" in caught.value.next_step
    assert world.holders() == {}


def test_a_host_that_takes_no_deletion_and_no_rewinding_will_do(world: World) -> None:
    world.git("config", "receive.denyDeletes", "true")
    world.git("config", "receive.denyNonFastForwards", "true")
    ana, bo = world.machine("ana"), world.machine("bo")
    claim = ana.keeper.claim(ana.wants(WEB)).claim
    assert ana.keeper.claim(ana.wants(WEB, claim=claim)).done == "renewed"
    assert ana.keeper.release([WEB], claim=claim, run=None).done == "released"
    assert bo.keeper.claim(bo.wants(WEB)).done == "claimed"


def test_the_repository_that_is_not_there_is_an_error_without_its_password(world: World) -> None:
    lost = Machine("ana", "http://ana:secret@127.0.0.1:9/shop.git", world.folder, world.time)
    with pytest.raises(SourceError) as caught:
        lost.keeper.claim(lost.wants(WEB))
    assert "secret" not in str(caught.value)


def test_what_another_runner_saw_counts_only_within_what_their_clocks_may_differ(tmp_path: Path) -> None:
    def runner(clock: str, within: timedelta | None = None) -> Sightings:
        return Sightings(tmp_path, clock, within)

    def seen(sightings: Sightings, minutes: float) -> float:
        now = NOON + timedelta(minutes=minutes)
        return (sightings.since("shop.git", "refs/x", "a" * 40, now) - NOON) / timedelta(minutes=1)

    ten = timedelta(minutes=10)
    assert seen(runner("first"), 0) == 0
    assert seen(runner("first"), 60) == 0
    assert seen(runner("second", ten), 5) == 5, "it may have been this very moment, by this clock"
    assert seen(runner("third", ten), 60) == 10
    assert seen(runner("first"), 90) == 0, "looking with trust keeps what was seen first"
    assert seen(runner("fourth"), 100) == 100, "without trust the wait begins anew"
    assert seen(runner("first"), 110) == 110


def test_a_runner_made_anew_takes_over_what_the_one_before_it_saw(world: World) -> None:
    dead = world.machine("dead")
    dead.keeper.claim(dead.wants(WEB, hours=1))

    def runner(clock: str, fast: float) -> Answer:
        machine = world.machine("cache", fast)
        sightings = Sightings(world.folder / "cache", clock, timedelta(minutes=10))
        keeper = Keeper(Place(str(world.bare), PREFIX), Clock(machine.now, lambda _s: None), sightings)
        return keeper.claim(machine.wants(WEB))

    assert runner("first", fast=-9).done == "refused"
    world.time.pass_(60)
    assert runner("second", fast=0).done == "refused", "the first one's clock may be slow"
    world.time.pass_(10)
    assert runner("third", fast=0).done == "claimed"

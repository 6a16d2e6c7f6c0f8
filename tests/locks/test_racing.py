from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.locks.machines import API, PRODUCTION, WEB, Machine, Time
from tests.locks.racing import claim_and_die, keeper, race
from tests.support.gitserver import bare_repository, git_daemon, git_over_http

from deploybook.locks import Wanted


def test_of_many_who_race_on_a_local_repository_exactly_one_holds(tmp_path: Path) -> None:
    bare = bare_repository(tmp_path / "shop.git")
    assert [len(winners) for winners in race(str(bare), tmp_path, [WEB] * 8, rounds=4)] == [1] * 4


def test_of_many_who_race_over_git_daemon_exactly_one_holds(tmp_path: Path) -> None:
    bare_repository(tmp_path / "shop.git")
    with git_daemon(tmp_path) as address:
        winners = race(f"{address}/shop.git", tmp_path, [WEB] * 6, rounds=2)
    assert [len(each) for each in winners] == [1, 1]


def test_of_many_who_race_over_http_exactly_one_holds(tmp_path: Path) -> None:
    bare_repository(tmp_path / "shop.git")
    with git_over_http(tmp_path) as address:
        winners = race(f"{address}/shop.git", tmp_path, [WEB] * 6, rounds=2)
    assert [len(each) for each in winners] == [1, 1]


def test_of_those_who_race_for_one_and_for_all_never_two_that_overlap_hold(tmp_path: Path) -> None:
    bare = bare_repository(tmp_path / "shop.git")
    targets = [PRODUCTION, WEB, PRODUCTION, API, PRODUCTION, WEB]
    for winners in race(str(bare), tmp_path, targets, rounds=3):
        held = [targets[number] for number in winners]
        assert len(held) == len(set(held)) <= 2
        assert PRODUCTION not in held or held == [PRODUCTION]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whenever_a_claim_is_killed_the_next_one_either_holds_or_waits_out_the_lease(
    tmp_path: Path, after: bool
) -> None:
    step, left_behind = 0, 0
    while True:
        step += 1
        bare = bare_repository(tmp_path / f"{step}.git")
        if not claim_and_die(str(bare), tmp_path / "dead", WEB, step, after=after):
            break
        time = Time()
        # What was left behind is by the real clock, what comes after by this one, years away.
        next_one = Machine("next", str(bare), tmp_path / str(step), time)
        answer = next_one.keeper.claim(next_one.wants(WEB))
        if not answer.held:
            left_behind += 1
            time.pass_(4 * 60)
            answer = next_one.keeper.claim(next_one.wants(WEB))
        assert answer.done == "claimed"
        assert [held.target for held in keeper(str(bare), tmp_path / "look").held()] == [WEB]
    assert step > 6, "it has several steps to be killed at"
    assert left_behind >= 1, "killed after the push it leaves its lock"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whenever_a_release_is_killed_the_lock_is_whole_or_gone_and_can_be_released_again(
    tmp_path: Path, after: bool
) -> None:
    step, still_held, gone = 0, 0, 0
    while True:
        step += 1
        bare = bare_repository(tmp_path / f"{step}.git")
        ana = keeper(str(bare), tmp_path / "ana")
        claim = ana.claim(Wanted([WEB], lease=timedelta(hours=4))).claim
        assert claim is not None
        if not claim_and_die(str(bare), tmp_path / "ana", WEB, step, after=after, release=claim):
            break
        again = ana.release([WEB], claim=claim, run=None)
        still_held, gone = still_held + (again.done == "released"), gone + (again.done == "nothing")
        assert ana.held() == []
        assert ana.claim(Wanted([WEB], lease=timedelta(hours=4))).done == "claimed"
    assert still_held >= 1, "killed before the push it is still locked"
    assert gone >= after, "killed after it, it is not"

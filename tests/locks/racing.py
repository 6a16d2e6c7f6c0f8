"""Processes that go for the same locks at the same moment."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.locks.machines import PREFIX

from deploybook.locks import Clock, Keeper, Place, Sightings, Target, Wanted

_forks = multiprocessing.get_context("fork")


def keeper(address: str, folder: Path) -> Keeper:
    return Keeper(Place(address, PREFIX), Clock(lambda: datetime.now(UTC), time.sleep), Sightings(folder))


def race(address: str, folder: Path, targets: Sequence[Target], rounds: int) -> list[list[int]]:
    """One process a target; in each round all begin at once. Who was told that they hold, by round.

    Whoever holds keeps it until all have their answer; then it is released.
    """
    barrier = _forks.Barrier(len(targets))
    results = _forks.Queue()
    racers = [
        _forks.Process(
            target=_run, args=(number, address, folder / str(number), target, rounds, barrier, results)
        )
        for number, target in enumerate(targets)
    ]
    for racer in racers:
        racer.start()
    told = [results.get(timeout=300) for _ in range(len(targets) * rounds)]
    for racer in racers:
        racer.join()
    return [sorted(number for turn, number, held in told if turn == each and held) for each in range(rounds)]


def _run(
    number: int, address: str, folder: Path, target: Target, rounds: int, barrier: Barrier, results: object
) -> None:
    own = keeper(address, folder)
    for turn in range(rounds):
        barrier.wait(300)
        answer = own.claim(Wanted([target], lease=timedelta(hours=4), holder=str(number)))
        results.put((turn, number, answer.held))  # type: ignore[attr-defined]
        barrier.wait(300)
        if answer.held:
            own.release([target], claim=answer.claim, run=None)


def claim_and_die(
    address: str, folder: Path, target: Target, step: int, *, after: bool, release: str | None = None
) -> bool:
    """Claim in a process that is killed at its `step`-th git command, before or after it ran.

    Args:
        address: Of the repository.
        folder: What the process has seen.
        target: What is claimed.
        step: Counted from 1.
        after: Whether the command still runs.
        release: Release this claim instead.

    Returns:
        Whether it got that far.
    """
    process = _forks.Process(target=_claim_and_die, args=(address, folder, target, step, after, release))
    process.start()
    process.join(60)
    return process.exitcode == -9


def _claim_and_die(
    address: str, folder: Path, target: Target, step: int, after: bool, release: str | None
) -> None:
    from deploybook.sources import gitcmd

    run, count = gitcmd.run, 0

    def counted(*arguments: object, **options: object) -> bytes:
        nonlocal count
        count += 1
        if count == step and not after:
            os.kill(os.getpid(), 9)
        try:
            return run(*arguments, **options)  # type: ignore[arg-type]
        finally:
            if count == step:
                os.kill(os.getpid(), 9)

    gitcmd.run = counted
    if release is not None:
        keeper(address, folder).release([target], claim=release, run=None)
    else:
        keeper(address, folder).claim(Wanted([target], lease=timedelta(hours=4)))

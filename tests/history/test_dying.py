"""A run that dies at any moment leaves a usable store, and the next run ends like an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import time
from multiprocessing import get_context
from pathlib import Path

import pytest
from tests.history.mortal import FEEDS, ROWS, main
from tests.history.support import everything, opened

from deploybook.history import History


@pytest.fixture(scope="module")
def undisturbed(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    main(folder, os.environ.get("HISTORY_SERVER"))
    return folder


def wait_until_gone(history: History) -> None:
    """A server ends what it was asked before it sees that who asked is dead, and lets go of feeds then."""
    for feed in FEEDS:
        while True:
            with history.claim(feed) as ours:
                if ours:
                    break
            time.sleep(0.01)


def test_killed_at_a_dozen_moments_the_store_is_usable_and_the_next_run_ends_like_an_undisturbed_one(
    tmp_path: Path, undisturbed: Path, engine: str
) -> None:
    with opened(undisturbed, read_only=True) as history:
        expected, aside = everything(history), history.rejected()
        assert expected["pipeline_runs"].num_rows == ROWS * 2 // 3
    moments, server = random.Random(2026), os.environ.get("HISTORY_SERVER")
    ends = set()
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.history.mortal"])
    for attempt in range(12):
        folder = tmp_path / str(attempt // 4)  # each store is killed four times, wherever it had got to
        begun = context.Event()
        program = context.Process(target=main, args=(folder, server, begun))
        program.start()
        assert begun.wait(60)
        time.sleep(moments.uniform(0, 0.6))
        program.kill()
        program.join()
        ends.add(program.exitcode)
        with opened(folder) as history:
            wait_until_gone(history)
            steps = int(history.cursor("github:shop") or 0)
            kept = sum(history.read(each).num_rows for each in ("changes", "pipeline_runs"))
            assert kept in (steps, ROWS), "a cursor and what came before it are saved together"
    assert -signal.SIGKILL in ends, "no run was killed before its end"
    for attempt in range(3):
        main(tmp_path / str(attempt), server)
        with opened(tmp_path / str(attempt), read_only=True) as history:
            assert everything(history) == expected
            assert history.rejected() == aside
        if engine == "duckdb":
            left = sorted(each.name for each in (tmp_path / str(attempt) / "h").iterdir())
            assert left == ["history.duckdb"]

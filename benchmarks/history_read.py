"""How long our reading of a history takes, as a ratio to a bare `git log` with the same fields.

Usage: python benchmarks/history_read.py REPOSITORY [REPOSITORY ...]
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from deploybook.build.compose import few_collections
from deploybook.feed import Ask
from deploybook.sources import git, gitcmd
from deploybook.sources.gitlog import FIELDS
from deploybook.sources.repository import HEADS, TAGS, Repository, at_hand

ROUNDS = 7
GOAL = 1.5


def bare(repository: Repository) -> None:
    """`git log` over the same references with the same fields, read by nobody."""
    which = [f"--glob={folder}*" for folder in (*HEADS, TAGS)]
    subprocess.run(
        ["git", "-C", str(repository.folder), "log", "-z", f"--format={FIELDS}", *which],
        stdout=subprocess.DEVNULL, env=gitcmd.environment(), check=True,
    )  # fmt: skip


def ours(repository: Repository) -> int:
    """The whole feed: commits, graph and changes."""
    feed = git.feed(git.Wanted("benchmark"), lambda: Repository(repository.where, repository.folder))
    return sum(1 for _ in feed.pull(Ask(datetime.now(UTC))))


def seconds(work: Callable[[], object]) -> float:
    """How long it takes by the clock."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main(paths: list[str]) -> int:
    """Print one line a repository."""
    if not paths:
        print(__doc__)
        return 2
    for path in paths:
        repository = at_hand(str(Path(path).resolve()), Path.cwd(), Path.cwd())
        items = ours(repository)
        rounds = []
        for _ in range(ROUNDS):  # by turns, so that other work on the machine disturbs both alike
            with few_collections():  # as in a build
                reading = seconds(lambda: ours(repository))  # noqa: B023
            rounds.append((reading, seconds(lambda: bare(repository))))  # noqa: B023
        # The shortest of each are those that others disturbed least.
        reading, log = (min(times) for times in zip(*rounds, strict=True))
        print(
            f"history read: {path}: {items} items, {reading:.2f} s to {log:.2f} s, "
            f"ratio {reading / log:.2f} (goal {GOAL})"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""Race for one lock: how many processes, how many rounds, and whether exactly one held in each.

    python -m benchmarks.locks [PROCESSES [ROUNDS]]

Runs on a local bare repository, then a tenth of the rounds over `git daemon` and over HTTP.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.locks.machines import WEB
from tests.locks.racing import race
from tests.support.gitserver import bare_repository, git_daemon, git_over_http


def measure(name: str, address: str, folder: Path, processes: int, rounds: int) -> bool:
    """Race, and print one line."""
    begin = time.monotonic()
    winners = [len(each) for each in race(address, folder, [WEB] * processes, rounds)]
    took = time.monotonic() - begin
    good = winners == [1] * rounds
    print(f"{name}: {processes} processes, {rounds} rounds, one holder in {winners.count(1)}, {took:.0f} s")
    return good


def main(processes: int, rounds: int) -> int:
    """All three ways; 1 where any round had none or several holders."""
    few = max(1, rounds // 10)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = bare_repository(folder / "shop.git")
        good = [measure("local", str(bare), folder, processes, rounds)]
        with git_daemon(folder) as address:
            good.append(measure("git daemon", f"{address}/shop.git", folder, processes, few))
        with git_over_http(folder) as address:
            good.append(measure("HTTP", f"{address}/shop.git", folder, processes, few))
    return 0 if all(good) else 1


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:3]]
    sys.exit(main(*(given + [32, 100][len(given) :])))

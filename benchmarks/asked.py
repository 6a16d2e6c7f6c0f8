"""What GitHub is asked for a repository: requests, and points of GraphQL by GitHub's formula.

    python -m benchmarks.asked 5000 20000 2000        pull requests, runs, deployments

The source reads a GitHub on this machine that keeps such a repository: all of it, an hour later with nothing
new, and an hour later with a pull request, a run and a deployment more.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.sources.github.support import NOW, TOKEN, Book
from tests.support.github_server import Hub, deployment, pull, run
from tests.support.loopback import Asked

SPAN = 799 * 24 * 60
"""Minutes over which the history is spread: up to the clock of the GitHub on this machine."""
_TOKENS = re.compile(r"first: *(\$?\w+)|([{}])")
_ORDER = re.compile(r"(?:orderBy|filterBy): *\{[^}]*\}")


@dataclass(frozen=True)
class Cost:
    """Of one sync of one repository."""

    rest: int
    """Requests of the REST interface that count against its limit."""
    free: int
    """Those that were answered "not modified", which count for nothing."""
    points: int
    """Of GraphQL."""


def points(query: str, variables: dict[str, Any]) -> int:
    """Points of a query: the requests that its connections would take, by a hundred, and at least one.

    As GitHub documents it: https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
    """
    around, opened, requests = [max(1, len(variables.get("ids", ())))], None, 0
    if "ids" in variables:
        requests += 1
    for found in _TOKENS.finditer(_ORDER.sub("", query[query.index("{") :])):
        if found[1]:
            requests += around[-1]
            opened = int(variables[found[1][1:]] if found[1].startswith("$") else found[1])
        elif found[2] == "{":
            around.append(around[-1] * (opened or 1))
            opened = None
        else:
            around.pop()
    return max(1, round(requests / 100))


def cost(asked: list[Asked], statuses: dict[int, int]) -> Cost:
    """What was asked, by how GitHub counts it."""
    queries = [each for each in asked if each.path.endswith("/graphql")]
    return Cost(
        rest=len(asked) - len(queries) - statuses.get(304, 0),
        free=statuses.get(304, 0),
        points=sum(points(each.body["query"], each.body.get("variables", {})) for each in queries),
    )


def syncs(pulls: int, runs: int, deployments: int) -> tuple[Cost, Cost, Cost]:
    """The first sync, one with nothing new, and one with one of each."""
    os.environ.setdefault("GITHUB_TEST", TOKEN)
    hub = Hub(
        pulls=[pull(n, n * SPAN // pulls) for n in range(1, pulls + 1)],
        runs=[run(n, n * SPAN // runs) for n in range(1, runs + 1)],
        deployments=[
            deployment(n, n * SPAN // deployments, "IN_PROGRESS", "SUCCESS")
            for n in range(1, deployments + 1)
        ],
    )
    found = []
    with tempfile.TemporaryDirectory() as scratch, hub.serve() as server:
        hub.where = server.url
        book = Book(server, Path(scratch))
        for hour in range(3):
            if hour == 2:
                hub.pulls.append(pull(pulls + 1, SPAN + 60))
                hub.runs.append(run(runs + 1, SPAN + 70))
                hub.deployments.append(deployment(deployments + 1, SPAN + 80, "SUCCESS"))
            server.forget()
            wrong = {name: each for name, each in book.sync(NOW + timedelta(hours=hour)).items() if each}
            assert not wrong, wrong
            found.append(cost(server.asked, server.statuses))
    return found[0], found[1], found[2]


def main(words: list[str]) -> int:
    """Measure what the words say."""
    pulls, runs, deployments = map(int, words or ("5000", "20000", "2000"))
    for name, each in zip(
        ("first", "nothing new", "one of each"), syncs(pulls, runs, deployments), strict=True
    ):
        print(f"{name:12} {each.rest:5} REST   {each.free:4} free   {each.points:6} points of GraphQL")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

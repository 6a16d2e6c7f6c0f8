"""When runs really began and ended: by their jobs, a hundred runs a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploybook.feed import Ask
from deploybook.sources.github.door import SMALLEST_PAGE, Door, OldServer, Place, TooMuch
from deploybook.sources.http import Absent, Refused
from deploybook.sources.instants import instant

_QUERY = """query Suites($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on CheckSuite {
      id
      checkRuns(first: 50, filterBy: {checkType: ALL}) {
        totalCount
        nodes { name status conclusion startedAt completedAt }
      }
    }
  }
}"""


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a run; `conclusion` is GitHub's word in lower case."""

    name: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None
    attempt: int | None = None


class Jobs:
    """Finds the jobs of runs: by GraphQL where the token and the server allow it, else by REST.

    REST takes a request a run, so that then only runs that deploy, went red or were run again are asked for.

    Args:
        door: GitHub.
        place: The repository.
    """

    def __init__(self, door: Door, place: Place) -> None:
        self._door = door
        self._place = place
        self._by_suite = True
        self._first = 100

    def of(self, ask: Ask, runs: Sequence[dict[str, Any]], worth: Iterable[int]) -> dict[int, list[Job]]:
        """The jobs of runs by the run's id; a run that is not told of has unknown jobs.

        Args:
            ask: What is asked.
            runs: As the REST interface gives them.
            worth: The ids of those that are worth a request each.
        """
        found: dict[int, list[Job]] = {}
        ids = {
            str(run["check_suite_node_id"]): int(run["id"]) for run in runs if run.get("check_suite_node_id")
        }
        if self._by_suite:
            found = self._suites(ask, ids)
        wanted = set(worth)
        for run in runs:
            # Which attempt a job is of, only REST says: it matters from the third on.
            if int(run.get("run_attempt") or 1) > 2 or (run["id"] in wanted and run["id"] not in found):
                found[run["id"]] = self._rest(ask, run["id"])
        return found

    def _suites(self, ask: Ask, ids: dict[str, int]) -> dict[int, list[Job]]:
        found: dict[int, list[Job]] = {}
        left = list(ids)
        while left:
            try:
                data = self._door.query(ask, _QUERY, {"ids": left[: self._first]})
            except TooMuch:
                if self._first <= SMALLEST_PAGE:
                    raise
                self._first = max(SMALLEST_PAGE, self._first // 2)
                continue
            except (Refused, Absent, OldServer):
                self._by_suite = False
                return found
            for node in data.get("nodes") or ():
                checks = node.get("checkRuns") if isinstance(node, dict) else None
                if checks and (checks.get("totalCount") or 0) <= len(checks.get("nodes") or ()):
                    found[ids[node["id"]]] = [_of_check(each) for each in checks["nodes"]]
                elif checks and node["id"] in ids:
                    found[ids[node["id"]]] = self._rest(ask, ids[node["id"]])
            left = left[self._first :]
        return found

    def _rest(self, ask: Ask, run: int) -> list[Job]:
        client = self._door.client(ask)
        jobs: list[Job] = []
        path: str | None = f"{self._place.rest}/actions/runs/{run}/jobs?filter=all&per_page=100"
        while path:
            answer = client.get(path)
            jobs += [_of_job(each) for each in answer.content.get("jobs") or ()]
            path = answer.next_page
        return jobs


def _of_check(node: dict[str, Any]) -> Job:
    conclusion = node.get("conclusion")
    return Job(
        name=str(node.get("name")),
        conclusion=conclusion.lower() if conclusion else None,
        started_at=instant(node.get("startedAt")),
        completed_at=instant(node.get("completedAt")),
    )


def _of_job(row: dict[str, Any]) -> Job:
    return Job(
        name=str(row.get("name")),
        conclusion=row.get("conclusion"),
        started_at=instant(row.get("started_at")),
        completed_at=instant(row.get("completed_at")),
        attempt=row.get("run_attempt"),
    )

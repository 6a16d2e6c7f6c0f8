"""What is unusual of the last weeks: the measures, what is beyond a codebase's limits, and the usual."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from deploybook.linking.model import LinkedChange, LinkedDeployment
from deploybook.pages.book import Book
from deploybook.pages.recent import Recent, middle

Row = LinkedChange | LinkedDeployment
Key = tuple[str, str, str, str]
"""Kind, codebase, environment, id."""


@dataclass(frozen=True)
class Unusual:
    """One measure of one change or deployment beyond the limit of its codebase."""

    measure: str
    value: float
    limit: float
    of: int


@dataclass(frozen=True)
class Measure:
    """What is drawn as a strip."""

    id: str
    title: str
    question: str
    kind: Literal["change", "deployment"]
    value: Callable[[Row], float | None]
    noun: str
    unknown: str
    wanted: str


def _seconds(column: str) -> Callable[[Row], float | None]:
    def value(row: Row) -> float | None:
        found = getattr(row, column)
        return None if found is None else float(found)

    return value


def lines_of(row: Row) -> float | None:
    """The size of a change: lines added and removed; none where that is unknown, and of deployments."""
    if not isinstance(row, LinkedChange) or row.additions is None or row.deletions is None:
        return None
    return float(row.additions + row.deletions)


MEASURES = (
    Measure(
        "lead_time", "Lead time", "First commit to live", "change",
        _seconds("lead_time_seconds"), "change", "have no known first commit",
        "It needs changes with a known first commit, and the deployments that brought them to users.",
    ),
    Measure(
        "review_time", "Review", "First review to merged", "change",
        _seconds("review_seconds"), "change", "have no known review",
        "It needs reviews: git knows none, a forge does.",
    ),
    Measure(
        "size", "Size", "Lines added and removed", "change", lines_of, "change", "have no known size",
        "It needs the lines that changes added and removed.",
    ),
    Measure(
        "duration", "Duration", "Deployment started to finished", "deployment",
        _seconds("duration_seconds"), "deployment", "have no known start or finish",
        "It needs when deployments began and ended: deployment records or a forge say so, tags do not.",
    ),
    Measure(
        "recovery", "Recovery", "Failed to recovered", "deployment",
        _seconds("recovery_seconds"), "failed deployment", "are not known to be over",
        "Each failed deployment that is over would be a dot here.",
    ),
)  # fmt: skip
NAMES = {
    "lead_time": "lead time",
    "coding_time": "coding",
    "pickup_time": "pickup",
    "review_time": "review",
    "waiting_time": "waiting",
    "size": "size",
    "duration": "duration",
    "recovery": "recovery",
}
"""The measures in words, the one that is told first first."""
STAGES = ("coding", "pickup", "review", "waiting")


def find(book: Book) -> dict[Key, list[Unusual]]:
    """Everything unusual of the last weeks, by what it was."""
    found: dict[Key, list[Unusual]] = defaultdict(list)
    for row in book.tables["outliers"].to_pylist():
        key = (row["kind"], row["codebase"], row["environment"] or "", row["id"])
        found[key].append(Unusual(row["measure"], row["value"], row["limit"], row["of"]))
    return found


def key_of(row: Row) -> Key:
    """What tells a change or a deployment from all others."""
    if isinstance(row, LinkedChange):
        return ("change", row.codebase, row.environment or "", row.id)
    return ("deployment", row.codebase, row.environment, row.id)


class Usual:
    """A codebase's own median of a measure over the last weeks."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent
        self._known: dict[tuple[str, str], float | None] = {}

    def __call__(self, codebase: str, measure: str, kind: str) -> float | None:
        """The median; none where nothing is known."""
        key = (codebase, f"{kind} {measure}")
        if key not in self._known:
            self._known[key] = middle(
                None if value is None else int(value) for value in self._values(codebase, measure, kind)
            )
        return self._known[key]

    def _values(self, codebase: str, measure: str, kind: str) -> Iterable[float | None]:
        if kind == "change":
            read = lines_of if measure == "size" else _seconds(f"{measure.removesuffix('_time')}_seconds")
            if measure == "lead_time":
                read = _seconds("lead_time_seconds")
            return [read(change) for change in self._recent.changes_of.get(codebase, [])]
        if measure == "recovery":
            return [d.recovery_seconds for d in self._recent.failed_of.get(codebase, [])]
        column = "changes" if measure == "size" else "duration_seconds"
        return [getattr(d, column) for d in self._recent.deployments_of.get(codebase, [])]

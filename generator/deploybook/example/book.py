"""Where the example's records go: one file a type, each line written once and in order."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from deploybook import records
from deploybook.records import Record

FILES = {
    "change": "changes",
    "deployment": "deployments",
    "incident": "incidents",
    "pipeline_run": "pipeline_runs",
    "test_case_run": "test_case_runs",
    "coverage": "coverage",
    "flag_change": "flag_changes",
    "availability": "availability",
    "issue": "issues",
    "verdict": "verdicts",
    "lock": "locks",
    "shift": "shifts",
    "branch_rule": "branch_rules",
    "environment_rule": "environment_rules",
}


class RecordFiles:
    """The open files of `history/`. Use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, BinaryIO] = {}
        self.count: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        for kind, name in FILES.items():
            self._open[kind] = (self._folder / f"{name}.jsonl").open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._open.values():
            file.close()

    def write(self, record: Record) -> None:
        """Add one record."""
        kind = str(record.__struct_config__.tag)
        self._open[kind].write(records.dump(record) + b"\n")
        self.count[kind] += 1

"""Codebases as they were linked before: of two hundred, few have news in an hour.

What linking finds of a codebase is made of its own commits, pull requests and deployments, of the head of
its release branch, of the issues and patches that are known, of the incidents that ask it something (as they
stood at the clock), of the configuration and of our code, and of nothing else: all of it is in the key, each
value. The clock itself only tells what is later than it, which is not there yet, from what is not. So where
nothing of a codebase is later, any later clock finds the same; where something is, or a commit has no time at
all and counts as of the clock, the clock is in the key too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import blake2b, sha256
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from deploybook.linking.slices import print_of


@dataclass(frozen=True)
class Rows:
    """What linking found of one codebase: tables in the columns of their row types in `model`."""

    changes: pa.Table
    deliveries: pa.Table
    deployments: pa.Table
    branch_commits: pa.Table
    answers: pa.Table
    """What incidents asked it."""


@dataclass(frozen=True)
class KeptLinks:
    """Where they lie, a file a codebase; one whose key is another is as good as none.

    Attributes:
        folder: Made where it is missing.
        edition: Names our code, what runs it, and the configuration.
    """

    folder: Path
    edition: str

    def read(self, codebase: str, key: str) -> Rows | None:
        """What was found from the same; none where it was not, or cannot be read."""
        try:
            with pa.memory_map(str(self._file(codebase))) as source:
                first = pa.ipc.open_stream(source).read_all()
                if first.schema.metadata != {b"key": key.encode()}:
                    return None
                rest = [pa.ipc.open_stream(source).read_all() for _ in fields(Rows)[1:]]
                return Rows(first.replace_schema_metadata(None), *rest)
        except (OSError, ValueError):  # Arrow's errors are of these
            return None

    def write(self, codebase: str, key: str, rows: Rows) -> None:
        """Keep it for the next time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self._file(codebase).with_suffix(".new")
        with pa.OSFile(str(new), "wb") as sink:
            for number, field in enumerate(fields(Rows)):
                table = getattr(rows, field.name)
                told = table if number else table.replace_schema_metadata({"key": key})
                with pa.ipc.new_stream(sink, told.schema) as stream:
                    stream.write_table(told)
        new.replace(self._file(codebase))

    def prune(self, codebases: list[str]) -> None:
        """Remove what is of no codebase any more."""
        wanted = {self._file(each) for each in codebases}
        for file in self.folder.glob("*.arrows") if self.folder.is_dir() else ():
            if file not in wanted:
                file.unlink(missing_ok=True)

    def _file(self, codebase: str) -> Path:
        return self.folder / f"{sha256(codebase.encode()).hexdigest()[:24]}.arrows"


def key_of(
    edition: str, codebase: str, tables: dict[str, pa.Table | None], others: Sequence[object], as_of: datetime
) -> str:
    """Names all that a codebase is linked from.

    Args:
        edition: As in `KeptLinks`.
        codebase: Its name.
        tables: Its own rows: `commits`, `changes`, `deployments`.
        others: What else there is, as msgspec encodes it.
        as_of: The clock.
    """
    clock = as_of.isoformat() if _looks_at_clock(tables, as_of) else ""
    digest = blake2b(msgspec.json.encode([edition, codebase, clock, others]), digest_size=32)
    digest.update(print_of(tables))
    return digest.hexdigest()


def _looks_at_clock(tables: dict[str, pa.Table | None], as_of: datetime) -> bool:
    for table in tables.values():
        for column in table.columns if table is not None else ():
            if pa.types.is_timestamp(column.type):
                latest = pc.max(column).as_py()
                if latest is not None and latest > as_of:
                    return True
    commits = tables["commits"]
    if commits is None:
        return False
    times = [commits[name] for name in ("committed_at", "authored_at") if name in commits.column_names]
    return not times or pc.coalesce(*times).null_count > 0

"""Which test cases count on which day, kept between builds: of fifty million runs few are new.

What changes from one day to the next (`testing.steps`) is a codebase's own, and depends on no later run: a
test case begins to count on a day when none of its runs lies in the 30 days before, it ceases on a day when
none lies in the 30 days up to it, and a flake is placed at the later of the first pass and the first failure
of its revision. So where a codebase's runs are what they were up to a day, its steps up to that day are, too.

Whether they are is told by a print of every 30 days of a codebase's runs: their number, and the sum of a
64-bit hash of all that is counted of each. Runs that come late, are corrected or forgotten, lend their time
from another run, or lie beyond an earlier clock, change the print of their 30 days; from the first that
differs on, and a day before for the time zone's sake, steps are counted again. Two histories with the same
prints would have to agree in that sum by chance: one in 2^64.

A day is a day of the site's time zone: with other days (`KeptDays` compares them), another version of this
package, of DuckDB or of Ibis, or other settings that shape expressions (the name), nothing kept is believed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from deploybook.metrics.model import PREFIX

SPAN = 30
"""Days that one print is of."""
_MICROSECONDS = SPAN * 86_400_000_000
_BEFORE = 32
"""Days before the first day that is counted again whose runs are looked at: 30, and the time zone."""
_EPOCH = date(1970, 1, 1)
SINCE = {"codebase": "string", "day": "date", "bound": "timestamp('UTC', 6)"}
"""From which day each codebase is counted again, and from which instant on its runs are looked at for it."""
CASES = {
    **dict.fromkeys(("codebase", "suite", "name", "revision", "job", "outcome"), "string"),
    "at": "timestamp('UTC', 6)",
}
"""The columns of `Daily.rows`."""
STEPS = {"codebase": "string", "day": "date", "ran": "int64", "flaky": "int64"}
STEPS_SCHEMA = pa.schema(
    [("codebase", pa.string()), ("day", pa.date32()), ("ran", pa.int64()), ("flaky", pa.int64())]
)

Prints = dict[str, dict[int, str]]
"""By codebase and number of the 30 days: how many runs, and the sum of their hashes."""


@dataclass(frozen=True)
class Daily:
    """A figure that is made of steps from day to day.

    Args:
        rows: The rows that steps are made of, with `codebase` and `at`.
        steps: All steps: the columns of `STEPS`.
        late: The rows that steps of some codebases from a day on look at, by a table with `SINCE`'s columns.
        told: Those that they look at because of late ones.
        since: The steps of some codebases from a day on, of late rows, of told ones, and by `SINCE`.
        table: The figure, of steps.
    """

    rows: Callable[[], Any]
    steps: Callable[[], Any]
    late: Callable[[Any], Any]
    told: Callable[[Any], Any]
    since: Callable[[Any, Any, Any], Any]
    table: Callable[[Any], Any]

    def whole(self) -> Any:
        """The figure, nothing kept."""
        return self.table(self.steps())


def asked(name: str, daily: Callable[[], Daily]) -> dict[str, tuple[str, Callable[[], Any]]]:
    """The expressions that such a figure asks for, with the names that they run under.

    Args:
        name: That of the figure.
        daily: Makes it, when one of them has to be made.
    """

    def table(name: str, columns: dict[str, str]) -> Any:
        import ibis  # noqa: PLC0415 - where SQL is ready nothing is made

        return ibis.table(columns, name=PREFIX + name)

    def since() -> Any:
        return table("since", SINCE)

    def late() -> Any:
        return table("late", CASES)

    expressions: dict[str, Callable[[], Any]] = {
        "rows": lambda: daily().rows(),
        "late": lambda: daily().late(since()),
        "told": lambda: daily().told(late()),
        "steps since": lambda: daily().since(late(), table("told", CASES), since()),
        "of steps": lambda: daily().table(table("steps", STEPS)),
    }
    return {step: (f"{name} {step}", expression) for step, expression in expressions.items()}


def print_sql(rows: str) -> str:
    """DuckDB's SQL of the prints of rows."""
    return (
        f"SELECT codebase, epoch_us(\"at\") // {_MICROSECONDS} AS span, count(*) || ' ' || "  # noqa: S608 - our own
        f'sum(hash(suite, "name", revision, job, outcome, "at")) AS print FROM ({rows}) AS told GROUP BY ALL'
    )


def prints_of(table: pa.Table) -> Prints:
    """The rows of `print_sql` by codebase and span."""
    found: Prints = {}
    for row in table.to_pylist():
        found.setdefault(row["codebase"], {})[row["span"]] = row["print"]
    return found


def changed(before: Mapping[str, Mapping[int, str]], now: Mapping[str, Mapping[int, str]]) -> dict[str, date]:
    """From which day on each codebase has to be counted again; those that are what they were are left out."""
    found = {}
    for codebase in before.keys() | now.keys():
        old, new = before.get(codebase, {}), now.get(codebase, {})
        differ = [span for span in old.keys() | new.keys() if old.get(span) != new.get(span)]
        if differ:
            found[codebase] = _EPOCH + timedelta(days=SPAN * min(differ) - 1)
    return found


def shares(days: Mapping[str, date], now: Prints, most: int) -> list[dict[str, date]]:
    """The codebases to be counted again, so many together that they have about so many runs.

    What a share holds in memory is then the same for any history.
    """
    found: list[dict[str, date]] = []
    full = 0
    for codebase, day in sorted(days.items()):
        first = (day - _EPOCH).days // SPAN
        size = sum(int(text.split()[0]) for span, text in now.get(codebase, {}).items() if span >= first)
        if not found or full + size > most:
            found.append({})
            full = 0
        found[-1][codebase] = day
        full += size
    return found


def since_table(days: Mapping[str, date]) -> pa.Table:
    """`SINCE` as rows."""
    names = sorted(days)
    bounds = [datetime.combine(days[name] - timedelta(days=_BEFORE), time(), tzinfo=UTC) for name in names]
    return pa.table(
        {
            "codebase": pa.array(names, pa.string()),
            "day": pa.array([days[name] for name in names], pa.date32()),
            "bound": pa.array(bounds, pa.timestamp("us", tz="UTC")),
        }
    )


def joined(kept: pa.Table, fresh: pa.Table, days: Mapping[str, date]) -> pa.Table:
    """What is kept, from the days on that were counted again replaced by what was counted."""
    since = pa.table(
        {"codebase": pa.array(list(days), pa.string()), "since": pa.array(list(days.values()), pa.date32())}
    )
    dated = kept.join(since, "codebase", join_type="left outer")
    stands = dated.filter(pc.fill_null(pc.less(dated["day"], dated["since"]), fill_value=True))
    return pa.concat_tables([stands.select(STEPS_SCHEMA.names), fresh.cast(STEPS_SCHEMA)]).combine_chunks()


class KeptDays:
    """Steps of the last build, in one file with the prints of what they were made from.

    Args:
        file: Where.
        days: The table `days` of the settings: which local day an instant is on.
    """

    def __init__(self, file: Path, days: pa.Table) -> None:
        self._file = file
        self._days = days

    def read(self) -> tuple[pa.Table, Prints]:
        """The steps and the prints; none where there are none that hold."""
        try:
            table = pq.read_table(self._file)
            said = json.loads(table.schema.metadata[b"prints"])
            if said["days"] > self._days.num_rows or said["digest"] != self._digest(said["days"]):
                return STEPS_SCHEMA.empty_table(), {}
            prints = {
                name: {int(span): text for span, text in spans.items()}
                for name, spans in said["prints"].items()
            }
            return table.cast(STEPS_SCHEMA), prints
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # Arrow's errors are of these
            return STEPS_SCHEMA.empty_table(), {}

    def write(self, steps: pa.Table, prints: Prints) -> None:
        """Keep both, or neither."""
        size = self._days.num_rows
        said = json.dumps({"prints": prints, "days": size, "digest": self._digest(size)})
        new = self._file.with_suffix(".new")
        pq.write_table(steps.replace_schema_metadata({"prints": said}), new)
        new.replace(self._file)

    def _digest(self, size: int) -> str:
        """Of so many days from the first on."""
        rows = self._days.slice(0, size).combine_chunks()
        digest = hashlib.sha256()
        for column in rows.columns:
            digest.update(
                repr(
                    column.cast(pa.int32() if pa.types.is_date(column.type) else pa.int64()).to_pylist()
                ).encode()
            )
        return digest.hexdigest()

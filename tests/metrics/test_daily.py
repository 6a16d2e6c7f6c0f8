"""Steps from day to day that are kept: whatever comes, goes or changes, figures are those of nothing kept."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st
from tests.metrics.support import at, settings, tables

from deploybook.metrics import Engine, Settings, compute_arrow, running
from deploybook.metrics.daily import shares

FIRST = at("2026-06-01 00:00")
MINUTES = 150 * 24 * 60
Row = dict[str, Any]


def flaky(folder: Path, rows: list[Row], runs: list[Row], chosen: Settings) -> pa.Table:
    """The figures, by what the folder keeps."""
    return compute_arrow(
        Engine(tables(test_case_runs=rows, pipeline_runs=runs), None, folder), chosen, {"flaky"}
    )


def forget(folder: Path) -> None:
    """Keep the SQL, which takes long to compile, and no steps."""
    for file in folder.rglob("*.parquet"):
        file.unlink()


CASES = st.fixed_dictionaries(
    {
        "codebase": st.sampled_from(("shop", "till")),
        "suite": st.just("unit"),
        "name": st.sampled_from("ab"),
        "revision": st.sampled_from(("r1", "r2", None)),
        "run": st.sampled_from(("1", "2")),
        "job": st.just("linux"),
        "outcome": st.sampled_from(("pass", "pass", "fail", "error", "skip")),
        # Some do not say when, and lend the end of their run.
        "started_at": st.one_of(
            st.integers(0, MINUTES).map(lambda minutes: FIRST + timedelta(minutes=minutes)), st.none()
        ),
    }
)
RUNS = st.lists(st.integers(0, MINUTES), min_size=2, max_size=2).map(
    lambda ends: [
        {"codebase": "shop", "id": str(number), "finished_at": FIRST + timedelta(minutes=minutes)}
        for number, minutes in enumerate(ends, 1)
    ]
)
ZONES = ("UTC", "Pacific/Kiritimati", "America/Los_Angeles")
BUILD = st.tuples(
    st.lists(CASES, max_size=4),  # what comes, late or not
    st.sets(st.integers(0, 30), max_size=2),  # what goes
    st.one_of(st.none(), st.none(), RUNS),
    # How many days on; sometimes a build looks back.
    st.sampled_from((0, 1, 1, 2, 10, 10, 20, 30, 30, 45, -5)),
    st.sampled_from((None,) * 9 + ZONES),
)


@pytest.fixture(scope="module")
def folders() -> Any:
    with TemporaryDirectory() as kept, TemporaryDirectory() as anew:
        yield Path(kept) / "sql", Path(anew) / "sql"


@trying(max_examples=int(os.environ.get("DAILY_EXAMPLES", "12")), deadline=None)
@given(
    st.lists(CASES, min_size=6, max_size=14),
    RUNS,
    st.sampled_from(ZONES),
    st.lists(BUILD, min_size=2, max_size=5),
)
def test_build_after_build_the_figures_are_those_of_a_build_that_kept_nothing(
    folders: tuple[Path, Path], rows: list[Row], runs: list[Row], zone: str, builds: list[Any]
) -> None:
    kept, anew = folders
    forget(kept)
    as_of = FIRST + timedelta(days=75)
    for come, gone, others, days, moved in builds:
        rows = [row for place, row in enumerate(rows) if place not in gone] + come
        runs, zone, as_of = others or runs, moved or zone, as_of + timedelta(days=days)
        chosen = settings(codebases=("shop", "till"), as_of=as_of, zone=ZoneInfo(zone))
        forget(anew)
        assert flaky(kept, rows, runs, chosen).equals(flaky(anew, rows, runs, chosen))


def case(outcome: str, when: str, **fields: Any) -> Row:
    """A run of `wobbly` in `shop`."""
    return {
        "codebase": "shop", "suite": "unit", "name": "wobbly", "revision": "a", "run": "1", "job": "linux",
        "outcome": outcome, "started_at": at(when), **fields,
    }  # fmt: skip


def week(table: pa.Table, start: str) -> tuple[int, int]:
    """Numerator and denominator of a week of `shop`."""
    (row,) = [
        row for row in table.to_pylist()
        if (row["scope"], row["period"], str(row["period_start"])) == ("codebase", "week", start)
    ]  # fmt: skip
    return row["numerator"], row["denominator"]


def test_a_failure_that_comes_months_late_makes_a_closed_week_flaky(tmp_path: Path) -> None:
    chosen = settings()
    rows = [case("pass", "2026-07-07 10:00"), case("pass", "2026-11-17 10:00", revision="b")]
    assert week(flaky(tmp_path, rows, [], chosen), "2026-07-06") == (0, 1)
    late = [*rows, case("fail", "2026-07-07 11:00")]
    later = replace(chosen, as_of=chosen.as_of + timedelta(hours=1))
    assert week(flaky(tmp_path, late, [], later), "2026-07-06") == (1, 1)


def test_a_failure_today_of_a_revision_that_passed_long_ago_is_flaky_today(tmp_path: Path) -> None:
    rows = [case("pass", "2026-07-07 10:00"), case("pass", "2026-11-17 10:00", revision="b")]
    assert week(flaky(tmp_path, rows, [], settings()), "2026-11-16") == (0, 1)
    again = [*rows, case("fail", "2026-11-18 10:00")]
    assert week(flaky(tmp_path, again, [], settings()), "2026-11-16") == (1, 1)


def test_what_is_kept_and_cannot_be_read_is_counted_anew(tmp_path: Path) -> None:
    rows = [case("pass", "2026-11-17 10:00"), case("fail", "2026-11-17 11:00")]
    before = flaky(tmp_path, rows, [], settings())
    (file,) = tmp_path.rglob("*.parquet")
    for broken in (b"", b"nonsense", file.read_bytes()[:-40]):
        file.write_bytes(broken)
        assert flaky(tmp_path, rows, [], settings()).equals(before)


def test_many_runs_are_counted_a_share_of_the_codebases_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"code-{number}" for number in range(7)]
    rows = [
        case(outcome, f"2026-11-{10 + number} 10:00", codebase=name)
        for number, name in enumerate(names) for outcome in ("pass", "fail")[: 1 + number % 2]
    ]  # fmt: skip
    chosen = settings(codebases=tuple(names))
    whole = flaky(tmp_path / "whole", rows, [], chosen)
    monkeypatch.setattr(running, "TOGETHER", 4)
    assert flaky(tmp_path / "shares", rows, [], chosen).equals(whole)
    day = date(2026, 11, 1)
    sizes = {name: {700: f"{size} 1"} for name, size in zip(names, (3, 1, 1, 9, 0, 2, 2), strict=True)}
    found = shares(dict.fromkeys(names, day), sizes, 4)
    assert [len(share) for share in found] == [2, 1, 1, 3]

"""Each folder of `cases` is one sentence about figures, from records to numbers, small enough to check.

`expected.csv` has rows of the table of figures, as `data/metrics.csv` does; `limits.csv` the limits of weekly
series and the weeks that are signals, `outliers.csv` all outliers, `practices.csv` what practices found; an
empty cell is unknown. Its clock is 30 June 2026; `deploybook.yml` is there where the usual one will not do.
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.metrics.support import engine
from tests.support import books

from deploybook.config import Config
from deploybook.history.columns import TABLES, to_arrow
from deploybook.linking import link
from deploybook.metrics import INPUTS, compute_arrow, settings_of
from deploybook.pages.book import Book
from deploybook.pages.readings import read
from deploybook.pages.standing import Standing
from deploybook.pages.telling import Teller
from deploybook.practices import CHECKS, answer
from deploybook.records import Record, parse

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
AS_OF = datetime(2026, 6, 30, tzinfo=UTC)
USUAL = {"codebases": {"shop": {}}, "process": {"environments": ["staging", "production"]}}
KEYS = ("scope", "name", "period", "period_start", "metric")
NUMBERS = ("value", "numerator", "denominator", "missing")


def having(file: str) -> list[Path]:
    """The cases with such a file."""
    return [folder for folder in CASES if (folder / file).exists()]


def name_of(folder: Path) -> str:
    """What a case is called."""
    return folder.name


@pytest.mark.parametrize("folder", having("expected.csv"), ids=name_of)
def test_figures(folder: Path) -> None:
    config = Config.of(settings_in(folder), root=folder)
    figures = {tuple(str(row[key]) for key in KEYS): row for row in counted(folder / "input.jsonl", config)}
    for wanted in csv.DictReader((folder / "expected.csv").read_text().splitlines()):
        key = tuple(wanted[name] for name in KEYS)
        found = tuple(figures[key][name] for name in NUMBERS)
        assert found == tuple(float(wanted[name]) if wanted[name] else None for name in NUMBERS), key


@pytest.mark.parametrize("folder", having("limits.csv"), ids=name_of)
def test_limits_and_signals(folder: Path) -> None:
    book = book_of(folder)
    wanted = list(csv.DictReader((folder / "limits.csv").read_text().splitlines()))
    (series,) = {(row["scope"], row["name"], row["metric"]) for row in wanted}
    reading = read(book, *series)
    found = [
        (str(part.first), str(part.last), part.known, part.centre, part.lower, part.upper)
        for part in reading.segments
    ]
    assert found == [
        (
            row["first"],
            row["last"],
            int(row["known"]),
            *(number(row[n]) for n in ("centre", "lower", "upper")),
        )
        for row in wanted
    ]
    assert sorted(map(str, reading.signals)) == [day for row in wanted for day in row["signals"].split()]


@pytest.mark.parametrize("folder", having("outliers.csv"), ids=name_of)
def test_outliers(folder: Path) -> None:
    wanted = list(csv.DictReader((folder / "outliers.csv").read_text().splitlines()))
    found = book_of(folder).tables["outliers"].select(list(wanted[0])).to_pylist()
    assert found == [
        {**row, "value": number(row["value"]), "limit": number(row["limit"]), "of": int(row["of"])}
        for row in wanted
    ]


@pytest.mark.parametrize("folder", having("practices.csv"), ids=name_of)
def test_practices(folder: Path) -> None:
    book = book_of(folder)
    standing = Standing(book, Teller(book), ())
    for row in csv.DictReader((folder / "practices.csv").read_text().splitlines()):
        check = next(each for each in CHECKS if (each.id, each.stage) == (row["practice"], row["stage"]))
        found = answer(check, standing.facts(row["codebase"], AS_OF))
        assert (found.status, found.value) == (row["status"], number(row["value"])), row["practice"]


def test_every_case_stands_beside_the_rule_that_it_is_for() -> None:
    linked = Path(__file__).parents[1] / "cases"
    told = set(re.findall(r"`([a-z0-9/-]+)`", (linked / "README.md").read_text()))
    known = {path.name for path in linked.iterdir() if path.is_dir()} | {
        f"metrics/{case.name}" for case in CASES
    }
    assert {name for name in told if "-" in name and "how-we-count" not in name} == known


def settings_in(folder: Path) -> dict[str, Any]:
    """The case's own configuration, else the usual one."""
    own = folder / "deploybook.yml"
    return yaml.safe_load(own.read_text()) if own.exists() else USUAL


def book_of(folder: Path) -> Book:
    """All that pages know of a case."""
    records = [json.loads(line) for line in (folder / "input.jsonl").read_text().splitlines()]
    return books.counted(records, settings_in(folder), as_of=AS_OF)


def number(cell: str) -> float | None:
    """What stands in a cell, unknown where it is empty."""
    return float(cell) if cell else None


def counted(file: Path, config: Config) -> list[dict[str, Any]]:
    """The figures of a file of records, those of the year."""
    records: dict[str, list[Record]] = defaultdict(list)
    for line in file.read_bytes().splitlines():
        record = parse(line)
        records[next(name for name, kind in TABLES.items() if kind.record is type(record))].append(record)
    tables = {name: to_arrow(TABLES[name], found) for name, found in records.items()}
    linked = link(tables, config, AS_OF)
    joined = {name: getattr(linked, name) for name in INPUTS if hasattr(linked, name)}
    rows = compute_arrow(engine({**tables, **joined}), settings_of(config, AS_OF))
    return [row for row in rows.to_pylist() if row["period_start"].year == AS_OF.year]

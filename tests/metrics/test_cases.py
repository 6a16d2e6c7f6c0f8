"""Each folder of `cases` is one sentence about figures, from records to numbers, small enough to check.

`expected.csv` has rows of the table of figures, as `data/metrics.csv` does; an empty cell is unknown. Its
clock is 30 June 2026; `deploybook.yml` is there where the usual settings would not do.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.metrics.support import engine

from deploybook.config import Config
from deploybook.history.columns import TABLES, to_arrow
from deploybook.linking import link
from deploybook.metrics import INPUTS, compute_arrow, settings_of
from deploybook.records import Record, parse

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
AS_OF = datetime(2026, 6, 30, tzinfo=UTC)
USUAL = {"codebases": {"shop": {}}, "process": {"environments": ["staging", "production"]}}
KEYS = ("scope", "name", "period", "period_start", "metric")
NUMBERS = ("value", "numerator", "denominator", "missing")


@pytest.mark.parametrize("folder", CASES, ids=[path.name for path in CASES])
def test_case(folder: Path) -> None:
    own = folder / "deploybook.yml"
    config = Config.of(yaml.safe_load(own.read_text()) if own.exists() else USUAL, root=folder)
    figures = {tuple(str(row[key]) for key in KEYS): row for row in counted(folder / "input.jsonl", config)}
    for wanted in csv.DictReader((folder / "expected.csv").read_text().splitlines()):
        key = tuple(wanted[name] for name in KEYS)
        found = tuple(figures[key][name] for name in NUMBERS)
        assert found == tuple(float(wanted[name]) if wanted[name] else None for name in NUMBERS), key


def test_every_case_stands_beside_the_rule_that_it_is_for() -> None:
    linked = Path(__file__).parents[1] / "cases"
    told = set(re.findall(r"`([a-z0-9/-]+)`", (linked / "README.md").read_text()))
    known = {path.name for path in linked.iterdir() if path.is_dir()} | {
        f"metrics/{case.name}" for case in CASES
    }
    assert {name for name in told if "-" in name and "how-we-count" not in name} == known


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

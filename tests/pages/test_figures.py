"""A series of figures is what a walk over all rows of the table finds."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from deploybook.metrics import SCHEMA
from deploybook.pages.figures import Figure, Figures

NAMES = ("scope", "name", "period", "metric")
STARTS = [date(2026, month, 1) for month in range(1, 5)]
KEYS = st.tuples(*(st.sampled_from(["", "a", "b", "é"]) for _ in NAMES))
VALUES = st.tuples(st.none() | st.integers(0, 9).map(float), st.none() | st.integers(0, 3))


@settings(deadline=None)
@given(st.dictionaries(st.tuples(KEYS, st.sampled_from(STARTS)), VALUES, max_size=30), st.randoms())
def test_a_series_holds_the_rows_of_its_name_oldest_first(
    rows: dict[tuple[Any, date], tuple[float | None, int | None]], chance: Random
) -> None:
    listed = [
        dict(zip(NAMES, key, strict=True))
        | {"period_start": start, "value": value, "missing": missing, "unit": "u"}
        for (key, start), (value, missing) in rows.items()
    ]
    chance.shuffle(listed)
    found = Figures(pa.Table.from_pylist(listed, schema=SCHEMA))
    for scope, name, period, metric in {key for key, _ in rows} | {("a", "b", "", "nothing")}:
        asked = (scope, name, period, metric)
        expected = [
            Figure(start, value, None, None, missing or 0, "u")
            for (key, start), (value, missing) in sorted(rows.items())
            if key == asked
        ]
        assert found.series(*asked) == expected
        for start in STARTS:
            assert found.one(*asked, start) == next((f for f in expected if f.start == start), None)

"""Values of columns are those that Arrow gives, instants of any age, with and without a time zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from deploybook.linking.values import values

FIRST, LAST = datetime.fromisoformat("0001-01-02"), datetime.fromisoformat("9999-12-30")
INSTANTS = st.lists(st.none() | st.datetimes(FIRST, LAST, timezones=st.just(UTC)))


@settings(deadline=None)
@given(INSTANTS)
def test_instants_are_those_of_arrow(instants: list[datetime | None]) -> None:
    column = pa.chunked_array([pa.array(instants, pa.timestamp("us", "UTC"))])
    assert values(column) == column.to_pylist() == instants
    assert all(value.tzinfo is UTC for value in values(column) if value is not None)


@settings(deadline=None)
@given(INSTANTS)
def test_instants_of_other_kinds_are_left_to_arrow(instants: list[datetime | None]) -> None:
    whole = [instant.replace(microsecond=0) if instant else None for instant in instants]
    for kind in (pa.timestamp("s", "UTC"), pa.timestamp("us", "Europe/Berlin")):
        column = pa.chunked_array([pa.array(whole, kind)])
        assert values(column) == whole


def test_lists_are_tuples_and_unknown_stays_unknown() -> None:
    column = pa.chunked_array([pa.array([["a", "b"], [], None], pa.list_(pa.string()))])
    assert values(column) == [("a", "b"), (), None]
    assert values(pa.chunked_array([pa.array([1, None])])) == [1, None]

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploybook.sources.instants import certain, instant

FIRST, LAST = datetime(1990, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - of any zone


@given(st.datetimes(FIRST, LAST, timezones=st.just(UTC)), st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_the_one_that_was_written_whatever_its_offset(at: datetime, minutes: int) -> None:
    there = at.astimezone(timezone(timedelta(minutes=minutes)))
    assert instant(there.isoformat()) == at
    assert certain(at.isoformat().replace("+00:00", "Z")) == at


def test_one_without_an_offset_is_in_utc_and_none_at_all_is_unknown() -> None:
    assert instant("2026-01-14T09:00:00") == datetime(2026, 1, 14, 9, tzinfo=UTC)
    assert instant(None) is None
    assert instant("") is None


@pytest.mark.parametrize("text", ["yesterday", 20260114, 0, [], {}, True, "2026-13-01T00:00:00Z"])
def test_what_is_no_instant_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        instant(text)


def test_where_one_has_to_be_none_is_refused() -> None:
    with pytest.raises(ValueError, match="a time is missing"):
        certain(None)

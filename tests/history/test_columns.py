"""Records as columns and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploybook.history.columns import TABLES, Column, Kind, line_writer, to_arrow
from deploybook.records import KINDS, Record, parse

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=5)
NESTED: dict[str, dict[str, Any]] = {
    "issues": {"id": "7", "labels": ["é"]},
    "stages": {"name": "build"},
    "reasons": {"check": "smoke", "answer": "pass", "says": "=ok"},
    "caused_by": {"flag": "new"},
}
SAID = {"by": "ana", "because": "load test"}


def _value(kind: Kind, column: Column) -> st.SearchStrategy[object]:
    choices = {
        "outcome": ["fail", "skip"] if kind.tag == "test_case_run" else ["success", "cancel"],
        "verdict": ["pass", "no_proof"],
        "unit": ["lines"],
        "answer": ["pass"],
        "state": ["on", "off", 0.0, 0.25, 1.0] if kind.tag == "flag_change" else ["up", "down"],
        "kind": ["bug"] if kind.tag == "issue" else ["rollback"],
    }
    if column.name in choices:
        return st.sampled_from(choices[column.name])
    if column.shape == "json":
        return st.lists(st.just(NESTED[column.name]), max_size=2) if column.name in NESTED else st.just(SAID)
    plain: dict[str, st.SearchStrategy[object]] = {
        "text": text,
        "words": st.lists(text, max_size=2),
        "instant": st.integers(-2 * 10**9, 4 * 10**9).map(lambda each: datetime.fromtimestamp(each, UTC)),
        "date": st.dates(),
        "integer": st.integers(0, 2**62),
        "real": st.floats(0, 1e9),
        "flag": st.booleans(),
    }
    return plain[column.shape]


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A record of any type, with some of its optional fields."""
    kind = draw(st.sampled_from(list(TABLES.values())))
    required = {each.encode_name for each in msgspec.structs.fields(kind.record) if each.required}
    fields = {
        column.name: draw(_value(kind, column))
        for column in kind.columns
        if column.name in required or draw(st.booleans())
    }
    return msgspec.convert({"type": kind.tag, **fields}, kind.record)


@settings(max_examples=150, deadline=None)
@given(record=records())
def test_a_record_comes_back_from_its_columns_as_it_was(record: Record) -> None:
    kind = next(kind for kind in TABLES.values() if kind.record is type(record))
    (row,) = to_arrow(kind, [record]).to_pylist()
    assert parse(line_writer(kind)(row)) == record


@pytest.mark.parametrize("tag", KINDS)
def test_every_record_type_has_a_table_whose_key_is_among_its_columns(tag: str) -> None:
    (kind,) = (kind for kind in TABLES.values() if kind.tag == tag)
    assert set(kind.key) <= set(kind.names)
    assert to_arrow(kind, []).schema == kind.schema


def test_tables_are_named_as_the_data_files() -> None:
    assert list(TABLES) == [
        "commits", "changes", "deployments", "incidents", "pipeline_runs", "test_case_runs", "coverage",
        "flag_changes", "availability", "issues", "verdicts", "locks", "shifts", "annotations",
        "branch_rules", "environment_rules",
    ]  # fmt: skip

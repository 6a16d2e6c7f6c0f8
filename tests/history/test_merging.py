"""What stands where several sources speak of the same thing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.history.support import change, coverage, opened, said, synced

from deploybook.feed import FORGE, GIT, RECORDS
from deploybook.history import History
from deploybook.records import Change

pytestmark = pytest.mark.usefixtures("engine")


def test_field_by_field_the_known_value_of_the_highest_rank_stands(tmp_path: Path) -> None:
    with opened(tmp_path) as history:
        synced(
            history,
            [change("1", title="git", body="git", author="git", files=["a"])],
            name="git:shop",
            rank=GIT,
        )
        synced(history, [change("1", title="records", approvals=2)], name="records:x", rank=RECORDS)
        synced(history, [change("1", title="forge", body="forge", labels=[])], name="github:shop", rank=FORGE)
        synced(history, [change("2", title="alone")], name="git:shop", rank=GIT)
        (first, second) = history.read("changes").to_pylist()
    assert {name: value for name, value in first.items() if value is not None} == {
        "codebase": "shop", "id": "1", "title": "records", "body": "forge", "author": "git", "files": ["a"],
        "approvals": 2, "labels": [], "merged_at": first["merged_at"], "source": "records:x", "rank": RECORDS,
    }  # fmt: skip
    assert (second["title"], second["source"]) == ("alone", "git:shop")


def test_between_sources_of_one_rank_the_first_name_stands_whatever_came_first(tmp_path: Path) -> None:
    for folder, order in (("one", ("records:a", "records:b")), ("two", ("records:b", "records:a"))):
        with opened(tmp_path / folder) as history:
            for name in order:
                synced(history, [change("1", body=name)], name=name)
            assert said(history, "changes", "body", "source") == [("records:a", "records:a")]


def test_unknown_parts_of_a_key_meet_across_sources(tmp_path: Path) -> None:
    with opened(tmp_path) as history:
        synced(history, [coverage(10), coverage(20, unit="lines")], name="records:a")
        synced(history, [coverage(30)], name="github:a", rank=FORGE)
        assert sorted(said(history, "coverage", "covered", "unit"), key=str) == [(10, None), (20, "lines")]


def test_sources_of_different_codebases_cost_no_merge(tmp_path: Path) -> None:
    with opened(tmp_path) as history:
        synced(history, [change("1")], name="git:shop", rank=GIT)
        synced(history, [change("1", codebase="pay")], name="git:pay", rank=GIT)
        assert said(history, "changes", "codebase", "source") == [("pay", "git:pay"), ("shop", "git:shop")]
        assert "Aggregate" not in repr(history.table("changes"))
        synced(history, [change("1", codebase="pay")], name="github:pay", rank=FORGE)
        assert "Aggregate" in repr(history.table("changes"))


Said = tuple[str, tuple[str, int]]
"""The id of a change, and which source speaks of it."""

Fields = dict[str, object]

SOURCES = [("git:a", GIT), ("github:a", FORGE), ("records:a", RECORDS), ("records:b", RECORDS)]

words = st.none() | st.sampled_from(["", "x", "é", "'--"])
labels = st.none() | st.lists(st.sampled_from(["p", "q"]), max_size=2)
spoken: st.SearchStrategy[dict[Said, Fields]] = st.dictionaries(
    st.tuples(st.sampled_from(["1", "2", "3"]), st.sampled_from(SOURCES)),
    st.builds(dict, body=words, author=words, labels=labels),
    min_size=1,
    max_size=8,
)


def _by_hand(facts: dict[Said, Fields]) -> list[tuple[object, ...]]:
    """The merge as a person does it: the strongest source first, each field from the first that knows it."""
    merged: list[tuple[object, ...]] = []
    for id in sorted({id for id, _ in facts}):
        about = {source: fields for (each, source), fields in facts.items() if each == id}
        strongest_first = sorted(about, key=lambda source: (-source[1], source[0]))
        found = [
            next((about[each][name] for each in strongest_first if about[each][name] is not None), None)
            for name in ("body", "author", "labels")
        ]
        merged.append((id, *found, strongest_first[0][0]))
    return merged


@pytest.fixture(scope="module")
def shared(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    with opened(tmp_path_factory.mktemp("merging")) as history:
        yield history


@settings(max_examples=12, deadline=None)
@given(facts=spoken, data=st.data())
def test_the_merge_is_what_a_person_would_do_in_whatever_order_and_however_often_it_was_said(
    shared: History, facts: dict[Said, Fields], data: st.DataObject
) -> None:
    for known in shared.sources():
        shared.forget(known.name)
    again = data.draw(st.lists(st.sampled_from(sorted(facts.items(), key=repr)), max_size=4))
    by_source: dict[tuple[str, int], list[Change]] = {}
    for (id, source), fields in data.draw(st.permutations([*facts.items(), *again])):
        by_source.setdefault(source, []).append(change(id, **fields))
    for (name, rank), records in by_source.items():
        synced(shared, records, name=name, rank=rank)
    assert said(shared, "changes", "id", "body", "author", "labels", "source") == _by_hand(facts)

"""Codebases that are kept as they were linked: whatever changes, rows are those of nothing kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.linking.tables import history
from tests.linking.test_laws import CONFIG, START, stories

from deploybook.config import Config
from deploybook.linking import Linked, link
from deploybook.linking.kept import KeptLinks, Rows

Record = dict[str, Any]
CAUSES = st.sampled_from(
    [
        None,
        [{"deployment": "1"}],
        [{"deployment": "blog/0"}, {"change": "2"}],
        [{"revision": "r3"}, {"flag": "dark"}, {"revision": "r3"}],
        [{"change": "shop/1"}],
    ]
)
INCIDENTS = st.lists(
    st.tuples(
        st.sampled_from([["shop"], ["blog"], ["blog", "shop"], [], ["nobody"]]),
        st.integers(80, 140),
        st.sampled_from([None, 130, 150, 170]),
        CAUSES,
    ),
    max_size=4,
)
EDITS = st.lists(
    st.tuples(
        st.sampled_from(("drop", "title", "late", "timeless", "labels", "outcome")), st.integers(0, 10_000)
    ),
    max_size=2,
)


def incidents(drawn: list[Any]) -> Iterator[Record]:
    for number, (codebases, start, end, causes) in enumerate(drawn):
        yield {
            "type": "incident", "id": f"X{number}", "codebases": codebases, "caused_by": causes,
            "started_at": _when(start), "resolved_at": _when(end) if end else None,
        }  # fmt: skip


def _when(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def edited(records: list[Record], edits: list[tuple[str, int]]) -> list[Record]:
    """The records, one of them another or gone for each edit."""
    records = list(records)
    for edit, number in edits:
        if not records:
            break
        place = number % len(records)
        record = records[place]
        if edit == "drop":
            del records[place]
        elif edit == "title":
            key = "message" if record["type"] == "commit" else "title"
            records[place] = record | {key: f"Edited {number}"}
        elif edit == "late":
            time = {"commit": "committed_at", "deployment": "finished_at", "change": "merged_at"}
            records[place] = record | {time.get(record["type"], "started_at"): _when(100 + number % 80)}
        elif edit == "timeless" and record["type"] == "commit":
            records[place] = record | {"committed_at": None, "authored_at": None}
        elif edit == "labels" and record["type"] == "change":
            records[place] = record | {"labels": ["hotfix"]}
        elif edit == "outcome" and record["type"] == "deployment":
            records[place] = record | {"outcome": "failure"}
    return records


def found(records: list[Record], as_of: datetime, kept: KeptLinks | None, config: Config = CONFIG) -> Linked:
    return link(history(records), config, as_of, kept)


@settings(max_examples=int(os.environ.get("KEPT_EXAMPLES", "25")), deadline=None)
@given(stories(), INCIDENTS, st.lists(st.tuples(EDITS, st.integers(-3, 30)), min_size=1, max_size=5))
def test_build_after_build_the_rows_are_those_of_a_build_that_kept_nothing(
    records: list[Record], more: list[Any], builds: list[Any]
) -> None:
    records, hours = [*records, *incidents(more)], 90
    with TemporaryDirectory() as folder:
        kept = KeptLinks(Path(folder), "one")
        for edits, later in builds:
            records, hours = edited(records, edits), hours + later
            as_of = START + timedelta(hours=hours)
            assert found(records, as_of, kept) == found(records, as_of, None)
            assert found(records, as_of, kept) == found(records, as_of, None)


@settings(max_examples=5, deadline=None)
@given(stories(), INCIDENTS)
def test_in_several_processes_the_rows_are_those_of_one_and_all_of_them_are_kept(
    records: list[Record], more: list[Any]
) -> None:
    records, as_of = [*records, *incidents(more)], START + timedelta(hours=150)
    alone = found(records, as_of, None)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(import_module("deploybook.linking.link"), "_WORTH", 0)
        patched.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
        assert found(records, as_of, None) == alone
        kept = Counted(Path(folder), "one")
        assert found(records, as_of, kept) == alone
        Counted.again = []
        assert found(records, as_of, kept) == alone
        assert sorted(Counted.again) == sorted(CONFIG.codebases)


STORY: list[Record] = [
    *(
        {
            "type": "commit", "codebase": codebase, "revision": f"r{place}", "message": "Work",
            "parents": [f"r{place - 1}"] if place else [], "author": "ana",
            "authored_at": _when(place), "committed_at": _when(place),
        }
        for codebase in ("blog", "shop") for place in range(3)
    ),
    *(
        {
            "type": "deployment", "codebase": "shop", "id": str(place), "environment": "production",
            "revision": f"r{place}", "finished_at": _when(100 + place),
        }
        for place in range(3)
    ),
]  # fmt: skip


class Counted(KeptLinks):
    """Counts what was found again."""

    again: list[str] = []  # noqa: RUF012 - emptied by each test

    def read(self, codebase: str, key: str) -> Rows | None:
        rows = super().read(codebase, key)
        if rows is not None:
            self.again.append(codebase)
        return rows


@pytest.fixture
def kept(tmp_path: Path) -> Counted:
    Counted.again = []
    return Counted(tmp_path, "one")


def test_an_hour_later_what_has_no_news_is_found_again(kept: Counted) -> None:
    first = START + timedelta(hours=200)
    found(STORY, first, kept)
    assert kept.again == []
    news = {**STORY[-1], "id": "9", "finished_at": _when(200.5)}
    found([*STORY, news], first + timedelta(hours=1), kept)
    assert kept.again == ["blog"]


def test_what_is_later_than_the_clock_is_looked_at_again_until_it_is_there(kept: Counted) -> None:
    for hours in (101.5, 101.6):
        rows = found(STORY, START + timedelta(hours=hours), kept)
        assert kept.again == ["blog"] * (hours != 101.5)
        assert rows.deployments.num_rows == 2
    assert found(STORY, START + timedelta(hours=102), kept).deployments.num_rows == 3


@pytest.mark.parametrize("edition", ["one", "another"])
def test_of_another_edition_nothing_stands(kept: Counted, edition: str) -> None:
    as_of = START + timedelta(hours=200)
    found(STORY, as_of, kept)
    found(STORY, as_of, Counted(kept.folder, edition))
    assert kept.again == (["blog", "shop"] if edition == "one" else [])


def test_what_cannot_be_read_is_linked_anew_and_a_codebase_that_is_gone_leaves_nothing(kept: Counted) -> None:
    as_of = START + timedelta(hours=200)
    whole = found(STORY, as_of, kept)
    files = sorted(kept.folder.iterdir())
    assert len(files) == 2
    for file, broken in zip(files, (b"", files[1].read_bytes()[:-900]), strict=True):
        file.write_bytes(broken)
    assert found(STORY, as_of, kept) == whole
    assert kept.again == []
    found(STORY, as_of, kept, Config.of({"codebases": {"shop": {}}}, root=Path()))
    assert len(list(kept.folder.iterdir())) == 1

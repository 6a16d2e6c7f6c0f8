"""Answers as they were published: a row where one changes, and the words that tell it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pages.support import AS_OF, SHOP, book

from deploybook.pages.answered import SCHEMA, changed, told
from deploybook.pages.answers import Practices
from deploybook.pages.practices import codebase_page
from deploybook.pages.telling import Teller

KEY = ("shop", "talk.chat", "weekly")
AT = datetime(2026, 1, 5, tzinfo=UTC)


def answers(status: str) -> pa.Table:
    row = {"codebase": "shop", "practice": "talk.chat", "stage": "weekly", "status": status}
    return pa.Table.from_pylist([row])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["met", "not_met", "not_measured"]), min_size=1, max_size=8))
def test_what_is_kept_tells_every_answer_of_every_day_and_no_row_twice(days: list[str]) -> None:
    kept = SCHEMA.empty_table()
    for number, status in enumerate(days):
        for _ in range(2):  # the same day again keeps nothing more
            kept = pa.concat_tables([kept, changed(kept, answers(status), AT + timedelta(days=number))])
    for number, status in enumerate(days):
        assert told(kept, AT + timedelta(days=number))[KEY][-1][1] == status
    rows = told(kept, AT + timedelta(days=99))[KEY]
    assert all(one[1] != two[1] for one, two in pairwise(rows))


def test_a_build_of_an_earlier_day_keeps_nothing_and_is_told_nothing_later() -> None:
    kept = changed(SCHEMA.empty_table(), answers("met"), AT)
    assert changed(kept, answers("not_met"), AT - timedelta(days=1)).num_rows == 0
    assert KEY not in told(kept, AT - timedelta(days=1))


def history_of(kept: pa.Table | None) -> str:
    config: dict[str, Any] = {**SHOP, "teams": {"till": {"chat": "#till"}}}
    config["codebases"] = {"shop": {**SHOP["codebases"]["shop"], "team": "till"}}
    made = replace(book([], config), answered=kept)
    page = codebase_page(made, Practices(made, Teller(made)), "shop")
    gaps = [gap for ladder in page.ladders for _, found in ladder.groups for gap in found]
    return next(gap.history for gap in gaps if gap.id == "weekly-talk-chat")


def test_a_page_says_since_when_and_what_before() -> None:
    first = f"{AS_OF.day} Nov 2026"
    assert history_of(None) == f"Met since {first}, when this site first asked."
    kept = changed(SCHEMA.empty_table(), answers("not_met"), AT)
    assert history_of(kept) == f"Not met from 5 Jan 2026, met since {first}."
    again = pa.concat_tables([kept, changed(kept, answers("met"), AS_OF)])
    assert history_of(again) == history_of(kept)  # built again, nothing is another

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from deploybook.config import Config
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Unchanged
from deploybook.sources.matching import again_where_named

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def config(*aliases: str) -> Config:
    return Config.of({"codebases": {"web": {"also_known_as": list(aliases)}}}, root=Path())


def counting(asked: list[str | None]) -> Feed:
    def pull(ask: Ask) -> Iterator[Item]:
        asked.append(ask.cursor)
        yield Unchanged() if ask.cursor else Cursor("page 1")

    return Feed("system", RECORDS, pull)


def test_a_feed_goes_on_until_names_match_otherwise_and_then_begins_anew() -> None:
    asked: list[str | None] = []
    before = again_where_named(counting(asked), config("shop"))
    (first,) = before.pull(Ask(NOW))
    assert isinstance(first, Cursor)
    assert before.goes_on(first.text)
    assert list(before.pull(Ask(NOW, first.text))) == [Unchanged()]

    after = again_where_named(counting(asked), config("shop", "till"))
    assert not after.goes_on(first.text)
    (again,) = after.pull(Ask(NOW, first.text))
    assert isinstance(again, Cursor)
    assert after.goes_on(again.text)
    assert asked == [None, "page 1", None]


def test_a_feed_that_matches_no_names_always_goes_on() -> None:
    assert counting([]).goes_on("page 1")
    assert counting([]).goes_on(None)

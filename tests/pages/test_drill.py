"""Links of other tools carry the time range, and every value stays one value."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.pages import support

from deploybook.pages.drill import Span, fill, of_deployment, ways

START = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
END = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)


def test_a_template_is_filled_with_its_range() -> None:
    span = Span("shop", "production", "abc", START, END)
    filled = fill(
        "https://x.test/{codebase}/{environment}/{revision}?a={from_ms}&b={to_ms}&c={from}&d={to}", span
    )
    assert filled == (
        "https://x.test/shop/production/abc?a=1795082400000&b=1795089600000"
        "&c=2026-11-19T10%3A00%3A00Z&d=2026-11-19T12%3A00%3A00Z"
    )


def test_a_value_cannot_add_a_parameter() -> None:
    assert (
        fill("https://x.test/?s={codebase}&t=1", Span("a&t=2#", "", "", START, END))
        == "https://x.test/?s=a%26t%3D2%23&t=1"
    )


def test_a_deployment_is_looked_at_from_before_it_began_to_after_it_was_over() -> None:
    rows = [support.deployment("1", "2026-11-19T10:30:00+00:00", started_at="2026-11-19T10:15:00+00:00")]
    config = {**support.SHOP, "links": {"Panels": "https://x.test/?f={from}&t={to}"}}
    book = support.book(rows, config)
    (way,) = ways(book, of_deployment(book.deployments[0]))
    assert way.href == "https://x.test/?f=2026-11-19T10%3A00%3A00Z&amp;t=2026-11-19T11%3A30%3A00Z"

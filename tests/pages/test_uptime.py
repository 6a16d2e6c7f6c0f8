"""Uptime as the page tells it: by monitors, by incidents, and what nobody sees any more."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from tests.pages.support import deployment
from tests.support.books import counted

from deploybook.pages.uptime import uptime_page
from deploybook.render import environment


def seen(begin: str, end: str, state: str) -> dict[str, Any]:
    return {
        "type": "availability", "codebase": "shop", "monitor": "x", "state": state,
        "from": f"2026-11-{begin}:00Z", "to": f"2026-11-{end}:00Z",
    }  # fmt: skip


def down(begin: str, end: str) -> dict[str, Any]:
    return {
        "type": "incident", "id": begin, "codebases": ["shop"], "down": True,
        "started_at": f"2026-11-{begin}:00Z", "resolved_at": f"2026-11-{end}:00Z",
    }  # fmt: skip


def told(*records: dict[str, Any]) -> tuple[Any, str]:
    book = counted([deployment("1", "2026-11-01T10:00:00Z"), *records])
    page = uptime_page(book)
    (line,) = page.lines
    return line, Markup(environment().get_template("uptime.md.jinja").render(page=page)).unescape()


WATCHED = (seen("02T00:00", "18T06:00", "up"), seen("18T06:00", "18T07:00", "down"))


def test_where_monitor_and_incidents_disagree_both_stand_on_the_page() -> None:
    line, text = told(*WATCHED, seen("18T07:00", "20T14:00", "up"), down("18T05:00", "18T08:00"))
    assert (line.down, line.by_incidents, line.differs) == ("1\u00a0h", "3\u00a0h", True)
    assert "Monitors and incidents disagree." in text
    assert line.down in text
    assert line.by_incidents in text


def test_where_they_agree_nothing_is_said_of_it() -> None:
    line, text = told(*WATCHED, seen("18T07:00", "20T14:00", "up"), down("18T06:00", "18T07:00"))
    assert not line.differs
    assert "disagree" not in text


def test_a_monitor_that_has_fallen_silent_is_named_with_its_day() -> None:
    line, text = told(*WATCHED)
    assert line.silent == "Wed 18\u00a0Nov\u00a02026"
    assert f"silent since {line.silent}" in text
    assert "What nobody has seen since then counts as not down" in text


def test_a_monitor_that_tells_of_nothing_but_outages_may_be_silent() -> None:
    line, text = told(seen("05T06:00", "05T07:00", "down"))
    assert line.silent == ""
    assert "silent" not in text

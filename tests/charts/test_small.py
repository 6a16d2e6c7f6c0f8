"""Sparklines and the timeline of a week are drawn by hand."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, datetime
from xml.etree import ElementTree

import pytest
from tests.support.payloads import PAYLOADS

from deploybook.charts.sparkline import sparkline
from deploybook.charts.timeline import Lane, Shot, Span, Timeline, timeline

MONDAY = date(2026, 11, 16)


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 16 + day, hour, minute)  # noqa: DTZ001 — told in the reader's zone


WEEK = Timeline(
    "Three deployments",
    MONDAY,
    (
        Lane("search", (Shot(_at(1, 9), "planned", "search/1, planned", "../d/1/"),)),
        Lane("shop-web", (Shot(_at(3, 11), "planned", "a", None, True), Shot(_at(3, 12), "rollback", "b"))),
    ),
    (Span(_at(3, 10), _at(3, 14), "window 10–14"),),
    (Span(_at(3, 11), _at(3, 12), "Totals were wrong"),),
    _at(2, 12),
)


def test_a_sparkline_has_a_run_for_each_stretch_and_rings_its_signal() -> None:
    root = ElementTree.fromstring(sparkline([1, 2, None, 4, 5], "x", band=(1, 3), signal=True))
    assert len(root.findall("polyline")) == 2
    assert [c.get("r") for c in root.findall("circle")] == ["5.5", "3"]
    assert root.find("rect") is not None


def test_a_sparkline_without_values_is_nothing_and_one_that_ends_open_has_no_last_point() -> None:
    assert sparkline([], "x") == ""
    assert sparkline([None], "x") == ""
    assert "<circle" not in sparkline([1, 2, None], "x")


def test_a_sparklines_last_point_lies_at_its_value() -> None:
    root = ElementTree.fromstring(sparkline([0, 10, 5], "x"))
    (last,) = root.findall("circle")
    assert (last.get("cx"), last.get("cy")) == ("91", "13.5"), "halfway between 22 and 5"


def test_a_thousand_sparklines_take_less_than_a_second() -> None:
    started = time.process_time()
    for _ in range(1000):
        sparkline([float(n % 7) for n in range(26)], "deployments a week", band=(1, 4))
    assert time.process_time() - started < 1


@pytest.mark.parametrize("narrow", [False, True])
def test_a_week_shows_a_sign_a_deployment(narrow: bool) -> None:
    root = ElementTree.fromstring(timeline(WEEK, narrow=narrow))
    assert root.get("width") == ("358" if narrow else "686")
    assert [title.text for title in root.iter("title")] == ["search/1, planned", "a", "b"]
    assert [link.get("href") for link in root.iter("a")] == ["../d/1/"]
    assert len([c for c in root.iter("circle") if c.get("stroke-dasharray")]) == 1, "one needed a fix"
    assert {"search", "shop-web", "window 10–14", "Totals were wrong"} <= {t.text for t in root.iter("text")}


def test_the_busiest_day_is_the_wide_one_and_hours_follow_the_deployments() -> None:
    assert WEEK.busiest == 3
    assert WEEK.hours == (8, 18)
    late = replace(WEEK, lanes=(Lane("x", (Shot(_at(0, 22, 30), "hotfix", "x"),)),))
    assert (late.busiest, late.hours) == (None, (8, 23))


@pytest.mark.parametrize("name", ["script", "attribute break", "null", "stash", "brackets"])
def test_hostile_names_stay_text(name: str) -> None:
    payload = PAYLOADS[name]
    hostile = Timeline(
        payload,
        MONDAY,
        (Lane(payload, (Shot(_at(0, 9), "planned", payload),)),),
        (Span(_at(0, 9), _at(0, 12), payload),),
        (Span(_at(0, 9), _at(6, 12), payload),),
        _at(0, 10),
        payload,
    )
    for narrow in (False, True):
        root = ElementTree.fromstring(timeline(hostile, narrow=narrow))
        assert {e.tag for e in root.iter()} <= {"svg", "g", "rect", "line", "circle", "path", "text", "title"}
    ElementTree.fromstring(sparkline([1, 2], payload))

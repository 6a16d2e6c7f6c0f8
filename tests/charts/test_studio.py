"""Charts stand in a page without scripts, styles or ids, and are drawn once."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import altair
import pytest
from tests.charts import examples
from tests.support.payloads import PAYLOADS

from deploybook.charts import drawing, sheet
from deploybook.charts.model import Data
from deploybook.charts.studio import Studio
from deploybook.text import plain

ALLOWED = {
    *("class", "role", "aria-label", "viewBox", "width", "height", "fill", "font-family", "href", "tabindex"),
    *("cx", "cy", "r", "x", "y", "x1", "y1", "x2", "y2", "rx", "d", "transform", "stroke", "stroke-width"),
    *("stroke-dasharray", "fill-opacity", "text-anchor", "font-size", "font-weight"),
}
PLACES = {"x", "y", "x2", "y2", "k", "run"}


def _name(data: Data) -> str:
    return type(data).__name__


@pytest.mark.parametrize("data", examples.every(), ids=_name)
@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
class TestAPicture:
    def test_says_nothing_of_a_shape_that_its_kind_does_not_have(self, data: Data, narrow: bool) -> None:
        for kind, rows in drawing.compose(data, narrow=narrow).layers:
            assert {name for row in rows for name in row} <= PLACES.union(sheet.LOOKS[kind])

    def test_holds_shapes_and_texts_only(self, data: Data, narrow: bool) -> None:
        root = ElementTree.fromstring(drawing.picture(data, narrow=narrow))
        assert {e.tag for e in root.iter()} <= {"svg", "g", "a", "path", "circle", "line", "text", "title"}
        assert {name for e in root.iter() for name in e.attrib} <= ALLOWED
        assert root.get("aria-label") == "What it shows"
        assert root.get("role") == ("group" if root.find(".//a") is not None else "img")

    def test_has_its_width_and_is_coloured_by_the_scheme(self, data: Data, narrow: bool) -> None:
        root = ElementTree.fromstring(drawing.picture(data, narrow=narrow))
        width = float(root.get("width", "0"))
        assert width in ((358, 360) if narrow else (422, 644, 686))
        colours = {e.get(name) for e in root.iter() for name in ("fill", "stroke")} - {None, "none"}
        assert colours
        assert all(str(colour).startswith("var(--db-") for colour in colours)

    def test_has_no_text_over_another_nor_too_small_to_read(self, data: Data, narrow: bool) -> None:
        root = ElementTree.fromstring(drawing.picture(data, narrow=narrow))
        placed = [(float(t.get("x", 0)), float(t.get("y", 0)), t.text) for t in root.iter("text")]
        assert len({(round(x / 8), round(y / 8)) for x, y, _ in placed}) == len(placed)
        assert all(float(t.get("font-size", 0)) >= 12 for t in root.iter("text"))


def test_what_draws_all_kinds_of_shapes_is_valid_vega_lite() -> None:
    altair.LayerChart.from_dict(sheet.chart(tuple(sheet.LOOKS)))


def test_a_chart_that_was_drawn_is_read_back_without_altair(tmp_path: Path) -> None:
    drawn = [Studio(tmp_path).draw(data) for data in examples.every()]
    assert [Studio(tmp_path).draw(data) for data in examples.every()] == drawn
    script = (
        "import sys; from pathlib import Path; from tests.charts import examples\n"
        "from deploybook.charts.studio import Studio\n"
        f"studio = Studio(Path({str(tmp_path)!r})); [studio.draw(data) for data in examples.every()]\n"
        "print('altair' in sys.modules, 'vl_convert' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


def test_a_spoilt_picture_is_drawn_again(tmp_path: Path) -> None:
    first = Studio(tmp_path).draw(examples.stages())
    (kept,) = tmp_path.glob("*/*.json")
    kept.write_text("[", encoding="utf-8")
    assert Studio(tmp_path).draw(examples.stages()) == first


def test_what_is_no_longer_used_goes(tmp_path: Path) -> None:
    Studio(tmp_path).draw(examples.stages())
    studio = Studio(tmp_path)
    studio.draw(examples.uptime())
    assert studio.prune() == 1
    assert len(list(tmp_path.glob("*/*.json"))) == 1


def test_nothing_to_draw_is_no_chart(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    empty: list[Data] = [
        examples.weekly([None, None]),
        replace(examples.dots(), dots=()),
        replace(examples.strip(), spots=()),
        replace(examples.uptime(), weeks=()),
        replace(examples.stages(), stages=()),
    ]
    assert [studio.draw(data) for data in empty] == [None] * 5


def test_every_dot_says_what_it_is_and_leads_there() -> None:
    root = ElementTree.fromstring(drawing.picture(examples.dots(), narrow=False))
    links = root.findall(".//a")
    assert [link.get("href") for link in links] == ["../c/"] * 5
    assert {title.text for title in root.iter("title")} >= {"shop-web #1: 60.0 s", "shop-web #1: 518400.0 s"}
    filled = [c.get("fill") for c in root.findall(".//a/circle")]
    assert filled.count("var(--db-paper)") == 1, "one of five is over the target, and hollow"


@pytest.mark.parametrize("name", ["script", "attribute break", "null", "surrogate", "feed break", "brackets"])
def test_a_hostile_name_stays_text(name: str) -> None:
    root = ElementTree.fromstring(drawing.picture(examples.dots(PAYLOADS[name], None), narrow=False))
    said = {title.text for title in root.iter("title")}
    assert plain(f"{PAYLOADS[name]}: 60.0 s") in said
    assert {e.tag for e in root.iter()} <= {"svg", "g", "path", "circle", "line", "text", "title"}


def test_a_week_without_a_value_breaks_the_line_and_shows_a_dash(tmp_path: Path) -> None:
    data = examples.weekly([1, 2, None, 4, 5])
    chart = Studio(tmp_path).draw(data)
    assert chart is not None
    assert [row[1].text for row in chart.rows] == [
        *("1 deployments", "2 deployments"),
        "–",
        *("4 deployments", "5 deployments"),
    ]
    root = ElementTree.fromstring(chart.wide)
    assert len([p for p in root.iter("path") if p.get("stroke-width") == "1.5"]) == 2


def test_charts_drawn_beside_are_those_that_are_drawn_at_once(tmp_path: Path) -> None:
    beside = Studio(tmp_path / "beside", beside=True)
    for data in examples.every():
        marked, drawn = beside.draw(data), Studio(tmp_path / "once").draw(data)
        assert marked is not None
        assert drawn is not None
        assert Studio.waits(marked.wide)
        assert beside.fill(f"<p>{marked.wide}{marked.narrow}</p>") == f"<p>{drawn.wide}{drawn.narrow}</p>"
    again = Studio(tmp_path / "beside", beside=True).draw(examples.stages())
    assert again is not None
    assert not Studio.waits(again.wide)


def test_what_a_worker_cannot_draw_is_drawn_by_who_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    studio = Studio(tmp_path, beside=True)
    marked, drawn = studio.draw(examples.stages()), Studio(tmp_path / "once").draw(examples.stages())
    assert marked is not None
    assert drawn is not None
    assert studio.fill(marked.wide) == drawn.wide

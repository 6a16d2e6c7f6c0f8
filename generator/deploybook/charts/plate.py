"""One picture being composed: a frame of exact size, two scales, and layers of shapes in pixels.

How shapes are drawn is written in Altair, once for all pictures: see `sheet`. Texts and links do not pass
through Vega: a mark carries a key, and `svg.finish` puts in what the key stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deploybook import text
from deploybook.charts.axes import Scale
from deploybook.charts.sheet import Kind, compiled
from deploybook.charts.svg import Mark

INK, INK_2, RULE, LINE = "var(--db-ink)", "var(--db-ink-2)", "var(--db-rule)", "var(--db-line)"
PAPER, WASH, BAND, ACCENT, BAD = (f"var(--db-{name})" for name in ("paper", "wash", "band", "accent", "bad"))

Row = dict[str, object]


@dataclass(frozen=True)
class Frame:
    """Sizes in pixels: the plot, and what stands around it."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float


@dataclass
class Plate:
    """Layers on a frame, texts over all others; `x` and `y` are the scales of what is shown."""

    frame: Frame
    x: Scale
    y: Scale
    marks: dict[str, Mark] = field(default_factory=dict)
    _shapes: list[tuple[Kind, list[Row]]] = field(default_factory=list)
    _texts: list[Row] = field(default_factory=list)

    def px(self, value: float) -> float:
        """Give the pixel of a value on the horizontal axis."""
        return self.x.share(value) * self.frame.width

    def py(self, value: float) -> float:
        """Give the pixel of a value on the vertical axis, counted from the top."""
        return (1 - self.y.share(value)) * self.frame.height

    def key(self, title: str, href: str | None = None, *, limit: int = text.LIMIT) -> str:
        """Remember what a mark says and leads to; give the key it is drawn with."""
        key = f"k{len(self.marks)}"
        self.marks[key] = Mark(text.plain(title, limit=limit), href)
        return key

    def rect(self, rows: Sequence[Row], fill: str | None, **look: Any) -> None:
        """Draw rectangles from x, y to x2, y2."""
        self._add("rect", rows, {"fill": fill, **look})

    def rule(self, rows: Sequence[Row], stroke: str, **look: Any) -> None:
        """Draw straight lines from x, y to x2, y2."""
        self._add("rule", rows, {"stroke": stroke, **look})

    def line(self, rows: Sequence[Row], stroke: str, **look: Any) -> None:
        """Draw a line through x, y; rows of one `run` belong together."""
        self._add("line", rows, {"stroke": stroke, **look})

    def point(self, rows: Sequence[Row], radius: float, fill: str | None, **look: Any) -> None:
        """Draw discs at x, y; a row's `k` is its key."""
        self._add("point", rows, {"fill": fill, "size": (2 * radius) ** 2, **look})

    def ring(self, rows: Sequence[Row], radius: float, stroke: str) -> None:
        """Draw open circles at x, y."""
        self.point(rows, radius, None, stroke=stroke, strokeWidth=1.5)

    def label(self, rows: Sequence[Row], fill: str, **look: Any) -> None:
        """Write the texts `t` at x, y."""
        for row in rows:
            key = self.key(str(row["t"]), limit=80)
            self._texts.append({"x": row["x"], "y": row["y"], "k": key, "fill": fill, "fontSize": 12, **look})

    @property
    def layers(self) -> list[tuple[Kind, list[Row]]]:
        """What is drawn, from the lowest up."""
        return [*self._shapes, ("text", self._texts)]

    def spec(self) -> dict[str, Any]:
        """Give the Vega specification."""
        frame = self.frame
        around = {"left": frame.left, "right": frame.right, "top": frame.top, "bottom": frame.bottom}
        size = {"width": frame.width, "height": frame.height, "autosize": "none", "padding": around}
        sheet = compiled(tuple(kind for kind, _ in self.layers))
        rows = {f"d{n}": rows for n, (_, rows) in enumerate(self.layers)}
        data = [{**d, "values": rows[d["name"]]} if d["name"] in rows else d for d in sheet["data"]]
        return {**sheet, **size, "data": data}

    def _add(self, kind: Kind, rows: Sequence[Row], look: Row) -> None:
        """Add a layer, or to the highest if it is of the same kind: each layer takes Vega a millisecond."""
        if not rows:
            return
        if not self._shapes or self._shapes[-1][0] != kind:
            self._shapes.append((kind, []))
        self._shapes[-1][1].extend({**row, **look} for row in rows)

"""One picture being composed in Altair: a frame of exact size, two scales, and layers.

What belongs to the data is drawn on the scales; furniture (labels, flags) in pixels. Texts and links of
marks do not pass through Vega: a mark carries a key, and `svg.finish` puts in what the key stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import altair as alt

from deploybook import text
from deploybook.charts.axes import Scale
from deploybook.charts.svg import Mark

INK, INK_2, RULE, LINE = "var(--db-ink)", "var(--db-ink-2)", "var(--db-rule)", "var(--db-line)"
PAPER, WASH, BAND, ACCENT, BAD = (f"var(--db-{name})" for name in ("paper", "wash", "band", "accent", "bad"))

_CONFIG: dict[str, Any] = {
    "background": None,
    "font": "Helvetica, Arial, sans-serif",
    "view": {"stroke": None},
    "point": {"opacity": 1, "filled": True},
    "rect": {"opacity": 1},
    "text": {"fontSize": 12, "baseline": "alphabetic", "limit": 0},
    "line": {"strokeJoin": "round"},
}

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
    """Layers on a frame; `x` and `y` are the scales of data layers."""

    frame: Frame
    x: Scale
    y: Scale
    marks: dict[str, Mark] = field(default_factory=dict)
    _layers: list[dict[str, Any]] = field(default_factory=list)
    _rows: dict[str, list[Row]] = field(default_factory=dict)
    _channels: dict[tuple[str, bool], dict[str, Any]] = field(default_factory=dict)

    def px(self, value: float) -> float:
        """Give the pixel of a value on the horizontal axis."""
        return self.x.share(value) * self.frame.width

    def py(self, value: float) -> float:
        """Give the pixel of a value on the vertical axis, counted from the top."""
        return (1 - self.y.share(value)) * self.frame.height

    def key(self, title: str, href: str | None = None) -> str:
        """Remember what a mark says and leads to; give the key it is drawn with."""
        key = f"k{len(self.marks)}"
        self.marks[key] = Mark(text.plain(title), href)
        return key

    def rect(self, rows: Sequence[Row], color: str, *, pixels: bool = False, **style: Any) -> None:
        """Draw rectangles from x, y to x2, y2."""
        self._add(rows, "rect", {"color": color, **style}, ("x", "y", "x2", "y2"), pixels=pixels)

    def rule(self, rows: Sequence[Row], color: str, *, pixels: bool = False, **style: Any) -> None:
        """Draw straight lines from x, y to x2, y2."""
        self._add(rows, "rule", {"color": color, **style}, ("x", "y", "x2", "y2"), pixels=pixels)

    def line(self, rows: Sequence[Row], color: str, **style: Any) -> None:
        """Draw a line through x, y; rows of one `run` belong together."""
        self._add(rows, "line", {"color": color, **style}, ("x", "y", "detail"))

    def point(
        self, rows: Sequence[Row], radius: float, color: str, *, pixels: bool = False, **style: Any
    ) -> None:
        """Draw discs at x, y; a row's `k` is its key."""
        mark: dict[str, Any] = {"size": (2 * radius) ** 2, "shape": "circle", "color": color, **style}
        self._add(rows, "point", mark, ("x", "y", "description"), pixels=pixels)

    def ring(self, rows: Sequence[Row], radius: float, color: str, *, pixels: bool = False) -> None:
        """Draw open circles at x, y."""
        style = {"filled": False, "strokeWidth": 1.5, "size": (2 * radius) ** 2, "shape": "circle"}
        self._add(rows, "point", {"color": color, **style}, ("x", "y"), pixels=pixels)

    def label(self, rows: Sequence[Row], color: str, **style: Any) -> None:
        """Write the texts `t` at x, y, in pixels."""
        said = [{**row, "t": text.plain(str(row["t"]), limit=80)} for row in rows]
        self._add(said, "text", {"color": color, **style}, ("x", "y", "text"), pixels=True)

    def spec(self) -> dict[str, Any]:
        """Give the Vega-Lite specification."""
        frame = self.frame
        around = {"left": frame.left, "right": frame.right, "top": frame.top, "bottom": frame.bottom}
        size = {"width": frame.width, "height": frame.height, "autosize": "none", "padding": around}
        return {
            "$schema": alt.SCHEMA_URL,
            **size,
            "config": dict(_CONFIG),
            "datasets": self._rows,
            "layer": self._layers,
        }

    def _add(
        self,
        rows: Sequence[Row],
        kind: Literal["rect", "rule", "line", "point", "text"],
        mark: dict[str, Any],
        channels: tuple[str, ...],
        *,
        pixels: bool = False,
    ) -> None:
        if not rows:
            return
        name = f"d{len(self._layers)}"
        self._rows[name] = list(rows)
        # As Altair writes a layer; put together here, since its own steps copy all that is in it.
        encoding = {channel: self._channel(channel, pixels=pixels) for channel in channels}
        self._layers.append({"data": {"name": name}, "mark": {"type": kind, **mark}, "encoding": encoding})

    def _channel(self, channel: str, *, pixels: bool) -> dict[str, Any]:
        """How a channel reads its column: made once for all layers of the picture."""
        key = channel, pixels
        if key not in self._channels:
            self._channels[key] = self._encoded(channel, pixels=pixels).to_dict(validate=False, context={})
        return self._channels[key]

    def _encoded(self, channel: str, *, pixels: bool) -> Any:
        if channel in ("x", "y"):
            return self._position(channel, pixels=pixels)
        if channel in ("x2", "y2"):
            return getattr(alt, channel.upper())(channel)
        if channel == "text":
            return alt.Text("t:N")
        return alt.Detail("run:N") if channel == "detail" else alt.Description("k:N")

    def _position(self, channel: str, *, pixels: bool) -> Any:
        kind = alt.X if channel == "x" else alt.Y
        if pixels:
            return kind(f"{channel}:Q", scale=None, axis=None)
        scale = self.x if channel == "x" else self.y
        drawn = alt.Scale(
            domain=[scale.low, scale.high], nice=False, zero=False, type="log" if scale.log else "linear"
        )
        return kind(f"{channel}:Q", scale=drawn, axis=None)

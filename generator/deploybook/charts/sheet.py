"""How shapes are drawn, written in Altair: a chart without data, for all pictures whose layers follow alike.

Vega-Lite's compiler takes as long for a picture as drawing it does. So what differs between pictures is left
out of the chart: each row says where its shape stands, in pixels, and how it looks. What is compiled is kept,
and a picture is its rows put into it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import altair as alt
import vl_convert

Kind = Literal["rect", "rule", "line", "point", "text"]

LOOKS: dict[Kind, tuple[str, ...]] = {
    "rect": ("fill", "stroke", "strokeWidth", "strokeDash", "cornerRadius"),
    "rule": ("stroke", "strokeWidth", "strokeDash"),
    "line": ("stroke", "strokeWidth"),
    "point": ("fill", "stroke", "strokeWidth", "opacity", "size"),
    "text": ("fill", "align", "fontSize", "fontWeight"),
}
"""What a row may say of a shape; what it leaves out, its shape does not have."""


@alt.theme.register("deploybook", enable=True)
def theme() -> alt.theme.ThemeConfig:
    """Give what all pictures share; colours come from the page."""
    return {"config": {"point": {"shape": "circle"}, "text": {"baseline": "alphabetic"}}}


def chart(kinds: tuple[Kind, ...]) -> dict[str, Any]:
    """Give the chart of layers of these kinds, one over the other; the rows of layer n are named `dn`."""
    layers = [{**_layer(kind), "data": {"name": f"d{n}"}} for n, kind in enumerate(kinds)]
    return {**_empty(), "layer": layers}


@cache
def compiled(kinds: tuple[Kind, ...]) -> dict[str, Any]:
    """Give the same as a Vega specification, on whatever is behind it."""
    return {**vl_convert.vegalite_to_vega(chart(kinds)), "background": None}


@cache
def _empty() -> dict[str, Any]:
    return alt.LayerChart().to_dict(validate=False)


@cache
def _layer(kind: Kind) -> dict[str, Any]:
    """A layer as Altair writes it: written once, which takes as long as drawing a picture."""
    look: dict[str, Any] = {name: alt.ExprRef(f"datum.{name}") for name in LOOKS[kind]}
    x, y = alt.X("x:Q", scale=None, axis=None), alt.Y("y:Q", scale=None, axis=None)
    x2, y2, key = alt.X2("x2"), alt.Y2("y2"), alt.Description("k:N")
    drawn: Any
    match kind:
        case "rect":
            drawn = alt.Chart().mark_rect(aria=False, **look).encode(x, y, x2, y2)
        case "rule":
            drawn = alt.Chart().mark_rule(aria=False, **look).encode(x, y, x2, y2)
        case "line":
            drawn = alt.Chart().mark_line(aria=False, **look).encode(x, y, alt.Detail("run:N"))
        case "point":
            drawn = alt.Chart().mark_point(**look).encode(x, y, key)
        case "text":  # without what it says: Vega would measure it, which takes longer than all else
            drawn = alt.Chart().mark_text(text="", **look).encode(x, y, key)
    return dict(drawn.to_dict(validate=False, context={"top_level": False}))

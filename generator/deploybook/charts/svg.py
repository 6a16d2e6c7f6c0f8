# ruff: noqa: S704 — SVG is written here, each value of it escaped.
"""From the SVG that vl-convert writes to the one that stands in a page.

Kept are shapes, texts and colours. Classes, roles and inline styles go; marks get the words and links
that their keys stand for; numbers are rounded to a tenth of a pixel. Nothing in it has an id, so that
any number of charts can stand on one page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from xml.etree import ElementTree

from markupsafe import Markup

from deploybook.text import html, quoted

_SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_PLACE = re.compile(r"translate\((-?[\d.e-]+),(-?[\d.e-]+)\)")
_DISC = re.compile(r"M([\d.]+),0A\1,\1,0,1,1,-\1,0A\1,\1,0,1,1,\1,0")
_KEPT = (
    *("cx", "cy", "r", "x", "y", "x1", "y1", "x2", "y2", "width", "height", "rx", "d", "transform"),
    *("fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity", "text-anchor", "font-size"),
    "font-weight",
)


_LOOKS = ("fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity")
_RUN = 3
"""A longer run of shapes that look alike is worth a group."""


@dataclass(frozen=True)
class Mark:
    """What a mark says on hover, already plain, and where it leads: our own page, or a link judged safe."""

    title: str
    href: str | None = None


def finish(source: str, description: str, marks: Mapping[str, Mark]) -> Markup:
    """Turn an exported SVG into one for a page.

    A chart without links is an image with a description. One with links is a group, whose marks stay
    reachable for a pointer and for assistive technology; for the keyboard the same links are in the rows
    behind the chart, so that a reader does not tab through hundreds of dots.

    Args:
        source: What vl-convert wrote.
        description: What the chart shows, for those who cannot see it.
        marks: The meaning of the keys that marks carry as their `aria-label`.
    """
    root = ElementTree.fromstring(source)  # noqa: S314 — it reads only what vl-convert wrote
    width, height = root.get("width", ""), root.get("height", "")
    body = "".join(_write(child, marks) for child in root)
    role = "group" if "<a " in body else "img"
    return Markup(
        f'<svg class="db-svg" role="{role}" aria-label="{html(description, limit=1000)}"'
        f' viewBox="0 0 {width} {height}" width="{width}" height="{height}" fill="none"'
        f' font-family="Helvetica, Arial, sans-serif">{body}</svg>'
    )


def _alike(group: ElementTree.Element, marks: Mapping[str, Mark]) -> str:
    """The shapes of a group; the looks that a run of them shares are said once: dots come by the hundred."""
    written = []
    for looks, run in groupby(group, key=_looks):
        shapes = list(run)
        if looks and len(shapes) > _RUN:
            inner = "".join(_write(shape, marks, own=False) for shape in shapes)
            written.append(f"<g{looks}>{inner}</g>")
        else:
            written += [_write(shape, marks) for shape in shapes]
    return "".join(written)


def _looks(element: ElementTree.Element) -> str:
    """How a shape looks, as attributes that a group hands on; nothing for what is no single shape."""
    tag = element.tag.removeprefix(_SVG)
    if tag not in ("path", "circle") or len(element):
        return ""
    _, attributes = _shape(tag, dict(element.attrib))
    return "".join(
        f' {name}="{quoted(_rounded(attributes[name]))}"' for name in _LOOKS if attributes.get(name)
    )


def _write(element: ElementTree.Element, marks: Mapping[str, Mark], *, own: bool = True) -> str:
    """A shape, a text or a group; `own` says whether its looks are its own, not those of its group."""
    tag = element.tag.removeprefix(_SVG)
    if tag in ("defs", "style", "script", "title") or element.get("class") in ("background", "foreground"):
        return ""
    inner = _alike(element, marks) if tag == "g" else "".join(_write(child, marks) for child in element)
    if tag == "g":
        place = _PLACE.fullmatch(element.get("transform", ""))
        moved = place is not None and (float(place[1]), float(place[2])) != (0, 0)
        return f'<g transform="{_rounded(place[0])}">{inner}</g>' if inner and moved and place else inner
    tag, attributes = _shape(tag, dict(element.attrib))
    names = [name for name in _KEPT if attributes.get(name) and (own or name not in _LOOKS)]
    written = "".join(f' {name}="{quoted(_rounded(attributes[name]))}"' for name in names)
    mark = marks.get(element.get("aria-label", ""))
    title = f"<title>{quoted(mark.title)}</title>" if mark else ""
    shape = f"<{tag}{written}>{title}{quoted(element.text or '')}{inner}</{tag}>"
    if mark and mark.href:
        return f'<a href="{html(mark.href, limit=None)}" tabindex="-1">{shape}</a>'
    return shape


def _shape(tag: str, attributes: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Say it more shortly: discs as circles, texts and rules by their place."""
    place = _PLACE.fullmatch(attributes.get("transform", ""))
    if "opacity" in attributes:
        attributes["fill-opacity"] = attributes.pop("opacity")
    if "font-size" in attributes:
        attributes["font-size"] = attributes["font-size"].removesuffix("px")
    if place is None:
        return tag, attributes
    x, y = float(place[1]), float(place[2])
    disc = _DISC.fullmatch(attributes.get("d", ""))
    if tag == "path" and disc:
        del attributes["transform"], attributes["d"]
        return "circle", attributes | {"cx": f"{x:f}", "cy": f"{y:f}", "r": disc[1]}
    if tag == "text":
        del attributes["transform"]
        return tag, attributes | {"x": f"{x:f}", "y": f"{y:f}"}
    if tag == "line":
        del attributes["transform"]
        ends = {"x1": x, "y1": y, "x2": x + float(attributes["x2"]), "y2": y + float(attributes["y2"])}
        return tag, attributes | {name: f"{value:f}" for name, value in ends.items()}
    return tag, attributes


def _rounded(value: str) -> str:
    return _NUMBER.sub(lambda number: f"{float(number[0]):.1f}".removesuffix(".0").replace("-0", "-0"), value)

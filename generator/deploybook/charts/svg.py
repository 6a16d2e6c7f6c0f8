# ruff: noqa: S704 — SVG is written here, each value of it escaped.
"""From the SVG that vl-convert writes to the one that stands in a page.

Kept are shapes, texts and colours. Classes, roles and inline styles go; marks get the words and links
that their keys stand for; numbers are rounded to a tenth of a pixel. Nothing in it has an id, so that
any number of charts can stand on one page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from xml.etree import ElementTree

from markupsafe import Markup

from deploybook.text import html, quoted

_SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_PLACE = re.compile(r"translate\((-?[\d.e-]+),(-?[\d.e-]+)\)")
_DISC = re.compile(r"M([\d.]+),0A\1,\1,0,1,1,-\1,0A\1,\1,0,1,1,\1,0")
_LOOKS = ("fill", "stroke", "stroke-width", "stroke-dasharray", "opacity")
_LETTERS = ("text-anchor", "font-size", "font-weight")
_RUN = 3
"""A longer run of shapes that look alike is worth a group."""


@dataclass(frozen=True)
class Mark:
    """What a mark says, already plain, and where it leads: our own page, or a link judged safe.

    A text says it itself, any other shape on hover.
    """

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
    body = _group(root, marks)
    role = "group" if "<a " in body else "img"
    return Markup(
        f'<svg class="db-svg" role="{role}" aria-label="{html(description, limit=1000)}"'
        f' viewBox="0 0 {width} {height}" width="{width}" height="{height}" fill="none"'
        f' font-family="Helvetica, Arial, sans-serif">{body}</svg>'
    )


def _group(group: ElementTree.Element, marks: Mapping[str, Mark]) -> str:
    """The shapes of a group; the looks that a run of them shares are said once: dots come by the hundred."""
    written = []
    for looks, run in groupby((_piece(child, marks) for child in group), key=itemgetter(0)):
        shapes = list(run)
        if looks and len(shapes) > _RUN:
            inner = "".join(f"{before}{after}" for _, before, after in shapes)
            written.append(f"<g{looks}>{inner}</g>")
        else:
            written += [f"{before}{looks}{after}" for _, before, after in shapes]
    place = _PLACE.fullmatch(group.get("transform", ""))
    inner = "".join(written)
    if inner and place and (float(place[1]), float(place[2])) != (0, 0):
        return f'<g transform="{_rounded(place[0])}">{inner}</g>'
    return inner


def _piece(element: ElementTree.Element, marks: Mapping[str, Mark]) -> tuple[str, str, str]:
    """The looks that a group may say for a shape, and what is written before and after them."""
    tag, given = element.tag.removeprefix(_SVG), element.attrib
    if tag in ("defs", "style", "script", "title") or given.get("class") in ("background", "foreground"):
        return "", "", ""
    if tag == "g":
        return "", _group(element, marks), ""
    tag, place = _placed(tag, given)
    looks = _looks(*map(given.get, _LOOKS))
    mark = marks.get(given.get("aria-label", ""))
    before, after = f"<{tag}{place}", f"></{tag}>"
    if tag == "text":
        letters = _attributes((name, given.get(name, "").removesuffix("px")) for name in _LETTERS)
        after = f"{letters}>{quoted(mark.title) if mark else ''}</text>"
    elif mark:
        after = f"><title>{quoted(mark.title)}</title></{tag}>"
    if mark and mark.href:
        before, after = f'<a href="{html(mark.href, limit=None)}" tabindex="-1">{before}', f"{after}</a>"
    return (looks, before, after) if tag in ("path", "circle") else ("", f"{before}{looks}{after}", "")


def _placed(tag: str, given: Mapping[str, str]) -> tuple[str, str]:
    """Where a shape stands, said shortly: discs as circles, texts and rules by their place."""
    place = _PLACE.fullmatch(given.get("transform", ""))
    if place is not None:
        x, y = float(place[1]), float(place[2])
        if tag == "path" and (disc := _DISC.fullmatch(given.get("d", ""))):
            return "circle", f' cx="{_tenth(x)}" cy="{_tenth(y)}" r="{_rounded(disc[1])}"'
        if tag == "text":
            return tag, f' x="{_tenth(x)}" y="{_tenth(y)}"'
        if tag == "line":
            x2, y2 = x + float(given["x2"]), y + float(given["y2"])
            return tag, f' x1="{_tenth(x)}" y1="{_tenth(y)}" x2="{_tenth(x2)}" y2="{_tenth(y2)}"'
    return tag, _attributes((name, given.get(name)) for name in ("d", "transform"))


@lru_cache(maxsize=64)
def _looks(*values: str | None) -> str:
    """How a shape looks, as attributes: there are few ways, and many shapes."""
    return _attributes(zip((*_LOOKS[:-1], "fill-opacity"), values, strict=True))


def _attributes(pairs: Iterable[tuple[str, str | None]]) -> str:
    return "".join(f' {name}="{quoted(_rounded(value))}"' for name, value in pairs if value)


def _rounded(value: str) -> str:
    return _NUMBER.sub(lambda number: _tenth(float(number[0])), value)


def _tenth(value: float) -> str:
    # To millionths first: what sums of pixels are off by is no reason to round the other way.
    return f"{round(value, 6):.1f}".removesuffix(".0")

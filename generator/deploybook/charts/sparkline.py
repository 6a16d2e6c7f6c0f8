# ruff: noqa: S704 — numbers and our own words only; the label is escaped.
"""A line of a word's size: band, course, last point, a ringed signal; by hand, as there are thousands."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from deploybook.text import html


def sparkline(
    values: Sequence[float | None],
    label: str,
    *,
    band: tuple[float, float] | None = None,
    signal: bool = False,
    width: int = 100,
    height: int = 26,
) -> Markup:
    """Draw values in their order; a gap where there is none.

    Args:
        values: At least one of them known, else nothing is drawn.
        label: What it shows, for those who cannot see it.
        band: The lower and upper limit that hold at its end.
        signal: Whether the last value is one.
        width: In pixels; 100 in tables, 140 on the home page.
        height: In pixels; 26 or 34.
    """
    known = [value for value in values if value is not None]
    if not known:
        return Markup("")
    top = max(known)
    bottom = min(0.0, *known) if min(known) >= 0 else min(known)
    reach = (top - bottom) or 1.0
    left, right, upper, lower = 3.0, width - 9.0, 5.0, height - 4.0
    step = (right - left) / max(1, len(values) - 1)

    def place(value: float) -> float:
        return lower - (value - bottom) / reach * (lower - upper)

    parts = []
    line = 'fill="none" stroke="var(--db-ink)" stroke-width="1.25"'
    line += ' stroke-linejoin="round" stroke-linecap="round"'
    ring = 'r="5.5" fill="none" stroke="var(--db-accent)" stroke-width="1.25"'
    if band:
        high, low = (min(height - 4.0, max(5.0, place(edge))) for edge in (band[1], band[0]))
        tall = _n(max(1.0, low - high))
        parts.append(f'<rect x="0" y="{_n(high)}" width="{width}" height="{tall}" fill="var(--db-band)"/>')
    run: list[str] = []
    for index, value in enumerate([*values, None]):
        if value is not None:
            run.append(f"{_n(left + index * step)},{_n(place(value))}")
        elif run:
            points = run if len(run) > 1 else [run[0], run[0]]
            parts.append(f'<polyline points="{" ".join(points)}" {line}/>')
            run = []
    last = values[-1]
    if last is not None:
        x, y = _n(left + (len(values) - 1) * step), _n(place(last))
        if signal:
            parts.append(f'<circle cx="{x}" cy="{y}" {ring}/>')
        color, radius = ("accent", "3") if signal else ("ink", "2.75")
        parts.append(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="var(--db-{color})"/>')
    return Markup(
        f'<svg class="db-spark" role="img" aria-label="{html(label)}" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}">{"".join(parts)}</svg>'
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

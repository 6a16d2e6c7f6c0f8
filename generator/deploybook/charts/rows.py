"""The table behind a chart, and whether there is anything to draw."""

from __future__ import annotations

from deploybook.charts.model import Cell, Data, Dots, Stages, Strip, Uptime, Weekly

_NOTHING = "–"


def drawable(data: Data) -> bool:
    """Tell whether there is at least one point."""
    match data:
        case Weekly():
            return any(week.value is not None for week in data.weeks)
        case Dots():
            return bool(data.dots)
        case Strip():
            return bool(data.spots)
        case Uptime():
            return any(week.minutes is not None for week in data.weeks)
        case Stages():
            return any(stage.seconds > 0 for stage in data.stages)


def table(data: Data) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """Give the headings and the rows of a chart; a strip lists what is unusual, everything else lists all."""
    match data:
        case Weekly():
            return ("Week", data.column), tuple(
                (Cell(w.label, w.href), Cell(_NOTHING if w.value is None else w.worded)) for w in data.weeks
            )
        case Dots():
            newest = sorted(data.dots, key=lambda dot: (dot.at, dot.name), reverse=True)
            return ("What", "When", data.column), tuple(
                (Cell(d.name, d.href), Cell(f"{d.at:%Y-%m-%d %H:%M}"), Cell(d.worded)) for d in newest
            )
        case Strip():
            unusual = sorted(
                (s for s in data.spots if s.unusual or s.named), key=lambda s: (-s.value, s.name)
            )
            return ("What", data.column), tuple((Cell(s.name, s.href), Cell(s.worded)) for s in unusual)
        case Uptime():
            return ("Week", "Down"), tuple(
                (Cell(w.label, w.href), Cell(_NOTHING if w.minutes is None else w.worded)) for w in data.weeks
            )
        case Stages():
            return ("Stage", "Median"), tuple((Cell(s.name, s.href), Cell(s.worded)) for s in data.stages)

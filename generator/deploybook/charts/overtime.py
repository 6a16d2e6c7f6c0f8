"""Charts over weeks: a line with its limits, and a dot an event."""

from __future__ import annotations

from datetime import date, datetime

from deploybook.charts import axes
from deploybook.charts.axes import Scale
from deploybook.charts.model import Dot, Dots, Flag, Limits, Room, Target, Week, Weekly
from deploybook.charts.plate import ACCENT, BAND, INK, INK_2, LINE, PAPER, RULE, Frame, Plate, Row

_END = 8
"""Pixels between the plot and what is written behind it."""


def frame(room: Room, *, narrow: bool, low: float, high: float) -> Frame:
    """Give the frame of a chart over weeks.

    Args:
        room: Where it stands.
        narrow: For a phone.
        low: Height of the plot in a row, when wide.
        high: Height of the plot when narrow.
    """
    if narrow:
        return Frame(224, 184 if room == "full" else high, 46, 88, 24, 22)
    return Frame(536, 184, 58, 92, 24, 22) if room == "full" else Frame(494, low, 58, 92, 24, 22)


def weekly(data: Weekly, *, narrow: bool) -> Plate:
    """Compose a weekly line: band and centre, target, flags, points, the last value at its end."""
    space = frame(data.room, narrow=narrow, low=76, high=132)
    known = [week.value for week in data.weeks if week.value is not None]
    plate = Plate(space, Scale(0, len(data.weeks), ()), _values(data, known, space, short=narrow))
    top = plate.y.high
    bands = [limit for limit in data.limits if limit.low < top]
    plate.rect([_area(plate, b, max(b.low, plate.y.low), min(b.high, top)) for b in bands], BAND)
    plate.rule([_area(plate, b, b.centre, b.centre) for b in bands], RULE, strokeWidth=1)
    _around(plate, data.weeks[0].monday, len(data.weeks), data.flags, data.target)
    few = len(data.weeks) > 60
    _line(plate, data.weeks, 1.0 if few else 1.5)
    solid: list[Row] = []
    hollow: list[Row] = []
    signals: list[Row] = []
    for place, week in enumerate(data.weeks):
        if week.value is None:
            continue
        key = plate.key(f"Week {week.label}: {week.worded}", week.href)
        rows = hollow if week.hollow else signals if week.signal else solid
        rows.append({"x": plate.px(place + 0.5), "y": plate.py(week.value), "k": key})
    plate.point(hollow, 1.8 if few else 2.4, PAPER, stroke=INK, strokeWidth=1.2)
    plate.point(solid, 1.2 if few else 2, INK)
    plate.point(signals, 2 if few else 3, ACCENT)
    _last(plate, data)
    return plate


def dots(data: Dots, *, narrow: bool) -> Plate:
    """Compose a dot an event: filled up to the target, hollow beyond it, spread evenly over their week."""
    many = len(data.dots) > 120
    space = frame(data.room, narrow=narrow, low=92 if many else 76, high=148 if many else 132)
    lengths = [dot.seconds for dot in data.dots] + ([data.target.value] if data.target else [])
    plate = Plate(space, Scale(0, data.weeks, ()), axes.times(lengths, space.height, short=narrow))
    plate.rule(
        [{"x": 0, "x2": space.width, "y": y, "y2": y} for y in (plate.py(t.at) for t in plate.y.ticks)],
        LINE,
        strokeWidth=1,
    )
    _around(plate, data.first, data.weeks, data.flags, data.target)
    limit = data.target.value if data.target else float("inf")
    within: list[Row] = []
    beyond: list[Row] = []
    ended: list[tuple[float, str]] = []
    for dot, where in _in_weeks(data):
        y = plate.py(dot.seconds)
        row: Row = {"x": plate.px(where), "y": y, "k": plate.key(f"{dot.name}: {dot.worded}", dot.href)}
        (within if dot.seconds <= limit else beyond).append(row)
        if dot.label:
            ended.append((y, dot.label))
    radius = 1.6 if len(data.dots) > 600 or (narrow and many) else 2.2
    plate.point(beyond, radius, PAPER, stroke=INK, strokeWidth=1.2)
    plate.point(within, radius, INK)
    _ends(plate, [(y, label, INK, 400) for y, label in ended], data.target)
    return plate


def _area(plate: Plate, limit: Limits, low: float, high: float) -> Row:
    """Where limits hold, from one value to another."""
    return {"x": plate.px(limit.first), "x2": plate.px(limit.end), "y": plate.py(low), "y2": plate.py(high)}


def _values(data: Weekly, known: list[float], space: Frame, *, short: bool) -> Scale:
    wanted = known + ([data.target.value] if data.target else [])
    if data.axis == "time":
        limits = [value for b in data.limits for value in (b.low, b.high) if value > 0]
        return axes.times([*wanted, *limits], space.height, short=short)
    if data.axis == "share":
        return axes.shares(max(wanted, default=0))
    return axes.counts(max([*wanted, *(b.high for b in data.limits)], default=0))


def _line(plate: Plate, weeks: tuple[Week, ...], width: float) -> None:
    """Join neighbours: thin where a hollow week takes part, with a gap where nothing is known."""
    thick: list[Row] = []
    thin: list[Row] = []
    for place in range(1, len(weeks)):
        before, after = weeks[place - 1], weeks[place]
        if before.value is None or after.value is None:
            continue
        hollow = before.hollow or after.hollow
        rows = thin if hollow else thick
        start = plate.px(place - 0.5)
        joined = rows and rows[-1]["x"] == start
        run = rows[-1]["run"] if joined else place
        if not joined:
            rows.append({"x": start, "y": plate.py(before.value), "run": run})
        rows.append({"x": plate.px(place + 0.5), "y": plate.py(after.value), "run": run})
    plate.line(thin, RULE, strokeWidth=1)
    plate.line(thick, INK, strokeWidth=width)


def _last(plate: Plate, data: Weekly) -> None:
    week = data.weeks[-1]
    if week.value is None:
        _ends(plate, [], data.target)
        return
    place: Row = {"x": plate.px(len(data.weeks) - 0.5), "y": plate.py(week.value)}
    color = ACCENT if week.signal else INK
    if week.signal:
        plate.ring([place], 7.5, color)
    if not week.hollow:
        plate.point([place], 4 if week.signal else 3.2, color)
    said = [(plate.py(week.value), data.last, color, 700 if week.signal else 600)] if data.last else []
    _ends(plate, said, data.target)


def _ends(plate: Plate, said: list[tuple[float, str, str, int]], target: Target | None) -> None:
    """Write at the right end, each beside its value and none over another."""
    if target:
        said = [*said, (plate.py(target.value), target.label, ACCENT, 400)]
    places = axes.spread([y for y, *_ in said], 14, 2, plate.frame.height)
    for (_, label, color, weight), place in zip(said, places, strict=True):
        plate.label(
            [{"x": plate.frame.width + _END, "y": place + 4, "t": label}],
            color,
            align="left",
            fontWeight=weight,
            fontSize=13 if weight == 700 else 12,
        )


def _around(plate: Plate, first: date, weeks: int, flags: tuple[Flag, ...], target: Target | None) -> None:
    """Draw what stands around the values: axes, flags at their day, the target."""
    width, height = plate.frame.width, plate.frame.height
    _base(plate, first, weeks)
    days = [((flag.day - first).days / 7, flag) for flag in flags]
    inside = [(plate.px(week), flag) for week, flag in days if 0 <= week <= plate.x.high]
    plate.rule([{"x": x, "x2": x, "y": -7, "y2": height} for x, _ in inside], RULE, strokeDash=[2, 3])
    if target:
        y = plate.py(target.value)
        plate.rule([{"x": 0, "x2": width, "y": y, "y2": y}], ACCENT, strokeDash=[6, 4], strokeWidth=1.25)
    _numbers(plate, inside)


def _base(plate: Plate, first: date, weeks: int) -> None:
    """Draw the axes: values to the left, months below."""
    width, height = plate.frame.width, plate.frame.height
    values = [{"x": -8, "y": plate.py(tick.at) + 4, "t": tick.label} for tick in plate.y.ticks]
    plate.label(values, INK_2, align="right")
    ticks = axes.months(first, weeks, width)
    marks: list[Row] = [{"x": 0, "x2": width, "y": height, "y2": height}]
    marks += [{"x": x, "x2": x, "y": height, "y2": height + 4} for x in (plate.px(t.at) for t in ticks)]
    plate.rule(marks, RULE, strokeWidth=1)
    plate.label(
        [{"x": plate.px(t.at) + 1, "y": height + 16, "t": t.label} for t in ticks], INK_2, align="left"
    )


def _numbers(plate: Plate, flags: list[tuple[float, Flag]]) -> None:
    """Number the flags above the plot; neighbours move apart, their lines stay at their day."""
    boxes = axes.spread([x for x, _ in flags], 18, 0, plate.frame.width)
    plate.rect(
        [{"x": x - 8, "x2": x + 8, "y": -22, "y2": -6} for x in boxes], PAPER, stroke=RULE, cornerRadius=2
    )
    said = [{"x": x, "y": -9.8, "t": str(flag.number)} for (_, flag), x in zip(flags, boxes, strict=True)]
    plate.label(said, INK, align="center", fontWeight=600)


def _in_weeks(data: Dots) -> list[tuple[Dot, float]]:
    """Place each event in its week, in the order of time but evenly: what went live together stays apart."""
    start = datetime.combine(data.first, datetime.min.time())
    by_week: dict[int, list[Dot]] = {}
    for dot in sorted(data.dots, key=lambda dot: (dot.at.replace(tzinfo=None), dot.seconds, dot.name)):
        week = (dot.at.replace(tzinfo=None) - start).days // 7
        if 0 <= week < data.weeks:
            by_week.setdefault(week, []).append(dot)
    return [
        (dot, week + (place + 0.5) / len(group))
        for week, group in by_week.items()
        for place, dot in enumerate(group)
    ]

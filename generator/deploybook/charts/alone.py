"""Charts that are not a course over weeks: strips of outliers, bars of availability and of stages."""

from __future__ import annotations

from deploybook.charts import axes
from deploybook.charts.axes import Scale
from deploybook.charts.model import Spot, Stages, Strip, Uptime
from deploybook.charts.plate import ACCENT, BAD, INK, INK_2, LINE, RULE, WASH, Frame, Plate, Row

_DOTS_HIGH = 42.0
"""Half the height that a strip's dots may take, in pixels."""
_LABEL = 20.0
_CAP = 600
"""So many usual dots are drawn; beyond them each stands for several, and the rows hold all."""


def strip(data: Strip, *, narrow: bool) -> Plate:
    """Compose a strip: every dot where its value lies, stacked away from the middle, the farthest named."""
    width = 330.0 if narrow else 620.0
    radius = 2.1 if narrow else 2.7
    values = [spot.value for spot in data.spots]
    gap = 52.0 if narrow else 70.0
    scale = (
        axes.times(values, width, gap) if data.axis == "time" else axes.sizes(values, data.unit, width, gap)
    )
    named = sorted((s for s in data.spots if s.named), key=lambda spot: spot.value)
    room = len(named) * _LABEL
    swarm = _swarm(data.spots, scale, width, radius)
    reach = max((abs(y) for _, _, y in swarm), default=0) + radius + 6
    height = room + 2 * reach + 4
    side = (358 - width) / 2 if narrow else 12.0
    plate = Plate(Frame(width, height, side, side, 4, 22), scale, Scale(0, 1, ()))
    middle = room + reach
    plate.rule(
        [{"x": x, "x2": x, "y": room, "y2": height} for x in (plate.px(t.at) for t in scale.ticks)],
        LINE,
        strokeWidth=1,
    )
    for tick in scale.ticks:
        x = plate.px(tick.at)
        half = axes.text_width(tick.label) / 2
        align = "left" if x - half < -side else "right" if x + half > width + side else "center"
        plate.label([{"x": x, "y": height + 15, "t": tick.label}], INK_2, align=align)
    usual: list[Row] = []
    unusual: list[Row] = []
    for spot, x, y in swarm:
        row: Row = {"x": x, "y": middle + y, "k": plate.key(f"{spot.name}: {spot.worded}", spot.href)}
        (unusual if spot.unusual or spot.named else usual).append(row)
    plate.point(usual, radius, INK, opacity=0.5)
    plate.point(unusual, radius + 0.3, ACCENT)
    _names(plate, named, swarm, middle)
    return plate


def uptime(data: Uptime, *, narrow: bool) -> Plate:
    """Compose minutes down by week: a bar a week, filled from below, the longest labelled."""
    width, height = (358.0, 24.0) if narrow else (420.0, 24.0)
    count = len(data.weeks)
    most = max((week.minutes or 0 for week in data.weeks), default=0) or 1
    plate = Plate(Frame(width, height, 1, 1, 20, 22), Scale(0, count, ()), Scale(0, most, ()))
    gap = 3 / width * count if count <= 30 else 1 / width * count
    empty: list[Row] = []
    unknown: list[Row] = []
    for place, week in enumerate(data.weeks):
        row: Row = {"x": plate.px(place), "x2": plate.px(place + 1 - gap), "y": 0, "y2": height}
        (empty if week.minutes is not None else unknown).append(row)
    plate.rect(empty, WASH, stroke=LINE)
    plate.rect(unknown, None, stroke=RULE, strokeWidth=1, strokeDash=[2, 2])
    labels: list[tuple[float, str]] = []
    down = [(place, week) for place, week in enumerate(data.weeks) if week.minutes]
    for place, week in down:
        top = height - max(2.0, (week.minutes or 0) / most * height)
        row = {"x": plate.px(place), "x2": plate.px(place + 1 - gap), "y": top, "y2": height}
        plate.rect([row], BAD)
    for place, week in sorted(down, key=lambda pair: -(pair[1].minutes or 0)):
        label = f"{week.minutes:.0f}" if (week.minutes or 0) >= 1 else "<1"
        x = plate.px(place + (1 - gap) / 2)
        if all(abs(x - other) > axes.text_width(label + said, bold=True) / 2 + 4 for other, said in labels):
            labels.append((x, label))
    plate.label([{"x": x, "y": -6, "t": label} for x, label in labels], INK, align="center", fontWeight=600)
    ticks = axes.months(data.weeks[0].monday, count, width)
    plate.label([{"x": plate.px(t.at), "y": height + 16, "t": t.label} for t in ticks], INK_2, align="left")
    return plate


def stages(data: Stages, *, narrow: bool) -> Plate:
    """Compose stages as bars that begin where the one before ended."""
    step, offset = (40.0, 20.0) if narrow else (27.0, 5.0)
    left = 0.0 if narrow else 176.0
    width = 358 - 64.0 if narrow else 622 - left
    total = sum(stage.seconds for stage in data.stages) or 1
    frame = Frame(width, len(data.stages) * step, left, 64, 0, 4)
    plate = Plate(frame, Scale(0, total, ()), Scale(0, 1, ()))
    longest = max(stage.seconds for stage in data.stages)
    joints: list[Row] = []
    at = 0.0
    for place, stage in enumerate(data.stages):
        top = place * step + offset
        start, end = plate.px(at), plate.px(at + stage.seconds)
        stands_out = stage.seconds == longest
        weight = 600 if stands_out else 400
        plate.label(
            [{"x": -left, "y": place * step + (14 if narrow else 17), "t": stage.name}],
            INK,
            align="left",
            fontSize=13,
            fontWeight=weight,
        )
        if place and not narrow:
            joints.append({"x": start, "x2": start, "y": top - step + 16, "y2": top})
        bar: Row = {"x": start, "x2": max(end, start + 1), "y": top, "y2": top + 16}
        plate.rect([bar], INK if stands_out else RULE)
        said: Row = {"x": end + 8, "y": top + 12.5, "t": stage.worded}
        plate.label([said], INK, align="left", fontSize=13, fontWeight=700)
        at += stage.seconds
    plate.rule(joints, RULE, strokeWidth=1)
    return plate


def _swarm(
    spots: tuple[Spot, ...], scale: Scale, width: float, radius: float
) -> list[tuple[Spot, float, float]]:
    """Place dots close to the middle without touching: each as near to it as those before it let it."""
    usual = sorted((s for s in spots if not (s.unusual or s.named)), key=lambda s: (s.value, s.name))
    every = max(1, -(-len(usual) // _CAP))
    shown = usual[::every] + [spot for spot in spots if spot.unusual or spot.named]
    pitch = 2 * radius + 0.8
    placed: list[tuple[Spot, float, float]] = []
    for spot in sorted(shown, key=lambda s: (s.value, s.name)):
        x = scale.share(spot.value) * width
        near = [(x - before, y) for _, before, y in placed[-80:] if x - before < pitch]
        level = 0
        y = 0.0
        while any(across * across + (y - other) ** 2 < pitch * pitch for across, other in near):
            level += 1
            y = (level + 1) // 2 * pitch / 2 * (1 if level % 2 else -1)
        placed.append((spot, x, y))
    reach = max((abs(y) for _, _, y in placed), default=0)
    squeeze = min(1.0, _DOTS_HIGH / reach) if reach else 1.0
    return [(spot, x, y * squeeze) for spot, x, y in placed]


def _names(plate: Plate, named: list[Spot], swarm: list[tuple[Spot, float, float]], middle: float) -> None:
    """Label the farthest, the lowest label leftmost, so that none crosses another's line."""
    where = {id(spot): (x, middle + y) for spot, x, y in swarm}
    lines: list[Row] = []
    rings: list[Row] = []
    for place, spot in enumerate(reversed(named)):
        x, y = where[id(spot)]
        level = (place + 1) * _LABEL - 5
        lines.append({"x": x, "x2": x, "y": level + 5, "y2": y - 6.5})
        rings.append({"x": x, "y": y})
        label = f"{spot.name}, {spot.worded}"
        end = min(x + 4, plate.frame.width + 8)
        fits = end - axes.text_width(label, bold=True) > -8
        row: Row = {"x": end if fits else x - 4, "y": level, "t": label}
        plate.label([row], ACCENT, align="right" if fits else "left", fontWeight=600)
    plate.rule(lines, ACCENT, strokeWidth=1)
    plate.ring(rings, 6.5, ACCENT)

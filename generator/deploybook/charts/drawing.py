"""From data to SVG: composes the plate that belongs to the data, exports and finishes it."""

from __future__ import annotations

import vl_convert
from markupsafe import Markup

from deploybook.charts import alone, overtime
from deploybook.charts.model import Data, Dots, Stages, Strip, Uptime, Weekly
from deploybook.charts.plate import Plate
from deploybook.charts.sheet import compiled
from deploybook.charts.svg import finish


def picture(data: Data, *, narrow: bool) -> Markup:
    """Draw one chart for a phone or for a wider page."""
    plate = compose(data, narrow=narrow)
    exported = vl_convert.vega_to_svg(plate.spec(), allowed_base_urls=[])
    return finish(exported, data.caption.description, plate.marks)


def warm() -> None:
    """Draw next to nothing: the exporter takes half a second for its first picture, whatever it is."""
    vl_convert.vega_to_svg(compiled(("point",)), allowed_base_urls=[])


def compose(data: Data, *, narrow: bool) -> Plate:
    """Give the layers of a chart, not yet exported."""
    match data:
        case Weekly():
            return overtime.weekly(data, narrow=narrow)
        case Dots():
            return overtime.dots(data, narrow=narrow)
        case Strip():
            return alone.strip(data, narrow=narrow)
        case Uptime():
            return alone.uptime(data, narrow=narrow)
        case Stages():
            return alone.stages(data, narrow=narrow)

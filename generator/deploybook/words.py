"""How numbers and times are worded: as people say them, and never more exact than they are.

Every function is pure and speaks English. Between a number and its unit stands a non-breaking space.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from markupsafe import Markup

from deploybook.text import escape, html

NBSP = "\N{NO-BREAK SPACE}"
FEW = 5
"""Below so many, a share is told as "2 of 4" and no percentage is made of it."""

_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_Z95 = 1.959964

Form = Literal["clock", "weekday", "short", "full", "day", "date", "when", "long"]


def number(value: float) -> str:
    """Word a number: whole ones with commas, others with two or three figures (3.2; 12; 6,210)."""
    if value < 0:
        return "−" + number(-value)
    if value == int(value):
        return f"{int(value):,}"
    if round(value, 1) < 10:
        return f"{value:.1f}".removesuffix(".0") if value >= 0.95 else f"{value:.2g}"
    return f"{round(value):,}"


def spelled(value: int, *, start: bool = False) -> str:
    """Word a whole number in a sentence: "nine", "14"; with a capital at its start; zero is "no"."""
    word = _SMALL[value] if 0 <= value < len(_SMALL) else number(value)
    return word[0].upper() + word[1:] if start else word


def count(
    value: int, noun: str, plural: str | None = None, *, words: bool = False, start: bool = False
) -> str:
    """Word how many there are: "14 changes", "1 change"; with `words`, "nine changes", "no change".

    Args:
        value: How many.
        noun: One of them.
        plural: Several of them, where that is not the noun with an "s".
        words: Spell what is under ten.
        start: Spell it with a capital, to open a sentence.
    """
    one = value == 1 or (value == 0 and (words or start))
    thing = noun if one else plural or f"{noun}s"
    return f"{spelled(value, start=start) if words or start else number(value)}{NBSP}{thing}"


def median_of(value: int, noun: str) -> str:
    """Word what a median is of: "median of 13 breaks"; of one, that it is that one's: "the one break"."""
    return f"the one {noun}" if value == 1 else f"median of {count(value, noun)}"


def duration(seconds: float) -> str:
    """Word a length of time: "45 s", "41 min", "1 h 54 min", "14 h", "2.4 days", "31 days", "9 weeks".

    Two or three figures; hours up to a day and a half, days up to sixty. A negative one, as a clock that
    went backwards gives, keeps its sign.
    """
    if round(seconds) < 0:
        return "−" + duration(-seconds)
    if seconds < 59.5:
        return f"{round(seconds)}{NBSP}s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min"
    if minutes < 600:
        rest = f"{NBSP}{minutes % 60}{NBSP}min" if minutes % 60 else ""
        return f"{minutes // 60}{NBSP}h{rest}"
    if round(seconds / 3600) < 36:
        return f"{round(seconds / 3600)}{NBSP}h"
    days = seconds / 86400
    if round(days) < 60:
        return f"{days:.1f}".removesuffix(".0") + f"{NBSP}days" if days < 9.95 else f"{round(days)}{NBSP}days"
    if round(days / 7) < 104:
        return f"{round(days / 7)}{NBSP}weeks"
    return f"{number(round(days / 365.25, 1))}{NBSP}years"


def percent(share: float, digits: int = 0) -> str:
    """Word a share: "6 %"; "under 1 %" and "over 99 %" where rounding would say nothing or all.

    Args:
        share: Between 0 and 1.
        digits: Figures behind the point, as availability needs them: "99.94 %".
    """
    step = 10.0**-digits
    if share > 0 and share * 100 < step / 2:
        return f"under{NBSP}{step:.{digits}f}{NBSP}%"
    if share < 1 and share * 100 >= 100 - step / 2:
        return f"over{NBSP}{100 - step:.{digits}f}{NBSP}%"
    worded = f"{share * 100:.{digits}f}"
    return f"{worded.rstrip('0').rstrip('.') if digits and share in (0, 1) else worded}{NBSP}%"


def rate(numerator: int, denominator: int) -> str | None:
    """Word a part of a whole: "12 of 214 (6 %)"; of fewer than five "2 of 4"; of nothing, none."""
    if not denominator:
        return None
    plain = f"{number(numerator)} of{NBSP}{number(denominator)}"
    return plain if denominator < FEW else f"{plain} ({percent(numerator / denominator)})"


def wilson(numerator: int, denominator: int) -> tuple[float, float] | None:
    """Give the 95 % interval of a rate after Wilson, ends between 0 and 1; none without a denominator."""
    if not denominator:
        return None
    share, z2 = numerator / denominator, _Z95 * _Z95
    centre = share + z2 / (2 * denominator)
    half = _Z95 * math.sqrt(share * (1 - share) / denominator + z2 / (4 * denominator * denominator))
    whole = 1 + z2 / denominator
    low = 0.0 if numerator == 0 else max(0.0, (centre - half) / whole)
    high = 1.0 if numerator == denominator else min(1.0, (centre + half) / whole)
    return low, high


def likely(numerator: int, denominator: int) -> str | None:
    """Word that interval: "likely 9 to 21 %"; none under five."""
    bounds = wilson(numerator, denominator)
    if bounds is None or denominator < FEW:
        return None
    low, high = (f"{bound * 100:.0f}" for bound in bounds)
    return f"likely {low}{NBSP}to{NBSP}{high}{NBSP}%"


def joined(items: Sequence[str], word: str = "and") -> str:
    """Word a list: "a", "a and b", "a, b and c"; Markup as soon as one item is Markup, the others escaped."""
    if any(isinstance(item, Markup) for item in items):
        parts = [escape(item) for item in items]
        return Markup(", ").join(parts[:-1]) + Markup(f" {escape(word)} " if parts[1:] else "") + parts[-1]  # noqa: S704
    return f" {word} ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def size(octets: float) -> str:
    """Word a number of bytes in decimal units: "512 bytes", "1.2 MB"."""
    units = ["GB", "MB", "kB", "bytes"]
    while round(octets) >= 1000 and len(units) > 1:
        octets /= 1000
        units.pop()
    return f"{number(round(octets, 1) if octets < 10 else round(octets))}{NBSP}{units[-1]}"


def clock(moment_: datetime, zone: ZoneInfo) -> str:
    """Word the time of day in a zone: "16:02"."""
    return f"{moment_.astimezone(zone):%H:%M}"


def weekday(day_: date) -> str:
    """Word the day of the week: "Thu"."""
    return _DAYS[day_.weekday()]


def month(day_: date, *, short: bool = False) -> str:
    """Word the month: "November"; short, "Nov"."""
    name = _MONTHS[day_.month - 1]
    return name[:3] if short else name


def day(day_: date, zone: ZoneInfo | None = None, *, year: bool = False) -> str:
    """Word a day: "Thu 26 Nov"; with its year, "Thu 26 Nov 2026". A moment is told in its zone."""
    if isinstance(day_, datetime) and zone is not None:
        day_ = day_.astimezone(zone)
    worded = f"{weekday(day_)} {day_.day}{NBSP}{month(day_, short=True)}"
    return f"{worded}{NBSP}{day_.year}" if year else worded


def days(first: date, last: date) -> str:
    """Word a span of days, both included: "16 to 22 November 2026"."""
    end = f"{last.day}{NBSP}{month(last)} {last.year}"
    if first == last:
        return end
    if first.year != last.year:
        return f"{first.day}{NBSP}{month(first)} {first.year} to {end}"
    if first.month != last.month:
        return f"{first.day}{NBSP}{month(first)} to {end}"
    return f"{first.day} to {end}"


def week_days(monday: date) -> str:
    """Word the days of the week that begins on this Monday."""
    return days(monday, monday + timedelta(days=6))


@lru_cache(maxsize=64)
def _zone_name(zone: ZoneInfo) -> Markup:
    return html(zone.key)


def moment(moment_: datetime, zone: ZoneInfo, form: Form = "clock") -> Markup:
    """Give a moment as a `<time>`, worded as people say it, with the exact instant on hover.

    Args:
        moment_: An aware moment.
        zone: The zone it is told in.
        form: "clock" gives "Fri 16:02", "weekday" "Fri", "short" "20 Nov, 16:02", "full" that with its year,
            "day" "Fri 20 Nov", "date" "20 Nov", "when" "Fri 20 Nov, 16:02", and "long" that with its year.
    """
    local = moment_.astimezone(zone)
    time = f"{local.hour:02}:{local.minute:02}"
    match form:
        case "clock":
            worded = f"{weekday(local)} {time}"
        case "weekday":
            worded = weekday(local)
        case "short":
            worded = f"{local.day}{NBSP}{month(local, short=True)}, {time}"
        case "full":
            worded = f"{local.day}{NBSP}{month(local, short=True)}{NBSP}{local.year}, {time}"
        case "day":
            worded = day(local)
        case "date":
            worded = f"{local.day}{NBSP}{month(local, short=True)}"
        case "when":
            worded = f"{day(local)}, {time}"
        case "long":
            worded = f"{day(local, year=True)}, {time}"
    stamp = local.isoformat(timespec="minutes")
    title = f"{stamp[:10]} {time} {_zone_name(zone)}"
    return Markup(f'<time datetime="{stamp}" title="{title}">{worded}</time>')  # noqa: S704


def since(moment_: datetime, zone: ZoneInfo, now: datetime) -> Markup:
    """Give a moment of the past in the form "short", with its year where that is not this year."""
    same = moment_.astimezone(zone).year == now.astimezone(zone).year
    return moment(moment_, zone, "short" if same else "full")

"""Weekly series as pages read them: what stands out, what does not, and in which words.

Under five events a week's rate is drawn and told as a count, and is left out of the limits. The week that is
still running can only grow: its count is left out of the limits, and is a signal only from above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from deploybook import words
from deploybook.metrics.trends import LEAST, Point, Segment, limits, signals
from deploybook.pages.book import Book
from deploybook.pages.figures import Figure
from deploybook.words import FEW, NBSP

WEEKS = 26
"""What a page shows at a glance."""
LONG = 104
"""What it shows on demand."""

Nature = Literal["count", "share", "time"]
Kind = Literal["above", "below", "high", "low", "none", "few", "alike", "empty"]
"""Beyond a limit (`above`, `below`); eight or more in a row on one side (`high`, `low`); no signal; too few
weeks for limits; weeks too alike for limits; nothing known that can be judged."""

_NATURES: dict[str, Nature] = {"share": "share", "seconds": "time"}


@dataclass(frozen=True)
class Verdict:
    """What the newest week of those shown that can be judged says."""

    kind: Kind
    week: date | None = None
    """The Monday of that week."""
    value: float | None = None
    run: int = 0
    """How many weeks in a row, where it is a run."""
    limits: Segment | None = None
    """The limits that it was judged by."""
    record: bool = False
    """Whether no week before was higher or as high."""

    @property
    def signal(self) -> bool:
        """Whether it is more than chance explains."""
        return self.kind in ("above", "below", "high", "low")

    @property
    def up(self) -> bool:
        """A signal upwards."""
        return self.kind in ("above", "high")

    @property
    def down(self) -> bool:
        """A signal downwards."""
        return self.kind in ("below", "low")


@dataclass(frozen=True)
class Reading:
    """A metric of one scope over the last weeks, oldest first."""

    metric: str
    nature: Nature
    figures: tuple[Figure, ...]
    hollow: frozenset[date]
    """Weeks with too few events to judge."""
    segments: tuple[Segment, ...]
    signals: frozenset[date]
    verdict: Verdict

    @property
    def numerator(self) -> int:
        """The sum of what was counted."""
        return int(sum(figure.numerator or 0 for figure in self.figures))

    @property
    def denominator(self) -> int:
        """The sum of what it was counted among."""
        return int(sum(figure.denominator or 0 for figure in self.figures))

    @property
    def missing(self) -> int:
        """Rows that could not be counted."""
        return sum(figure.missing for figure in self.figures)

    @property
    def known(self) -> bool:
        """Whether any week has a value."""
        return any(figure.value is not None for figure in self.figures)

    def of(self, monday: date) -> Figure | None:
        """The figure of one week."""
        return next((figure for figure in self.figures if figure.start == monday), None)


def read(
    book: Book,
    scope: str,
    name: str,
    metric: str,
    *,
    weeks: int = WEEKS,
    shifts: Sequence[date] | None = None,
) -> Reading:
    """Read a metric: limits from its whole history, anew from each change of cadence; the last weeks.

    Args:
        book: What is known.
        scope: `site`, `codebase`, `team` or `flag`.
        name: Whose; empty for the site.
        metric: A name of the interface.
        weeks: How many weeks back the points go, this one included.
        shifts: Days on which the baseline shifts; by default those of the book.
    """
    if shifts is None:
        shifts = book.shifts(name if scope == "codebase" else None)
    return book.once(_read, (scope, name, metric), weeks, tuple(shifts))


def _read(book: Book, of: tuple[str, str, str], weeks: int, shifts: tuple[date, ...]) -> Reading:
    scope, name, metric = of
    series = book.figures.series(scope, name, "week", metric)
    return read_series(metric, series, shifts, book.this_week.start, weeks)


def read_series(
    metric: str, series: Sequence[Figure], shifts: Sequence[date], this_week: date, weeks: int = WEEKS
) -> Reading:
    """The same of a plain series; `this_week` is the Monday of the week that is still running."""
    nature = _NATURES.get(series[-1].unit, "count") if series else "count"
    hollow = frozenset(
        figure.start
        for figure in series
        if nature == "share" and figure.value is not None and (figure.denominator or 0) < FEW
    )
    points = [Point(f.start, None if f.start in hollow else f.value) for f in series]
    running = nature == "count" and bool(points) and points[-1].start == this_week
    most = 1.0 if nature == "share" else None
    segments = limits(points[:-1] if running else points, shifts, most=most)
    if running and segments and not any(segments[-1].last < shift <= this_week for shift in shifts):
        last = segments[-1]
        segments[-1] = Segment(last.first, this_week, last.known, last.centre, last.lower, last.upper)
    found = {(signal.start, signal.because) for signal in signals(points, segments)}
    if running and not _above_centre(points[-1], segments):
        found = {(start, because) for start, because in found if start != this_week}
    shown = tuple(series[-weeks:])
    verdict = _verdict(points, segments, found, running=running)
    if verdict.week is not None and verdict.week < shown[0].start:  # of years ago: no chart shows it
        verdict = Verdict("empty")
    return Reading(
        metric=metric,
        nature=nature,
        figures=shown,
        hollow=hollow,
        segments=tuple(segments),
        signals=frozenset(start for start, _ in found),
        verdict=verdict,
    )


def _above_centre(point: Point, segments: Sequence[Segment]) -> bool:
    centre = segments[-1].centre if segments else None
    return point.value is not None and centre is not None and point.value > centre


def _verdict(
    points: Sequence[Point], segments: Sequence[Segment], found: set[tuple[date, str]], *, running: bool
) -> Verdict:
    judged = [point for point in points if point.value is not None]
    if running and judged and not _above_centre(judged[-1], segments) and len(judged) > 1:
        judged = judged[:-1]
    if not judged:
        return Verdict("empty")
    point = judged[-1]
    segment = next((s for s in segments if s.first <= point.start <= s.last), None)
    value = point.value
    if segment is None or value is None or segment.centre is None:
        alike = segment is not None and segment.known >= LEAST
        return Verdict("alike" if alike else "few", point.start, value, limits=segment)
    record = all(before.value is None or before.value < value for before in judged[:-1])
    high = value > segment.centre
    kind: Kind = "none"
    if (point.start, "above") in found:
        kind = "above"
    elif (point.start, "below") in found:
        kind = "below"
    elif (point.start, "run") in found:
        kind = "high" if high else "low"
    return Verdict(kind, point.start, value, _run(judged, segment), segment, record)


def _run(judged: Sequence[Point], segment: Segment) -> int:
    """How many of the newest points in a row lie on one side of the centre."""
    sides = [
        (point.value > segment.centre) - (point.value < segment.centre)
        for point in judged
        if point.start >= segment.first and point.value is not None and segment.centre is not None
    ]
    run = 0
    for side in reversed(sides):
        if not side or side != sides[-1]:
            break
        run += 1
    return run


def worded(nature: Nature, value: float) -> str:
    """A value of a series in words: "8.1", "14 %", "1.8 days"."""
    if nature == "share":
        return words.percent(value)
    return words.duration(value) if nature == "time" else words.number(round(value, 1))


def finding(reading: Reading, book: Book, says: str) -> str:
    """The title of a chart: whether the newest week is a signal, and by what.

    Args:
        reading: The series.
        book: For the name of the week.
        says: The newest week in words: "9 deployments", "2 of 9".
    """
    verdict = reading.verdict
    when = "" if verdict.week == book.this_week.start else _week_before(verdict.week)
    bounds = verdict.limits
    if verdict.kind == "above" and bounds is not None and bounds.upper is not None:
        limit = worded(reading.nature, bounds.upper)
        return f"{when}{says}: a signal, above the limit of {limit}"
    if verdict.kind == "below" and bounds is not None and bounds.lower is not None:
        limit = worded(reading.nature, bounds.lower)
        return f"{when}{says}: a signal, below the limit of {limit}"
    if verdict.kind in ("high", "low") and bounds is not None and bounds.centre is not None:
        side = "above" if verdict.kind == "high" else "below"
        centre = worded(reading.nature, bounds.centre)
        return f"A signal: {words.spelled(verdict.run)} weeks in a row {side} the centre of {centre}"
    if verdict.kind == "none":
        return f"No signal: {when.lower()}{says} is within what weeks vary by"
    if verdict.kind == "alike":
        return f"{when}{says}; no limits, since most weeks are alike"
    if verdict.kind == "few":
        known = bounds.known if bounds else 0
        return f"{when}{says}; no limits yet, with {words.count(known, 'week')} of the {LEAST} they need"
    if reading.known:
        return f"Fewer than {words.spelled(FEW)} in every week: too few to judge one"
    return "Nothing to tell yet"


def _week_before(monday: date | None) -> str:
    return f"Week{NBSP}{monday.isocalendar().week}: " if monday else ""


def band(reading: Reading) -> str:
    """What the band of a chart is, for its subtitle; empty where there is none."""
    bounds = reading.segments[-1] if reading.segments else None
    if bounds is None or bounds.lower is None or bounds.upper is None:
        return ""
    high = worded(reading.nature, bounds.upper)
    if not bounds.lower:
        return f"Band: chance, up to {high}."
    low = worded(reading.nature, bounds.lower)
    return f"Band: where weeks fall by chance, {low} to {high}."

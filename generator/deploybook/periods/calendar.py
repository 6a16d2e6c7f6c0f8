"""Cut-offs and windows: when a change must be merged, and when it goes to users."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from deploybook.errors import UsageError
from deploybook.periods.spans import local_date, to_utc

WORKING_DAYS = (0, 1, 2, 3, 4)
"""Monday to Friday: what `daily` means."""
_FAR = 800
"""Days to look ahead or back before there is held to be no next window, or no earlier cut-off."""


@dataclass(frozen=True)
class CutOffRule:
    """When changes must be merged. Weekdays from Monday, 0; the time is the site's."""

    weekdays: tuple[int, ...]
    at: time


@dataclass(frozen=True)
class WindowRule:
    """When deployments go to users. An end at or before the start is on the next day."""

    weekdays: tuple[int, ...]
    start: time
    end: time


@dataclass(frozen=True)
class Rule:
    """Cut-offs and windows as they were on every day before `until`, or are since, where it is `None`."""

    cut_off: CutOffRule | None = None
    window: WindowRule | None = None
    until: date | None = None


@dataclass(frozen=True)
class Freeze:
    """Days without windows, the last one included."""

    first: date
    last: date
    because: str = ""


@dataclass(frozen=True)
class Window:
    """A window that takes place: half-open, in UTC, with the cut-off that it takes changes up to."""

    day: date
    start: datetime
    end: datetime
    cut_off: datetime | None


def no_holidays(_day: date) -> str | None:
    """The holidays of a site that names no country: none."""
    return None


@cache
def holidays_of(place: str) -> Callable[[date], str | None]:
    """The public holidays of a country or a part of it, as `DE` or `DE-BY`: the name of a day's, or `None`.

    Raises:
        UsageError: The library knows no such country or part.
    """
    import holidays  # noqa: PLC0415 - half a second, only where a country is named

    country, _, part = place.partition("-")
    try:
        known = holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError as error:
        raise UsageError(
            f"no holidays are known for {place!r}",
            where="process.holidays",
            next_step="name a country by its ISO 3166 code, as DE, or a part of it, as DE-BY",
        ) from error
    return known.get


def is_working_day(day: date, holiday: Callable[[date], str | None] = no_holidays) -> bool:
    """Whether a day is a Monday to Friday and no holiday."""
    return day.weekday() in WORKING_DAYS and holiday(day) is None


@dataclass(frozen=True)
class Calendar:
    """The cut-offs and windows of a site, of every day by the rule of that day.

    A window on a holiday or in a freeze does not take place: what was merged for it goes with the next. A
    cut-off on a holiday is moved to the working day before, at the same time of day. A window's cut-off is
    by the window's rule.
    """

    zone: ZoneInfo
    rule: Rule
    before: tuple[Rule, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    holiday: Callable[[date], str | None] = field(default=no_holidays, compare=False)
    _windows: dict[date, Window | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Windows of days as they were asked for: pages ask of the same days again and again."""

    def rule_on(self, day: date) -> Rule:
        """The rule that a day is judged by."""
        past = [rule for rule in self.before if rule.until is not None and day < rule.until]
        return min(past, key=lambda rule: rule.until or date.max, default=self.rule)

    def off(self, day: date) -> str | None:
        """Why no window takes place on a day: the holiday's name or the freeze's reason; else `None`."""
        for freeze in self.freezes:
            if freeze.first <= day <= freeze.last:
                return freeze.because or "freeze"
        return self.holiday(day)

    def window_on(self, day: date) -> Window | None:
        """The window that starts on a local day."""
        if day not in self._windows:
            self._windows[day] = self._window_on(day)
        return self._windows[day]

    def _window_on(self, day: date) -> Window | None:
        rule = self.rule_on(day).window
        if rule is None or day.weekday() not in rule.weekdays or self.off(day) is not None:
            return None
        wall = datetime.combine(day, rule.end) - datetime.combine(day, rule.start)
        over_night = wall <= timedelta()
        start = to_utc(day, rule.start, self.zone)
        end = to_utc(day + timedelta(days=over_night), rule.end, self.zone)
        if end <= start:  # the spring change took the whole of it: keep its length
            end = start + wall + timedelta(days=over_night)
        return Window(day, start, end, self._cut_off_before(day, start))

    def windows(self, first: date, end: date) -> Iterator[Window]:
        """Windows starting on the days from `first` up to, not including, `end`."""
        if not any(rule.window for rule in (self.rule, *self.before)):
            return
        for number in range(first.toordinal(), end.toordinal()):
            if window := self.window_on(date.fromordinal(number)):
                yield window

    def next_windows(self, after: datetime, count: int) -> list[Window]:
        """The next windows that start after an instant; fewer where no more are in sight."""
        found: list[Window] = []
        day = local_date(after, self.zone)
        for window in self.windows(day, day + timedelta(days=_FAR)):
            if len(found) == count:
                break
            if window.start > after:
                found.append(window)
        return found

    def window_of(self, instant: datetime) -> Window | None:
        """The window that an instant lies in."""
        day = local_date(instant, self.zone)
        for start in (day, day - timedelta(days=1)):
            window = self.window_on(start)
            if window and window.start <= instant < window.end:
                return window
        return None

    def cut_offs(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """Cut-offs from `first` to `last`, both included, in order: of windows, or all without any."""
        if not any(rule.cut_off for rule in (self.rule, *self.before)):
            return
        seen = None
        day = local_date(first, self.zone) - timedelta(days=1)
        # A cut-off may be days before its window: look on until the windows' cut-offs lie beyond.
        far = local_date(last, self.zone) + timedelta(days=_FAR)
        while day <= far:
            rule = self.rule_on(day)
            at = window.cut_off if (window := self.window_on(day)) else None
            if rule.window is None:
                at = self._plain_cut_off(day, rule)
                if day > local_date(last, self.zone) + timedelta(days=14):
                    return
            if at is not None and at != seen:
                if at > last:
                    return
                if at >= first and (seen is None or at > seen):
                    seen = at
                    yield at
            day += timedelta(days=1)

    def next_cut_offs(self, after: datetime, count: int) -> list[datetime]:
        """The next cut-offs after an instant, in UTC; fewer where no more are in sight."""
        found: list[datetime] = []
        for at in self.cut_offs(after, after + timedelta(days=_FAR)):
            if len(found) == count:
                break
            if at > after:
                found.append(at)
        return found

    def cut_off_for(self, instant: datetime) -> datetime | None:
        """The cut-off that a change merged at an instant keeps: the first at or after it."""
        return next(self.cut_offs(instant, instant + timedelta(days=_FAR)), None)

    def aimed_at(self, instant: datetime) -> Window | None:
        """The window that a change merged at an instant is for: the first whose cut-off it keeps.

        Where windows have no cut-off, the one open then, else the next.
        """
        day = local_date(instant, self.zone) - timedelta(days=1)
        for window in self.windows(day, day + timedelta(days=_FAR)):
            if window.end > instant and (window.cut_off is None or window.cut_off >= instant):
                return window
        return None

    def _plain_cut_off(self, day: date, rule: Rule) -> datetime | None:
        if rule.cut_off is None or day.weekday() not in rule.cut_off.weekdays:
            return None
        return to_utc(self._worked(day), rule.cut_off.at, self.zone)

    def _cut_off_before(self, day: date, start: datetime) -> datetime | None:
        """The last cut-off at or before a window's start, by that window's rule."""
        rule = self.rule_on(day)
        for back in range(8):
            at = self._plain_cut_off(day - timedelta(days=back), rule)
            if at is not None and at <= start:
                return at
        return None

    def _worked(self, day: date) -> date:
        """The day itself, or where it is a holiday the working day before."""
        if self.holiday(day) is None:
            return day
        return next(
            earlier
            for back in range(1, _FAR)
            if is_working_day(earlier := day - timedelta(days=back), self.holiday)
        )

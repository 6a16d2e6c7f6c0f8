"""Freezes of the calendar: locks on the last environment that nobody has to set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from deploybook.config import Config
from deploybook.periods import local_date, to_utc


@dataclass(frozen=True)
class Freeze:
    """A freeze that holds now."""

    because: str
    until: datetime
    """UTC; the first instant after it."""


def freeze_at(config: Config, environment: str, now: datetime) -> Freeze | None:
    """The freeze that an environment is in; only the last ones, where users are, are ever in one."""
    if environment not in config.live:
        return None
    today = local_date(now, config.zone)
    held = [each for each in config.calendar.freezes if each.first <= today <= each.last]
    if not held:
        return None
    last = max(held, key=lambda each: each.last)
    return Freeze(last.because or "freeze", to_utc(last.last + timedelta(days=1), time(), config.zone))

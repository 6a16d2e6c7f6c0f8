"""Weeks and their like, cut-offs and windows, rotations. No clock: the caller says when."""

from deploybook.periods.calendar import (
    WORKING_DAYS,
    Calendar,
    CutOffRule,
    Freeze,
    Rule,
    Window,
    WindowRule,
    holidays_of,
    is_working_day,
    no_holidays,
)
from deploybook.periods.rotations import Rotation, Turn
from deploybook.periods.spans import (
    KINDS,
    Kind,
    Period,
    Week,
    days,
    local_date,
    parse_period,
    period_of,
    period_on,
    periods_between,
    to_utc,
)

__all__ = [
    "KINDS",
    "WORKING_DAYS",
    "Calendar",
    "CutOffRule",
    "Freeze",
    "Kind",
    "Period",
    "Rotation",
    "Rule",
    "Turn",
    "Week",
    "Window",
    "WindowRule",
    "days",
    "holidays_of",
    "is_working_day",
    "local_date",
    "no_holidays",
    "parse_period",
    "period_of",
    "period_on",
    "periods_between",
    "to_utc",
]

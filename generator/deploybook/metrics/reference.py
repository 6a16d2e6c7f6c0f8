"""Small tables that events are joined to, made anew for each run: the calendar, the clock, who is whose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from deploybook.metrics.model import INSTANT, Settings, arrow_schema
from deploybook.periods import KINDS, WORKING_DAYS, Kind, days, first_day, local_date, to_utc

FIRST_DAY = date(2000, 1, 1)
"""The first day that figures know: a clock at 0 must not draw fifty years of empty weeks."""

_TURNS = {"utc_day": "date", "turn": INSTANT, "first": "date", "then": "date"}
REFERENCE: dict[str, dict[str, str]] = {
    "clock": {
        "as_of": INSTANT,
        **dict.fromkeys(("lead_time_limit_seconds", "recovery_limit_seconds", "near_seconds"), "int64"),
    },
    "live": {"environment": "string"},
    "days": _TURNS,
    "places": {**_TURNS, "period": "string"},
    "ends": {"period": "string", "period_start": "date", "day": "date"},
    "borders": {"at": INSTANT},
    "working_days": {"day": "date", "period": "string", "period_start": "date"},
    "scopes": dict.fromkeys(("kind", "key", "scope", "name"), "string"),
    "branches": {"codebase": "string", "release": "string"},
    "required": {"codebase": "string", "pipeline": "string"},
    "repositories": {"codebase": "string", "repository": "string"},
}
"""Their columns. `clock` is one row: the clock, and the site's limits, unknown where it has none; `live` has
the environments where users are, in small letters. Of `days`: before `turn` in that UTC day the local day is
`first`, then it is `then`; `places` has the same for the first days of periods, three rows a UTC day. `ends`
has the last day of each period, or the clock's where that is earlier; `borders` each instant at which a
period begins, and the clock. `scopes`: a codebase is itself, its team and the site."""

_first_day = cache(first_day)


def reference(settings: Settings) -> dict[str, pa.Table]:
    """The tables of `REFERENCE` for these settings."""
    last = local_date(settings.as_of, settings.zone)
    as_of = settings.as_of.astimezone(UTC)
    own = sorted({*settings.codebases, *settings.teams})
    rows: dict[str, Sequence[tuple[Any, ...]]] = {
        "clock": [
            (
                as_of,
                settings.lead_time_limit_seconds,
                settings.recovery_limit_seconds,
                int(settings.near_hours * 3600),
            )
        ],
        "live": [(name,) for name in dict.fromkeys(name.lower() for name in settings.live)],
        "borders": [(at,) for at in sorted({*_starts(settings.zone, last), as_of})],
        "working_days": [
            (day, kind, _first_day(kind, day)) for day in _working_days(settings) for kind in KINDS
        ],
        "scopes": [
            *(("codebase", name, "codebase", name) for name in own),
            *(("codebase", name, "team", team) for name, team in sorted(settings.teams.items())),
            *(("codebase", name, "site", "") for name in own),
        ],
        "branches": sorted(settings.branches.items()),
        "required": [
            (name, pipeline) for name, names in sorted(settings.required.items()) for pipeline in names
        ],
        "repositories": sorted(settings.repositories.items()),
    }
    return {**_calendar(settings.zone, last), **{name: _table(name, found) for name, found in rows.items()}}


def working_days_by_period(settings: Settings) -> Counter[tuple[Kind, date]]:
    """How many working days each period has had by the clock's day, that one included, by kind and start."""
    return Counter((kind, _first_day(kind, day)) for day in _working_days(settings) for kind in KINDS)


def _working_days(settings: Settings) -> list[date]:
    last = local_date(settings.as_of, settings.zone)
    return [
        day
        for day in days(FIRST_DAY, last + timedelta(days=1))
        if day.weekday() in WORKING_DAYS and day not in settings.holidays
    ]


def _table(name: str, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    schema = arrow_schema(REFERENCE[name])
    columns = list(zip(*rows, strict=True)) or [() for _field in schema]
    return pa.table(
        [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema
    )


def _starts(zone: ZoneInfo, last: date) -> list[datetime]:
    """Every instant at which a week, month or quarter begins, up to the clock's day; in UTC."""
    known = days(FIRST_DAY, last + timedelta(days=1))
    return [to_utc(day, time(), zone) for day in known if day.day == 1 or day.weekday() == 0]


@lru_cache(maxsize=8)
def _calendar(zone: ZoneInfo, last: date) -> Mapping[str, pa.Table]:
    """`days` and `places`, from the first day to the one after `last`, and `ends`."""
    known = list(days(FIRST_DAY, last + timedelta(days=2)))
    firsts = [local_date(datetime.combine(day, time(), tzinfo=UTC), zone) for day in known]
    turns = [to_utc(first + timedelta(days=1), time(), zone) for first in firsts]
    thens = [local_date(turn, zone) for turn in turns]
    local = _table("days", list(zip(known, turns, firsts, thens, strict=True)))
    placed = []
    for kind in KINDS:
        columns = {
            "first": pa.array([_first_day(kind, day) for day in firsts], pa.date32()),
            "then": pa.array([_first_day(kind, day) for day in thens], pa.date32()),
            "period": pa.array([kind] * len(known), pa.string()),
        }
        kept = {name: local[name] for name in ("utc_day", "turn")}
        placed.append(pa.table({**kept, **columns}))
    ends = {(kind, _first_day(kind, day)): day for day in known[:-1] for kind in KINDS}
    return {
        "days": local,
        "places": pa.concat_tables(placed),
        "ends": _table("ends", [(*key, day) for key, day in ends.items()]),
    }

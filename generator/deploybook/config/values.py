"""The kinds of value `deploybook.yml` is made of: names, durations, weekdays, clock times, secrets.

Each is an annotated type: what a person writes goes in, what the program uses comes out. A wrong value raises
`PydanticCustomError` with the words `found … expected …` is made from.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from deploybook.config.names import PLACEHOLDERS, RESERVED

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_NAME = re.compile(r"[a-z0-9]+(?:[-_.]+[a-z0-9]+)*")
_DURATION = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,8})s)?")
_SECRET = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_EVERY = re.compile(r"[1-9]\d{0,3}[dwm]", re.ASCII)
_BRACES = re.compile(r"\{([^{}]*)\}")
_COUNTRY = re.compile(r"[A-Z]{2}(?:-[A-Za-z0-9]{1,4})?")


def wrong(expected: str, kind: str = "expected") -> PydanticCustomError:
    """A validation error that says what was expected; what was found is read from the file."""
    return PydanticCustomError(kind, "{expected}", {"expected": expected})


def _name(value: str) -> str:
    if not _NAME.fullmatch(value) or len(value) > 100:
        raise wrong("a lower-case word with - _ . inside, at most 100 characters")
    return value


def _public_name(value: str) -> str:
    if value in RESERVED:
        raise wrong("another name: this one is a path of the site")
    return _name(value)


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        raise wrong("a duration as 30m, 4h, 2d or 1w")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _weekdays(value: Any) -> tuple[int, ...]:
    if value == "daily":
        return (0, 1, 2, 3, 4)
    words = value if isinstance(value, (list, tuple)) else [value]
    days = []
    for word in words:
        if isinstance(word, int) and not isinstance(word, bool) and word in range(7):
            days.append(word)
        elif isinstance(word, str) and word.lower() in WEEKDAYS:
            days.append(WEEKDAYS.index(word.lower()))
        else:
            raise wrong("a weekday as monday, a list of weekdays, or daily")
    if not days:
        raise wrong("a weekday as monday, a list of weekdays, or daily")
    return tuple(sorted(set(days)))


def _clock(value: Any) -> time:
    if isinstance(value, time):
        return value
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise wrong('a time of day in quotes, as "09:30"')
    return time(int(match[1]), int(match[2]))


def _day(value: Any) -> date:
    if isinstance(value, datetime) or not isinstance(value, (str, date)):
        raise wrong("a date as 2026-03-02")
    if isinstance(value, date):
        return value
    try:
        return datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007 - a local date has no zone
    except ValueError:
        raise wrong("a date as 2026-03-02") from None


def _secret(value: Any) -> str:
    if not isinstance(value, str) or not _SECRET.fullmatch(value):
        raise wrong("env:NAME, the environment variable that holds the secret", "secret")
    return value


def _country(value: Any) -> str:
    if not isinstance(value, str) or not _COUNTRY.fullmatch(value):
        raise wrong(
            'a country code as DE, or with its part as DE-BY (in quotes where it is a word of YAML: "NO")'
        )
    return value


def _every(value: Any) -> str:
    if not isinstance(value, str) or not _EVERY.fullmatch(value):
        raise wrong("days, weeks or months as 1d, 2w, 1m")
    return value


def _amount(value: Any) -> float:
    if isinstance(value, str):
        try:
            return _duration(value).total_seconds()
        except PydanticCustomError:
            raise wrong("a number, a share as 0.1, or a duration as 4h") from None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e12:
        raise wrong("a number, a share as 0.1, or a duration as 4h")
    return float(value)


def _limit(value: Any) -> timedelta | None:
    if value is False or value is None:
        return None
    try:
        return _duration(value)
    except PydanticCustomError:
        raise wrong("a duration as 30m or 24h, or false to switch the check off") from None


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise wrong("a time zone of the IANA list, as Europe/Berlin", "zone") from None
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s<>\"'`]+", value):
        raise wrong("an address that begins with https:// or http://")
    return value


def _link(value: str) -> str:
    _address(value)
    unknown = [word for word in _BRACES.findall(value) if word not in PLACEHOLDERS]
    if unknown or "{" in _BRACES.sub("", value) or "}" in _BRACES.sub("", value):
        raise wrong("only these in braces: " + ", ".join(sorted(PLACEHOLDERS)))
    return value


def _repository(value: str) -> str:
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)::?//|([A-Za-z][A-Za-z0-9+.-]*)::", value)
    odd = scheme is not None and (scheme[1] or "").lower() not in {"https", "http", "ssh", "git", "file"}
    if not value or odd or value.startswith("-") or not value.isprintable():
        raise wrong("an address (https://, ssh://, git@host:…) or a path to a clone")
    return value


def _relative(value: str) -> str:
    parts = value.strip("/").split("/")
    if value.startswith("/") or "\\" in value or not value.isprintable() or {"", ".", ".."} & set(parts):
        raise wrong("a folder inside the repository, as services/web")
    return "/".join(parts)


def _prefix(value: str) -> str:
    if (
        not re.fullmatch(r"refs/(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)+", value)
        or ".." in value
        or ".lock/" in value
    ):
        raise wrong("a prefix of refs, as refs/heads/locks/")
    return value


def _history(value: str) -> str:
    if not _SECRET.fullmatch(value) and not re.match(r"[a-z][a-z0-9+]*://", value):
        raise wrong("an address as duckdb://build/history.duckdb or postgres://…, or env:NAME")
    return value


def _engine(value: str) -> str:
    if value not in ("duckdb", "spark") and not _SECRET.fullmatch(value) and "://" not in value:
        raise wrong("duckdb, spark, an address as trino://…, or env:NAME")
    return value


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, AfterValidator(_name)]
"""A lower-case word."""

SiteName = Annotated[str, AfterValidator(_public_name)]
"""A lower-case word that is no path of the site."""

Words = Annotated[
    tuple[str, ...],
    BeforeValidator(_one_or_more),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""A list of words; a single word stands for a list of one."""

Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "examples": ["30m", "4h"]}
    ),
]
"""A span as `30m`, `4h`, `1w`."""

_DAY_NAME = {"enum": list(WEEKDAYS)}
Weekdays = Annotated[
    tuple[int, ...],
    BeforeValidator(_weekdays),
    WithJsonSchema(
        {"anyOf": [{"enum": [*WEEKDAYS, "daily"]}, {"type": "array", "items": _DAY_NAME, "minItems": 1}]}
    ),
]
"""Days of the week, Monday is 0; `daily` is Monday to Friday."""

Clock = Annotated[
    time,
    BeforeValidator(_clock),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["12:00"]}),
]
"""A time of day in the site's time zone."""

Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A date in the site's time zone."""

_SECRET_RULE = {"type": "string", "pattern": "^env:[A-Za-z_][A-Za-z0-9_]*$"}
Secret = Annotated[str, BeforeValidator(_secret), WithJsonSchema(_SECRET_RULE)]
"""`env:NAME`: where the secret is, never the secret."""

Secrets = Annotated[
    tuple[Secret, ...],
    BeforeValidator(_one_or_more),
    WithJsonSchema({"anyOf": [_SECRET_RULE, {"type": "array", "items": _SECRET_RULE}]}),
]
"""Where several secrets are; a single one stands for a list of one."""

Country = Annotated[
    str,
    BeforeValidator(_country),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}(-[A-Za-z0-9]{1,4})?$"}),
]
"""A country code, with an optional part of the country: `DE`, `DE-BY`."""

Every = Annotated[
    str, BeforeValidator(_every), WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,3}[dwm]$"})
]
"""How long a turn is, as `1w`: what `periods.Rotation` takes."""

Amount = Annotated[float, BeforeValidator(_amount), WithJsonSchema({"type": ["number", "string"]})]
"""A number; a duration is its seconds."""

Limit = Annotated[
    timedelta | None,
    BeforeValidator(_limit),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": r"^(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?$"}, {"const": False}]}
    ),
]
"""A span; `None` where the file says `false`: the check is off."""

Zone = Annotated[str, AfterValidator(_zone)]
"""The name of a time zone that this machine knows."""

Address = Annotated[str, AfterValidator(_address)]
"""An address of the web."""

LinkTemplate = Annotated[str, AfterValidator(_link)]
"""An address of the web with placeholders in braces."""

Repository = Annotated[str, AfterValidator(_repository)]
"""An address that git may be given, or a path; never an option or a command of git's."""

RelativePath = Annotated[str, AfterValidator(_relative)]
"""A folder inside a repository, without slashes at its ends."""

RefPrefix = Annotated[str, AfterValidator(_prefix)]
"""The begin of the name of a ref."""

History = Annotated[str, AfterValidator(_history)]
EngineName = Annotated[str, AfterValidator(_engine)]
"""The address of the store."""

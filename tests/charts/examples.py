"""One small chart of each kind, for the tests."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from deploybook.charts.model import (
    Caption,
    Data,
    Dot,
    Dots,
    Down,
    Flag,
    Limits,
    Spot,
    Stage,
    Stages,
    Strip,
    Target,
    Uptime,
    Week,
    Weekly,
)

MONDAY = date(2026, 5, 25)
CAPTION = Caption("A finding", "What is drawn", "What it shows")
FLAGS = (Flag(1, date(2026, 6, 29)), Flag(2, date(2026, 6, 30)), Flag(3, date(2020, 1, 1)))


def weekly(values: list[float | None], **fields: object) -> Weekly:
    weeks = tuple(
        Week(MONDAY + timedelta(weeks=n), str(22 + n), value, f"{value} deployments", "../week/")
        for n, value in enumerate(values)
    )
    return Weekly(CAPTION, "count", "Deployments", weeks, **fields)  # type: ignore[arg-type]


def dots(name: str = "shop-web #1", href: str | None = "../c/") -> Dots:
    at = datetime.combine(MONDAY, datetime.min.time())
    lengths = (60.0, 3 * 3600.0, 6 * 86400.0, 8 * 86400.0, 0.0)
    found = tuple(Dot(at + timedelta(days=3 * n), s, name, f"{s} s", href) for n, s in enumerate(lengths))
    return Dots(CAPTION, "Lead time", MONDAY, 26, found, FLAGS, Target(7 * 86400.0, "target 7 days"))


def strip() -> Strip:
    usual = tuple(Spot(3600.0 * n, f"#{n}", f"{n} h", "../c/") for n in range(1, 80))
    return Strip(CAPTION, "time", "Lead time", (*usual, Spot(4e6, "far", "46 days", None, True, True)))


def uptime() -> Uptime:
    minutes = (0.0, 31.0, None, 0.5)
    return Uptime(
        CAPTION,
        tuple(Down(MONDAY + timedelta(weeks=n), str(n), m, f"{m} min") for n, m in enumerate(minutes)),
    )


def stages() -> Stages:
    return Stages(CAPTION, (Stage("Coding", 3600.0, "1 h"), Stage("Waiting", 7200.0, "2 h")))


def every() -> list[Data]:
    limits = (Limits(0, 4, 3.0, 1.0, 5.0),)
    full = weekly([1, 2, None, 9], limits=limits, flags=FLAGS, target=Target(6, "target 6"), last="9, signal")
    return [full, dots(), strip(), uptime(), stages()]

"""Machines with clocks of their own that work with the locks of one repository."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploybook.locks import Clock, Keeper, Place, Sightings, Target, Wanted

PREFIX = "refs/deploybook/locks/"
NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
WEB = Target("production", "shop-web")
API = Target("production", "shop-api")
PRODUCTION = Target("production")
EVERYTHING = Target("all")


@dataclass
class Time:
    """The time as it is, which no machine knows."""

    minutes: float = 0

    def pass_(self, minutes: float) -> None:
        self.minutes += minutes


@dataclass
class Machine:
    """A machine whose clock is fast by some minutes, and that keeps what it has seen."""

    name: str
    address: str
    folder: Path
    time: Time
    fast: float = 0

    def now(self) -> datetime:
        return NOON + timedelta(minutes=self.time.minutes + self.fast)

    @property
    def keeper(self) -> Keeper:
        clock = Clock(self.now, lambda _seconds: None)
        return Keeper(Place(self.address, PREFIX), clock, Sightings(self.folder / self.name))

    def wants(self, *targets: Target, hours: float | None = 4, **more: object) -> Wanted:
        lease = None if hours is None else timedelta(hours=hours)
        return Wanted(targets, lease=lease, holder=self.name, **more)  # type: ignore[arg-type]

"""Opsgenie's schedules: whose turn it was, is and will be, as its timeline tells it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from deploybook.config import Config
from deploybook.config.sources import OpsgenieOptions
from deploybook.feed import RECORDS, Ask, Feed, Item
from deploybook.records import Shift
from deploybook.sources import shifts
from deploybook.sources.instants import certain, instant
from deploybook.sources.opsgenie import vendor
from deploybook.sources.vendors import UNEXPECTED

WEEKS = 13
"""Asked for at once."""


def feeds(options: OpsgenieOptions, config: Config) -> list[Feed]:
    """A feed for each schedule that is the one of a rotation.

    Args:
        options: The key, where Opsgenie is, and the schedules.
        config: Matches users with people.
    """
    found = []
    for rotation, schedule in options.schedules.items():
        source = _Schedule(options, config, rotation, schedule)
        name = f"opsgenie:schedule:{rotation}"
        found.append(Feed(name, RECORDS, source.pull, snapshot=True, said=source.vendor.said))
    return found


class _Schedule:
    def __init__(self, options: OpsgenieOptions, config: Config, rotation: str, schedule: str) -> None:
        self.vendor = vendor(options)
        self._options, self._config = options, config
        self._rotation, self._schedule = rotation, schedule

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Slice by slice; a turn that a slice's end cuts in two is one."""
        self.vendor.open(ask)
        people = shifts.People(self._config, f"opsgenie:schedule:{self._rotation}")
        begin, end = shifts.since(ask), ask.as_of + shifts.AHEAD
        turns: list[Shift] = []
        while begin < end:
            data = self._timeline(begin)
            for period in _periods(data):
                try:
                    made = self._turn(period, people)
                except UNEXPECTED as error:
                    yield self.vendor.unexpected(f"schedule {self._schedule}", error, period)
                else:
                    if made is not None:
                        _join(turns, made, at=begin)
            until = _instant(data, "endDate")
            if until is None or until <= begin:
                raise self.vendor.stranger("Check the id of the schedule.")
            begin = until
            ask.progress(f"turns of {self._rotation}", len(turns), None)
        yield from people.strange()
        yield from shifts.told(turns, ask)

    def _timeline(self, begin: datetime) -> dict[str, Any]:
        params = {
            "interval": WEEKS, "intervalUnit": "weeks", "date": begin.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "identifierType": "id",
        }  # fmt: skip
        found = self.vendor.client.get(f"/v2/schedules/{quote(self._schedule, safe='')}/timeline", params)
        data = found.content.get("data") if isinstance(found.content, dict) else None
        if not isinstance(data, dict):
            raise self.vendor.stranger("Check `url:`, and the id of the schedule.")
        return data

    def _turn(self, period: dict[str, Any], people: shifts.People) -> Shift | None:
        """A turn; of a time in which nobody is on call there is none."""
        who = period.get("recipient") or {}
        start, end = certain(period["startDate"]), certain(period["endDate"])
        if end <= start:
            raise ValueError("a turn ends before it begins")
        if who.get("type", "user") != "user":
            return None
        person = people.person(who.get("name"), who.get("id"))
        if person is None:
            return None
        override = True if period.get("type") == "override" else None
        return Shift(rotation=self._rotation, from_=start, to=end, person=person, override=override)


def _periods(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for rotation in (data.get("finalTimeline") or {}).get("rotations") or ():
        yield from (each for each in rotation.get("periods") or () if isinstance(each, dict))


def _join(turns: list[Shift], made: Shift, *, at: datetime) -> None:
    """Add a turn; one that begins where a slice does goes on with the one that ended there.

    Where two of a schedule's rotations begin a turn at once, the first stands: a rotation has one holder.
    """
    for number, turn in enumerate(turns):
        same = (turn.person, turn.override) == (made.person, made.override)
        if same and turn.from_ <= made.from_ <= turn.to and made.from_ <= at:
            turns[number] = msgspec.structs.replace(turn, to=max(turn.to, made.to))
            return
    if all(turn.from_ != made.from_ for turn in turns):
        turns.append(made)


def _instant(data: dict[str, Any], key: str) -> datetime | None:
    try:
        return instant(data.get(key))
    except ValueError:
        return None

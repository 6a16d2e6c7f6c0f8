"""PagerDuty's schedules: whose turn it was, is and will be, with overrides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from deploybook.config import Config
from deploybook.config.sources import PagerdutyOptions
from deploybook.errors import SourceError
from deploybook.feed import RECORDS, Ask, Feed, Item
from deploybook.records import Shift
from deploybook.sources import shifts
from deploybook.sources.instants import certain
from deploybook.sources.pagerduty import vendor
from deploybook.sources.vendors import UNEXPECTED

SLICE = timedelta(days=90)
"""Asked for at once."""


def feeds(options: PagerdutyOptions, config: Config) -> list[Feed]:
    """A feed for each schedule that is the one of a rotation.

    Args:
        options: The key, where PagerDuty is, and the schedules.
        config: Matches users with people.
    """
    found = []
    for rotation, schedule in options.schedules.items():
        source = _Schedule(options, config, rotation, schedule)
        found.append(
            Feed(f"pagerduty:{rotation}", RECORDS, source.pull, snapshot=True, said=source.vendor.said)
        )
    return found


class _Schedule:
    def __init__(self, options: PagerdutyOptions, config: Config, rotation: str, schedule: str) -> None:
        self._options, self._config = options, config
        self._rotation, self._schedule = rotation, schedule
        self.vendor = vendor(options)

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Slice by slice; what an entry says that cannot be read is set aside."""
        self.vendor.open(ask)
        people = shifts.People(self._config, f"pagerduty:{self._rotation}")
        begin, end = shifts.since(ask), ask.as_of + shifts.AHEAD
        entries: dict[str, dict[str, Any]] = {}
        overrides: list[tuple[datetime, datetime, str]] = []
        while begin < end:
            following = min(begin + SLICE, end)
            for key, entry, override in self._slice(begin, following):
                if override:
                    overrides.append((certain(entry["start"]), certain(entry["end"]), _who(entry)))
                else:
                    entries[key] = entry
            ask.progress(f"turns of {self._rotation}", len(entries), None)
            begin = following
        turns = []
        for entry in entries.values():
            try:
                turns.append(self._turn(entry, people, overrides))
            except UNEXPECTED as error:
                yield self.vendor.unexpected(f"schedule {self._schedule}", error, entry)
        yield from people.strange()
        yield from shifts.told(turns, ask)

    def _slice(self, begin: datetime, end: datetime) -> Iterator[tuple[str, dict[str, Any], bool]]:
        # Whole entries, also those that reach over the ends: else each slice would cut a turn in two.
        params = {
            "since": begin.isoformat(), "until": end.isoformat(), "time_zone": "UTC", "overflow": "true",
        }  # fmt: skip
        content = self.vendor.client.get(f"/schedules/{quote(self._schedule, safe='')}", params).content
        schedule = content.get("schedule") if isinstance(content, dict) else None
        if not isinstance(schedule, dict):
            raise SourceError(
                "PagerDuty's answer has no schedule in it", where=f"schedule {self._schedule}",
                next_step="Check the id: it stands at the end of the schedule's address.",
            )  # fmt: skip
        for part, override in (("final_schedule", False), ("overrides_subschedule", True)):
            for entry in (schedule.get(part) or {}).get("rendered_schedule_entries") or []:
                yield f"{entry.get('start')}/{entry.get('end')}/{_who(entry)}", entry, override

    def _turn(
        self, entry: dict[str, Any], people: shifts.People, overrides: list[tuple[datetime, datetime, str]]
    ) -> Shift:
        user, start, end = entry["user"], certain(entry["start"]), certain(entry["end"])
        if end <= start:
            raise ValueError("a turn ends before it begins")
        override = any(
            first <= start and end <= last and who == _who(entry) for first, last, who in overrides
        )
        return Shift(
            rotation=self._rotation,
            from_=start,
            to=end,
            person=people.person(user.get("summary") or user.get("name"), user.get("email"), user.get("id"))
            or str(user["id"]),
            override=override,
        )


def _who(entry: dict[str, Any]) -> str:
    user = entry.get("user")
    return str(user.get("id")) if isinstance(user, dict) else ""

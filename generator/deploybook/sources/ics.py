"""Calendars in the iCalendar format (RFC 5545) that say whose turn of a rotation it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from deploybook.config import Config, secret
from deploybook.config.sources import IcsOptions
from deploybook.errors import SourceError, UsageError
from deploybook.feed import RECORDS, Ask, Feed, Item, Rejected
from deploybook.periods import to_utc
from deploybook.records import Shift
from deploybook.sources import shifts
from deploybook.sources.http import Client, Headers, Send, session

LARGEST = 20_000_000
"""Bytes of a calendar; a larger one is none of a rotation."""
_NEEDS = "Check that the address is the calendar's own, as a calendar program would subscribe to it."


def feed(options: IcsOptions, config: Config) -> Feed:
    """The feed of a calendar's turns, from a year back to a year ahead.

    Args:
        options: Whose turns, and where the calendar is.
        config: Matches who is in it with people; its time zone is that of days without one.
    """
    source = _Source(options, config)
    return Feed(f"ics:{options.rotation}", RECORDS, source.pull, snapshot=True, said=source.said)


class _Source:
    def __init__(self, options: IcsOptions, config: Config) -> None:
        self._options, self._config = options, config
        self._client: Client | None = None

    def said(self) -> str:
        return self._client.budget.take() if self._client else ""

    def pull(self, ask: Ask) -> Iterator[Item]:
        """Each event is a turn; recurring ones are unfolded."""
        calendar = _calendar(self._content(ask), self._where)
        zone = _zone(calendar, self._config.zone)
        people = shifts.People(self._config, self._where)
        changed = _changed(calendar)
        turns = []
        events, odd = _events(calendar, shifts.since(ask), ask.as_of + shifts.AHEAD, self._where)
        if odd:
            yield Rejected(self._where, f"a series that cannot be read was left out: {odd}"[:300], "")
        for event in events:
            try:
                if (turn := self._turn(event, zone, people, changed)) is not None:
                    turns.append(turn)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                reason = f"an event that is no turn: {type(error).__name__} {error}"
                yield Rejected(f"{self._where}: {event.get('uid', '')}", reason[:300], str(event)[:500])
        yield from people.strange()
        yield from shifts.told(turns, ask)

    @property
    def _where(self) -> str:
        return f"ics:{self._options.rotation}"

    def _content(self, ask: Ask) -> str:
        if self._options.file is not None:
            path = self._config.root / self._options.file
            try:
                if path.stat().st_size > LARGEST:
                    raise SourceError(f"{path} is larger than {LARGEST:,} bytes", where=self._where)
                return path.read_text(encoding="utf-8-sig", errors="replace")
            except OSError as error:
                raise SourceError(
                    f"{self._options.file} cannot be read: {error.strerror}", where=self._where,
                    next_step="Check `file:`, a path from where deploybook.yml is.",
                ) from error  # fmt: skip
        self._client = Client(
            "the calendar's server", _as_text(session({"Accept": "text/calendar"})), advice=_NEEDS,
            max_wait=ask.max_wait, wait=ask.wait,
        )  # fmt: skip
        try:
            return str(self._client.get(self._address()).content)
        except SourceError as error:
            # The path of such an address is often its secret: it is not told.
            raise SourceError(error.what, where=self._where, next_step=error.next_step) from None

    def _address(self) -> str:
        url = self._options.url or ""
        try:
            found = secret(url) if url.startswith("env:") else url
        except UsageError as error:
            raise SourceError(error.what, where=self._where, next_step=error.next_step) from error
        found = re.sub(r"^webcals?://", "https://", found)
        if not found.startswith(("https://", "http://")):
            raise SourceError("the address does not begin with https://", where=self._where, next_step=_NEEDS)
        return found

    def _turn(
        self, event: Any, zone: ZoneInfo, people: shifts.People, changed: frozenset[tuple[str, Any]]
    ) -> Shift | None:
        title = str(event.get("summary", "")).strip()
        wanted = [word.casefold() for word in self._options.only]
        if str(event.get("status", "")).upper() == "CANCELLED" or (
            wanted and not any(word in title.casefold() for word in wanted)
        ):
            return None
        start, end = _instant(event.start, zone), _instant(event.end, zone)
        if end <= start:
            raise ValueError("it has no length")
        person = people.person(*_names(event, title))
        if person is None:
            raise ValueError("it names nobody")
        series = event.get("recurrence-id")
        override = series is not None and (str(event.get("uid")), series.dt) in changed
        return Shift(rotation=self._options.rotation, from_=start, to=end, person=person, override=override)


def _as_text(send: Send) -> Send:
    """The same requests; an answer that is text comes as a JSON string, which is what the client reads."""

    def sent(method: str, address: str, more: dict[str, str], body: Any) -> tuple[int, Headers, str]:
        status, headers, text = send(method, address, more, body)
        if status == 200 and len(text) > LARGEST:
            raise SourceError(f"the calendar is larger than {LARGEST:,} characters", next_step=_NEEDS)
        # The client would ask again and again for a calendar that came cut off; one without its end was.
        whole = status != 200 or text.rstrip().endswith("END:VCALENDAR") or "BEGIN:VCALENDAR" not in text
        return status, headers, (json.dumps(text) if whole and status == 200 else text)

    return sent


def _calendar(text: str, where: str) -> Any:
    import icalendar  # noqa: PLC0415 - a third of a second, only where a calendar is read

    try:
        return icalendar.Calendar.from_ical(text.lstrip("\ufeff \r\n"))
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise SourceError(
            f"what is there is no calendar: {str(error)[:200]}", where=where, next_step=_NEEDS
        ) from error


def _events(calendar: Any, first: datetime, last: datetime, where: str) -> tuple[list[Any], str]:
    """The events of a span, series unfolded; with why a series was left out, where one was."""
    import recurring_ical_events  # noqa: PLC0415 - as above

    odd = ""
    for lenient in (False, True):
        try:
            found = recurring_ical_events.of(calendar, skip_bad_series=lenient).between(first, last)
            return list(found), odd
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            odd = str(error)[:200]
    raise SourceError(f"the calendar's events cannot be unfolded: {odd}", where=where, next_step=_NEEDS)


def _zone(calendar: Any, default: ZoneInfo) -> ZoneInfo:
    """The zone of days and of times without one: the calendar's own, else the site's."""
    try:
        return ZoneInfo(str(calendar["x-wr-timezone"]))
    except (KeyError, ValueError, ZoneInfoNotFoundError, OSError):
        return default


def _instant(at: datetime | date, zone: ZoneInfo) -> datetime:
    if isinstance(at, datetime):
        return at.astimezone(UTC) if at.tzinfo else to_utc(at.date(), at.time(), zone)
    return to_utc(at, time(), zone)


def _changed(calendar: Any) -> frozenset[tuple[str, Any]]:
    """The events of a series that somebody changed: all that are unfolded have an id, these in the file."""
    return frozenset(
        (str(event.get("uid")), event["recurrence-id"].dt)
        for event in calendar.walk("VEVENT")
        if event.get("recurrence-id") is not None
    )


def _names(event: Any, title: str) -> Iterator[str]:
    """What may say who it is: who is invited, the title, and its parts."""
    invited = event.get("attendee", [])
    for each in invited if isinstance(invited, list) else [invited]:
        yield re.sub(r"^mailto:", "", str(each), flags=re.IGNORECASE)
        if name := getattr(each, "params", {}).get("CN"):
            yield str(name)
    yield title
    yield from re.split(r"\s+[-–—]\s+|[:|,()/]|\bon[- ]call\b", title, flags=re.IGNORECASE)

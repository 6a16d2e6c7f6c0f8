"""From events to messages: who wants what, what waits, what goes together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta

from deploybook.config import Config
from deploybook.notify.model import Event, Message, Target, Waiting
from deploybook.notify.words import body, title
from deploybook.periods import local_date, to_utc


class Router:
    """What a configuration says of who gets notices, at one instant."""

    def __init__(self, config: Config, as_of: datetime) -> None:
        self._config = config
        self._as_of = as_of

    def lines(self, events: Iterable[Event]) -> Iterator[tuple[str, Waiting]]:
        """For each event, a line for each target that it concerns and that wants its kind."""
        for event in events:
            for who, because in self._concerned(event):
                for target in self._targets(who, event.kind):
                    yield target.key, Waiting(
                        key=f"{target.key}|{event.key}", kind=event.kind, subject=event.subject,
                        says=event.says, path=event.path, because=because, urgent=event.urgent,
                    )  # fmt: skip

    def messages(
        self, waiting: Mapping[str, Sequence[Waiting]], heard: set[tuple[str, str]]
    ) -> list[Message]:
        """What can be sent now, all of one kind for a target together.

        Args:
            waiting: Lines by target.
            heard: Target and subject of what was sent today.
        """
        found = []
        for key, lines in sorted(waiting.items()):
            who, _, variable = key.partition(">")
            ready = [line for line in lines if self._may_go(key, line, heard)]
            for kind in sorted({line.kind for line in ready}):
                those = tuple(line for line in ready if line.kind == kind)
                found.append(
                    Message(Target(who, variable), title(those), body(those, self._config.site.url), those)
                )
        return found

    @property
    def today(self) -> datetime:
        """When the local day began."""
        return to_utc(local_date(self._as_of, self._config.zone), time(), self._config.zone)

    @property
    def quiet(self) -> bool:
        """Whether it is in quiet hours."""
        hours = self._config.notices.quiet
        if hours is None:
            return False
        now, (start, end) = self._as_of.astimezone(self._config.zone).time(), hours
        return start <= now < end if start <= end else now >= start or now < end

    def _may_go(self, key: str, line: Waiting, heard: set[tuple[str, str]]) -> bool:
        again = key.startswith("person:") and (key, line.subject) in heard
        return not again and (line.urgent or not self.quiet)

    def _concerned(self, event: Event) -> Iterator[tuple[str, str]]:
        for team, because in event.teams.items():
            if team in self._config.teams:
                yield f"team:{team}", because
        for person, because in event.people.items():
            if person in self._config.people:
                yield f"person:{person}", because

    def _targets(self, who: str, kind: str) -> list[Target]:
        group, _, name = who.partition(":")
        found = self._config.teams[name] if group == "team" else self._config.people[name]
        if found.notices is not None and kind not in found.notices:
            return []
        return [Target(who, variable) for variable in found.notify]


LOOK_BACK = timedelta(days=1)
FARTHEST = timedelta(days=14)


def since(last_run: datetime | None, as_of: datetime) -> datetime:
    """From when on things are news: the last run, with a day's overlap; at first a day; at most two weeks."""
    begin = as_of if last_run is None else min(last_run, as_of)
    return max(begin - LOOK_BACK, as_of - FARTHEST)

"""From events to messages: who wants what, what waits, what goes together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import get_args

from deploybook.config import Config
from deploybook.config.models import NoticeKind
from deploybook.notify.model import Event, Message, Target, Waiting
from deploybook.notify.words import body, title
from deploybook.periods import local_date, to_utc
from deploybook.words import NBSP, day


class Router:
    """What a configuration says of who gets notices, at one instant."""

    def __init__(self, config: Config, as_of: datetime) -> None:
        self._config = config
        self._as_of = as_of

    def wants(self) -> Iterator[str]:
        """Every target with every kind that it asks for, as `target|kind`."""
        for who in self._everybody():
            for kind in get_args(NoticeKind):
                for target in self._targets(who, kind):
                    yield f"{target.key}|{kind}"

    def lines(self, events: Iterable[Event], wanted: Mapping[str, datetime]) -> Iterator[tuple[str, Waiting]]:
        """For each event, a line for each target that it concerns and that wants its kind.

        Args:
            events: What happened.
            wanted: Since when each target asks for each kind: what is older than a day then is no news to it.
        """
        for event in events:
            for who, because in self._concerned(event):
                for target in self._targets(who, event.kind):
                    if event.at <= wanted.get(f"{target.key}|{event.kind}", self._as_of) - FIRST_LOOK:
                        continue
                    yield target.key, Waiting(
                        key=f"{target.key}|{event.key}", kind=event.kind, subject=event.subject,
                        says=self._dated(event), path=event.path, because=because, urgent=event.urgent,
                        state=event.state,
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
        for key, lines in sorted(self.reachable(waiting).items()):
            who, _, variable = key.partition(">")
            ready = [line for line in lines if self._may_go(key, line, heard)]
            for kind in sorted({line.kind for line in ready}):
                those = tuple(line for line in ready if line.kind == kind)
                found.append(
                    Message(Target(who, variable), title(those), body(those, self._config.site.url), those)
                )
        return found

    def reachable(self, waiting: Mapping[str, Sequence[Waiting]]) -> dict[str, Sequence[Waiting]]:
        """What waits for targets that the configuration still has."""
        found = {}
        for key, lines in waiting.items():
            who, _, variable = key.partition(">")
            group, _, name = who.partition(":")
            known = self._config.teams if group == "team" else self._config.people
            if name in known and variable in known[name].notify:
                found[key] = lines
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

    def _dated(self, event: Event) -> str:
        """What it says, with its day where it is told late: a source could not be read, or none looked."""
        if self._as_of - event.at <= FIRST_LOOK:
            return event.says
        return f"{event.says.rstrip('.')} ({day(event.at, self._config.zone).replace(NBSP, ' ')})"

    def _everybody(self) -> Iterator[str]:
        yield from (f"team:{name}" for name in self._config.teams)
        yield from (f"person:{name}" for name in self._config.people)

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


FIRST_LOOK = timedelta(days=1)
LATE = timedelta(days=7)
FARTHEST = timedelta(days=14)


def since(last_run: datetime | None, as_of: datetime) -> datetime:
    """From when on things are news: at first a day; then a week before the last run; at most two weeks.

    A week, because history comes late: a source could not be read over the weekend, an incident is tied to
    its deployment days after it. What was told before is known by its key.
    """
    if last_run is None:
        return as_of - FIRST_LOOK
    return max(min(last_run, as_of) - LATE, as_of - FARTHEST)

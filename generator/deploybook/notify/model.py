"""What a notice is about, and what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Event:
    """Something that changed, and whom it concerns.

    Attributes:
        kind: One of `NoticeKind` of the configuration.
        key: The same whenever the same change of state is found again, on any machine.
        subject: What it is about: a person hears of a subject once a day.
        at: When it happened, UTC.
        says: One line that stands alone.
        path: The page that explains it, below the site's address.
        state: What became of it, where a kind has several: its title is by it.
        teams: Teams concerned, each with the reason why.
        people: Keys of `people`, each with the reason why.
        urgent: Sent in quiet hours too.
    """

    kind: str
    key: str
    subject: str
    at: datetime
    says: str
    path: str
    teams: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    urgent: bool = False
    state: str = ""


@dataclass(frozen=True)
class Waiting:
    """A line for one target, not accepted yet."""

    key: str
    """Of the outbox: target and event."""
    kind: str
    subject: str
    says: str
    path: str
    because: str
    urgent: bool
    state: str = ""


@dataclass(frozen=True)
class Target:
    """Where notices go.

    Attributes:
        who: `team:checkout` or `person:ana`.
        variable: `env:NAME`; what it holds is never shown, kept or logged.
    """

    who: str
    variable: str

    @property
    def key(self) -> str:
        """As it stands in the outbox."""
        return f"{self.who}>{self.variable}"


@dataclass(frozen=True)
class Message:
    """What one target is sent: all lines of one kind together."""

    target: Target
    title: str
    body: str
    lines: tuple[Waiting, ...]

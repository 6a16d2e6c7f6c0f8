"""All that events are found in, and the questions they ask of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploybook import news
from deploybook.config import Config
from deploybook.linking.model import LinkedChange, LinkedDeployment, LinkedIncident
from deploybook.messages import author_email, author_name
from deploybook.notify.words import plain
from deploybook.pages.branches import Branch
from deploybook.periods import Rotation, Turn
from deploybook.records import Lock, Verdict


def called(change: LinkedChange) -> str:
    """As `#412`, or a short revision."""
    return f"#{change.id}" if change.id.isdecimal() else change.id[:10]


@dataclass(frozen=True)
class Known:
    """All that events are found in.

    Attributes:
        since: From when on things are news; UTC, as `as_of`.
        stopped: Red promotions: codebase, environment, revision, when.
        flaky: Codebase, suite, test case, when it was last both.
        errors: Sources that could not be read, with when.
        stale: Sources that were not read for longer than the site allows, with when they were read last.
        notes: Words of the site repository by codebase and change.
        red_told: Keys of the breaks of release branches that were told.
        turns: Turns of rotations as history has them, by rotation.
        initiatives_of: The names of the initiatives that a change belongs to.
        owners_of: The file that a codebase's suite of tests is in, and who owns it by CODEOWNERS.
    """

    config: Config
    as_of: datetime
    since: datetime
    changes: Sequence[LinkedChange] = ()
    deployments: Sequence[LinkedDeployment] = ()
    incidents: Sequence[LinkedIncident] = ()
    branches: Sequence[Branch] = ()
    locks: Sequence[Lock] = ()
    verdicts: Sequence[Verdict] = ()
    stopped: Sequence[tuple[str, str, str, datetime]] = ()
    flaky: Sequence[tuple[str, str | None, str, datetime]] = ()
    errors: Mapping[str, datetime] = field(default_factory=dict)
    stale: Mapping[str, datetime] = field(default_factory=dict)
    notes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    red_told: frozenset[str] = frozenset()
    turns: Mapping[str, Sequence[Turn]] = field(default_factory=dict)
    initiatives_of: Callable[[LinkedChange], set[str]] = lambda _change: set()
    owners_of: Callable[[str, str | None], tuple[str, tuple[str, ...]]] = lambda _codebase, _suite: ("", ())

    def rotation(self, name: str) -> Rotation:
        """A rotation with its turns as history has them."""
        return self.config.rotation(name, self.turns.get(name, ()))

    def new(self, at: datetime | None) -> bool:
        """Whether it happened since."""
        return at is not None and self.since < at <= self.as_of

    def team(self, codebase: str | None) -> dict[str, str]:
        """The team that owns a codebase; of all codebases, every team."""
        if codebase is None:
            return dict.fromkeys(self.config.teams, "it concerns every codebase")
        found = self.config.codebases.get(codebase)
        return {found.team: f"it owns {codebase}"} if found is not None and found.team else {}

    def owners(self, codebase: str, suite: str | None) -> tuple[dict[str, str], dict[str, str]]:
        """The teams and the people who own a test by CODEOWNERS; where that names nobody known, the team."""
        path, owners = self.owners_of(codebase, suite)
        teams: dict[str, str] = {}
        people: dict[str, str] = {}
        for owner in owners:
            if "/" not in owner and (person := self.person(owner)) is not None:
                people[person] = f"owns {path}"
            elif (team := owner.rpartition("/")[2].removeprefix("@").casefold()) in self.config.teams:
                teams[team] = f"owns {path}"
        return (teams, people) if teams or people else (self.team(codebase), {})

    def person(self, name: str | None) -> str | None:
        """The key in `people` of what a source calls somebody."""
        if name is None:
            return None
        spellings = (name, author_email(name), author_name(name))
        return next((key for each in spellings if (key := self.config.person_of(each))), None)

    def name(self, text: str | None, otherwise: str = "somebody") -> str:
        """What people call somebody whom a source names: by `people`, else as the source does."""
        key = self.person(text)
        known = self.config.people[key].name if key is not None else None
        return plain(known or key or text or otherwise)

    def authors(self, changes: Iterable[LinkedChange]) -> dict[str, str]:
        """Who wrote changes, with which as the reason."""
        found: dict[str, str] = {}
        for change in changes:
            if not change.bot and (key := self.person(change.author)) is not None:
                found.setdefault(key, f"wrote {called(change)}")
        return found

    def decider(self) -> dict[str, str]:
        """Who calls roll back or keep now."""
        decides = self.config.process.decides
        if decides is None:
            return {}
        after = self.as_of + timedelta(microseconds=1)
        turns = self.rotation(decides.rotation).shifts(self.as_of, after)
        held = [turn.person for turn in turns if turn.start <= self.as_of < turn.end]
        return dict.fromkeys(held, f"holds {decides.rotation}")

    def keepers(self) -> tuple[dict[str, str], dict[str, str]]:
        """The teams and the people whom a matter of the whole site concerns: who decides, else every team."""
        if people := self.decider():
            return {}, people
        return dict.fromkeys(self.config.teams, "nobody is named who decides"), {}

    def told(self, change: LinkedChange) -> news.News:
        """A change in words for readers."""
        titles = [json.loads(issue).get("title") for issue in change.issues]
        note = self.notes.get((change.codebase, change.id)) or change.notes
        return news.tell(
            change.title,
            body=change.body,
            note=note,
            issue_titles=titles,
            labels=change.labels,
            bot=change.bot,
        )

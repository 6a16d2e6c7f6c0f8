"""What those hear who asked for it: product owners, managers, developers of other teams. Pure.

Who follows a codebase, or everything, hears of each of its deployments as its team does. Who follows an area
or an initiative hears of the changes in it only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from deploybook.config.names import EVERYTHING
from deploybook.linking.model import LinkedChange, LinkedDeployment
from deploybook.notify.known import Known


@dataclass(frozen=True)
class Follower:
    """A team or a person, and what they follow."""

    group: str
    """`teams` or `people`."""
    name: str
    follows: tuple[str, ...]

    def told(self, because: str) -> tuple[dict[str, str], dict[str, str]]:
        """Themselves as the teams and the people of an event, with the reason."""
        me = {self.name: because}
        return (me, {}) if self.group == "teams" else ({}, me)

    def among(self, known: Known, changes: Sequence[LinkedChange]) -> list[LinkedChange]:
        """Those of the changes that they asked for."""
        return [change for change in changes if self.reason(known, change) is not None]

    def reason(self, known: Known, change: LinkedChange) -> str | None:
        """What of theirs a change belongs to; `None` where nothing."""
        names = {change.codebase, EVERYTHING, change.area, *known.initiatives_of(change)}
        return next((name for name in self.follows if name in names), None)


def followers(known: Known) -> Iterator[Follower]:
    """All who asked for something."""
    for name, team in known.config.teams.items():
        if team.follows:
            yield Follower("teams", name, team.follows)
    for name, person in known.config.people.items():
        if person.follows:
            yield Follower("people", name, person.follows)


def of_codebase(known: Known, codebase: str, group: str) -> dict[str, str]:
    """The teams (or people) that follow a codebase as a whole, each with the reason."""
    found: dict[str, str] = {}
    for each in followers(known):
        name = next((name for name in each.follows if name in (codebase, EVERYTHING)), None)
        if each.group == group and name is not None:
            found[each.name] = f"follows {name}"
    return found


def of_changes(
    known: Known, codebase: str, changes: Sequence[LinkedChange]
) -> Iterator[tuple[Follower, str, list[LinkedChange]]]:
    """Who follows some of a deployment's changes but not its codebase: what of theirs, and which changes."""
    owner = known.config.codebases[codebase].team if codebase in known.config.codebases else None
    for each in followers(known):
        if {codebase, EVERYTHING} & set(each.follows) or (each.group, each.name) == ("teams", owner):
            continue
        if own := each.among(known, changes):
            names = dict.fromkeys(name for change in own if (name := each.reason(known, change)) is not None)
            yield each, ", ".join(names), own


def week_of(
    known: Known, follower: Follower, start: datetime, end: datetime
) -> tuple[list[LinkedChange], list[LinkedDeployment]]:
    """What of theirs went live from `start` to before `end`: changes, and the deployments that brought them.

    A deployment of a codebase that they follow counts with or without a change in it.
    """
    live = [
        each for each in known.changes if each.deployed_at is not None and start <= each.deployed_at < end
    ]
    own = follower.among(known, live)
    brought = {(each.codebase, each.deployment) for each in own}
    went = [
        each for each in known.deployments
        if each.counted and each.reached and start <= each.at < end
        and ((each.codebase, each.id) in brought or {each.codebase, EVERYTHING} & set(follower.follows))
    ]  # fmt: skip
    return own, went

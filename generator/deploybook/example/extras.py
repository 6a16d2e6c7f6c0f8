"""What is kept beside git and CI: flags, locks, large pieces of work, monitors, and trouble from outside."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal

from deploybook.example.book import RecordFiles
from deploybook.example.cast import Spec
from deploybook.example.clock import Calendar, Story
from deploybook.records import (
    Availability,
    BranchRule,
    Cause,
    EnvironmentRule,
    FlagChange,
    Incident,
    Issue,
    Lock,
    Said,
)

TRACKER = "https://tracker.acme.test/issues"
FLAGS = "https://flags.acme.test"
DRILL = "https://deploys.acme.test/incidents"
State = Literal["up", "down", "degraded"]


@dataclass(frozen=True)
class Theme:
    """A large piece of work: the label of its changes, and since how many weeks before the last."""

    key: str
    title: str
    label: str
    area: str
    since: int
    share: float
    """Of the area's changes since then."""
    flag: str = ""


THEMES = (
    Theme("ACME-11", "One-tap checkout", "init/one-tap", "Checkout", 30, 0.13, "one-tap"),
    Theme("ACME-12", "Accounts without passwords", "init/passkeys", "Accounts", 26, 0.17, "passkeys"),
    Theme("ACME-13", "Gift cards", "init/gift-cards", "Checkout", 10, 0.09, "gift-cards"),
    Theme("ACME-14", "Stock that is true", "init/true-stock", "Warehouse", 22, 0.22, "shop-stock"),
    Theme("ACME-15", "Better ranking", "", "Search", 16, 0.1, "new-ranking"),
)
EPICS = {theme.label: theme.key for theme in THEMES if theme.label}

_OPEN = {
    "init/one-tap": ("One tap in the app", "One tap for business customers"),
    "init/passkeys": ("Passkeys on a second device", "Say goodbye to the password mail"),
    "init/gift-cards": ("Sell gift cards in shops", "Show what is left on a gift card"),
    "init/true-stock": ("Count stock at night", "Reserve the last pair"),
}

_SWITCHES: tuple[tuple[str, float, int, float, Literal["on", "off"] | float, str], ...] = (
    ("new-ranking", 9, 1, 10.5, 0.5, "femi"),
    ("new-ranking", 7, 2, 11.0, "on", "femi"),
    ("one-tap", 10, 1, 10.2, 0.1, "ana"),
    ("one-tap", 7, 2, 10.4, 0.5, "ana"),
    ("one-tap", 7, 2, 13.1, "off", "bo"),
    ("one-tap", 5, 1, 11.0, 0.5, "ana"),
    ("one-tap", 0, 3, 11.6, "on", "ana"),
    ("passkeys", 0, 3, 10.7, 0.1, "lena"),
    ("gift-cards", 0, 3, 11.38, "on", "eli"),
    ("gift-cards", 0, 3, 11.9, "off", "bo"),
    ("shop-stock", 3, 2, 10.0, "off", "uma"),
)
"""Flag, weeks before the last, weekday, hour, state, who."""

_LOCKS = (
    (41, 3, 10.2, 2.0, "shop-web", "bo", "a voucher campaign starts at eleven"),
    (33, 3, 11.0, 1.2, "warehouse", "noor", "label printers are being exchanged"),
    (24, 2, 13.5, 3.0, "payments", "eli", "the bank tests its side"),
    (15, 1, 10.0, 0.8, "shop-web", "ana", "looking into slow pages"),
    (6, 3, 9.8, 26.0, "accounts", "chidi", "moving the address book to the new tables"),
    (0, 3, 11.7, 1.4, "shop-web", "bo", "gift cards: totals are wrong, going back"),
)
"""Weeks before the last, weekday, hour, hours held, codebase, holder, reason."""

_OUTSIDE = (
    (71, 2, 14.2, 3.5, "The parcel service's interface is down"),
    (47, 4, 9.1, 1.1, "Card network slow in all of Europe"),
    (18, 0, 7.6, 2.2, "Name servers of the hoster did not answer"),
)


class Extras:
    """Writes them for the whole organisation."""

    def __init__(self, story: Story, calendar: Calendar, out: RecordFiles) -> None:
        self._story = story
        self._calendar = calendar
        self._out = out

    def _when(self, weeks: float, day: int, hour: float) -> datetime:
        return self._calendar.at(self._story.monday(weeks) + timedelta(days=day), hour)

    def flags(self) -> None:
        """Every switch of a flag, and the incident of one that should have stayed off."""
        for flag, weeks, day, hour, state, who in _SWITCHES:
            when = self._when(weeks, day, hour)
            url = f"{FLAGS}/{flag}"
            if state in {"on", 0.1, 0.5}:
                early = when - timedelta(days=6)
                self._out.write(
                    FlagChange(
                        flag=flag,
                        environment="staging",
                        changed_at=early,
                        state="on",
                        by=f"{who}-acme",
                        url=url,
                    )
                )
            for region in ("prod-eu", "prod-us"):
                self._out.write(
                    FlagChange(
                        flag=flag, environment=region, changed_at=when, state=state, by=f"{who}-acme", url=url
                    )
                )
        started = self._when(7, 2, 10.9)
        self._out.write(
            Incident(
                id="flags/1",
                started_at=started,
                title="One tap paid with a card that had expired",
                codebases=("checkout-api",),
                detected_at=started + timedelta(minutes=37),
                resolved_at=self._when(7, 2, 13.2),
                severity="sev2",
                environment="prod-eu",
                down=False,
                caused_by=(Cause(flag="one-tap"),),
                url=f"{DRILL}/flags/1",
            )
        )

    def rules(self, specs: Iterable[Spec]) -> None:
        """What guards release branches and production, as the forge says on the last day."""
        for spec in specs:
            guarded = spec.forge != "gitlab"  # the warehouse asks for nothing yet: the site has to say so
            self._out.write(
                BranchRule(
                    codebase=spec.name,
                    branch="main",
                    read_at=self._story.as_of,
                    protected=True,
                    reviews=int(guarded),
                    checks=("build", "test") if guarded else (),
                )
            )
            if guarded:
                for region in ("prod-eu", "prod-us"):
                    self._out.write(
                        EnvironmentRule(
                            codebase=spec.name,
                            environment=region,
                            read_at=self._story.as_of,
                            branches=("protected",),
                        )
                    )

    def locks(self) -> None:
        """Locks as they were held; one was forced."""
        for number, (weeks, day, hour, hours, codebase, who, why) in enumerate(_LOCKS, 1):
            since = self._when(weeks, day, hour)
            forced = Said(by="noor", because="the holder had gone home") if hours > 20 else None
            self._out.write(
                Lock(
                    environment="prod-eu",
                    claim=f"claim-{number:04}",
                    since=since,
                    codebase=codebase,
                    holder=who,
                    reason=why,
                    expires_at=since + timedelta(hours=4),
                    released_at=since + timedelta(hours=hours),
                    forced=forced,
                )
            )

    def issues(self) -> None:
        """The large pieces, and what of them nobody has begun."""
        for theme in THEMES:
            if not theme.label:
                continue
            opened = self._when(theme.since + 4, 0, 10)
            self._out.write(
                Issue(
                    id=theme.key,
                    title=theme.title,
                    kind="epic",
                    state="open",
                    opened_at=opened,
                    labels=(theme.label,),
                    url=f"{TRACKER}/{theme.key}",
                )
            )
            for number, title in enumerate(_OPEN[theme.label], 1):
                key = f"{theme.key}{number:02}"
                self._out.write(
                    Issue(
                        id=key,
                        title=title,
                        kind="story",
                        state="open",
                        parent=theme.key,
                        opened_at=opened + timedelta(days=9),
                        labels=(theme.label,),
                        url=f"{TRACKER}/{key}",
                    )
                )

    def outside(self) -> None:
        """Trouble that no codebase of ours caused."""
        for number, (weeks, day, hour, hours, title) in enumerate(_OUTSIDE, 1):
            started = self._when(weeks, day, hour)
            self._out.write(
                Incident(
                    id=f"outside/{number}",
                    started_at=started,
                    title=title,
                    detected_at=started + timedelta(minutes=8),
                    resolved_at=started + timedelta(hours=hours),
                    severity="sev2",
                    down=False,
                    url=f"{DRILL}/outside/{number}",
                )
            )

    def monitor(self, spec: Spec, downs: list[tuple[datetime, datetime]], rng: random.Random) -> None:
        """What the monitor saw of a codebase: it sees most of what people saw, and a little of its own."""
        first = self._when(84, 0, 0)
        spans: list[tuple[datetime, datetime, State]] = []
        for started, ended in downs:
            if rng.random() < 0.85:
                late = timedelta(seconds=rng.randrange(20, 300))
                spans.append((started + late, max(ended - late, started + 2 * late), "down"))
        for _ in range(rng.randrange(6, 14)):
            moment = first + (self._story.as_of - first) * rng.random()
            state: State = "down" if rng.random() < 0.4 else "degraded"
            spans.append((moment, moment + timedelta(minutes=rng.randrange(1, 45)), state))
        spans.sort()
        known = [span for span in spans if span[0] > first and span[1] < self._story.as_of]
        apart = [span for before, span in pairwise([(first, first, "up"), *known]) if span[0] > before[1]]
        edge = first
        for started, ended, state in apart:
            self._see(spec, edge, started, "up")
            self._see(spec, started, ended, state)
            edge = ended
        self._see(spec, edge, self._story.as_of, "up")

    def _see(self, spec: Spec, since: datetime, to: datetime, state: State) -> None:
        if since >= to:
            return
        self._out.write(
            Availability(
                codebase=spec.name,
                from_=since.replace(microsecond=0),
                to=to.replace(microsecond=0),
                state=state,
                monitor="front-door",
                url=f"https://monitoring.acme.test/checks/{spec.name}",
            )
        )


def themes(area: str, day: date, story: Story, rng: random.Random) -> tuple[str, ...]:
    """The labels that a change of an area has on a day because it is part of something large."""
    labels: list[str] = []
    for theme in THEMES:
        if theme.area == area and day >= story.monday(theme.since) and rng.random() < theme.share:
            labels.extend(label for label in (theme.label,) if label)
            if rng.random() < 0.6:
                labels.append(f"flag:{theme.flag}")
            break
    return tuple(labels)

"""The last week, told by hand: what product owners, leads and newcomers find when they open the site."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from deploybook.example.cast import BOT, PEOPLE, Person
from deploybook.example.landing import Landed, Plan
from deploybook.example.shipping import SMOKE
from deploybook.example.simulate import Simulation
from deploybook.example.words import Words
from deploybook.records import Cause

_WHO = {person.key: person for person in PEOPLE} | {"shop-bot": BOT}


@dataclass(frozen=True)
class Told:
    """A pull request of the week; `day` counts from its Monday, hours are local."""

    codebase: str
    day: int
    hour: float
    who: str
    kind: str
    title: str
    note: str | None
    area: str
    days: float = 1.2
    """From the first commit to the merge."""
    labels: tuple[str, ...] = ()
    branch: str = ""
    red: bool = False
    lines: int = 40
    milestone: str | None = None


CHANGES = (
    Told(
        "shop-search",
        0,
        15.2,
        "femi",
        "improved",
        "Results arrive twice as fast",
        "A search answers in 190 ms where it took 400.",
        "Search",
        3.1,
        ("flag:new-ranking",),
        lines=96,
    ),
    Told(
        "shop-search",
        -3,
        14.5,
        "hana",
        "fixed",
        "Winter boots are found by their old names",
        "Whoever types an old name finds the boot all the same.",
        "Search",
        0.7,
        lines=22,
    ),
    Told(
        "shop-search",
        1,
        16.1,
        "yusuf",
        "improved",
        "The price filter starts at prices that exist",
        "No more filters that lead to nothing.",
        "Search",
        0.9,
        lines=31,
    ),
    Told(
        "shop-search",
        2,
        15.6,
        "tomo",
        "fixed",
        "Umlauts are found without umlauts",
        None,
        "Search",
        0.5,
        lines=12,
    ),
    Told(
        "shop-search",
        -3,
        9.4,
        "shop-bot",
        "behind",
        "Bump orjson from 3.10.0 to 3.11.0",
        None,
        "Search",
        0.2,
        ("dependencies",),
        lines=1,
    ),
    Told(
        "accounts",
        1,
        16.3,
        "lena",
        "new",
        "Sign in with a passkey",
        "A fingerprint or a face replaces the password.",
        "Accounts",
        6.2,
        ("flag:passkeys", "init/passkeys"),
        lines=180,
        milestone="Passkeys for all",
    ),
    Told(
        "accounts",
        2,
        11.1,
        "chidi",
        "fixed",
        "The password mail arrives in the reader's language",
        "Password mails speak the language of the shop they were asked for in.",
        "Accounts",
        0.8,
        lines=24,
    ),
    Told(
        "catalogue",
        2,
        15.5,
        "mina",
        "improved",
        "Sizes are shown in the shopper's own system",
        "EU, UK or US sizes: each shopper sees the one they know.",
        "Catalogue",
        2.4,
        lines=88,
    ),
    Told(
        "catalogue",
        3,
        12.0,
        "mina",
        "fixed",
        "Sizes of children's shoes are shown again",
        "Children's shoes have their sizes back.",
        "Catalogue",
        0.05,
        ("hotfix",),
        "hotfix/children-sizes",
        lines=6,
    ),
    Told(
        "checkout-api",
        1,
        16.7,
        "ana",
        "new",
        "Pay with one tap",
        "Returning shoppers pay without typing their card again.",
        "Checkout",
        1.1,
        ("init/one-tap", "flag:one-tap"),
        lines=140,
    ),
    Told(
        "checkout-api",
        0,
        10.2,
        "kim",
        "behind",
        "Retry the nightly job of the till",
        None,
        "Checkout",
        0.6,
        lines=18,
    ),
    Told(
        "checkout-api",
        0,
        8.4,
        "shop-bot",
        "behind",
        "Bump redis from 5.2.0 to 5.3.0",
        None,
        "Checkout",
        0.2,
        ("dependencies",),
        lines=1,
    ),
    Told(
        "shop-web",
        2,
        10.6,
        "eli",
        "new",
        "Gift cards at the till",
        "Gift cards can be used to pay, two at a time.",
        "Checkout",
        4.2,
        ("flag:gift-cards", "init/gift-cards"),
        lines=210,
    ),
    Told(
        "shop-web",
        2,
        16.4,
        "bo",
        "fixed",
        "Screen readers say the basket's total",
        "The total of the basket is read aloud when it changes.",
        "Checkout",
        1.0,
        lines=28,
    ),
    Told(
        "shop-web",
        3,
        16.9,
        "eli",
        "improved",
        "The basket opens faster on older phones",
        "On a phone of five years, the basket opens in under two seconds.",
        "Checkout",
        1.4,
        lines=64,
    ),
    Told(
        "warehouse",
        1,
        11.3,
        "noor",
        "improved",
        "Pick lists are sorted by aisle",
        "Pickers walk each aisle once.",
        "Warehouse",
        2.2,
        ("init/true-stock",),
        lines=75,
    ),
    Told(
        "notifications",
        2,
        9.6,
        "sara",
        "improved",
        "The order mail names the courier",
        "Shoppers see who brings the parcel, and when.",
        "Messages",
        1.3,
        lines=44,
    ),
    Told(
        "payments",
        2,
        14.1,
        "wanda",
        "improved",
        "Refunds say when the money arrives",
        "A refund now comes with a date.",
        "Payments",
        1.6,
        lines=36,
    ),
    # Merged and waiting
    Told(
        "shop-web",
        4,
        14.7,
        "eli",
        "new",
        "Gift cards at the till, second attempt",
        "Gift cards can be used to pay, two at a time; totals are right now.",
        "Checkout",
        0.9,
        ("flag:gift-cards", "init/gift-cards"),
        lines=120,
    ),
    Told(
        "shop-web",
        4,
        11.4,
        "kim",
        "new",
        "Saved addresses for returning shoppers",
        "Whoever ordered before picks an address with one tap.",
        "Checkout",
        2.3,
        ("init/one-tap",),
        lines=130,
    ),
    Told("checkout-api", 3, 16.2, "bo", "new", "Vouchers can be combined", None, "Checkout", 1.4, lines=66),
    Told(
        "accounts",
        3,
        15.0,
        "omar",
        "new",
        "Download everything we know about you",
        "One button gives a shopper all their data.",
        "Accounts",
        3.0,
        lines=150,
    ),
    Told(
        "catalogue",
        4,
        9.8,
        "greta",
        "improved",
        "Outlet prices show what is saved",
        None,
        "Catalogue",
        0.8,
        lines=30,
    ),
    Told(
        "shop-search",
        4,
        10.9,
        "femi",
        "improved",
        "Suggestions come after two letters",
        "Suggestions appear sooner.",
        "Search",
        0.6,
        lines=20,
    ),
    Told(
        "warehouse",
        4,
        8.75,
        "uma",
        "new",
        "Stock is shown for each shop",
        "Shoppers see which shop has it.",
        "Warehouse",
        3.4,
        ("init/true-stock", "flag:shop-stock"),
        red=True,
        lines=160,
    ),
    Told(
        "warehouse",
        4,
        10.3,
        "sven",
        "fixed",
        "The returns shelf counts itself",
        None,
        "Warehouse",
        1.1,
        red=True,
        lines=48,
    ),
    Told(
        "warehouse",
        4,
        13.6,
        "zoe",
        "improved",
        "Parcel labels print in one go",
        "No more waiting between two labels.",
        "Warehouse",
        0.7,
        red=True,
        lines=26,
    ),
)

PROMOTIONS = (
    ("shop-search", 0, 10.9, "hana"),
    ("shop-search", 1, 10.55, "femi"),
    ("shop-search", 2, 10.3, "yusuf"),
    ("shop-search", 3, 10.2, "tomo"),
    ("checkout-api", 1, 11.05, "kim"),
    ("checkout-api", 3, 10.7, "ana"),
    ("accounts", 3, 10.05, "lena"),
    ("catalogue", 3, 10.4, "mina"),
    ("notifications", 3, 10.25, "sara"),
    ("warehouse", 3, 12.35, "noor"),
    ("payments", 3, 13.1, "wanda"),
)
"""Codebase, day, hour, who: what went out as planned."""


class Week:
    """Adds the told week to the simulation of one repository."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._monday = simulation.story.as_of.date() - timedelta(days=4)
        self._specs = {spec.name: spec for spec in simulation.specs}
        self._landed: dict[str, Landed] = {}

    def add(self) -> None:
        """Everything of the week that happens in this repository."""
        simulation = self._simulation
        for told in CHANGES:
            if told.codebase in self._specs:
                plan = self._plan(told)
                simulation.at(plan.merged, partial(self._merge, plan, told.red))
        for codebase, day, hour, who in PROMOTIONS:
            if codebase in self._specs:
                simulation.at(self._when(day, hour), partial(self._promote, codebase, _WHO[who]))
        if "catalogue" in self._specs:
            simulation.at(self._when(3, 12.28), self._children)
        if "shop-web" in self._specs:
            simulation.at(self._when(3, 11.13), self._gift_cards)
        if "warehouse" in self._specs:
            simulation.at(self._when(4, 13.4), self._look_ups)
            simulation.at(self._when(2, 10.5), self._refused)

    def _when(self, day: int, hour: float) -> datetime:
        return self._simulation.calendar.at(self._monday + timedelta(days=day), hour)

    def _plan(self, told: Told) -> Plan:
        spec = self._specs[told.codebase]
        merged = self._when(told.day, told.hour)
        words = Words(told.title, told.kind, told.note)
        who = _WHO[told.who]
        plan = self._simulation.planner.mend(
            spec,
            words,
            merged,
            told.days * 24,
            author=who,
            area=told.area,
            branch=told.branch,
            labels=(*told.labels, f"area/{told.area.lower()}"),
        )
        return replace(
            plan, lines=told.lines, milestone=told.milestone, issue=None if who is BOT else told.title
        )

    def _merge(self, plan: Plan, red: bool, _: datetime) -> Landed:
        landed = self._simulation.merge(plan, red=red)
        self._landed[plan.words.title] = landed
        return landed

    def _promote(self, codebase: str, by: Person, when: datetime) -> str:
        """What was merged by half past nine goes to staging, past the gate, and to users."""
        simulation = self._simulation
        spec, ship = self._specs[codebase], simulation.ships[codebase]
        place = simulation.line.branch.at(min(when, simulation.calendar.at(when.date(), 9.5)))
        sha, version = simulation.line.branch.commits[place].sha, simulation.version(spec, when)
        ship.staging(sha, version, when - timedelta(minutes=41), by)
        if codebase != "warehouse":
            ship.verdict(sha, when - timedelta(minutes=1), "pass", f"{SMOKE}: 31 of 31 passed in staging.")
        return simulation.deploy(spec, place, version, when, by)

    def _gift_cards(self, when: datetime) -> None:
        """Live on Thursday, wrong with two cards, back after 41 minutes; without them on Friday."""
        simulation, spec = self._simulation, self._specs["shop-web"]
        ship = simulation.ships["shop-web"]
        before = (ship.now.sha, ship.now.place, ship.now.version)
        key = self._promote("shop-web", _WHO["eli"], when)
        live = ship.finished
        simulation.incident(
            spec,
            live + timedelta(minutes=9),
            live + timedelta(minutes=44),
            detect=7,
            cause=Cause(deployment=f"shop-web/{key}"),
            down=False,
            title="Wrong totals with two gift cards",
            severity="sev2",
        )
        simulation.at(live + timedelta(minutes=30), lambda now: self._back(before, now, live))
        revert = simulation.planner.revert(
            self._landed["Gift cards at the till"], self._when(3, 15.1), _WHO["eli"]
        )
        simulation.at(revert.merged, partial(self._merge, revert, False))
        simulation.at(self._when(4, 10.1), partial(self._promote, "shop-web", _WHO["bo"]))

    def _back(self, before: tuple[str, int, str], when: datetime, live: datetime) -> None:
        sha, place, version = before
        took = (live + timedelta(minutes=41) - when).total_seconds() / 60
        self._simulation.ships["shop-web"].roll_out(
            sha, version, when, _WHO["bo"], minutes=took, gap=1, place=place, kind="rollback", exact=True
        )

    def _children(self, when: datetime) -> None:
        """Sizes of children's shoes were gone; mended the same noon."""
        simulation, spec = self._simulation, self._specs["catalogue"]
        ship = simulation.ships["catalogue"]
        landed = self._landed["Sizes of children's shoes are shown again"]
        broken = ship.first
        simulation.incident(
            spec,
            ship.finished + timedelta(minutes=6),
            when + timedelta(minutes=12),
            detect=11,
            cause=Cause(deployment=f"catalogue/{broken}"),
            down=False,
            title="Children's sizes missing",
            severity="sev3",
        )
        ship.roll_out(
            landed.commit.sha,
            simulation.version(spec, when),
            when,
            _WHO["mina"],
            minutes=8,
            gap=2,
            place=landed.index,
            mends=(broken,),
        )

    def _look_ups(self, when: datetime) -> None:
        """Still open, and more than a day after the last deployment: nothing explains it."""
        self._simulation.incident(
            self._specs["warehouse"],
            when,
            None,
            detect=6,
            cause=None,
            down=False,
            title="Slow stock look-ups",
            severity="sev3",
        )

    def _refused(self, when: datetime) -> None:
        """The smoke tests stopped a promotion on Wednesday; it went out on Thursday."""
        place = self._simulation.line.branch.at(when)
        sha = self._simulation.line.branch.commits[place].sha
        ship = self._simulation.ships["warehouse"]
        ship.stopped(sha, when)
        ship.verdict(sha, when, "fail", "Smoke test of the label printer failed in staging.")

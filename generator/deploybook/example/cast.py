"""Who and what the example organisation is made of: invented people, teams and codebases."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """An invented person; the weeks are counted from the start of the story."""

    key: str
    team: str
    joined: int = 0
    left: int | None = None

    @property
    def name(self) -> str:
        """As pages show it."""
        return self.key.capitalize()

    @property
    def login(self) -> str:
        """As the forge knows the person."""
        return f"{self.key}-acme"

    @property
    def email(self) -> str:
        """As commits are signed."""
        return f"{self.key}@acme.test"


BOT = Person("shop-bot", "")
BOT_LOGIN = "shop-bot[bot]"
BOT_EMAIL = "shop-bot[bot]@users.noreply.acme.test"

PEOPLE = (
    Person("ana", "checkout"),
    Person("bo", "checkout"),
    Person("eli", "checkout"),
    Person("jonas", "checkout", left=62),
    Person("kim", "checkout", joined=40),
    Person("wanda", "checkout", joined=102),
    Person("chidi", "accounts"),
    Person("sara", "accounts"),
    Person("lena", "accounts"),
    Person("omar", "accounts", joined=20),
    Person("ruth", "accounts"),
    Person("ivo", "accounts", joined=70),
    Person("femi", "discovery"),
    Person("mina", "discovery"),
    Person("tomo", "discovery"),
    Person("greta", "discovery", joined=12),
    Person("hana", "discovery"),
    Person("yusuf", "discovery", joined=55),
    Person("noor", "logistics"),
    Person("pia", "logistics"),
    Person("rafa", "logistics", left=80),
    Person("sven", "logistics"),
    Person("uma", "logistics", joined=30),
    Person("zoe", "logistics"),
)
"""Those who write code. Dana writes none: she is the product owner who writes the weeks' notes."""

PRODUCT_OWNER = Person("dana", "checkout")
TEAMS = ("checkout", "accounts", "discovery", "logistics")
REGIONS = ("prod-eu", "prod-us")


@dataclass(frozen=True)
class Spec:
    """A codebase and its habits."""

    name: str
    team: str
    repository: str
    workflow: str
    """How a pull request is merged: merge, squash or rebase."""
    rate: float
    """Pull requests a week at the start of the story; it grows."""
    areas: tuple[str, ...]
    first_number: int
    cadence: tuple[str, ...] = ("quarterly", "weekly")
    titles: str = "plain"
    """How titles are dressed: plain, conventional, ticket (before), tag (behind)."""
    path: str = ""
    """Its folder in a monorepo."""
    forge: str = "github"
    pilot: bool = False
    flaky: float = 0.05
    care: float = 1.0
    """Multiplies how often its deployments fail."""


SPECS = (
    Spec(
        "shop-web",
        "checkout",
        "shop-web",
        "merge",
        3.0,
        ("Checkout", "Catalogue", "Accounts"),
        1900,
        ("quarterly", "weekly", "twice"),
        "ticket",
        pilot=True,
        flaky=0.22,
    ),
    Spec(
        "checkout-api",
        "checkout",
        "checkout-api",
        "squash",
        2.2,
        ("Checkout",),
        940,
        ("quarterly", "weekly", "daily"),
        "conventional",
        pilot=True,
    ),
    Spec("accounts", "accounts", "accounts", "rebase", 1.7, ("Accounts",), 610, titles="conventional"),
    Spec(
        "catalogue",
        "discovery",
        "catalogue",
        "squash",
        1.8,
        ("Catalogue",),
        1020,
        ("quarterly", "weekly", "twice"),
        "tag",
    ),
    Spec(
        "shop-search",
        "discovery",
        "shop-search",
        "merge",
        2.0,
        ("Search",),
        1650,
        ("quarterly", "weekly", "daily"),
        care=0.5,
    ),
    Spec("warehouse", "logistics", "warehouse", "merge", 1.4, ("Warehouse",), 310, forge="gitlab", care=1.4),
    Spec(
        "notifications",
        "accounts",
        "platform",
        "squash",
        1.0,
        ("Messages",),
        400,
        path="services/notifications",
    ),
    Spec(
        "payments",
        "checkout",
        "platform",
        "squash",
        1.1,
        ("Payments",),
        400,
        ("quarterly", "weekly", "twice"),
        path="services/payments",
    ),
)
"""The eight codebases; the last two share the monorepo `platform`."""


def specs(count: int) -> tuple[Spec, ...]:
    """The first `count` codebases, with invented ones (`code-001` …) beyond the eight."""
    more = tuple(
        Spec(
            f"code-{n:03}",
            TEAMS[n % 4],
            f"code-{n:03}",
            ("merge", "squash", "rebase")[n % 3],
            1.0 + n % 3,
            (SPECS[n % 8].areas[0],),
            100 * (n % 7) + 1,
            SPECS[n % 8].cadence,
        )
        for n in range(1, count - len(SPECS) + 1)
    )
    return (*SPECS[:count], *more)


def staff(team: str, week: int) -> list[Person]:
    """Who of a team is there in a week of the story."""
    return [
        person
        for person in PEOPLE
        if person.team == team and person.joined <= week and (person.left is None or week < person.left)
    ]

"""The words of the example: what changes are called, by area, and what their release notes say."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """A change's title, its kind, and what a product owner would read (`None`: nobody wrote it)."""

    title: str
    kind: str
    """new, improved, fixed, removed or behind."""
    note: str | None = None


THINGS: dict[str, tuple[str, ...]] = {
    "Checkout": (
        "the basket",
        "the payment form",
        "the delivery date",
        "the voucher field",
        "the order summary",
        "the invoice download",
        "guest checkout",
        "the address form",
        "the gift wrap option",
        "the thank-you page",
        "the collection point map",
    ),
    "Accounts": (
        "the sign-in page",
        "the order history",
        "the address book",
        "the password mail",
        "the profile page",
        "the wish list",
        "the newsletter choice",
        "two-step sign-in",
        "the returns page",
        "the loyalty card",
    ),
    "Catalogue": (
        "the size table",
        "the product picture",
        "the colour picker",
        "the category menu",
        "the stock label",
        "the product video",
        "the care instructions",
        "the price history",
        "the comparison list",
        "the brand page",
        "the outlet section",
    ),
    "Search": (
        "the result list",
        "the filter panel",
        "the search box",
        "the spelling hint",
        "the price filter",
        "the size filter",
        "the sort order",
        "the recent searches",
        "the suggestion list",
        "the empty result page",
    ),
    "Warehouse": (
        "the pick list",
        "the packing slip",
        "the stock count",
        "the goods-in screen",
        "the returns shelf",
        "the parcel label",
        "the aisle map",
        "the courier hand-over",
        "the damage report",
        "the shift plan",
    ),
    "Messages": (
        "the order mail",
        "the delivery text message",
        "the back-in-stock mail",
        "the return mail",
        "the birthday mail",
        "the newsletter",
        "the parcel alert",
        "the price alert",
    ),
    "Payments": (
        "card payment",
        "bank transfer",
        "the refund",
        "the instalment plan",
        "the receipt",
        "the currency choice",
        "the fraud check",
        "the payment reminder",
    ),
}

PATTERNS: dict[str, tuple[tuple[str, str], ...]] = {
    "new": (
        ("Let shoppers share {thing}", "Shoppers send a friend {thing} with one tap."),
        ("Add help to {thing}", "Help is at hand in {thing}."),
        ("Try a shorter version of {thing}", "Every tenth shopper sees a shorter version of {thing}."),
        ("Print {thing}", "What is on the screen can be printed: {thing}."),
        ("Let shops edit {thing} for themselves", "Shops change {thing} themselves, without asking us."),
        ("Offer {thing} in the app", "What the web shop had is now in the app: {thing}."),
        ("Open {thing} to business customers", "Business customers get {thing}, too."),
        ("Show {thing} in Polish and Czech", "Polish and Czech are now spoken in {thing}."),
        ("Send {thing} to a second reader", "A colleague can be sent {thing} with one tap."),
    ),
    "improved": (
        ("Keep {thing} working with one hand", "On a phone, {thing} is in the thumb's reach."),
        ("Show fewer words in {thing}", "There is less to read in {thing}."),
        ("Give {thing} more contrast", "In bright sun, {thing} can be read."),
        ("Put what matters first in {thing}", "What most people look for comes first in {thing}."),
        ("Tell what happens next in {thing}", "Nobody has to guess what comes after {thing}."),
        ("Use pictures instead of words in {thing}", "Pictures say what words said in {thing}."),
        ("Open {thing} faster on slow networks", "On a slow network, {thing} opens in half the time."),
        (
            "Explain errors in {thing} in plain words",
            "When something is wrong with {thing}, we now say what to do.",
        ),
        ("Remember the last choice in {thing}", "Whoever comes back finds {thing} as it was left."),
        ("Make {thing} easier to find", "One tap less leads to {thing}."),
        ("Ask for less in {thing}", "Two questions fewer in {thing}."),
        ("Show {thing} clearly on small screens", "On a small phone, {thing} no longer needs zooming."),
    ),
    "fixed": (
        ("Stop {thing} from jumping while it loads", "It stands still while it loads: {thing}."),
        ("Show the right time in {thing}", "Times are local again in {thing}."),
        ("Let {thing} be used with the keyboard", "No mouse is needed for {thing}."),
        ("Do not lose the place in {thing}", "Going back leads to where one was in {thing}."),
        ("Show {thing} when the network comes back", "After a tunnel, {thing} goes on by itself."),
        ("Bring {thing} back on old tablets", "Old tablets show {thing} again."),
        ("Say why {thing} is empty", "An empty page explains itself in {thing}."),
        ("Keep {thing} when the session ends", "Nothing is lost from {thing} after a long break."),
        ("Show {thing} in the reader's language again", "The reader's language is back in {thing}."),
        ("Stop {thing} from loading twice", "It no longer flickers: {thing}."),
        ("Read {thing} aloud correctly", "Screen readers now say {thing} in the right order."),
        ("Round totals right in {thing}", "Cents add up again in {thing}."),
        ("Accept names with accents in {thing}", "Names such as Zoë are accepted in {thing}."),
        ("Bring back the missing picture in {thing}", "The picture is there again in {thing}."),
    ),
    "removed": (
        ("Drop the second confirmation in {thing}", "Nobody is asked twice in {thing}."),
        ("Take the banner off {thing}", "The banner is gone from {thing}."),
        ("Remove the old version of {thing}", "The old version is gone; everybody now uses the new {bare}."),
        ("Take the survey out of {thing}", "We no longer ask for an opinion in {thing}."),
    ),
}

BEHIND = (
    "Split the {area} tests in two halves",
    "Move {area} settings to one file",
    "Log less in {area}",
    "Measure response times of {area}",
    "Use the shared date library in {area}",
    "Delete unused code of {area}",
    "Name the tables of {area} alike",
    "Retry the nightly job of {area}",
    "Write down how {area} is run",
    "Sort the {area} logs by customer",
    "Alert earlier when {area} slows down",
    "Warm {area} up before it takes traffic",
    "Time every query of {area}",
    "Keep {area} data for a year only",
    "Describe the {area} interface",
    "Raise the memory limit of {area}",
    "Run the {area} tests in random order",
    "Cache the {area} build",
)

MENDS = (
    "Mend the build after the clash in the basket tests",
    "Mend the release branch: pin the time zone in tests",
    "Mend the build: restore the missing fixture",
    "Mend the release branch: undo half a rename",
    "Mend the build: wait for the database in tests",
    "Mend the release branch: add the forgotten import",
)

LIBRARIES = (
    "requests",
    "pillow",
    "sqlalchemy",
    "fastapi",
    "jinja2",
    "redis",
    "orjson",
    "uvicorn",
    "babel",
    "lxml",
)

INCIDENTS: dict[str, tuple[str, ...]] = {
    "Checkout": ("Orders cannot be paid", "Wrong totals in the basket", "Vouchers refused at the till"),
    "Accounts": ("Nobody can sign in", "Password mails arrive hours late", "Order history is empty"),
    "Catalogue": ("Prices missing on product pages", "Pictures load for ever", "Sizes shown wrongly"),
    "Search": ("Search finds nothing", "Filters forget the price", "Search answers slowly"),
    "Warehouse": ("Pick lists print blank", "Stock counts jump back", "Labels carry the wrong courier"),
    "Messages": ("Order mails sent twice", "Text messages delayed"),
    "Payments": ("Card payments time out", "Refunds stuck in the queue"),
}

_WEIGHTS = {"new": 3, "improved": 5, "fixed": 7, "removed": 1, "behind": 3}


def draw(rng: random.Random, area: str, used: set[str]) -> Words:
    """A change of an area, with a title not used before while there are any left."""
    for _ in range(12):
        words = _one(rng, area)
        if words.title not in used:
            break
    else:
        words = Words(f"{words.title}, part {rng.randrange(2, 90)}", words.kind, words.note)
    used.add(words.title)
    return words


def _one(rng: random.Random, area: str) -> Words:
    kind = rng.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
    if kind == "behind":
        return Words(rng.choice(BEHIND).format(area=area.lower()), kind)
    title, note = rng.choice(PATTERNS[kind])
    thing = rng.choice(THINGS[area])
    bare = thing.removeprefix("the ")
    text = note.format(thing=thing, bare=bare)
    return Words(title.format(thing=thing), kind, text[0].upper() + text[1:])


def dressed(words: Words, style: str, number: int) -> str:
    """The title as a codebase writes it, with its prefix or ticket."""
    if style == "conventional":
        kind = {"new": "feat", "improved": "perf", "fixed": "fix", "removed": "feat!", "behind": "chore"}[
            words.kind
        ]
        return f"{kind}: {words.title[0].lower()}{words.title[1:]}"
    if style == "ticket":
        return f"SHOP-{number + 3000}: {words.title}"
    if style == "tag":
        return f"{words.title} [CAT-{number + 200}]"
    return words.title


def body(words: Words, rng: random.Random, issue: str | None) -> str:
    """A pull request's text: what, why, and for many a release note."""
    parts = [
        rng.choice(
            (
                "Asked for by the service desk.",
                "From the last usability round.",
                "Small and on its own.",
                "Part of a larger plan; safe without the rest.",
                "Seen in the weekly numbers.",
            )
        )
    ]
    if issue:
        parts.append(f"Closes {issue}.")
    if words.kind == "behind":
        if rng.random() < 0.4:
            parts.append("```release-note\nNONE\n```")
    elif words.note and rng.random() < 0.72:
        style = rng.random()
        if style < 0.7:
            parts.append(f"```release-note\n{words.note}\n```")
        else:
            parts.append(f"## Release notes\n\n{words.note}")
    return "\n\n".join(parts)

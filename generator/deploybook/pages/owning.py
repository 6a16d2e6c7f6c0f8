"""Who owns a codebase or a file, what says so, and what lacks an owner."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from deploybook import words
from deploybook.ownership import Owned
from deploybook.pages.book import Book
from deploybook.text import slug

QUIET_DAYS = 180
"""An owner without a change or a deployment in so many days is told as quiet."""
YEAR = timedelta(days=365)
_FILES = 5
_SAMPLE = 5000


@dataclass(frozen=True)
class Says:
    """An owner of a codebase, and what says so."""

    name: str
    href: Markup | None
    by: str


def owner_of(book: Book, name: str) -> Says | None:
    """Who owns a codebase: by configuration, else `catalog-info.yaml`, else most files' CODEOWNERS."""
    team = book.config.codebases[name].team
    if team is not None:
        return Says(team_name(book, team), team_href(team), "configuration")
    owned = book.owners.get(name, Owned())
    for entry in owned.entries:
        if entry.owner:
            return Says(known(book, entry.owner), None, "catalog-info.yaml")
    if owners := whole(book, name):
        return Says(words.joined([known(book, owner) for owner in owners]), None, "CODEOWNERS")
    return None


def whole(book: Book, name: str) -> tuple[str, ...]:
    """Who owns every file that CODEOWNERS names an owner for, where that is the same for most of them."""
    owned = book.owners.get(name, Owned())
    if owned.codeowners is None:
        return ()
    counts = Counter(owned.codeowners.owners(path) for path in owned.paths[:_SAMPLE])
    most, files = counts.most_common(1)[0] if counts else ((), 0)
    return most if files * 2 > len(owned.paths[:_SAMPLE]) else ()


def team_name(book: Book, key: str) -> str:
    """A team as pages write it."""
    return book.config.teams[key].name or key if key in book.config.teams else key


def team_href(key: str) -> Markup:
    """The anchor of a team on the owners page."""
    return Markup(f"#team-{slug(key)}")


def known(book: Book, owner: str) -> str:
    """An owner of CODEOWNERS as readers know it: a person, a team, else as it stands there.

    A public site names teams only.
    """
    if "/" not in owner and (person := book.config.person_of(owner)):
        return "a person" if book.config.site.public else book.config.people[person].name or person
    if book.config.site.public and "/" not in owner and owner not in book.config.teams:
        return "a person"
    last = owner.rpartition("/")[2].removeprefix("@").casefold()
    return team_name(book, last) if last in book.config.teams else owner


def last_active(book: Book) -> dict[str, datetime]:
    """When each person of the configuration last merged a change, or deployed."""
    found: dict[str, datetime] = {}
    for name, at in (
        *((change.author, change.merged_at) for change in book.changes),
        *((deployment.by, deployment.at) for deployment in book.deployments),
    ):
        key = book.person_key(name)
        if key is not None and at <= book.as_of and at > found.get(key, at - timedelta(1)):
            found[key] = at
    return found


def changed_by_others(book: Book) -> Iterator[tuple[object, ...]]:
    """Files that others than their owners changed more often in a year; most changes first."""
    since = book.as_of - YEAR
    touched: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for change in book.changes:
        file = book.owners.get(change.codebase, Owned()).codeowners
        if file is None or change.bot or change.merged_at < since or not change.files:
            continue
        author = book.person_key(change.author)
        for path in change.files[:200]:
            if owners := file.owners(path):
                own = author is not None and _is_owner(book, author, owners)
                touched[change.codebase, path].append(own)
    for name in book.codebases:
        owned = book.owners.get(name, Owned())
        if owned.codeowners is None:
            continue
        rows = ((path, touched.get((name, path), [])) for path in owned.paths)
        found = [(path, row) for path, row in rows if len(row) >= 5 and sum(row) * 2 < len(row)]
        for path, row in sorted(found, key=lambda pair: (sum(pair[1]) - len(pair[1]), pair[0]))[:_FILES]:
            who = words.joined([known(book, each) for each in owned.codeowners.owners(path)])
            yield (path, name, who, words.rate(len(row) - sum(row), len(row)) or "")


def _is_owner(book: Book, person: str, owners: tuple[str, ...]) -> bool:
    """Whether a person is one of the owners, or in a team of theirs."""
    for owner in owners:
        last = owner.rpartition("/")[2].removeprefix("@").casefold()
        if "/" not in owner and book.config.person_of(owner) == person:
            return True
        if last in book.config.teams and person in book.config.teams[last].members:
            return True
    return False


def gaps(book: Book) -> Iterator[Markup | str]:
    """What nobody owns, who is quiet, and what only one person knows."""
    for name in book.codebases:
        if owner_of(book, name) is None:
            yield f"{name} has no owner: set its team, or add a CODEOWNERS file."
        yield from _unowned(book, name)
    yield from _quiet_owners(book)
    yield from _one_person(book)


def _unowned(book: Book, name: str) -> Iterator[str]:
    owned = book.owners.get(name, Owned())
    if owned.codeowners is None or not owned.paths:
        return
    nobody = [path for path in owned.paths if not owned.codeowners.of(path)]
    if nobody:
        says = f"{words.count(len(nobody), 'file')} of {name} match no rule of CODEOWNERS"
        yield f"{says}, {nobody[0]} for one; its owner stands for them."


def _quiet_owners(book: Book) -> Iterator[str]:
    active = book.once(last_active)
    limit = book.as_of - timedelta(days=QUIET_DAYS)
    for team in sorted({each.team for each in book.config.codebases.values() if each.team}):
        members = book.config.teams[team].members if team in book.config.teams else ()
        if members and not any(active.get(who, limit) > limit for who in members):
            mine = [name for name in book.codebases if book.config.codebases[name].team == team]
            yield (
                f"{team_name(book, team)} owns {words.joined(mine)}, and nobody of it has merged or deployed "
                f"anything in {QUIET_DAYS} days."
            )
    for name in book.codebases:
        owned = book.owners.get(name, Owned())
        named = (
            {owner for rule in owned.codeowners.rules for owner in rule.owners} if owned.codeowners else set()
        )
        for owner in sorted(named):
            key = book.config.person_of(owner) if "/" not in owner else None
            if key is not None and (key not in active or active[key] < limit):
                who = known(book, owner)
                yield f"{who} owns files of {name}, and no change of the last {QUIET_DAYS} days is theirs."


def _one_person(book: Book) -> Iterator[str]:
    """Codebases that one person alone has changed in a year; where an author is unknown, nothing is said."""
    since = book.as_of - YEAR
    authors: dict[str, Counter[str | None]] = defaultdict(Counter)
    for change in book.changes:
        if since <= change.merged_at <= book.as_of and not change.bot:
            authors[change.codebase][book.person(change.author) if change.author else None] += 1
    for name in book.codebases:
        told = authors[name]
        if len(told) == 1 and None not in told:
            some = words.count(told.total(), "change")
            yield f"One person alone has changed {name} in a year ({some}): a second one should know it."

"""`owners/`: codebases, teams, people and rotations, and who is asked about a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.ownership import Codeowners, Owned
from deploybook.pages.book import Book
from deploybook.pages.owning import (
    Says,
    changed_by_others,
    gaps,
    known,
    owner_of,
    team_name,
    whole,
)
from deploybook.pages.page import File, Page
from deploybook.pages.rest import elsewhere
from deploybook.pages.rota import Holder, past, rota, year
from deploybook.text import escape, json_for_script, link, slug

_DEEP = 3
_MOST_PLACES = 2000
_LINKS = 4
"""Links of a catalogue's entry that are shown."""


@dataclass(frozen=True)
class CodebaseRow:
    """A codebase with its owner and where to ask."""

    name: str
    anchor: Markup
    owner: Says | None
    differs: str
    contact: Markup | str
    rules: tuple[tuple[object, ...], ...]
    sections: bool
    """Whether its rules stand in sections, as GitLab's may."""
    rules_say: str
    aside: tuple[tuple[object, ...], ...]
    unread: str


@dataclass(frozen=True)
class TeamRow:
    """A team: who is in it, whom to ask, where."""

    name: str
    anchor: Markup
    codebases: tuple[str, ...]
    people: tuple[dict[str, str], ...]
    facts: tuple[tuple[str, Markup | str], ...]


@dataclass(frozen=True)
class RotaRow:
    """A rotation: now and next, the year to come, and how the last turns went."""

    name: str
    anchor: Markup
    now: tuple[Holder, ...]
    year: tuple[tuple[object, ...], ...]
    past: tuple[tuple[object, ...], ...]
    calendar: Markup


@dataclass(frozen=True)
class OwnersPage:
    """The model of `owners/`."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    public: bool
    codebases: tuple[CodebaseRow, ...]
    teams: tuple[TeamRow, ...]
    people: tuple[tuple[object, ...], ...]
    rotas: tuple[RotaRow, ...]
    others: tuple[tuple[object, ...], ...]
    gaps: tuple[Markup | str, ...]
    sample: str
    elsewhere: tuple[tuple[Markup, Markup], ...]
    """On one team's site: the other teams and their codebases."""


def pages(book: Book) -> Iterator[Page | File]:
    """The owners page and the rules that its script reads."""
    yield Page("owners", "owners.md.jinja", "Owners", owners_page(book), toc=True)
    yield File("owners/rules.json", str(json_for_script(rules(book))).encode())


def owners_page(book: Book) -> OwnersPage:
    """The model of `owners/`."""
    rows = tuple(_codebase(book, name) for name in book.codebases)
    owned = sum(row.owner is not None for row in rows)
    return OwnersPage(
        kicker="Owners, who looks after what",
        sentence=_sentence(owned, len(rows)),
        lead="Who owns a codebase, the configuration says; where it does not, catalog-info.yaml; "
        "else CODEOWNERS. About a file, CODEOWNERS is asked first.",
        simulated=book.config.site.simulated,
        public=book.config.site.public,
        codebases=rows,
        teams=tuple(_teams(book)),
        people=() if book.config.site.public else tuple(_people(book)),
        rotas=() if book.config.site.public else tuple(_rotas(book)),
        others=tuple(changed_by_others(book)),
        gaps=tuple(gaps(book)),
        sample=_sample(book),
        elsewhere=tuple(elsewhere(book)),
    )


def _sentence(owned: int, of: int) -> str:
    if not of:
        return "No codebase is configured."
    if of == 1:
        return "One codebase, with an owner." if owned else "One codebase, and it has no owner."
    if owned == of:
        return f"{words.count(of, 'codebase', start=True)}, each with an owner."
    some = words.spelled(owned, start=True) if owned else "None"
    return f"{some} of {words.count(of, 'codebase')} {'has' if owned < 2 else 'have'} an owner."


def _codebase(book: Book, name: str) -> CodebaseRow:
    owned, configured = book.owners.get(name, Owned()), book.config.codebases[name]
    owner = owner_of(book, name)
    file = owned.codeowners
    return CodebaseRow(
        name=name,
        anchor=Markup(f"codebase-{slug(name)}"),
        owner=owner,
        differs=_differs(book, name, owner),
        contact=words.joined(ways, "or") if (ways := list(_contact(book, configured.team, owned))) else "",
        rules=tuple(_rules(book, file)) if file else (),
        sections=file is not None and file.dialect == "gitlab",
        rules_say=_rules_say(file) if file else "",
        aside=tuple((aside.line, aside.text, aside.because) for aside in file.aside[:20]) if file else (),
        unread=_unread(owned, configured.repository),
    )


def _unread(owned: Owned, repository: str | None) -> str:
    if repository is None:
        return "It has no repository here, so nothing says who owns a file."
    if owned.unread:
        return f"Its repository could not be read: {owned.unread}."
    return "" if owned.codeowners else "Its repository has no CODEOWNERS file."


def _differs(book: Book, name: str, owner: Says | None) -> str:
    """Where the repository names another owner for the whole than the configuration."""
    if owner is None or owner.by != "configuration":
        return ""
    catalogue = [known(book, each.owner) for each in book.owners.get(name, Owned()).entries if each.owner]
    told = []
    for file, others in (
        ("catalog-info.yaml", catalogue),
        ("CODEOWNERS", [known(book, each) for each in whole(book, name)]),
    ):
        if others and owner.name not in others:
            told.append(f"{file} names {words.joined(others)}")
    return f"{words.joined(told)}; the configuration stands." if told else ""


def _contact(book: Book, key: str | None, owned: Owned) -> Iterator[Markup | str]:
    team = book.config.teams.get(key or "")
    if team is not None:
        if team.contact and not book.config.site.public:
            yield book.person(team.contact) or team.contact
        if team.chat:
            yield team.chat
        for label, address in (("tracker", team.tracker), ("documents", team.documents)):
            if url := link(address):
                yield Markup('<a href="{}">{}</a>').format(url, label)
        if team.on_call in book.config.rotations and not book.config.site.public:
            yield Markup('<a href="#rotation-{}">who is on call</a>').format(slug(team.on_call))
    for title, address in [each for entry in owned.entries for each in entry.links][:_LINKS]:
        if url := link(address):
            yield Markup('<a href="{}">{}</a>').format(url, escape(title))


def _rules_say(file: Codeowners) -> str:
    wins = (
        "the last rule that matches wins"
        if file.dialect == "github"
        else "the last rule of each section counts"
    )
    forge = "GitHub" if file.dialect == "github" else "GitLab"
    return f"{file.file}, {words.count(len(file.rules), 'rule')}, read as {forge} does: {wins}."


def _rules(book: Book, file: Codeowners) -> Iterator[tuple[object, ...]]:
    for rule in file.rules[:200]:
        owners = [known(book, owner) for owner in rule.owners]
        says = words.joined(owners) if owners else ("takes away" if rule.excludes else "nobody, on purpose")
        pattern = f"!{rule.pattern}" if rule.excludes else rule.pattern
        section = "" if rule.section == "(default)" else rule.section
        yield (pattern, says, section, rule.line) if file.dialect == "gitlab" else (pattern, says, rule.line)


def _teams(book: Book) -> Iterator[TeamRow]:
    for key in sorted(book.config.teams, key=lambda key: team_name(book, key).casefold()):
        team = book.config.teams[key]
        facts: list[tuple[str, Markup | str]] = []
        if team.contact and not book.config.site.public:
            facts.append(("Ask", book.person(team.contact) or team.contact))
        if team.chat:
            facts.append(("Chat", team.chat))
        for label, address in (("Tracker", team.tracker), ("Documents", team.documents)):
            if url := link(address):
                facts.append((label, Markup('<a href="{}">{}</a>').format(url, escape(address))))
        if team.on_call:
            facts.append(("On call", _on_call(book, team.on_call)))
        owned = tuple(name for name in book.codebases if book.config.codebases[name].team == key)
        public = book.config.site.public
        people = () if public else tuple({"name": book.person(who) or who} for who in team.members)
        yield TeamRow(team_name(book, key), Markup(f"team-{slug(key)}"), owned, people, tuple(facts))


def _on_call(book: Book, on_call: str) -> Markup | str:
    if on_call in book.config.rotations:
        return Markup('<a href="#rotation-{}">{}</a>').format(
            slug(on_call), escape(on_call.replace("-", " "))
        )
    url = link(on_call)
    return Markup('<a href="{}">{}</a>').format(url, escape(on_call)) if url else on_call


def _people(book: Book) -> Iterator[tuple[object, ...]]:
    """Names, teams and logins; addresses stay in the configuration."""
    teams = defaultdict(list)
    for key, team in book.config.teams.items():
        for member in team.members:
            teams[member].append(team_name(book, key))
    for key in sorted(book.config.people, key=lambda key: (book.config.people[key].name or key).casefold()):
        person = book.config.people[key]
        login = f"@{person.github}" if person.github else ""
        yield (person.name or key, words.joined(teams[key]) if teams[key] else "", login)


def _rotas(book: Book) -> Iterator[RotaRow]:
    for name in sorted(book.config.rotations):
        told = rota(book, name)
        yield RotaRow(
            told.role,
            Markup(f"rotation-{slug(name)}"),
            told.turns,
            tuple(year(book, name)),
            tuple(past(book, name)),
            told.calendar,
        )


def _sample(book: Book) -> str:
    """A path that is there, for the field's example."""
    for name in book.codebases:
        owned = book.owners.get(name)
        if owned and owned.paths:
            return next((path for path in owned.paths if path.count("/") > 1), owned.paths[0])
    return "src/app.py"


def _places(paths: Sequence[str]) -> list[str]:
    """What tells codebases apart: files at the top, and folders three deep."""
    found: set[str] = set()
    for path in paths:
        parts = path.split("/")
        found.update("/".join(parts[:depth]) for depth in range(1, min(len(parts), _DEEP + 1)))
        if len(parts) == 1:
            found.add(path)
    return sorted(found, key=lambda place: (place.count("/"), place))[:_MOST_PLACES]


def rules(book: Book) -> dict[str, object]:
    """What the page's script reads: each codebase's rules, its owner, and what says so."""
    found: list[dict[str, object]] = []
    for name in book.codebases:
        owned, owner = book.owners.get(name, Owned()), owner_of(book, name)
        file = owned.codeowners
        found.append(
            {
                "codebase": name,
                "folder": book.config.codebases[name].path or "",
                "places": _places(owned.paths),
                "owner": owner.name if owner else None,
                "by": owner.by if owner else None,
                "dialect": file.dialect if file else None,
                "file": file.file if file else None,
                "rules": [
                    {
                        "pattern": rule.pattern,
                        "expression": rule.expression,
                        "owners": [known(book, each) for each in rule.owners],
                        "line": rule.line,
                        "section": rule.section,
                        "excludes": rule.excludes,
                    }
                    for rule in (file.rules if file else ())
                ],
            }
        )
    return {"codebases": found}

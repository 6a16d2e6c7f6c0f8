"""What one part of the file says about another: names that must be there, names that must differ.

Works on the tree, not on the models, so that a wrong value elsewhere in the file hides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from importlib.metadata import entry_points

from pydantic import ValidationError

from deploybook.config.names import EVERYTHING, METRICS
from deploybook.config.problems import Places, shown
from deploybook.config.schema import SECTIONS, SOURCE_KINDS
from deploybook.config.secrets import holds_secret, is_secret
from deploybook.config.sources import SOURCE_OPTIONS
from deploybook.config.tree import Node
from deploybook.errors import Problem, UsageError
from deploybook.periods import holidays_of

Loc = tuple[int | str, ...]


def check(places: Places) -> Iterator[Problem]:
    """Every problem between the parts of one file."""
    for each in (_references, _environments, _targets, _deployments_named, _aliases, _calendars, _sources):
        yield from each(places)
    yield from _holidays(places)
    yield from _secrets(places, (), places.root, in_sources=False)


def _texts(places: Places, *pattern: str) -> Iterator[tuple[str, Loc]]:
    """Texts at places; `*` stands for every key or item, a list at the end for its items, `~` for keys."""

    def walk(node: Node, loc: Loc, rest: tuple[str, ...]) -> Iterator[tuple[str, Loc]]:
        if not rest:
            if isinstance(node.value, str):
                yield node.value, loc
            for index, item in enumerate(node.items):
                if isinstance(item.value, str):
                    yield item.value, (*loc, index)
        elif rest == ("~",):
            yield from ((str(key), (*loc, key)) for key in node.mapping)
        elif rest[0] == "*":
            for key, child in node.mapping.items():
                yield from walk(child, (*loc, key), rest[1:])
            for index, child in enumerate(node.items):
                yield from walk(child, (*loc, index), rest[1:])
        elif child := node.mapping.get(rest[0]):  # type: ignore[assignment]
            yield from walk(child, (*loc, rest[0]), rest[1:])

    yield from walk(places.root, (), pattern)


def _names(places: Places, *sections: str) -> set[str] | None:
    """The names under these sections; `None` where a section seems misspelt, which is said elsewhere."""
    unknown = [key for key in places.root.mapping if key not in SECTIONS]
    if any(
        section not in places.root.mapping and get_close_matches(section, unknown) for section in sections
    ):
        return None
    return {name for section in sections for name in places.section(section).mapping}


def _is_name(text: str) -> bool:
    """Whether a text that may be an address or a name is meant as a name."""
    return not set(text) & set("@:/# ")


def _is_followed(text: str) -> bool:
    """Whether a text among `follows` is meant as a name."""
    return text != EVERYTHING


def _references(places: Places) -> Iterator[Problem]:
    wanted: tuple[tuple[tuple[str, ...], Callable[[str], bool], tuple[str, ...]], ...] = (
        (("teams",), bool, ("codebases", "*", "team")),
        (("people",), bool, ("teams", "*", "members")),
        (("people",), _is_name, ("teams", "*", "contact")),
        (("rotations",), _is_name, ("teams", "*", "on_call")),
        (("people",), bool, ("rotations", "*", "members")),
        (("people",), bool, ("rotations", "*", "overrides", "*", "person")),
        (("rotations",), bool, ("process", "decides", "rotation")),
        (("rotations",), bool, ("sources", "*", "ics", "rotation")),
        (("rotations",), bool, ("sources", "*", "*", "schedules", "~")),
        (("codebases",), bool, ("sources", "*", "*", "availability", "*", "codebase")),
        (("teams",), bool, ("process", "meetings", "*", "teams")),
        (("codebases",), bool, ("areas", "*", "codebases")),
        (("codebases",), bool, ("annotations", "*", "codebases")),
        (("people", "teams"), bool, ("initiatives", "*", "owner")),
        (("people", "teams"), bool, ("flags", "*", "owner")),
        (("people",), bool, ("corrections", "*", "by")),
        (("codebases",), bool, ("sources", "*", "*", "codebase")),
        (("codebases", "areas", "initiatives"), _is_followed, ("teams", "*", "follows")),
        (("codebases", "areas", "initiatives"), _is_followed, ("people", "*", "follows")),
        (("codebases",), bool, ("sources", "*", "jenkins", "jobs", "*")),
        (("codebases",), bool, ("sources", "*", "circleci", "projects", "*")),
        (("codebases",), bool, ("sources", "*", "argocd", "apps", "*", "codebase")),
    )
    for sections, meant, pattern in wanted:
        names = _names(places, *sections)
        if names is None:
            continue
        for text, loc in _texts(places, *pattern):
            if meant(text) and text not in names:
                where = " or ".join(f"`{section}`" for section in sections)
                step = places.near(text, names) or f"add {shown(text)} under {where}"
                yield places.problem(loc, shown(text), f"a name under {where}", step)


def _stages(places: Places) -> set[str]:
    node = places.root.get("process", "environments")
    found = {"production"} if node is None or node.value is None else set()
    for item in node.items if node else ():
        found |= {text for text, _ in item.words()} | set(item.mapping)
        found |= {text for members in item.mapping.values() for text, _ in members.words()}
    return {name.casefold() for name in found}


def _environments(places: Places) -> Iterator[Problem]:
    known = _stages(places)
    said: tuple[tuple[str, ...], ...] = (
        ("codebases", "*", "deployments", "environment"),
        ("sources", "*", "circleci", "deploys", "*"),
        ("sources", "*", "argocd", "apps", "*", "environment"),
        ("sources", "*", "argocd", "environments", "*"),
    )
    for text, loc in (each for pattern in said for each in _texts(places, *pattern)):
        if text.casefold() not in known:
            step = places.near(text, known) or f"add {shown(text)} to `process.environments`"
            yield places.problem(loc, shown(text), "an environment of `process.environments`", step)
    seen: set[str] = set()
    for index, item in enumerate(places.section("process", "environments").items):
        for text, _ in [
            *item.words(),
            *(word for members in item.mapping.values() for word in members.words()),
        ]:
            if text.casefold() in seen:
                loc = ("process", "environments", index)
                yield places.problem(
                    loc, f"{shown(text)} a second time", "each environment once, in any case"
                )
            seen.add(text.casefold())


def _targets(places: Places) -> Iterator[Problem]:
    for name in places.section("targets").mapping:
        if name not in METRICS:
            step = places.near(name, METRICS)
            yield places.problem(
                ("targets", name), f"the unknown metric {shown(name)}", "a metric's name", step
            )


def _deployments_named(places: Places) -> Iterator[Problem]:
    names = _names(places, "codebases")
    for text, loc in _texts(places, "corrections", "*", "deployment"):
        codebase, slash, number = text.partition("/")
        if not slash or not number:
            yield places.problem(loc, shown(text), "a deployment as codebase/id")
        elif names is not None and codebase not in names:
            yield places.problem(
                loc, shown(codebase), "a name under `codebases`", places.near(codebase, names)
            )


def _aliases(places: Places) -> Iterator[Problem]:
    owner = {name.casefold(): name for name in places.section("codebases").mapping}
    for text, loc in _texts(places, "codebases", "*", "also_known_as"):
        other = owner.setdefault(text.casefold(), str(loc[1]))
        if other != loc[1]:
            yield places.problem(
                loc, shown(text), f"a name that no other codebase has: {shown(other)} has it"
            )


def _calendars(places: Places) -> Iterator[Problem]:
    teams = _names(places, "teams") or set()
    for name in sorted((_names(places, "rotations") or set()) & teams):
        expected = "another name: a team has it, and both have a calendar of that name"
        yield places.problem(("rotations", name), f"the name {shown(name)}", expected)


def _holidays(places: Places) -> Iterator[Problem]:
    for text, loc in _texts(places, "process", "holidays"):
        try:
            holidays_of(text)
        except UsageError as error:
            yield places.problem(loc, shown(text), "a country whose holidays are known", error.next_step)


def _sources(places: Places) -> Iterator[Problem]:
    named = [
        (index, kind) for index, item in enumerate(places.section("sources").items) for kind in item.mapping
    ]
    for index, kind in named:
        if kind in SOURCE_OPTIONS:
            yield from _options(places, index, kind)
    if all(kind in SOURCE_KINDS for _, kind in named):
        return
    known = (*SOURCE_KINDS, *(point.name for point in entry_points(group="deploybook.sources")))
    expected = "one of: " + ", ".join(known)
    for index, kind in named:
        if kind not in known:
            found = f"the unknown source {shown(kind)}"
            yield places.problem(("sources", index, kind), found, expected, places.near(kind, known))


def _options(places: Places, index: int, kind: str) -> Iterator[Problem]:
    loc = ("sources", index, kind)
    node = places.find(loc)
    try:
        SOURCE_OPTIONS[kind].model_validate(node.plain() if node else None)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        for problem in places.explain([{**each, "loc": (*loc, *each["loc"])} for each in found]):
            if problem.found != "a value that is not shown":  # a secret in the file: told by `_secrets`
                yield problem


def _secrets(places: Places, loc: Loc, node: Node, *, in_sources: bool) -> Iterator[Problem]:
    if isinstance(node.value, str):
        due = in_sources and holds_secret(
            str(next((part for part in reversed(loc) if isinstance(part, str)), ""))
        )
        if not node.value.startswith("env:") and (due or is_secret(node.value)):
            yield places.problem(
                loc, "a secret (not shown)", "env:NAME, the environment variable that holds it",
                "write env:NAME, and change the secret: whoever reads the file knows it",
            )  # fmt: skip
        return
    below: list[tuple[int | str, Node]] = [*node.mapping.items(), *enumerate(node.items)]
    for key, child in below:
        yield from _secrets(places, (*loc, key), child, in_sources=in_sources or loc == ("sources",))

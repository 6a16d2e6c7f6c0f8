"""CODEOWNERS as GitLab reads it: sections that each have their say, default owners, and exclusions."""

from __future__ import annotations

import re

from deploybook.ownership.model import DEFAULT, MOST_RULES, Aside, Codeowners, Rule, refused

_HEADING = re.compile(r"\^?\[(?P<name>[^\[\]]+)\](?:\[\d{1,9}\])?(?:\s+(?P<owners>.*))?")
_OWNER = re.compile(
    r"(?<![^\s])(?:@@(?:developer|maintainer|owner)s?(?!\S)|@[\w.\-]+(?:/[\w.\-]+)*|[^\s@]+@[^\s@]+)",
    re.ASCII,
)


def read(text: str, file: str = "CODEOWNERS") -> Codeowners:
    """Read a file: the last rule of each section counts, and all sections add up."""
    rules: list[Rule] = []
    aside: list[Aside] = []
    section, given = DEFAULT, ()  # type: str, tuple[str, ...]
    names: dict[str, str] = {}
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if heading := _HEADING.fullmatch(line):
            name = heading["name"].strip()
            section = names.setdefault(name.casefold(), name)
            given = tuple(_OWNER.findall(heading["owners"] or ""))
            continue
        rule = _rule(line, number, section, given)
        wrong = refused(rule.pattern) if rule.pattern.strip("/") else "a pattern that matches nothing"
        if wrong:
            aside.append(Aside(number, line[:200], wrong))
        elif len(rules) < MOST_RULES:
            rules.append(rule)
    return Codeowners("gitlab", file, tuple(rules), tuple(aside))


def _rule(line: str, number: int, section: str, given: tuple[str, ...]) -> Rule:
    excludes = line.startswith("!")
    parts = re.match(r"((?:\\.|\S)*)(.*)", line.removeprefix("!"), re.DOTALL)
    pattern, rest = (parts[1], parts[2]) if parts else (line, "")
    owners = tuple(dict.fromkeys(_OWNER.findall(rest))) or given
    return Rule(pattern, () if excludes else owners, number, expression(pattern), section, excludes)


def expression(pattern: str) -> str:
    """The regular expression of a GitLab pattern, for paths that begin with `/`.

    A pattern that does not begin with `/` matches at any depth; one that ends with it, all that is inside.
    """
    plain = pattern.replace("\\#", "#").replace("\\ ", " ")
    plain = plain if plain.startswith("/") else f"/**/{plain}"
    plain = f"{plain}**/*" if plain.endswith("/") else plain
    return f"^{_glob(plain)}$"


def _glob(pattern: str) -> str:
    out, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at) and (at == 0 or pattern[at - 1] == "/"):
            out += "" if out.endswith("(?:[^/]+/)*") else "(?:[^/]+/)*"
            at += 3
        elif pattern[at] == "*":
            while at < len(pattern) and pattern[at] == "*":
                at += 1
            out += "[^/]*"
        elif pattern[at] == "?":
            out += "[^/]"
            at += 1
        elif pattern[at] == "\\" and at + 1 < len(pattern):
            out += re.escape(pattern[at + 1])
            at += 2
        elif found := re.match(r"\[([!^]?)([^\[\]/\\]+)\]", pattern[at:]):
            out += "[" + ("^/" if found[1] else "") + _ranges(found[2]) + "]"
            at += found.end()
        else:
            out += re.escape(pattern[at])
            at += 1
    return out


def _ranges(inside: str) -> str:
    """The inside of a character class: ranges that go upwards, all else literal."""
    out = ""
    for found in re.finditer(r"(.)-(.)|(.)", inside, re.DOTALL):
        first, last, single = found.groups()
        if single is not None:
            out += re.escape(single)
        elif first <= last:
            out += f"{re.escape(first)}-{re.escape(last)}"
    return out or "/"

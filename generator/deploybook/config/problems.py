"""From what pydantic says to what a person can act on: line, key, found, expected, the near miss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any
from zoneinfo import available_timezones

from pydantic_core import ErrorDetails

from deploybook.config.schema import at, keys
from deploybook.config.secrets import holds_secret, is_secret
from deploybook.config.tree import Node
from deploybook.errors import Problem

_MOST_COMPARED = 100_000
"""Words compared for near misses in one file: where thousands of names are wrong, the first are helped."""
_EXPECTED = {
    "string_type": "a text (in quotes where it is a number)",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "float_parsing": "a number",
    "float_type": "a number",
    "dict_type": "a mapping (`key: value` lines)",
    "model_type": "a mapping (`key: value` lines)",
    "model_attributes_type": "a mapping (`key: value` lines)",
    "tuple_type": "a list",
    "too_short": "at least one",
    "string_too_short": "a text that is not empty",
}


def shown(value: Any, key: str = "") -> str:
    """What was found, short, on one line, and no secret."""
    if isinstance(value, (dict, list)):
        words = "a mapping", "a list"
        return words[isinstance(value, list)] if value else f"an empty {words[isinstance(value, list)][2:]}"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if holds_secret(key) or is_secret(str(value)):
        return "a secret (not shown)"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]}…{text[-1]}"


class Places:
    """Where things stand in one file."""

    def __init__(self, root: Node, file: str) -> None:
        self.root = root
        self.file = file
        self.compared = 0

    def near(self, word: str, known: Iterable[str]) -> str:
        """`did you mean …?` where a known word is close; else nothing."""
        folded = {each.casefold(): each for each in known}
        self.compared += len(folded)
        if self.compared > _MOST_COMPARED:
            return ""
        close = get_close_matches(word.casefold()[:100], folded, n=1, cutoff=0.6)
        return f"did you mean {shown(folded[close[0]])}?" if close else ""

    def problem(self, loc: Iterable[int | str], found: str, expected: str, suggestion: str = "") -> Problem:
        """A problem at a place; where the place is not in the file, at the nearest one around it."""
        node, words = self.root, []
        for part in loc:
            below = self.below(node, part)
            node = below or node
            words.append(f"[{part}]" if isinstance(part, int) else _safe(part))
        key = ".".join(words).replace(".[", "[") or "the file"
        return Problem(f"{self.file}:{node.line}", key, found, expected, suggestion)

    def section(self, *keys: str) -> Node:
        """What stands behind these keys; where that is nothing, an empty node."""
        return self.root.get(*keys) or Node(None, 1)

    def find(self, loc: Iterable[int | str]) -> Node | None:
        """What stands at a place."""
        node: Node | None = self.root
        for part in loc:
            node = self.below(node, part) if node else None
        return node

    @staticmethod
    def below(node: Node, part: int | str) -> Node | None:
        """What stands one step further."""
        if isinstance(part, int):
            return node.items[part] if part < len(node.items) else None
        return node.mapping.get(part)

    def explain(self, errors: Iterable[ErrorDetails]) -> Iterator[Problem]:
        """Problems of what pydantic found, one a place."""
        seen = set()
        for error in errors:
            loc, kind = self._loc(error["loc"])
            if loc not in seen:
                seen.add(loc)
                yield self._one(error, loc, kind)

    def _loc(self, loc: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], str]:
        """The place in the file, without what pydantic adds: the variant of a union, `[key]`."""
        parts: list[int | str] = [part for part in loc if part != "[key]"]
        if len(parts) > 3 and parts[0] == "codebases" and parts[2] == "deployments":
            return tuple(parts[:3] + parts[4:]), str(parts[3])
        return tuple(parts), ""

    def _one(self, error: ErrorDetails, loc: tuple[int | str, ...], variant: str) -> Problem:
        kind, context = error["type"], error.get("ctx", {})
        node = self.find(loc)
        last = str(loc[-1]) if loc else ""
        found = shown(node.plain() if node else None, last)
        expected, step = _EXPECTED.get(kind) or _lower(error["msg"]), ""
        if kind == "extra_forbidden":
            known = self._keys(loc[:-1], variant)
            found, expected, step = f"the unknown key {_safe(last)!r}", _one_of(known), self.near(last, known)
            if not step and node and node.value is None:
                step = "a text with a comma in it needs quotes"
        elif kind == "missing":
            about = next((rule["description"] for rule in at(loc) if "description" in rule), "")
            found, expected, step = "nothing", f"a value for {last!r}", about
        elif kind in {"union_tag_not_found", "union_tag_invalid"}:
            known = [
                rule["properties"]["from"]["const"]
                for rule in at(loc)
                if "from" in rule.get("properties", {})
            ]
            loc, tag = (*loc, "from"), str(context.get("tag", ""))
            found, expected, step = shown(tag or None), _one_of(known), self.near(tag, known)
        elif kind == "literal_error":
            known = [word.strip("' ") for word in context["expected"].replace(" or ", ",").split(",")]
            word = node.value if node and isinstance(node.value, str) else ""
            expected, step = _one_of(known), self.near(word, known)
        elif kind == "secret":
            found, step = "a value that is not shown", "write env:NAME"
        elif kind == "zone":
            step = self.near(str(node.value), available_timezones()) if node else ""
        elif error["loc"] and error["loc"][-1] == "[key]":
            found = f"the name {_safe(last)!r}"
        return self.problem(loc, found, expected, step)

    def _keys(self, loc: tuple[int | str, ...], variant: str) -> list[str]:
        rules = at(loc)
        if variant:
            rules = [rule for rule in rules if rule["properties"]["from"].get("const") == variant]
        return keys(rules)


def _one_of(known: Iterable[str]) -> str:
    return "one of: " + ", ".join(known)


def _safe(part: str) -> str:
    """A key as it may be printed: short, on one line, no secret."""
    if is_secret(part):
        return "(a secret)"
    return "".join(letter if letter.isprintable() else "?" for letter in part[:60]) or '""'


def _lower(message: str) -> str:
    message = message.removeprefix("Input should be ").removeprefix("Value error, ")
    return message[:1].lower() + message[1:]

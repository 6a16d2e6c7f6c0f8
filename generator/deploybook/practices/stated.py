"""`practices.yml`: what people say of practices that no machine can see, exemptions, and own thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from deploybook.config.tree import Node, read
from deploybook.errors import Problem
from deploybook.practices.model import Statement

FILE = "practices.yml"
_KEYS = {
    "practice", "codebases", "teams", "met", "by", "on", "renew", "note", "drill", "exempt", "threshold",
    "because", "until",
}  # fmt: skip


def statements(data: bytes, known: frozenset[str]) -> tuple[tuple[Statement, ...], tuple[Problem, ...]]:
    """What the file says, and what is wrong in it; a wrong entry is left out, the others count.

    Args:
        data: The file.
        known: The ids of all practices.
    """
    root, problems = read(data, FILE)
    if root is None:
        return (), tuple(problems)
    found: list[Statement] = []
    wrong = list(problems)
    for node in root.items:
        bad = list(_problems(node, known))
        wrong += bad
        if not bad:
            found.append(_statement(node))
    return tuple(found), tuple(wrong)


def _problems(node: Node, known: frozenset[str]) -> Iterator[Problem]:
    where = f"{FILE}:{node.line}"
    for key in node.mapping.keys() - _KEYS:
        yield Problem(where, key, "a key that nobody reads", f"one of {', '.join(sorted(_KEYS))}")
    practice = _text(node, "practice")
    if practice not in known:
        yield Problem(where, "practice", repr(practice), "the id of a practice, as team.demos")
    if not _text(node, "by"):
        yield Problem(where, "by", "nothing", "who says so")
    if _date(node, "on") is None:
        yield Problem(where, "on", repr(_text(node, "on")), "a day, as 2026-11-20")
    met, exempt = node.get("met"), node.get("exempt")
    if (
        not (met and isinstance(met.value, bool))
        and not (exempt and exempt.value is True)
        and not node.get("threshold")
    ):
        yield Problem(where, "met", "nothing", "true or false, or exempt: true, or a threshold")
    if node.get("renew") and _date(node, "renew") is None:
        yield Problem(where, "renew", repr(_text(node, "renew")), "a day, as 2026-11-20")
    if exempt and exempt.value is True and not (_date(node, "until") or _date(node, "renew")):
        yield Problem(where, "until", repr(_text(node, "until")), "the day on which it ends, as 2026-12-31")
    if (exempt or node.get("threshold")) and not (_text(node, "because") or _text(node, "note")):
        yield Problem(where, "because", "nothing", "the reason")


def _statement(node: Node) -> Statement:
    met, exempt, threshold = node.get("met"), node.get("exempt"), node.get("threshold")
    number = threshold.value if threshold and isinstance(threshold.value, int | float) else None
    return Statement(
        practice=_text(node, "practice") or "",
        by=_text(node, "by") or "",
        on=_date(node, "on") or date.min,
        renew=_date(node, "renew") or _date(node, "until"),
        met=met.value if met and isinstance(met.value, bool) else None,
        codebases=_list(node, "codebases"),
        teams=_list(node, "teams"),
        note=_text(node, "because") or _text(node, "note") or "",
        drill=_text(node, "drill") or "",
        exempt=bool(exempt and exempt.value is True),
        threshold=float(number) if number is not None else None,
    )


def _text(node: Node, key: str) -> str | None:
    found = node.get(key)
    return str(found.value) if found and isinstance(found.value, str | int) else None


def _date(node: Node, key: str) -> date | None:
    try:
        return date.fromisoformat(_text(node, key) or "")
    except ValueError:
        return None


def _list(node: Node, key: str) -> tuple[str, ...]:
    found = node.get(key)
    return tuple(word for word, _ in found.words()) if found else ()

"""The words of a message: short, standing alone, with a link to the page that explains it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from deploybook.notify.model import Waiting
from deploybook.words import NBSP, duration

_TITLES = {
    "deployed": ("Live", "{} deployments are live"),
    "failed": ("A deployment needed intervention", "{} deployments needed intervention"),
    "stopped": ("A promotion was stopped", "{} promotions were stopped"),
    "branch": ("Release branch", "Release branches: {} changes"),
    "live": ("Your change is live", "{} of your changes are live"),
    "withdrawn": ("Your change was withdrawn", "{} of your changes were withdrawn"),
    "words": ("Your change has no words yet", "{} of your changes have no words yet"),
    "cut-off": ("The cut-off is near", "The cut-off is near"),
    "lock": ("Deployment lock", "Deployment locks: {} changes"),
    "shift": ("A rotation is handed over", "{} rotations are handed over"),
    "incident": ("An incident is tied to your deployment", "{} incidents are tied to your deployments"),
    "flaky": ("A flaky test", "{} flaky tests"),
    "source": ("A source is behind", "{} sources are behind"),
    "digest": ("The week", "{} weeks"),
}
"""Of each kind, for one and for several."""
_OF_STATES = {
    ("branch", "red"): ("A release branch is red", "{} release branches are red"),
    ("branch", "still"): ("A release branch is still red", "{} release branches are still red"),
    ("branch", "green"): ("A release branch is green again", "{} release branches are green again"),
    ("stopped", "goes on"): ("A stopped promotion goes on", "{} stopped promotions go on"),
    ("lock", "taken"): ("A deployment lock was taken", "{} deployment locks were taken"),
    ("lock", "forced"): ("A deployment lock was forced", "{} deployment locks were forced"),
    ("lock", "held"): ("A deployment lock is held for long", "{} deployment locks are held for long"),
}
"""The same where all lines are of one state."""
_SHOWN = 5
_LONGEST = 160
_MEANT = str.maketrans({"<": "‹", ">": "›", "@": "@\u200b", "[": "(", "]": ")", "`": "'", "*": "∗", "|": "¦"})
"""What chats take for markup, mentions or links: told as it reads, without what it would do."""


def plain(text: str) -> str:
    """Text from outside in one line that no chat takes for anything but text."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: _LONGEST + 1])
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
    return " ".join(shown.translate(_MEANT).split())


def span(length: timedelta) -> str:
    """A length of time as a chat shows it, as `4 h`."""
    return duration(length.total_seconds()).replace(NBSP, " ")


def title(lines: Sequence[Waiting]) -> str:
    """As `Your change is live`, or `3 of your changes are live`."""
    kind, states = lines[0].kind, {line.state for line in lines}
    one, several = _OF_STATES.get((kind, min(states)), _TITLES[kind]) if len(states) == 1 else _TITLES[kind]
    return one if len(lines) == 1 else several.format(len(lines))


def body(lines: Sequence[Waiting], site: str | None) -> str:
    """A line each, at most five, and where to read on; well below what any chat cuts off.

    What one page explains has its address at the end, else each line has its own.
    """
    base = f"{site.rstrip('/')}/" if site else None
    one = len({line.path for line in lines}) == 1
    told = [
        line.says if one or base is None else f"{line.says.rstrip('.')}: {base}{line.path}"
        for line in lines[:_SHOWN]
    ]
    if len(lines) > _SHOWN:
        told.append(f"… and {len(lines) - _SHOWN} more")
    if base is not None and (one or len(lines) > _SHOWN):
        told.append(f"{base}{lines[0].path if one else ''}")
    return "\n".join(told)

"""Deployment locks as a git repository keeps them: one ref a lock, its commits what became of it, in order.

The commit at a ref's tip is what holds now; its message ends in one line of JSON. A lock that was released
keeps its ref, with a commit that says so: nothing is ever deleted or rewound, so that hosts which refuse both
can be used, and the log of every claim, renewal and forcing can be read afterwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from deploybook.records import Instant, Lock, Said
from deploybook.sources import gitcmd

ALL = "all"
"""What stands for every environment."""
_EVERY = "_all"
"""What stands for every environment or codebase in the name of a ref; no codebase can be called so."""
_LONGEST = 64_000
_ODD = re.compile(r"[^a-z0-9-]")
_ESCAPED = re.compile(r"(?:=[0-9a-f]{2})+")


class LockState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a lock's commit says. Instants are of the holder's clock, in UTC."""

    environment: str
    """In lower case; `all` for every one."""
    claim: str
    """Made at random for each claim: only who knows it, or runs in `run`, releases or renews the lock."""
    nonce: str
    """Made at random for each commit: an identical object pushed twice would succeed twice."""
    since: Instant
    renewed_at: Instant
    lease_seconds: int | None = None
    """How long it holds from `renewed_at`; `None`: until it is released."""
    codebase: str | None = None
    """`None` for every one."""
    holder: str | None = None
    run: str | None = None
    """The CI run that claimed it."""
    reason: str | None = None
    exempt: tuple[str, ...] = ()
    """Changes and revisions that may be deployed nevertheless."""
    released_at: Instant | None = None
    forced: Said | None = None
    """Who took or released it against a lock or a freeze, and why."""

    @property
    def expires_at(self) -> datetime | None:
        """By the holder's clock; `None`: never."""
        return None if self.lease_seconds is None else self.renewed_at + timedelta(seconds=self.lease_seconds)

    def record(self) -> Lock:
        """The same, as a record."""
        return Lock(
            environment=self.environment, claim=self.claim, since=self.since, codebase=self.codebase,
            holder=self.holder, run=self.run, reason=self.reason, expires_at=self.expires_at,
            released_at=self.released_at, forced=self.forced,
        )  # fmt: skip


@dataclass(frozen=True)
class LockRef:
    """A lock's ref as it was read."""

    ref: str
    """Its full name in the repository that keeps it."""
    commit: str
    state: LockState | None
    """`None` where what is there is no lock that we can read: it blocks until it is forced."""


_decoder = msgspec.json.Decoder(LockState)


def ref_of(prefix: str, environment: str, codebase: str | None) -> str:
    """The name of a lock's ref, as `refs/deploybook/locks/production/shop-web`."""
    place = _EVERY if environment == ALL else _spelt(environment)
    return f"{prefix}{place}/{_EVERY if codebase is None else _spelt(codebase)}"


def _spelt(name: str) -> str:
    """A name in the letters that every host takes in a ref; others as `=` and their bytes."""
    return _ODD.sub(lambda found: "".join(f"={byte:02x}" for byte in found[0].encode()), name.lower())


def named(prefix: str, ref: str) -> tuple[str, str | None]:
    """The environment and the codebase that a ref's name says; everything, where it says neither."""
    parts = ref.removeprefix(prefix).split("/")
    if len(parts) != 2:
        return ALL, None
    environment, codebase = (_ESCAPED.sub(_plain, part) for part in parts)
    return ALL if parts[0] == _EVERY else environment, None if parts[1] == _EVERY else codebase


def _plain(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("=", "")).decode("utf-8", "replace")


def message(state: LockState) -> str:
    """The commit message of a state: a line for people, and the state as one line of JSON."""
    did = "release" if state.released_at else "lock"
    return f"{did} {state.environment} {state.codebase or ALL}\n\n{msgspec.json.encode(state).decode()}\n"


def parse(text: str) -> LockState | None:
    """The state that a commit message holds, or `None`."""
    if len(text) > _LONGEST:
        return None
    try:
        return _decoder.decode(text.rstrip("\n").rpartition("\n")[2])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def read(repository: Path, prefix: str) -> list[LockRef]:
    """The locks under a prefix in a repository at hand, released ones too, by the name of their refs.

    Raises:
        SourceError: git cannot read it.
    """
    said = gitcmd.run(
        repository, "for-each-ref", "--format=%(refname)%00%(objectname)%00%(contents)%00", prefix
    ).decode("utf-8", "replace")
    fields = said.split("\0")
    return [
        LockRef(name.lstrip("\n"), commit, parse(text))
        for name, commit, text in zip(fields[::3], fields[1::3], fields[2::3], strict=False)
    ]


def log(repository: Path, ref: str) -> list[LockState]:
    """Every state that a lock's ref went through, newest first; what cannot be read is left out.

    Raises:
        SourceError: git cannot read it.
    """
    said = gitcmd.run(repository, "log", "--first-parent", "--format=%B%x00", "--end-of-options", ref)
    states = (parse(text.strip("\n")) for text in said.decode("utf-8", "replace").split("\0"))
    return [state for state in states if state is not None]

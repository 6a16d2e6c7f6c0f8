"""Upptime: a repository of checks, in which a commit says that a site went up, down or slow."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from deploybook.config import Config
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Unchanged
from deploybook.records import Availability
from deploybook.sources import gitcmd
from deploybook.sources.matching import Names
from deploybook.sources.repository import Repository, at_hand

State = Literal["up", "down", "degraded"]

HOLDS = timedelta(hours=48)
"""How long a check speaks for: Upptime commits once a day even where nothing changes."""

_CHECK = re.compile(r"(🟩|🟥|🟨) (.+?) (?:is|has) ")
_STATES: dict[str, State] = {"🟩": "up", "🟥": "down", "🟨": "degraded"}


@dataclass(frozen=True, slots=True)
class Check:
    """What a commit says of a site."""

    at: datetime
    monitor: str
    state: State


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a site was in one state."""

    monitor: str
    begin: datetime
    end: datetime
    state: State


def feed(location: str, config: Config) -> Feed:
    """The feed of an Upptime repository; each pull tells all of it.

    Args:
        location: Its address, or a path to a clone.
        config: Matches the names of its sites with codebases.
    """
    digest = hashlib.sha256(location.encode()).hexdigest()[:12]

    def repository() -> Repository:
        return at_hand(location, config.root, config.build_dir / "mirrors" / f"upptime-{digest}.git")

    return Feed(
        f"upptime:{gitcmd.without_secrets(location)}", RECORDS, _pull(repository, config), snapshot=True
    )


def _pull(repository: Callable[[], Repository], config: Config) -> Callable[[Ask], Iterator[Item]]:
    def pull(ask: Ask) -> Iterator[Item]:
        place = repository()
        revision = place.release_revision(None)
        if revision is None or revision == ask.cursor:
            yield Unchanged()
            return
        names = Names(config, f"upptime {place.where}")
        log = gitcmd.run(place.folder, "log", "--format=%ct %s", revision)
        for span in spans(checks(log.decode("utf-8", "replace")), newest(log)):
            codebase = names.codebase(span.monitor)
            if codebase is not None:
                yield Availability(
                    codebase=codebase, monitor=span.monitor, from_=span.begin, to=span.end, state=span.state
                )
        yield from names.strange()
        yield Cursor(revision)

    return pull


def newest(log: bytes) -> datetime:
    """The time of the log's first line: until then the checks ran."""
    return datetime.fromtimestamp(int(log.partition(b" ")[0]), UTC)


def checks(log: str) -> list[Check]:
    """The checks among commits (`<seconds> <subject>` a line), oldest first."""
    found = []
    for line in log.split("\n"):
        seconds, _, subject = line.partition(" ")
        match = _CHECK.match(subject)
        if match is not None and seconds.isdecimal():
            at = datetime.fromtimestamp(int(seconds), UTC)
            found.append(Check(at, match[2].strip(), _STATES[match[1]]))
    return sorted(found, key=lambda check: check.at)


def spans(checks: list[Check], until: datetime) -> Iterator[Span]:
    """Each site's states, those that are the same joined; what no check speaks for is unknown, and left out.

    Args:
        checks: Oldest first.
        until: When the checks ended: the last state holds no longer.
    """
    by_monitor: dict[str, list[Check]] = {}
    for check in checks:
        by_monitor.setdefault(check.monitor, []).append(check)
    for monitor, own in by_monitor.items():
        ends = [*(check.at for check in own[1:]), until]
        open_: Span | None = None
        for check, following in zip(own, ends, strict=True):
            end = min(following, check.at + HOLDS)
            if open_ is not None and open_.state == check.state and open_.end == check.at:
                open_ = Span(monitor, open_.begin, end, check.state)
                continue
            if open_ is not None and open_.end > open_.begin:
                yield open_
            open_ = Span(monitor, check.at, end, check.state)
        if open_ is not None and open_.end > open_.begin:
            yield open_

"""A small organisation told by records alone, and a sender that keeps what it is given."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploybook.build.notices import Sent, notify
from deploybook.config import Config
from deploybook.feed import RECORDS, Ask, Feed
from deploybook.history import History
from deploybook.records import Change, Deployment, Record

NOW = datetime(2026, 11, 19, 12, tzinfo=UTC)
"""A Thursday."""


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def config(folder: Path, **more: Any) -> Config:
    content: dict[str, Any] = {
        "site": {"url": "https://deploys.acme.test/"},
        "codebases": {"shop": {"team": "checkout", "deployments": {"from": "records"}}},
        "teams": {"checkout": {"members": ["ana", "bo"], "notify": ["env:CHECKOUT_CHAT"]}},
        "people": {
            "ana": {"name": "Ana", "github": "ana-acme", "notify": ["env:ANA_CHAT"]},
            "bo": {"name": "Bo", "github": "bo-acme", "notify": ["env:BO_CHAT"]},
        },
        "process": {"environments": ["staging", "production"]},
    }
    return Config.of(content | more, root=folder)


def fill(folder: Path, records: Iterable[Record], name: str = "records") -> None:
    """Put records into the store."""
    with History.open("duckdb://build/history.duckdb", root=folder) as history:
        history.sync(Feed(name, RECORDS, lambda _ask: iter(records)), Ask(as_of=NOW))


def change(number: int, **more: Any) -> Change:
    known: dict[str, Any] = {
        "codebase": "shop", "id": str(number), "title": f"Change {number}", "author": "ana-acme",
        "merged_at": NOW - minutes(300),
    }  # fmt: skip
    return Change(**known | more)


def deployment(number: int, changes: Iterable[int], ago: float = 30, **more: Any) -> Deployment:
    known: dict[str, Any] = {
        "codebase": "shop", "id": str(number), "environment": "production", "version": f"v{number}",
        "finished_at": NOW - minutes(ago), "changes": tuple(map(str, changes)),
    }  # fmt: skip
    return Deployment(**known | more)


class Inbox:
    """Takes messages by address; refuses what it is told to refuse."""

    def __init__(self, *refuses: str) -> None:
        self.got: list[tuple[str, str, str]] = []
        self.refuses = set(refuses)
        self.tries = 0

    def __call__(self, address: str, title: str, body: str) -> bool:
        self.tries += 1
        if address in self.refuses:
            return False
        self.got.append((address, title, body))
        return True

    def titles(self) -> list[tuple[str, str]]:
        return sorted((address, title) for address, title, _ in self.got)


def told(folder: Path, inbox: Inbox, at: datetime = NOW, dry: bool = False, **more: Any) -> Sent:
    return notify(config(folder, **more), at, send=inbox, sleep=lambda _seconds: None, dry=dry)

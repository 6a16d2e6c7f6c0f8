"""A GitHub on loopback, a store, and a sync between the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from tests.support.github_server import START
from tests.support.loopback import Loopback
from tests.support.shelf import Shelf

from deploybook.config import Config
from deploybook.config.sources import GithubOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask, Feed
from deploybook.records import Record
from deploybook.sources import github

TOKEN = "token-of-the-test"
NOW = START + timedelta(days=800)


def zipped(files: Mapping[str, str | bytes], method: int = ZIP_DEFLATED) -> bytes:
    """A ZIP file of these files."""
    into = BytesIO()
    with ZipFile(into, "w", method) as bundle:
        for name, text in files.items():
            bundle.writestr(name, text)
    return into.getvalue()


@dataclass
class Book:
    """A configuration with one codebase on the loopback GitHub, and what was read of it."""

    server: Loopback
    root: Path
    deployments: dict[str, Any] = field(default_factory=lambda: {"from": "github"})
    path: str | None = None
    branch: str | None = None
    url: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    shelf: Shelf = field(default_factory=Shelf)

    def config(self) -> Config:
        host = self.server.url.partition("//")[2]
        shop = {
            "repository": f"http://{host}/acme/shop", "deployments": self.deployments, "path": self.path,
            "incidents": {"from": "github", "labels": ["incident"]}, "release_branch": self.branch,
        }  # fmt: skip
        process = {"environments": ["staging", "production"]}
        return Config.of({"codebases": {"shop": shop}, "process": process}, root=self.root)

    def feeds(self) -> list[Feed]:
        options = {"token": "env:GITHUB_TEST", "url": self.url or self.server.url, **self.options}
        return github.feeds(GithubOptions.model_validate(options), self.config())

    def sync(
        self, now: datetime = NOW, *, only: str = "", max_wait: float = 300, since: datetime | None = None
    ) -> dict[str, SourceError | None]:
        """Sync every feed as the program does: who failed, by feed; waits are noted, not waited."""
        errors = {}
        for feed in self.feeds():
            if only in feed.name:
                cursor = None if since else self.shelf.cursors.get(feed.name)
                ask = Ask(now, cursor, since, max_wait=max_wait, wait=self.waits.append)
                errors[feed.name] = self.shelf.sync(feed, ask)
        return errors

    def rows(self, kind: type[Record]) -> list[dict[str, Any]]:
        """What is kept of a type, in the order of its keys."""
        return sorted(self.shelf.of(kind), key=lambda row: (str(row.get("id")), str(row.get("attempt"))))

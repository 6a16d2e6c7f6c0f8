"""`deploybook check`: what is wrong, what is missing, and where words and facts disagree; all at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from deploybook.build.progress import Progress
from deploybook.build.reading import stated
from deploybook.config import Config
from deploybook.history import History
from deploybook.pages.book import Book
from deploybook.pages.disagreements import disagreements
from deploybook.pages.owning import owner_of

_EACH_RUN = frozenset({"junit", "coverage"})
"""Kinds whose variables a pipeline's run brings along, and nobody else has."""

Level = Literal["error", "missing", "differs"]


@dataclass(frozen=True)
class Finding:
    """One thing to look at.

    Attributes:
        level: `error`: it fails. `missing`: more would be known with it. `differs`: words and facts do.
        where: The file, the codebase or the practice.
        says: One sentence.
        step: What to do next.
        rows: Examples, the newest first.
    """

    level: Level
    where: str
    says: str
    step: str = ""
    rows: tuple[str, ...] = ()

    def __str__(self) -> str:
        rows = f" ({', '.join(self.rows)})" if self.rows else ""
        step = f"\n  → {self.step}" if self.step else ""
        return f"{self.level}: {self.where}: {self.says}{rows}{step}"


def check(config: Config, as_of: datetime, progress: Progress) -> list[Finding]:
    """All findings: errors first, then what is missing, then what differs.

    Raises:
        StoreError: The history cannot be read.
    """
    found = [*_stated(config), *_repositories(config), *_secrets(config)]
    history = History.open_existing(config.history_url, root=config.root)
    if history is None:
        found.append(Finding("missing", "history", "there is none yet", "run deploybook build"))
    else:
        from deploybook.build.book import open_book

        with history:
            found += _of_book(open_book(config, history, as_of, progress))
    order: dict[Level, int] = {"error": 0, "missing": 1, "differs": 2}
    return sorted(found, key=lambda finding: order[finding.level])


def _stated(config: Config) -> Iterator[Finding]:
    for problem in stated(config)[1]:
        says = f"{problem.key}: found {problem.found}, expected {problem.expected}"
        yield Finding("error", problem.where, says, problem.suggestion)


def _repositories(config: Config) -> Iterator[Finding]:
    from deploybook.sources.repository import is_remote

    for name, codebase in config.codebases.items():
        where = codebase.repository
        if where is not None and not is_remote(where) and not (config.root / where).is_dir():
            yield Finding("error", name, f"there is no folder {where}", "clone it there, or mend repository:")


def _secrets(config: Config) -> Iterator[Finding]:
    """Tokens of sources, and targets for notices, whose variable is not set where this runs."""
    for number, source in enumerate(config.sources):
        if source.kind not in _EACH_RUN:
            where = f"sources[{number}].{source.kind}"
            yield from _unset(where, [*_references(source.options)], "deploybook sync")
    targets = {
        **{f"teams.{name}.notify": team.notify for name, team in config.teams.items()},
        **{f"people.{name}.notify": person.notify for name, person in config.people.items()},
    }
    for where, references in targets.items():
        yield from _unset(where, references, "deploybook notify")


def _unset(where: str, references: Sequence[str], command: str) -> Iterator[Finding]:
    names = [reference.removeprefix("env:") for reference in references]
    unset = [name for name in names if not os.environ.get(name)]
    if unset:
        yield Finding("missing", where, f"{', '.join(unset)} is not set here", f"set it where {command} runs")


def _references(options: Any) -> Iterator[str]:
    """The variables that a source's options name, as `env:NAME`."""
    if isinstance(options, str):
        yield from [options] if options.startswith("env:") else []
    elif isinstance(options, dict):
        for value in options.values():
            yield from _references(value)
    elif isinstance(options, list):
        for value in options:
            yield from _references(value)


def _of_book(book: Book) -> Iterator[Finding]:
    for source in book.sources:
        if source.error:
            yield Finding("error", source.name, source.error, "mend it, then run deploybook sync")
    if book.rejected:
        first = book.rejected[0]
        says = f"{len(book.rejected)} lines were set aside, {first.where} for one: {first.reason}"
        yield Finding("missing", "history", says, "the data page lists them")
    for name in book.codebases:
        yield from _of_codebase(book, name)
    for each in disagreements(book):
        yield Finding(
            "differs", each.title, each.says.replace("\N{NO-BREAK SPACE}", " "), each.step, each.rows
        )


def _of_codebase(book: Book, name: str) -> Iterator[Finding]:
    owned, codebase = book.owners.get(name), book.config.codebases[name]
    if owned is not None and owned.unread:
        yield Finding("error", name, owned.unread)
    if owner_of(book, name) is None:
        yield Finding("missing", name, "it has no owner", "set team:, or add a CODEOWNERS file")
    elif codebase.team and not book.config.teams[codebase.team].contact and not book.config.site.public:
        yield Finding("missing", f"teams.{codebase.team}", "it has no contact", "set contact:")
    if not any(deployment.codebase == name for deployment in book.live_deployments):
        live = ", ".join(book.config.live)
        says = f"no deployment to {live} is known"
        yield Finding("missing", name, says, "check deployments: and process.environments")
    for aside in owned.codeowners.aside if owned and owned.codeowners else ():
        where = f"{name}: {owned.codeowners.file}:{aside.line}" if owned and owned.codeowners else name
        yield Finding("error", where, f"the line counts for nothing: {aside.because}", "mend the line")

"""`deploybook check`: what is wrong, what is missing, and where words and facts disagree; all at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from deploybook import words
from deploybook.build.finding import Finding, Level
from deploybook.build.progress import Progress
from deploybook.build.quality import quality
from deploybook.build.reading import stated
from deploybook.config import Config
from deploybook.history import History
from deploybook.pages.book import Book
from deploybook.pages.disagreements import disagreements
from deploybook.pages.owning import owner_of

_EACH_RUN = frozenset({"junit", "coverage"})
"""Kinds whose variables a pipeline's run brings along, and nobody else has."""


def check(config: Config, as_of: datetime, progress: Progress) -> list[Finding]:
    """All findings: errors first, then what is to be doubted, what is missing, and what differs.

    Raises:
        StoreError: The history cannot be read.
    """
    found = [*_stated(config), *_repositories(config), *_secrets(config), *_process(config)]
    history = History.open_existing(config.history_url, root=config.root)
    if history is None:
        so = "what the sources say cannot be looked at"
        found.append(Finding("missing", "history", "there is none yet", "run deploybook build", so=so))
    else:
        from deploybook.build.book import open_book

        with history:
            found += _of_book(open_book(config, history, as_of, progress))
    order: dict[Level, int] = {"error": 0, "doubt": 1, "missing": 2, "differs": 3}
    return sorted(map(_plain, found), key=lambda finding: order[finding.level])


def _plain(finding: Finding) -> Finding:
    """As a terminal shows it, where a blank that does not break is an odd one."""
    return replace(
        finding, says=finding.says.replace(words.NBSP, " "), so=finding.so.replace(words.NBSP, " ")
    )


def _stated(config: Config) -> Iterator[Finding]:
    for problem in stated(config)[1]:
        says = f"{problem.key}: found {problem.found}, expected {problem.expected}"
        yield Finding("error", problem.where, says, problem.suggestion, so="the line counts for nothing")


def _repositories(config: Config) -> Iterator[Finding]:
    from deploybook.sources.repository import is_remote

    for name, codebase in config.codebases.items():
        where = codebase.repository
        if where is not None and not is_remote(where) and not (config.root / where).is_dir():
            yield Finding(
                "error", name, f"there is no folder {where}", "clone it there, or mend repository:",
                so="what was read of it before is shown, dated",
            )  # fmt: skip


def _secrets(config: Config) -> Iterator[Finding]:
    """Tokens of sources, and targets for notices, whose variable is not set where this runs."""
    for number, source in enumerate(config.sources):
        if source.kind not in _EACH_RUN:
            where = f"sources[{number}].{source.kind}"
            so = "the source cannot be read here, and a build ends with exit code 3"
            yield from _unset(where, [*_references(source.options)], "deploybook sync", so)
    targets = {
        **{f"teams.{name}.notify": team.notify for name, team in config.teams.items()},
        **{f"people.{name}.notify": person.notify for name, person in config.people.items()},
    }
    for where, references in targets.items():
        yield from _unset(where, references, "deploybook notify", "notices for it wait")


def _unset(where: str, references: Sequence[str], command: str, so: str) -> Iterator[Finding]:
    names = [reference.removeprefix("env:") for reference in references]
    unset = [name for name in names if not os.environ.get(name)]
    if unset:
        step = f"set it where {command} runs"
        yield Finding("missing", where, f"{', '.join(unset)} is not set here", step, so=so)


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


def _process(config: Config) -> Iterator[Finding]:
    """What a reader asks first of a process, and the configuration does not say."""
    process = config.process
    for said, key, so in (
        (process.cut_off, "cut_off", "nobody can be told by when to merge"),
        (process.window, "window", "nobody can be told when it goes out, and no deployment is outside of it"),
        (
            process.decides or config.site.public,
            "decides",
            "the pages name nobody who calls roll back or keep",
        ),
    ):
        if not said:
            says = f"no {key.replace('_', '-')} is set"
            yield Finding("missing", "process", says, f"set process.{key}:", so=so)
    if not config.site.url:
        so = "feeds, calendars and notices lead nowhere from outside the site"
        yield Finding("missing", "site", "its address is not set", "set site.url:", so=so)


def _of_book(book: Book) -> Iterator[Finding]:
    for source in book.sources:
        if source.error:
            so = "what it said before is shown, dated"
            yield Finding("error", source.name, source.error, "mend it, then run deploybook sync", so=so)
    if book.rejected:
        first = book.rejected[0]
        says = f"{len(book.rejected)} lines were set aside, {first.where} for one: {first.reason}"
        yield Finding(
            "doubt",
            "history",
            says,
            "the data page lists them: mend what wrote them",
            so="they are counted nowhere",
        )
    for name in book.codebases:
        yield from _of_codebase(book, name)
    yield from quality(book)
    for each in disagreements(book):
        yield Finding("differs", each.title, each.says, each.step, each.rows)


def _of_codebase(book: Book, name: str) -> Iterator[Finding]:
    owned, codebase = book.owners.get(name), book.config.codebases[name]
    if owned is not None and owned.unread:
        yield Finding(
            "error", name, owned.unread, "mend the file, in the repository", so="its owners are not known"
        )
    if owner_of(book, name) is None:
        yield Finding(
            "missing", name, "it has no owner", "set team:, or add a CODEOWNERS file",
            so="nobody is told when it fails, or asked what it is",
        )  # fmt: skip
    elif codebase.team and not book.config.teams[codebase.team].contact and not book.config.site.public:
        so = "a reader cannot ask anybody"
        yield Finding("missing", f"teams.{codebase.team}", "it has no contact", "set contact:", so=so)
    if not any(deployment.codebase == name for deployment in book.live_deployments):
        live = ", ".join(book.config.live)
        says = f"no deployment to {live} is known"
        yield Finding(
            "missing", name, says, "check deployments: and process.environments",
            so="none of its changes is live, and none of the five metrics is known",
        )  # fmt: skip
    for aside in owned.codeowners.aside if owned and owned.codeowners else ():
        where = f"{name}: {owned.codeowners.file}:{aside.line}" if owned and owned.codeowners else name
        yield Finding(
            "error", where, f"the line counts for nothing: {aside.because}", "mend the line",
            so="what it names has another owner, or none",
        )  # fmt: skip

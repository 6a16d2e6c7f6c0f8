"""What the repositories themselves say: who owns what, how pipelines go, how changes are sorted."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from deploybook import ownership, pipelines, practices
from deploybook.build import forgetting
from deploybook.config import Config
from deploybook.errors import Problem, SourceError, hide
from deploybook.feed import Ask, Feed, Item, Rejected
from deploybook.news import House, house
from deploybook.ownership import Owned
from deploybook.pipelines import Pipeline
from deploybook.practices import Statement
from deploybook.sources import contents
from deploybook.sources.contents import Contents
from deploybook.sources.local import BESIDE
from deploybook.sources.repository import Repository


@dataclass(frozen=True)
class Said:
    """What each codebase's repository says, by codebase."""

    owners: dict[str, Owned]
    pipelines: dict[str, tuple[Pipeline, ...]]
    houses: dict[str, House]


def _wanted(path: str) -> bool:
    own = path in _OWNER_FILES or path in house.FILES or path.rpartition("/")[2] in ownership.CATALOG
    return own or pipelines.is_pipeline_file(path)


_ROUNDS = 4
_OWNER_FILES = frozenset(place for places in ownership.PLACES.values() for place in places)


def read_repositories(repositories: Mapping[str, Repository], config: Config) -> Said:
    """Read each repository once, at the head of its release branch; nothing is fetched."""
    asked = {
        (repository.folder, config.codebases[name].release_branch): repository
        for name, repository in repositories.items()
    }
    with ThreadPoolExecutor(BESIDE) as pool:
        read = pool.map(lambda key: _contents(asked[key], key[1]), asked)
    seen = {
        key: replace(each, files=forgetting.clean_files(each.files, config))
        for key, each in zip(asked, read, strict=True)
    }
    owners: dict[str, Owned] = {}
    found_pipelines: dict[str, tuple[Pipeline, ...]] = {}
    houses: dict[str, House] = {}
    for name, repository in repositories.items():
        codebase = config.codebases[name]
        found = seen[repository.folder, codebase.release_branch]
        owners[name] = (
            Owned(unread=found.unread)
            if found.unread
            else ownership.read(
                found.paths,
                found.files,
                location=codebase.repository,
                folder=codebase.path,
                revision=found.revision,
            )
        )
        found_pipelines[name] = pipelines.read(found.files, found.paths)
        houses[name] = house.read(found.files)
    return Said(owners, found_pipelines, houses)


def bring(repositories: Mapping[str, Repository], config: Config) -> list[str]:
    """Fetch into mirrors the files that say something; the problems, each with its codebase, stop nothing."""
    problems = []
    for name, repository in repositories.items():
        if not repository.partial():
            continue
        branch = config.codebases[name].release_branch
        try:
            contents.bring(repository, branch, _wanted)
            found = contents.read(repository, branch, _wanted)
            more = pipelines.included(found.files, found.paths)
            if more:
                contents.bring(repository, branch, more.__contains__)
        except SourceError as error:
            problems.append(f"{name}: {error.what}; its owners and pipelines are not known")
    return problems


_AHEAD = 2 * BESIDE
"""How many feeds may be ahead of the one that is read: what they have read by then is in memory."""


@contextmanager
def beside(feeds: Sequence[Feed], cursors: Mapping[str, str | None]) -> Iterator[Iterator[Feed]]:
    """Give feeds in their order, and begin beside each other what the next ones need ahead of their turn.

    Args:
        feeds: All of them.
        cursors: By their names, as last saved; none for those that are to be read from their beginning.
    """
    with ThreadPoolExecutor(BESIDE) as pool:

        def turns() -> Iterator[Feed]:
            begun = 0
            for place, feed in enumerate(feeds):
                for each in feeds[begun : place + _AHEAD]:
                    if each.ahead is not None:
                        pool.submit(each.ahead, cursors.get(each.name))
                begun = max(begun, place + _AHEAD)
                yield feed

        try:
            yield turns()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_NONSENSE = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)


def guarded(feed: Feed) -> Feed:
    """The same feed: an answer that nobody foresaw is an error of that source, and stops no other.

    What is set aside repeats no secret.
    """

    def pull(ask: Ask) -> Iterator[Item]:
        try:
            for item in feed.pull(ask):
                if isinstance(item, Rejected):
                    yield Rejected(item.where, hide(item.reason), hide(item.text))
                else:
                    yield item
        except _NONSENSE as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise SourceError(
                f"it says what nobody foresaw: {type(error).__name__} {error}"[:400],
                where=f"{Path(place.filename).name}:{place.lineno}",
                next_step="What was read before stands. Please report it with what the system answered.",
            ) from error

    return replace(feed, pull=pull)


def stated(config: Config) -> tuple[tuple[Statement, ...], tuple[Problem, ...]]:
    """What `practices.yml` beside the configuration says, and what is wrong in it."""
    file = config.root / practices.stated.FILE
    if config.file is None or not file.is_file():
        return (), ()
    return practices.statements(file.read_bytes(), frozenset(check.id for check in practices.CHECKS))


def _contents(repository: Repository, branch: str | None) -> Contents:
    """The files that say something, with those that they include: a few rounds, most need one."""
    found = contents.read(repository, branch, _wanted)
    for _ in range(_ROUNDS):
        more = pipelines.included(found.files, found.paths) - found.files.keys() - set(found.missing)
        if not more & set(found.paths):
            break
        known = found.files.keys() | more
        found = contents.read(repository, branch, known.__contains__)
    return found

"""Which repository keeps which locks, and what a command line's words mean."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from deploybook.config import Config
from deploybook.errors import SourceError, UsageError
from deploybook.locks.rules import Target
from deploybook.locks.store import Place
from deploybook.sources import gitcmd
from deploybook.sources.lockrefs import ALL
from deploybook.sources.repository import is_remote


def places(config: Config, codebases: Sequence[str]) -> dict[Place, list[str]]:
    """Where the locks of codebases are kept, and which codebases' are kept there.

    Args:
        config: The configuration.
        codebases: Names of codebases; none stands for all.

    Raises:
        UsageError: A codebase has no repository, and no other is set for locks.
    """
    found: dict[Place, list[str]] = {}
    for name in codebases or list(config.codebases):
        location = config.locks.repository or config.codebases[name].repository
        if location is None:
            raise UsageError(
                f"{name} has no repository to keep its locks in",
                where=f"codebases.{name}",
                next_step="set `locks: {repository: …}` to one that keeps them all",
            )
        found.setdefault(_place(config, location), []).append(name)
    return found


def _place(config: Config, location: str) -> Place:
    """A place as git is given it: of a clone, the remote that it was cloned from."""
    prefix = config.locks.prefix
    if is_remote(location):
        return Place(location, prefix)
    folder = (config.root / location).expanduser().resolve()
    try:
        origin = gitcmd.run(folder, "config", "--get", "remote.origin.url").decode().strip()
    except SourceError:
        return Place(str(folder), prefix)
    if not is_remote(origin):
        return Place(str((folder / origin).resolve()), prefix)
    return Place(origin, prefix, folder)


def environments(config: Config, name: str, *, every: bool = True) -> tuple[str, ...]:
    """The environments that a word of the command line means: one, those of a group, or (`every`) `all`.

    Raises:
        UsageError: There is no such environment.
    """
    wanted = name.lower()
    if wanted == ALL and every:
        return (ALL,)
    known = {stage.name: stage.members for stage in config.process.environments}
    known |= {member: (member,) for stage in config.process.environments for member in stage.members}
    if wanted in known:
        return known[wanted]
    near = get_close_matches(wanted, known, n=1)
    raise UsageError(
        f"there is no environment {name!r}",
        next_step=f"did you mean {near[0]}?"
        if near
        else f"one of: {', '.join([*known, ALL] if every else known)}",
    )


def known_codebases(config: Config, names: Sequence[str]) -> list[str]:
    """The codebases that words of the command line mean, by their names or what else they are called.

    Raises:
        UsageError: There is no such codebase.
    """
    found = []
    for name in names:
        codebase = config.codebase_of(name)
        if codebase is None:
            near = get_close_matches(name, config.codebases, n=1)
            raise UsageError(
                f"there is no codebase {name!r}",
                next_step=f"did you mean {near[0]}?" if near else f"one of: {', '.join(config.codebases)}",
            )
        found.append(codebase)
    return found


def targets(environments: Sequence[str], codebases: Sequence[str]) -> list[Target]:
    """Every environment with every codebase; with none named, with all of them at once."""
    wanted: Sequence[str | None] = codebases or [None]
    return [Target(each, codebase) for each in environments for codebase in wanted]

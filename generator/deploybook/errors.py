"""Every error a user can meet: what happened, where, and the next step."""

from __future__ import annotations

from dataclasses import dataclass

EXIT_DONE = 0
EXIT_NO = 1
EXIT_USAGE = 2
EXIT_STALE = 3
EXIT_FAILED = 4
EXIT_INTERRUPTED = 130


_SECRETS: set[str] = set()
_SHORTEST = 6
"""A shorter secret would be found in words that are none."""


def keep_secret(value: str) -> str:
    """Remember a secret, so that no message repeats it: some systems put it into their answers."""
    if len(value) >= _SHORTEST:
        _SECRETS.add(value)
    return value


def hide(text: str) -> str:
    """The text with `***` in the place of every secret that this run has read."""
    for value in sorted(_SECRETS, key=len, reverse=True):
        text = text.replace(value, "***")
    return text


class DeploybookError(Exception):
    """An expected failure that is told to the user without a traceback.

    Args:
        what: One sentence: what is wrong.
        where: The file, line, key, URL or table it is wrong in.
        next_step: What the user can do about it.
    """

    exit_code = EXIT_FAILED

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(hide(what))
        self.what = hide(what)
        self.where = hide(where)
        self.next_step = next_step

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        step = f"\n  → {self.next_step}" if self.next_step else ""
        return f"{place}{self.what}{step}"


class UsageError(DeploybookError):
    """The command cannot be carried out as it was given; nothing was written."""

    exit_code = EXIT_USAGE


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a configuration file."""

    where: str
    """`file:line`, 1-based; the line is left out where there is none."""
    key: str
    """The dotted key, as `codebases.shop-web.team`."""
    found: str
    expected: str
    suggestion: str = ""

    def __str__(self) -> str:
        step = f"\n  → {self.suggestion}" if self.suggestion else ""
        return f"{self.where}: {self.key}: found {self.found}, expected {self.expected}{step}"


class ConfigError(UsageError):
    """`deploybook.yml` is wrong; carries every problem, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        count = f"{len(problems)} problem" + ("" if len(problems) == 1 else "s")
        super().__init__(f"{count} in the configuration")
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join([*(str(problem) for problem in self.problems), str(self.what)])


class SourceError(DeploybookError):
    """A source could not be read; the others go on and its last good data is shown, dated."""

    exit_code = EXIT_STALE


class StoreError(DeploybookError):
    """The history cannot be opened or written."""


class NoHistoryError(StoreError):
    """There is no history yet."""


class EngineError(DeploybookError):
    """What counts cannot be reached, or fails."""


class PublishError(DeploybookError):
    """The site was not published; the last good one stands."""

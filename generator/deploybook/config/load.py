"""Read `deploybook.yml`: a configuration, or every problem of the file at once."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from deploybook.config.checks import check
from deploybook.config.problems import Places
from deploybook.config.resolved import Config
from deploybook.config.tree import read
from deploybook.errors import ConfigError, Problem

FILE = "deploybook.yml"


def find(start: Path) -> Path | None:
    """The `deploybook.yml` of a folder or of the nearest one above it, within the same git checkout."""
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        # A clone that lies somewhere below a site repository is a book of its own.
        if (folder / ".git").exists() or ((folder / "HEAD").is_file() and (folder / "objects").is_dir()):
            return None
    return None


def load(path: Path) -> Config:
    """Read a configuration.

    Raises:
        ConfigError: With every problem of the file, in the order of its lines.
    """
    file = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        raise ConfigError([Problem(file, "the file", why, "a file", "deploybook init writes one")]) from error
    root, problems = read(data, file)
    if root is None and not problems:
        problems = [
            Problem(f"{file}:1", "the file", "nothing", "`codebases:` at least", "deploybook init writes one")
        ]
    if root is None:
        raise ConfigError(problems)
    places = Places(root, file)
    if not isinstance(root.value, dict):
        raise ConfigError(
            [*problems, places.problem((), "no mapping", "a mapping (`codebases:` and the like)")]
        )
    config = None
    try:
        config = Config.of(root.plain(), root=path.absolute().parent, file=path)
    except ValidationError as error:
        problems.extend(places.explain(error.errors(include_url=False, include_input=False)))
    told = {problem.key for problem in problems}
    problems.extend(problem for problem in check(places) if problem.key not in told)
    if problems or config is None:
        raise ConfigError(sorted(problems, key=_line))
    return config


def _line(problem: Problem) -> int:
    number = re.search(r":(\d+)$", problem.where)
    return int(number[1]) if number else 0

"""What a git checkout says about itself: a configuration where there is no file."""

from __future__ import annotations

import re
from pathlib import Path

from deploybook.config import git
from deploybook.config.names import RESERVED
from deploybook.config.resolved import Config
from deploybook.errors import UsageError


def detect(folder: Path) -> Config:
    """The configuration of a git checkout (or bare repository) on its own.

    One codebase, called as the remote's last part, else as the folder; in UTC; its version tags are its
    deployments to production.

    Raises:
        UsageError: The folder is in no git checkout.
    """
    top = git.checkout(folder)
    if top is None:
        raise UsageError(
            "there is no deploybook.yml and no git checkout here",
            where=str(folder),
            next_step="go into a git checkout, or write a configuration with `deploybook init`",
        )
    name = codebase_name(git.remote(top), top)
    codebase = {
        "repository": str(top),
        "release_branch": git.release_branch(top) if git.has_commits(top) else None,
        "deployments": {"from": "tags"},
    }
    return Config.of({"site": {"name": name}, "codebases": {name: codebase}}, root=top)


def codebase_name(remote: str | None, folder: Path) -> str:
    """A legal name from the remote's last part, else from the folder's."""
    for text in (remote or "", str(folder)):
        last = re.split(r"[/:\\]", text.rstrip("/").removesuffix("/.git"))[-1].removesuffix(".git")
        name = re.sub(r"[^a-z0-9._-]+", "-", last.lower())[:90].strip("-_.")
        if name:
            return f"{name}-code" if name in RESERVED else name
    return "code"

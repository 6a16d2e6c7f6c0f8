"""The few questions that are asked of a git checkout before there is a configuration."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from deploybook.errors import UsageError

_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
# What stands in a repository's own configuration must not be run.
_SAFE = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "log.showSignature=false",
    "--no-pager",
)


def ask(folder: Path, *arguments: str) -> str | None:
    """What git answers, without the last newline; `None` where it has no answer.

    Raises:
        UsageError: There is no git.
    """
    try:
        done = subprocess.run(
            ["git", *_SAFE, "-C", str(folder), *arguments],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **_QUIET},
        )
    except FileNotFoundError as error:
        raise UsageError("the git command is not there", next_step="install git") from error
    return done.stdout.decode("utf-8", "replace").rstrip("\n") if done.returncode == 0 else None


def checkout(folder: Path) -> Path | None:
    """The top folder of the checkout, or the bare repository, that a folder is in."""
    if not folder.is_dir():
        return None
    if top := ask(folder, "rev-parse", "--show-toplevel"):
        return Path(top)
    if ask(folder, "rev-parse", "--is-bare-repository") == "true":
        return Path(ask(folder, "rev-parse", "--absolute-git-dir") or folder)
    return None


def remote(folder: Path) -> str | None:
    """The address of the remote, `origin` before others, without a password in it."""
    names = (ask(folder, "remote") or "").split()
    if not names:
        return None
    name = "origin" if "origin" in names else names[0]
    address = ask(folder, "config", "--get", f"remote.{name}.url")
    return re.sub(r"^(https?://)[^/@]*@", r"\1", address) if address else None


def release_branch(folder: Path) -> str | None:
    """The remote's default branch as the checkout knows it, else the branch that is checked out."""
    if head := ask(folder, "symbolic-ref", "--short", "-q", "refs/remotes/origin/HEAD"):
        return head.partition("/")[2]
    return ask(folder, "symbolic-ref", "--short", "-q", "HEAD")


def has_commits(folder: Path) -> bool:
    """Whether the branch that is checked out has a commit."""
    return ask(folder, "rev-parse", "--verify", "-q", "HEAD") is not None


def files(folder: Path) -> list[str]:
    """The paths of the last commit."""
    return [
        path for path in (ask(folder, "ls-tree", "-r", "-z", "--name-only", "HEAD") or "").split("\0") if path
    ]


def show(folder: Path, path: str) -> str:
    """A file of the last commit; empty where it is not there."""
    return ask(folder, "cat-file", "blob", f"HEAD:{path}") or ""


def authors(folder: Path, commits: int = 2000) -> list[tuple[str, str, int]]:
    """Who wrote the last commits: name, address, how many; the busiest first, bots left out."""
    counts: dict[str, tuple[str, int]] = {}
    for line in (ask(folder, "log", "-n", str(commits), "--no-merges", "--format=%aN%x00%aE") or "").split(
        "\n"
    ):
        name, _, email = line.partition("\0")
        if email and not re.search(r"\bbot\b", line):
            known = counts.get(email.lower(), (name, 0))
            counts[email.lower()] = (known[0], known[1] + 1)
    found = [(name, email, count) for email, (name, count) in counts.items()]
    return sorted(found, key=lambda author: (-author[2], author[1]))

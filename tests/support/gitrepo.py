"""Small real git repositories with fixed dates, for tests."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
"""The time of the first commit; each one made after it is an hour later."""


class GitRepo:
    """A repository in which every commit is an hour after the one made before it."""

    def __init__(self, folder: Path, branch: str = "main") -> None:
        self.folder = folder
        self.hours = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", f"--initial-branch={branch}")

    def git(self, *arguments: str, **variables: str) -> str:
        """Run git here, out of reach of the user's own configuration."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        safe = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=clean | safe | self._who("Ana") | variables,
            check=True, capture_output=True,
        )  # fmt: skip
        return done.stdout.decode("utf-8", "replace").strip()

    def commit(self, message: str, files: dict[str, str] | None = None, author: str = "Ana") -> str:
        """Write files (a default one without any) and commit all; returns the revision."""
        for name, content in (files or {f"file-{self.hours}.txt": message}).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "--all")
        return self._made("commit", "--quiet", "--allow-empty", "-m", message, author=author)

    def trap(self, mark: Path) -> None:
        """Let every program that a repository's own configuration may name leave a mark; signs a commit."""
        script = mark.with_suffix(".sh")
        script.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
        script.chmod(0o755)
        for key in ("core.fsmonitor", "core.pager", "gpg.program", "diff.external", "core.sshCommand"):
            self.git("config", key, str(script))
        self.git("config", "log.showSignature", "true")
        hooks = self.folder / ".git/hooks"
        hooks.mkdir(exist_ok=True)
        (hooks / "post-checkout").symlink_to(script)
        head, _, message = self.git("cat-file", "commit", "HEAD").partition("\n\n")
        seal = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
        file = mark.with_suffix(".commit")
        file.write_text(f"{head}\n{seal}\n\n{message}\n")
        self.git("update-ref", "HEAD", self.git("hash-object", "-w", "-t", "commit", str(file)))

    def branch(self, name: str, at: str = "HEAD") -> None:
        """Make a branch and switch to it."""
        self.git("checkout", "--quiet", "-b", name, at)

    def switch(self, name: str) -> None:
        """Switch to a branch."""
        self.git("checkout", "--quiet", name)

    def merge(self, branch: str, message: str, author: str = "Merger") -> str:
        """Merge a branch with a merge commit."""
        return self._made("merge", "--quiet", "--no-ff", "-m", message, branch, author=author)

    def tag(self, name: str, message: str | None = None) -> None:
        """Tag HEAD: annotated, an hour later, where there is a message."""
        if message is None:
            self.git("tag", name)
        else:
            self.git("tag", "-a", name, "-m", message, **self._tick("Tagger"))

    def head(self, ref: str = "HEAD") -> str:
        """The revision of a reference."""
        return self.git("rev-parse", ref)

    def pull_head(self, number: int, revision: str) -> None:
        """Put the reference that a forge keeps for a pull request."""
        self.git("update-ref", f"refs/pull/{number}/head", revision)

    def at(self, hours: int) -> datetime:
        """The time of the commit made `hours` after the first."""
        return BEGIN + timedelta(hours=hours)

    def _made(self, *arguments: str, author: str) -> str:
        self.git(*arguments, **self._tick(author))
        return self.head()

    def _tick(self, author: str) -> dict[str, str]:
        when = f"{int(self.at(self.hours).timestamp())} +0000"
        self.hours += 1
        return self._who(author) | {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}

    def _who(self, name: str) -> dict[str, str]:
        email = f"{name.lower()}@acme.test"
        return {
            "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email,
            "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email,
        }  # fmt: skip

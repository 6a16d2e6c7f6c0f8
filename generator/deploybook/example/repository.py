"""Real git repositories, written through one `git fast-import` each: seconds for thousands of commits."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from deploybook.errors import DeploybookError
from deploybook.example.clock import ZONE


@dataclass(frozen=True)
class Signature:
    """Who and when, as git writes it."""

    name: str
    email: str
    when: datetime

    def __str__(self) -> str:
        offset = self.when.astimezone(ZONE).strftime("%z")
        return f"{self.name} <{self.email}> {int(self.when.timestamp())} {offset}"


class Written:
    """A commit that is in the repository, by its mark; its revision is asked for when somebody wants it."""

    def __init__(self, mark: int, repository: Repository) -> None:
        self.mark = mark
        self._repository = repository

    @property
    def sha(self) -> str:
        """The full revision."""
        return self._repository.revision(self.mark)


Files = dict[str, bytes | None]
"""What a commit sets; `None` removes."""


class Repository:
    """A bare repository being written. Use it as a context manager; it is whole when that ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._commits = 0
        self._blobs = 0
        self._recent: dict[bytes, int] = {}
        self._revisions: list[str] = []

    def __enter__(self) -> Self:
        # Nothing of the user's own git may show in the result: it is the same on every machine.
        environment = {
            **os.environ,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "LC_ALL": "C",
            # git takes fresh memory for every object it packs; handing it back each time doubles the time.
            "MALLOC_MMAP_THRESHOLD_": "67108864",
            "MALLOC_TRIM_THRESHOLD_": "268435456",
        }
        self._environment = {key: value for key, value in environment.items() if key not in _REDIRECTING}
        self._folder.mkdir(parents=True)
        self._git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", ".")
        self._process = subprocess.Popen(
            [
                "git",
                "-c",
                "fastimport.unpackLimit=0",
                "-c",
                "core.compression=1",
                "-c",
                "core.fsync=none",
                "fast-import",
                "--quiet",
                "--date-format=raw",
            ],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if kind is not None:
            self._process.kill()
            self._process.wait()
            return
        self._process.stdin.close()
        self._process.stdout.close()
        if self._process.wait() != 0:
            raise DeploybookError("git fast-import failed", where=str(self._folder))
        self._git("pack-refs", "--all")

    def commit(
        self,
        ref: str,
        message: str,
        files: Files,
        *,
        author: Signature,
        committer: Signature | None = None,
        parents: tuple[Written, ...] = (),
    ) -> Written:
        """Write a commit and point `ref` at it."""
        self._commits += 1
        mark = 2 * self._commits  # commits are even, blobs odd
        text = message.encode()
        changed = [
            f"D {path}\n" if content is None else f"M 100644 :{self._blob(content)} {path}\n"
            for path, content in sorted(files.items())
        ]
        parts = [
            f"commit {ref}\nmark :{mark}\nauthor {author}\ncommitter {committer or author}\n".encode(),
            b"data %d\n%b\n" % (len(text), text),
        ]
        for index, parent in enumerate(parents):
            parts.append(f"{'merge' if index else 'from'} :{parent.mark}\n".encode())
        parts.append("".join(changed).encode())
        parts.append(b"\nget-mark :%d\n" % mark)
        self._send(b"".join(parts))
        if self._commits - len(self._revisions) > 500:
            self.revision(mark)  # the answers would fill the pipe
        return Written(mark, self)

    def _blob(self, content: bytes) -> int:
        """The mark of a file's text; a merge has the texts of the branch before it, and sends none twice."""
        mark = self._recent.get(content)
        if mark is None:
            self._blobs += 1
            mark = 2 * self._blobs + 1
            if len(self._recent) > 32:
                self._recent.clear()
            self._recent[content] = mark
            self._send(b"blob\nmark :%d\ndata %d\n%b\n" % (mark, len(content), content))
        return mark

    def revision(self, mark: int) -> str:
        """The full revision of the commit with a mark: answers come in order, and are read when due."""
        place = mark // 2
        if place > len(self._revisions):
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.flush()
            while len(self._revisions) < self._commits:
                answer = self._process.stdout.readline().decode().strip()
                if not answer:
                    raise DeploybookError("git fast-import stopped", where=str(self._folder))
                self._revisions.append(answer)
        return self._revisions[place - 1]

    def ref(self, name: str, to: Written) -> None:
        """Point a ref at a commit."""
        self._send(f"reset {name}\nfrom :{to.mark}\n\n".encode())

    def tag(self, name: str, to: Written, by: Signature, message: str) -> None:
        """Write an annotated tag."""
        text = message.encode()
        self._send(
            f"tag {name}\nfrom :{to.mark}\ntagger {by}\n".encode() + b"data %d\n%b\n" % (len(text), text)
        )

    def _send(self, text: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text)

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self._folder, env=self._environment, check=True)


_REDIRECTING = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_DEFAULT_HASH"}


@dataclass
class Edit:
    """What one change does to the lines of one file."""

    added: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


class Lines:
    """The text of a branch: every line is its own, so that what a change adds and removes is exact."""

    HEAD = 3
    """Lines at the top of a file that no change touches."""

    def __init__(self, files: dict[str, list[str]] | None = None) -> None:
        self.files = files or {}

    def copy(self) -> Lines:
        """The same text for another branch."""
        return Lines({path: list(lines) for path, lines in self.files.items()})

    def edit(self, path: str, added: list[str], drop: int) -> Edit:
        """Append lines and drop the oldest ones below the head; the edit says what was done."""
        lines = self.files[path]
        edit = Edit(added, lines[self.HEAD : self.HEAD + min(drop, max(0, len(lines) - self.HEAD))])
        self.apply(path, edit)
        return edit

    def apply(self, path: str, edit: Edit) -> tuple[int, int]:
        """Do an edit made elsewhere (a cherry-pick); returns the lines added and removed here."""
        gone = set(edit.dropped)
        lines = self.files.setdefault(path, [])
        kept = [line for line in lines if line not in gone]
        self.files[path] = kept + edit.added
        return len(edit.added), len(lines) - len(kept)

    def undo(self, path: str, edit: Edit) -> tuple[int, int]:
        """Take an edit back; returns the lines added and removed."""
        gone = set(edit.added)
        lines = self.files[path]
        kept = [line for line in lines if line not in gone]
        self.files[path] = kept[: self.HEAD] + edit.dropped + kept[self.HEAD :]
        return len(edit.dropped), len(lines) - len(kept)

    def content(self, path: str) -> bytes:
        """A file as git stores it."""
        return ("\n".join(self.files[path]) + "\n").encode()

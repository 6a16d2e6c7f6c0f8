"""Running git, safely: no prompts, no programs that a repository names, no transports but the usual.

A repository is text from outside. Its own configuration may name programs to run (a file system
monitor, hooks, a signature checker, a text converter); all of them are switched off here. Reading never
fetches: an object that a partial repository lacks is an error of that object, not a download.
"""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import IO

from deploybook.errors import SourceError

READ_SECONDS = 1800
"""How long one pass over a local repository may take before it is given up."""
FETCH_SECONDS = 3600
"""How long one fetch may take before it is given up."""

_PIPE = 1 << 20
"""How far git may be ahead of its reader."""
_BLOCK = 1 << 16
"""What is read at once: so much that the processor's cache holds it while it is taken apart."""
_log = logging.getLogger(__name__)
_KEPT = ("GIT_SSH", "GIT_SSL_", "GIT_HTTP_", "GIT_PROXY_", "GIT_CONFIG_", "GIT_ASKPASS", "GIT_EXEC_PATH")
_SAFE = (
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.attributesFile=/dev/null",
    "-c", "log.showSignature=false",
    "-c", "log.mailmap=false",
    "-c", "log.follow=false",
    "-c", "i18n.logOutputEncoding=UTF-8",
    "-c", "protocol.ext.allow=never",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
)  # fmt: skip
_SECRET = re.compile(r"(?<=://)[^/@\s]+@")


def environment() -> dict[str, str]:
    """The environment that every git runs in: the caller's, without what would bend or stop a reading."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    kept.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=20")
    return kept | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_FLUSH": "0",  # else `git log` writes each commit by itself into a pipe, and wakes us for it
        "LC_ALL": "C",
        "MALLOC_TRIM_THRESHOLD_": str(1 << 28),  # else it gives memory back and asks again for each file
    }


def without_secrets(text: str) -> str:
    """The text with user and password taken out of every URL."""
    return _SECRET.sub("", text)


def run(repository: Path, *arguments: str, lines: Sequence[str] = (), seconds: float = READ_SECONDS) -> bytes:
    """Run git in a repository and return what it printed.

    Raises:
        SourceError: git is not installed, failed, or took longer than `seconds`.
    """
    return b"".join(stream(repository, *arguments, lines=lines, seconds=seconds))


def stream(
    repository: Path,
    *arguments: str,
    lines: Sequence[str] = (),
    given: IO[bytes] | None = None,
    seconds: float = READ_SECONDS,
) -> Generator[bytes]:
    """Run git in a repository and yield what it prints, in blocks, as it comes.

    The first block is empty and there as soon as git runs: taking it begins what is to be read later.

    Args:
        repository: The work tree or the bare repository.
        arguments: The git command and its arguments.
        lines: What it reads from standard input, one a line.
        given: The same as a file, which is left open.
        seconds: After this time it is killed.

    Raises:
        SourceError: git is not installed, failed, or took longer than `seconds`.
    """
    _log.info("git %s in %s", arguments[0], repository)
    with tempfile.TemporaryFile() as said, nullcontext(given) if given else _input(lines) as read:
        try:
            process = subprocess.Popen(
                ["git", *_SAFE, "-C", str(repository), *arguments],
                stdin=read,
                stdout=subprocess.PIPE,
                stderr=said,
                env=environment(),
                pipesize=_PIPE,
            )
        except OSError as error:
            raise _not_runnable(error, repository) from error
        late = threading.Event()

        def kill() -> None:
            late.set()
            process.kill()

        watch = threading.Timer(seconds, kill)
        watch.daemon = True
        watch.start()
        try:
            assert isinstance(process.stdout, io.BufferedReader)
            yield b""
            while block := process.stdout.read(_BLOCK):
                yield block
            code = process.wait()
        finally:
            watch.cancel()
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if late.is_set():
            raise SourceError(
                f"git {arguments[0]} took longer than {seconds:g} seconds and was stopped",
                where=str(repository),
                next_step="Try again when the machine or the network is less busy.",
            )
        if code != 0:
            said.seek(0)
            raise failure(arguments[0], said.read(4000).decode("utf-8", "replace"), str(repository))


def failure(command: str, said: str, where: str) -> SourceError:
    """The error for a git command that failed, with what git said and what to do about it."""
    words = without_secrets(" ".join(said.split()))[:400]
    step = "Run `git fsck` there, or clone it again."
    if "dubious ownership" in said:
        step = f"Run `git config --global --add safe.directory {where}` if you trust it."
    elif "not a git repository" in said:
        step = "Check `repository:`; it must be a clone, a bare repository or a URL."
    elif re.search(r"Authentication failed|could not read Username|Permission denied|403", said):
        step = "Give the machine read access: a credential helper, a deploy key, or a token."
    elif re.search(r"Could not resolve|unable to access|Connection|timed out|not found", said):
        step = "Check the address and the network, then run `deploybook sync` again."
    return SourceError(f"git {command} failed: {words or 'no reason given'}", where=where, next_step=step)


def _not_runnable(error: OSError, repository: Path) -> SourceError:
    return SourceError(
        f"git could not be started: {error.strerror or error}",
        where=str(repository),
        next_step="Install git 2.30 or later and make sure it is on the PATH.",
    )


def _input(lines: Sequence[str]) -> IO[bytes]:
    given = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    given.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
    given.seek(0)
    return given

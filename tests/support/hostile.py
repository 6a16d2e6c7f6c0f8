"""A repository whose every field was written by somebody who wants to break the site."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.payloads import PAYLOADS

START = 1_767_600_000
"""Seconds: Monday 2026-01-05."""
DAY = 86_400


def titles() -> dict[int, str]:
    """Pull request numbers and the titles that git can keep: one line, no NUL, not empty."""
    kept = (payload.replace("\0", "").strip() for payload in PAYLOADS.values())
    lines = (payload.split("\n", 1)[0].rstrip("\r") for payload in kept)
    return dict(enumerate((line for line in lines if line.strip()), start=1))


def name_of(payload: str) -> str:
    """An author's name as git can keep it."""
    return "".join(char for char in payload if char not in "<>\n\r\0")[:200].strip() or "Nobody"


def file_of(number: int, payload: str) -> str:
    """A file's name as git can keep it."""
    name = payload.replace("\0", "").replace("/", "∕").replace("\n", " ")[:80].strip(". ")
    return f"src/{number} {name}"


def make(folder: Path) -> Path:
    """Write the repository through fast-import, message bytes as they are; one release after the other."""
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)], check=True)
    stream = bytearray()
    at = START
    _commit(stream, "refs/heads/main", "Ana", "Begin", at, "src/begin")
    _tag(stream, "v1.0", at)
    for number, title in titles().items():
        at += 3_600
        branch = "".join(char for char in title if not char.isspace())[:60]
        message = f"Merge pull request #{number} from shop/{branch}\n\n{title}\n\n{title}\n"
        _commit(stream, "refs/heads/main", name_of(title), message, at, file_of(number, title))
    _tag(stream, "v1.1-<script>alert(1)</script>", at + DAY)
    _tag(stream, "v1.2-{onclick=alert(1)}", at + 2 * DAY)
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=folder, input=bytes(stream), check=True, capture_output=True
    )
    return folder


def _commit(stream: bytearray, ref: str, author: str, message: str, at: int, file: str) -> None:
    text = message.encode("utf-8", "surrogatepass")
    who = author.encode("utf-8", "surrogatepass")
    path = '"' + "".join(f"\\{byte:03o}" for byte in file.encode("utf-8", "surrogatepass")) + '"'
    stream += b"commit %s\n" % ref.encode()
    for role in (b"author", b"committer"):
        stream += b"%s %s <a@acme.test> %d +0000\n" % (role, who, at)
    stream += b"data %d\n%s\n" % (len(text), text)
    stream += b"M 100644 inline %s\ndata 1\nx\n" % path.encode()


def _tag(stream: bytearray, name: str, at: int) -> None:
    stream += b"tag %s\nfrom refs/heads/main\n" % name.encode()
    stream += b"tagger Ana <a@acme.test> %d +0000\ndata 1\nx\n" % at

"""Secrets are in the environment and nowhere else: canaries in each, looked for in all that a run leaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import small
from tests.support.loopback import Asked, Fault, Loopback, Reply

CANARIES = {
    "PAGER_TOKEN": "canary-pager-0d1f",
    "GITHUB_CANARY": "canary-github-7a2b",
    "CHAT": "json://user:canary-chat-93cc@localhost:{port}/canary-path-51de",
    "GIT_PASSWORD": "canary-password-44ef",
}
WORDS = ("canary-pager", "canary-github", "canary-chat", "canary-path", "canary-password")

CRASHES = """
import sys
from deploybook.build.progress import Progress
from deploybook.cli import main
from deploybook.config import secret

phase = sys.argv.pop(1)
step = Progress.step

def crash(self, text):
    if text.startswith(phase):
        raise RuntimeError(f"nobody foresaw this: {secret('env:PAGER_TOKEN')}")
    step(self, text)

if phase != "none":
    Progress.step = crash
main()
"""


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A system that repeats in its answers what it was asked with, as some do in their errors."""

    def answer(asked: Asked) -> Reply:
        return Reply({"incidents": [], "echo": dict(asked.headers)})

    with Loopback(answer) as running:
        yield running


@pytest.fixture
def root(tmp_path: Path, server: Loopback) -> Path:
    """A site that reads and tells with every kind of secret there is."""
    root = tmp_path / "deploys"
    small.make(root)
    host = server.url.partition("//")[2]
    file = root / "deploybook.yml"
    text = file.read_text().replace(
        "email: zelda@inside.test}", "email: zelda@inside.test, notify: [env:CHAT]}"
    )
    text = text.replace(
        "codebases:\n",
        f"codebases:\n  web: {{repository: 'http://{host}/acme/web', deployments: {{from: github}}}}\n",
    )
    text += f"  - pagerduty: {{token: env:PAGER_TOKEN, url: '{server.url}'}}\n"
    text += f"  - github: {{token: env:GITHUB_CANARY, url: '{server.url}'}}\n"
    file.write_text(text)
    return root


def said(root: Path, server: Loopback, *words: str, crash: str = "none") -> str:
    """Run a command apart; what it printed."""
    port = server.url.rpartition(":")[2]
    secrets = {name: value.format(port=port) for name, value in CANARIES.items()}
    # Git takes its password from a helper that the user set; it must not be told either.
    helper = f"!f() {{ echo username=u; echo password={secrets['GIT_PASSWORD']}; }}; f"
    git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "credential.helper", "GIT_CONFIG_VALUE_0": helper}
    done = subprocess.run(
        [sys.executable, "-c", CRASHES, crash, *words, "--config", str(root / "deploybook.yml")],
        env={**os.environ, **secrets, **git}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def sings(text: str) -> list[str]:
    return [word for word in WORDS if word in text]


def is_silent(root: Path) -> None:
    """No file that the runs left holds a canary, whatever its format."""
    found = {
        path.relative_to(root).as_posix(): heard
        for path in root.rglob("*")
        if path.is_file() and (heard := sings(path.read_bytes().decode("latin-1")))
    }
    assert found == {}


def echo(status: int) -> Fault:
    """An error that repeats the token."""
    return lambda _n, asked: Reply(
        {"message": f"no: {dict(asked.headers)}", "error": str(asked.headers)}, status
    )


@pytest.mark.parametrize("status", [200, 401, 403, 404, 422])
def test_no_answer_makes_a_run_tell_a_secret(root: Path, server: Loopback, status: int) -> None:
    server.fault = echo(status) if status != 200 else None
    as_of = ("--as-of", small.AS_OF)
    for words in (("build", "--verbose", *as_of), ("check", *as_of), ("check", "--json", *as_of)):
        assert sings(said(root, server, *words)) == []
    assert any(asked.headers.get("Authorization") for asked in server.asked)
    is_silent(root)


@pytest.mark.parametrize("phase", ["reading pagerduty", "linking", "building the site"])
def test_a_crash_with_its_traceback_tells_no_secret(root: Path, server: Loopback, phase: str) -> None:
    text = said(root, server, "build", "--as-of", small.AS_OF, crash=phase)
    assert "nobody foresaw this: ***" in text
    assert sings(text) == []
    is_silent(root)


def test_notices_tell_no_secret_whether_taken_or_refused(root: Path, server: Loopback) -> None:
    said(root, server, "sync", "--as-of", small.AS_OF)
    assert sings(said(root, server, "notify", "--dry-run", "--as-of", small.AS_OF)) == []
    server.fault = echo(500)
    assert sings(said(root, server, "notify", "--as-of", "2026-01-16T12:00:00Z")) == []
    is_silent(root)
    shutil.rmtree(root / "build")
    assert sings(said(root, server, "sync", "--as-of", "nonsense")) == []


def test_a_secret_in_the_configuration_is_refused_and_not_repeated(root: Path, server: Loopback) -> None:
    file = root / "deploybook.yml"
    file.write_text(file.read_text().replace("env:PAGER_TOKEN", "canary-pager-0d1f"))
    assert sings(said(root, server, "build")) == []

"""What each schedule runs, run: from a clone of the site repository to a site and its notices, twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support import small
from tests.support.gitrepo import GitRepo
from tests.support.loopback import Loopback, Reply

from deploybook.config.init import SCHEDULES, init
from deploybook.config.suggest import Suggestion

pytestmark = pytest.mark.xdist_group("scheduled")

PYTHON = """#!/bin/sh
# The program is installed here already.
test "$*" = "-m pip install deploybook==0.1.0" || exec {python} "$@"
"""
GH = """#!/bin/sh
test "$1 $2" = "run list" && test -d "$KEPT" && echo 41 && exit 0
test "$1 $2 $3" = "run download 41" && mkdir -p "$7" && cp "$KEPT/history.duckdb" "$7/" && exit 0
exit 1
"""


@pytest.fixture
def chat() -> Iterator[Loopback]:
    """Where a team is told."""
    with Loopback(lambda _asked: Reply({})) as server:
        yield server


@pytest.fixture
def origin(tmp_path: Path) -> GitRepo:
    """The site repository, with every schedule, as it was pushed."""
    small.make(tmp_path / "origin", repository=str(tmp_path / "origin/shop"))
    (tmp_path / "origin/shop").rename(tmp_path / "shop")
    file = tmp_path / "origin/deploybook.yml"
    text = file.read_text().replace(str(tmp_path / "origin/shop"), str(tmp_path / "shop"))
    file.write_text(text.replace('chat: "#zelda', 'notify: [env:CHAT], chat: "#zelda'))
    init(tmp_path / "origin", Suggestion(name="shop", site_branch="main"), schedules=list(SCHEDULES))
    repository = GitRepo(tmp_path / "origin")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "Tell our deploys")
    return repository


@pytest.fixture
def environment(tmp_path: Path, chat: Loopback) -> dict[str, str]:
    """What the runner has: the program, a `pip` that need install nothing, and variables."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python").write_text(PYTHON.format(python=sys.executable))
    (tools / "gh").write_text(GH)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return os.environ | {
        "PATH": f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CHAT": f"json://127.0.0.1:{chat.url.rpartition(':')[2].strip('/')}/", "KEPT": str(tmp_path / "kept"),
        "CI_API_V4_URL": "http://127.0.0.1:9", "GITHUB_WORKFLOW": "deploybook",
    }  # fmt: skip


def clone(origin: GitRepo, place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", str(origin.folder), str(place)], check=True)
    return place


def ran(script: str, folder: Path, environment: dict[str, str], shell: str = "bash -eo pipefail -c") -> str:
    done = subprocess.run(
        [*shell.split(), script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def deploy(origin: GitRepo, at: datetime) -> None:
    """Push the record of one more deployment."""
    rows = [json.loads(line) for line in (origin.folder / "history/all.jsonl").read_text().splitlines()]
    at_ = {"started_at": (at - timedelta(minutes=9)).isoformat(), "finished_at": at.isoformat()}
    small.write_records(origin.folder, [*rows, {**rows[2], "id": "4", **at_}])
    origin.git("commit", "--quiet", "--all", "--message", "Deploy once more")


def loaded(file: Path) -> Any:
    return yaml.load(file.read_text("utf-8"), yaml.BaseLoader)


def deployments(site: Path) -> int:
    return len((site / "data/deployments.csv").read_text("utf-8").splitlines()) - 1


def test_github(origin: GitRepo, environment: dict[str, str], tmp_path: Path, chat: Loopback) -> None:
    """Check, build and notify on runners of their own; again with the cache gone and a deployment done."""
    jobs = loaded(origin.folder / ".github/workflows/deploybook.yml")["jobs"]
    for turn in (1, 2):
        if turn == 2:
            assert len(chat.asked) == 1, "of a lock that is held"
            deploy(origin, datetime.now(UTC))
        work = clone(origin, tmp_path / "runner")
        said = "".join(
            ran(step["run"], work, environment) for step in jobs["build"]["steps"] if "run" in step
        )
        assert ("no history is kept yet" in said) is (turn == 1)
        assert deployments(work / "site") == 2 + turn
        shutil.copytree(work / "build", tmp_path / "kept", dirs_exist_ok=True)
        for job in ("check", "notify"):
            work = clone(origin, tmp_path / "runner")
            shutil.copytree(tmp_path / "kept", work / "build")
            for step in jobs[job]["steps"]:
                if "run" in step:
                    ran(step["run"], work, environment)
            shutil.copytree(work / "build", tmp_path / "kept", dirs_exist_ok=True)
    of_the_lock, of_the_deployment = (json.dumps(told.body) for told in chat.asked)
    assert "lock" in of_the_lock
    assert "is live" in of_the_deployment


def test_gitlab(origin: GitRepo, environment: dict[str, str], tmp_path: Path) -> None:
    jobs = loaded(origin.folder / ".gitlab-ci.yml")
    work = clone(origin, tmp_path / "runner")
    for job in ("pages", "check", "notify"):
        ran("\n".join([*jobs[".deploybook"]["before_script"], *jobs[job]["script"]]), work, environment)
    assert deployments(work / "public") == 3


def test_systemd(origin: GitRepo, environment: dict[str, str], tmp_path: Path) -> None:
    unit = (origin.folder / "schedule/deploybook.service").read_text()
    commands = re.findall(r"^ExecStart=/opt/deploybook/bin/(.+)$", unit, re.MULTILINE)
    assert commands == ["deploybook build --quiet", "deploybook notify --quiet"]
    work = clone(origin, tmp_path / "there")
    assert "".join(ran(command, work, environment) for command in commands) == ""
    assert deployments(work / "site") == 3


def test_kubernetes(origin: GitRepo, environment: dict[str, str], tmp_path: Path) -> None:
    """In an empty volume, and once more in what is then in it, after something new was pushed."""
    _, job = yaml.safe_load_all((origin.folder / "schedule/kubernetes.yml").read_text())
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    volume = tmp_path / "volume"
    (volume / "venv/bin").mkdir(parents=True)
    (volume / "venv/bin/deploybook").symlink_to(Path(sys.executable).parent / "deploybook")
    (volume / "venv/bin/pip").symlink_to("/bin/true")
    shell = " ".join(container["command"])
    of_pod = environment | {"REPOSITORY": str(origin.folder), "HOME": str(volume)}
    ran(container["args"][0], volume, of_pod, shell)
    deploy(origin, datetime.now(UTC))
    ran(container["args"][0], volume, of_pod, shell)
    assert deployments(volume / "repository/site") == 4

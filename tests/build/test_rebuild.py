"""What did not change is not rewritten, and a run that dies harms nothing."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.gitrepo import GitRepo

from deploybook.cli import run

pytestmark = pytest.mark.xdist_group("rebuild")

CONFIG = """
site: {name: Shop, timezone: Europe/Berlin}
codebases:
  shop: {repository: shop, deployments: {from: tags}}
process:
  cut_off: {weekday: wednesday, time: "12:00"}
  window: {weekday: thursday, from: "10:00", to: "14:00"}
"""


def make_site(root: Path) -> GitRepo:
    root.mkdir(parents=True, exist_ok=True)
    repository = GitRepo(root / "shop")
    repository.commit("Begin", {"a": "1"})
    repository.tag("v1.0")
    for number in range(1, 6):
        repository.commit(f"Improve step {number} (#{number})", {"a": str(number + 1)})
    repository.tag("v1.1")
    repository.commit("Wait for a window (#6)", {"a": "7"})
    (root / "deploybook.yml").write_text(CONFIG)
    return repository


def command(root: Path, as_of: str) -> list[str]:
    return ["build", "--quiet", "--config", str(root / "deploybook.yml"), "--as-of", as_of]


def state(site: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every file: what a rewrite would change."""
    return {
        path.relative_to(site).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


def content(site: Path) -> str:
    """One word for all that a reader gets, without when it was made."""
    digest = hashlib.sha256()
    for path in sorted(site.rglob("*")):
        if path.is_file() and path.name != "build.json":
            digest.update(path.relative_to(site).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@dataclass
class Built:
    """A built site with its repository; its as-of is Tuesday afternoon of the first week, and later."""

    root: Path
    repository: GitRepo

    def build(self, hours: int) -> int:
        return run(command(self.root, self.repository.at(30 + hours).isoformat()))

    def state(self) -> dict[str, tuple[int, int]]:
        return state(self.root / "site")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("rebuild")
    return Built(root, make_site(root))


def changed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> set[str]:
    return {name for name in before.keys() | after.keys() if after.get(name) != before.get(name)}


def test_the_same_again_rewrites_no_file_but_build_json(built: Built) -> None:
    assert built.build(0) == 0
    before = built.state()
    assert built.build(0) == 0
    assert changed(before, built.state()) <= {"data/build.json"}


def test_an_hour_later_nothing_that_a_reader_sees_has_changed(built: Built) -> None:
    assert built.build(0) == 0
    before = built.state()
    assert built.build(1) == 0
    assert changed(before, built.state()) == {"data/build.json"}


def test_a_new_deployment_leaves_the_pages_of_old_weeks(built: Built) -> None:
    assert built.build(24 * 14) == 0
    before = built.state()
    built.repository.hours = 24 * 14
    built.repository.commit("Add one more (#7)", {"a": "8"})
    built.repository.tag("v1.2")
    assert built.build(24 * 14 + 1) == 0
    rewritten = changed(before, built.state())
    assert {"index.html", "shipped/index.html", "data/deployments.csv"} <= rewritten
    assert "shipped/2026-W02/index.html" in before
    assert "shipped/2026-W02/index.html" not in rewritten


def test_killed_at_twenty_random_moments_the_site_is_always_whole(tmp_path: Path) -> None:
    repository = make_site(tmp_path / "one")
    now = repository.at(50).isoformat()
    assert run(command(tmp_path / "one", now)) == 0
    site = tmp_path / "one/site"
    whole = {content(site)}
    seen: list[str] = []
    chance = random.Random(20)
    started = time.monotonic()
    _spawn(tmp_path / "one", now).wait()
    usual = time.monotonic() - started
    for number in range(20):
        if number % 5 == 0:
            repository.commit(f"Change {number} (#{number + 20})", {"a": f"k{number}"})
            repository.tag(f"v2.{number}")
        process = _spawn(tmp_path / "one", repository.at(50).isoformat())
        time.sleep(chance.uniform(0.2, usual * 1.3))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        seen.append(content(site))
        if number % 5 == 4:
            assert run(command(tmp_path / "one", repository.at(50).isoformat())) == 0
            whole.add(content(site))
    assert set(seen) <= whole
    assert sorted(path.name for path in (tmp_path / "one").iterdir() if path.name.startswith(".site")) == []
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    subprocess.run(["cp", "-r", str(tmp_path / "one/shop"), str(fresh / "shop")], check=True)
    (fresh / "deploybook.yml").write_text(CONFIG)
    assert run(command(fresh, repository.at(50).isoformat())) == 0
    assert content(fresh / "site") == content(site)


def _spawn(root: Path, as_of: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", "from deploybook.cli import main; main()", *command(root, as_of)],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

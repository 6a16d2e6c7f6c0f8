"""`serve` builds, serves on this machine, and builds again when something changes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploybook.build.serve import settled

pytestmark = pytest.mark.xdist_group("serve")


@dataclass
class Serving:
    process: subprocess.Popen[str]
    url: str
    root: Path

    def home(self) -> str:
        with urllib.request.urlopen(self.url, timeout=10) as answer:
            return str(answer.read().decode("utf-8"))

    def wait_for(self, words: str, seconds: float = 120) -> bool:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if words in self.home():
                return True
            time.sleep(0.3)
        return False


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    root = tmp_path_factory.mktemp("serve")
    (root / "deploybook.yml").write_text("site: {name: First name}\ncodebases: {shop: {}}\n")
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", "from deploybook.cli import main; main()",
         "serve", "--port", "0", "--config", str(root / "deploybook.yml")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    url = None
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
            url = found[0]
            break
    assert url is not None
    yield Serving(process, url, root)
    process.kill()
    process.wait()


@given(st.lists(st.sampled_from(["one", "half", "two"]), min_size=1, max_size=12))
def test_what_changes_is_told_once_it_stays_as_it_is_for_two_looks(looks: list[str]) -> None:
    """Told is each thing that two looks one after the other found, but not what was told last."""
    coming = iter(looks)
    now = ""

    def look() -> str:
        nonlocal now
        now = next(coming)
        return now

    left = len(looks)

    def stops() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    told = [now for _ in settled(look, stops)]
    stayed = [looks[0], *(second for first, second in pairwise(looks) if first == second)]
    assert told == [second for first, second in pairwise(stayed) if first != second]


def test_a_file_that_is_half_written_is_not_built() -> None:
    looks = iter(["whole", "", "other", "other", "other"])
    left = iter([False] * 4 + [True])
    assert len(list(settled(lambda: next(looks), lambda: next(left)))) == 1


def test_it_serves_what_was_built(serving: Serving) -> None:
    assert "First name" in serving.home()


def test_it_builds_again_when_the_configuration_changes(serving: Serving) -> None:
    (serving.root / "deploybook.yml").write_text("site: {name: Second name}\ncodebases: {shop: {}}\n")
    assert serving.wait_for("Second name")


def test_a_broken_configuration_leaves_the_last_good_site(serving: Serving) -> None:
    (serving.root / "deploybook.yml").write_text("site: {nome: Third}\n")
    time.sleep(3)
    assert "Second name" in serving.home()
    assert serving.process.poll() is None


def test_ctrl_c_ends_it_in_words(serving: Serving) -> None:
    serving.process.send_signal(signal.SIGINT)
    assert serving.process.wait(timeout=30) == 130

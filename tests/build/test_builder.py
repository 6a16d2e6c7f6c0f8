"""Several MkDocs beside each other make the site that one makes, and one that fails is heard."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import small

from deploybook.build import builder
from deploybook.build.builder import shared
from deploybook.build.job import Job
from deploybook.config.init import MKDOCS_MARKER

WEIGHTS = st.dictionaries(st.text("abc/", min_size=1, max_size=6), st.integers(1, 20_000_000), max_size=40)


@given(WEIGHTS, st.integers(1, 9))
def test_each_page_is_in_one_share_and_shares_are_about_as_heavy(
    weights: dict[str, int], processors: int
) -> None:
    shares = shared(weights, processors)
    assert 1 <= len(shares) <= processors
    assert sorted(page for share in shares for page in share) == sorted(weights)
    heavy = [sum(weights[page] for page in share) for share in shares]
    assert max(heavy) - min(heavy) <= max(weights.values(), default=0)


def test_little_is_not_shared() -> None:
    assert shared({"a": 100, "b": 200}, 8) == [("a", "b")]


def content(site: Path) -> dict[str, bytes]:
    return {
        path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()
    }


def test_a_site_made_in_shares_is_the_site_made_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.make(tmp_path)
    assert small.build(tmp_path) == 0
    in_one = content(tmp_path / "site")
    (tmp_path / "site").rename(tmp_path / "made-in-one")
    begun: list[Job] = []
    begin = builder._Process.begin

    def watched(process: builder._Process, job: Job) -> None:
        begun.append(job)
        begin(process, job)

    monkeypatch.setattr(builder._Process, "begin", watched)
    monkeypatch.setattr(builder, "_SHARE", 20_000)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    assert small.build(tmp_path) == 0
    assert [len(part.only) > 5 for (job,) in [begun] for part in job.parts] == [False, True, True]
    assert content(tmp_path / "site") == in_one
    assert len(list(tmp_path.glob(".site*"))) == 0


def test_a_share_that_fails_stops_the_build_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small.make(tmp_path)
    assert small.build(tmp_path) == 0
    before = content(tmp_path / "site")
    monkeypatch.setattr(builder, "_SHARE", 20_000)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    line = Job.line

    def spoilt(job: Job) -> str:
        first, second = job.parts
        return line(job._replace(parts=(first, second._replace(site=str(tmp_path / "deploybook.yml/no")))))

    monkeypatch.setattr(Job, "line", spoilt)
    (tmp_path / "mkdocs.yml").write_text(f"{MKDOCS_MARKER}\ncopyright: ours\n")
    assert small.build(tmp_path) != 0
    says = capsys.readouterr().err
    assert "MkDocs could not build the site" in says
    assert "deploybook.yml/no" in says
    assert content(tmp_path / "site") == before


def test_strict_settings_are_kept_to_and_leaving_pages_is_no_warning(tmp_path: Path) -> None:
    small.make(tmp_path)
    (tmp_path / "mkdocs.yml").write_text(f"{MKDOCS_MARKER}\nstrict: true\n")
    assert small.build(tmp_path) == 0
    (tmp_path / "docs").mkdir(exist_ok=True)
    (tmp_path / "docs/by-hand.md").write_text("# By hand\n\n[nowhere](nowhere.md)\n")
    assert small.build(tmp_path) != 0


def test_a_process_whose_build_was_killed_ends_too() -> None:
    start = (
        "import subprocess, sys, time\n"
        "share = [sys.executable, '-m', 'deploybook.build.share']\n"
        "process = subprocess.Popen(share, stdin=subprocess.PIPE)\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    build = subprocess.Popen([sys.executable, "-c", start], stdout=subprocess.PIPE, text=True)
    assert build.stdout is not None
    share = int(build.stdout.readline())
    build.kill()
    build.wait()
    build.stdout.close()
    for _ in range(300):
        if not Path(f"/proc/{share}").exists() or "Z" in Path(f"/proc/{share}/stat").read_text().split()[2]:
            return
        time.sleep(0.1)
    os.kill(share, 9)
    pytest.fail("it still waits")

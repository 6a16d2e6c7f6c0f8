"""What a first build compiles beside its reading is what it asks for later; a later one compiles nothing."""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import pytest
from tests.support import small
from tests.support.gitrepo import GitRepo

from deploybook.build import ahead, compose
from deploybook.build.progress import Progress
from deploybook.config import detect, load
from deploybook.metrics import prepare, running, settings_of

AS_OF = datetime.fromisoformat(small.AS_OF)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")


def all_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_metrics_and_templates_are_compiled_before_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.make(tmp_path)
    config = load(tmp_path / "deploybook.yml")
    cache = tmp_path / "build/cache"
    made = tmp_path / "ahead"
    with ahead.compiled(made / "metrics", made / "templates", config, AS_OF):
        for _ in range(600):
            if any((made / "templates").glob("*.cache")):  # they come after metrics
                break
            time.sleep(0.1)
    monkeypatch.setattr(ahead, "compiled", lambda *_: nullcontext())
    assert small.build(tmp_path) == 0
    asked = {name for name in all_of(cache / "metrics") if name.endswith(".sql")}
    assert len(asked) > 5
    assert asked <= all_of(made / "metrics"), "the build asks for other expressions, or under other names"
    for name in asked:
        assert (made / "metrics" / name).read_bytes() == (cache / "metrics" / name).read_bytes()


def test_where_only_git_is_read_less_is_compiled_and_all_that_it_asks_for(tmp_path: Path) -> None:
    repository = GitRepo(tmp_path)
    repository.commit("Begin")
    repository.tag("v1.0")
    repository.commit("Go on (#1)")
    repository.tag("v1.1")
    config = detect(tmp_path)
    prepare(tmp_path / "all", settings_of(config, AS_OF))
    prepare(tmp_path / "less", settings_of(config, AS_OF), only_deliveries=True)
    assert all_of(tmp_path / "less") < all_of(tmp_path / "all")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ahead, "compiled", lambda *_: nullcontext())
        assert compose.build(config, AS_OF, progress=Progress(quiet=True, verbose=False)).exit_code == 0
    asked = {name for name in all_of(tmp_path / "build/cache/metrics") if name.endswith(".sql")}
    assert asked
    assert asked <= all_of(tmp_path / "less")


def test_nothing_is_compiled_ahead_where_something_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.make(tmp_path)
    config = load(tmp_path / "deploybook.yml")
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("there is nothing to be done"))
    (tmp_path / "metrics").mkdir()
    with ahead.compiled(tmp_path / "metrics", tmp_path / "templates", config, AS_OF):
        pass


def test_sql_compiled_by_two_at_the_same_time_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (running.Compiled(str, tmp_path / "sql") for _ in range(2))
    write, written = Path.write_text, []

    def and_then_the_other(path: Path, text: str, encoding: str) -> int:
        written.append(path)
        if len(written) == 1:  # the other one comes in between this one's writing and its putting in place
            write(path, text, encoding)
            monkeypatch.setattr(os, "getpid", lambda: 1)
            other.sql("the same", lambda: "SELECT 1")
            return len(text)
        return write(path, text, encoding)

    monkeypatch.setattr(Path, "write_text", and_then_the_other)
    assert one.sql("the same", lambda: "SELECT 1") == "SELECT 1"
    assert len(set(written)) == 2
    assert one.folder is not None
    assert [path.read_text() for path in one.folder.iterdir()] == ["SELECT 1"]

"""What a first build compiles beside its reading is what it asks for later; a later one compiles nothing."""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.support import small

from deploybook.build import ahead

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")


def all_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_templates_are_compiled_before_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.make(tmp_path)
    made = tmp_path / "ahead"
    with ahead.compiled(made):
        before, still = 0, 0
        while still < 30:  # no more of them come
            time.sleep(0.1)
            before, still = (found := len(all_of(made))), still + 1 if found and found == before else 0
    monkeypatch.setattr(ahead, "compiled", lambda *_: nullcontext())
    assert small.build(tmp_path) == 0
    asked = all_of(tmp_path / "build/cache/templates")
    assert len(asked) > 20
    assert asked <= all_of(made)


def test_nothing_is_compiled_ahead_where_something_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("there is nothing to be done"))
    with ahead.compiled(tmp_path):
        pass

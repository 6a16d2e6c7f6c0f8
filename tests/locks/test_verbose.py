from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.gitserver import bare_repository

from deploybook.cli import run


@pytest.fixture(autouse=True)
def _quiet_again() -> Iterator[None]:
    """What a command sets for its own process does not outlive the test."""
    log = logging.getLogger("deploybook")
    before = (log.handlers, log.level, log.propagate)
    yield
    log.handlers, log.level, log.propagate = before


def test_verbose_says_what_git_is_asked_and_not_verbose_says_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare_repository(tmp_path / "shop.git")
    config = tmp_path / "deploybook.yml"
    config.write_text("codebases:\n  shop: {repository: shop.git}\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert run(["locks", "--config", str(config)]) == 0
    assert "git " not in capsys.readouterr().err
    assert run(["locks", "--verbose", "--config", str(config)]) == 0
    assert "  git fetch in " in capsys.readouterr().err

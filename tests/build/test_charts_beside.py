"""Charts are drawn beside the pages: what is written holds drawings, and their links lead somewhere."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from tests.support import small

from deploybook.build.compose import docs_folder, render, sync
from deploybook.build.progress import Progress
from deploybook.config import load


def test_pages_with_new_charts_are_whole_and_the_same_when_nothing_is_new(tmp_path: Path) -> None:
    small.make(tmp_path)
    config, as_of = load(tmp_path / "deploybook.yml"), datetime.fromisoformat(small.AS_OF)
    with Progress(quiet=True, verbose=False) as quiet:
        sync(config, as_of, progress=quiet)
        render(config, as_of, progress=quiet)
        first = {path: path.read_bytes() for path in docs_folder(config).rglob("*.md")}
        says = render(config, as_of, progress=quiet).says
    page = (docs_folder(config) / "metrics" / "index.md").read_text("utf-8")
    drawings = re.findall(r'<svg class="db-svg".*?</svg>', page, re.DOTALL)
    assert len(drawings) >= 2
    assert any('href="../' in drawing for drawing in drawings)
    for content in first.values():
        assert b"<!--chart" not in content
        assert b'="~/' not in content
    assert {path: path.read_bytes() for path in docs_folder(config).rglob("*.md")} == first
    assert " 0 files changed" in says

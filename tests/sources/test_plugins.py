"""The worked example of the guide runs as it stands there."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.loopback import Asked, Loopback, Reply

from deploybook.config import Config
from deploybook.feed import Ask, Cursor, Rejected, Unchanged
from deploybook.records import FlagChange
from deploybook.sources import feeds

GUIDE = Path(__file__).parents[2] / "docs/guide/sources/write-a-source.md"
SWITCHES = [
    {"flag": "one-page", "env": "Production", "on": True, "at": "2026-11-20T10:00:00+01:00", "by": "ana"},
    {"id": 7},
]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The guide's package, as `pip install` would leave it."""
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    entry = re.search(r"```toml\n\[project.entry-points\.\"(.*?)\"\]\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert code
    assert entry
    (tmp_path / "acme_flags.py").write_text(code[1])
    facts = tmp_path / "acme_flags-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-flags\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(f"[{entry[1]}]\n{entry[2]}".replace('"', ""))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("acme_flags", None)


def test_the_guides_source_is_found_by_its_entry_point_and_read(
    installed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(asked: Asked) -> Reply:
        assert asked.headers["Authorization"] == "hush"
        return Reply(SWITCHES)

    monkeypatch.setenv("ACME_FLAGS_TOKEN", "hush")
    with Loopback(answer) as server:
        source = {"acme-flags": {"url": server.url, "token": "env:ACME_FLAGS_TOKEN"}}
        config = Config.of({"codebases": {"shop": {}}, "sources": [source]}, root=tmp_path)
        (feed,) = feeds(config, tmp_path)
        first = list(feed.pull(Ask(datetime(2026, 12, 1, tzinfo=UTC))))
        assert first[0] == FlagChange(
            flag="one-page", environment="production", state="on", by="ana",
            changed_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
        )  # fmt: skip
        assert isinstance(first[1], Rejected)
        assert isinstance(first[2], Cursor)
        again = feed.pull(Ask(datetime(2026, 12, 1, tzinfo=UTC), cursor=first[2].text))
        assert list(again) == [Unchanged()]

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploybook.errors import SourceError
from deploybook.feed import Ask, Cursor, Item, Rejected, Unchanged
from deploybook.records import Deployment, Incident
from deploybook.sources import records

GOOD = b'{"type":"deployment","codebase":"shop","id":"1","environment":"production"}'


def pull(root: Path, pattern: str = "*.jsonl", cursor: str | None = None) -> list[Item]:
    feed = records.feed(pattern, root, {"svc-shop": "shop"}.get)
    return list(feed.pull(Ask(datetime(2026, 12, 1, tzinfo=UTC), cursor=cursor)))


def cursor(items: list[Item]) -> str:
    return next(item.text for item in items if isinstance(item, Cursor))


def test_a_wrong_line_is_set_aside_and_stops_nothing(tmp_path: Path) -> None:
    lines = [GOOD, b"{", b'{"type":"moon"}', b'{"type":"incident","id":"1"}', b"\xff\xfe", b"", b"\0", GOOD]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    items = pull(tmp_path)
    assert len([item for item in items if isinstance(item, Deployment)]) == 2
    assert [item.where for item in items if isinstance(item, Rejected)] == [
        "a.jsonl:2", "a.jsonl:3", "a.jsonl:4", "a.jsonl:5", "a.jsonl:7",
    ]  # fmt: skip


def test_a_byte_order_mark_and_windows_line_ends_are_read_over(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + GOOD + b"\r\n" + GOOD + b"\r\n")
    assert [type(item) for item in pull(tmp_path)] == [Deployment, Deployment, Cursor]


def test_a_line_without_end_is_set_aside_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "LONGEST_LINE", 100)
    (tmp_path / "a.jsonl").write_bytes(b"x" * 1000 + b"\n" + GOOD)
    assert [type(item) for item in pull(tmp_path)] == [Rejected, Deployment, Cursor]


def test_a_codebase_gets_the_name_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"type":"deployment","codebase":"svc-shop","id":"1","environment":"production"}\n'
        '{"type":"deployment","codebase":"other","id":"1","environment":"production"}\n'
        '{"type":"incident","id":"1","started_at":"2026-01-01T00:00:00Z","codebases":["svc-shop","x"]}\n'
    )
    items = pull(tmp_path)
    assert [item.codebase for item in items if isinstance(item, Deployment)] == ["shop", "other"]
    assert [item.codebases for item in items if isinstance(item, Incident)] == [("shop", "x")]


def test_a_file_touched_but_not_changed_is_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(GOOD)
    saved = cursor(pull(tmp_path))
    os.utime(file, (1, 1))
    assert pull(tmp_path, cursor=saved) == [Unchanged()]


@pytest.mark.parametrize("change", ["edit", "add", "remove"])
def test_any_change_of_the_files_tells_all_again(tmp_path: Path, change: str) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(GOOD)
    saved = cursor(pull(tmp_path))
    if change == "edit":
        (tmp_path / "a.jsonl").write_bytes(GOOD + b"\n" + GOOD)
    elif change == "add":
        (tmp_path / "c.jsonl").write_bytes(GOOD)
    else:
        (tmp_path / "b.jsonl").unlink()
    count = {"edit": 3, "add": 3, "remove": 1}[change]
    assert len([item for item in pull(tmp_path, cursor=saved) if isinstance(item, Deployment)]) == count


def test_a_pattern_that_finds_nothing_is_told_with_the_pattern(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nothing/\*\.jsonl"):
        pull(tmp_path, "nothing/*.jsonl")

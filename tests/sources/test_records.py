from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploybook.errors import SourceError
from deploybook.feed import Added, Ask, Cursor, Item, Rejected, Unchanged
from deploybook.records import KEYS, Deployment, Incident, Record
from deploybook.sources import records

GOOD = b'{"type":"deployment","codebase":"shop","id":"1","environment":"production"}'

AT = datetime(2026, 12, 1, tzinfo=UTC)


def pull(root: Path, pattern: str = "*.jsonl", cursor: str | None = None) -> list[Item]:
    feed = records.feed(pattern, root, {"svc-shop": "shop"}.get)
    return list(feed.pull(Ask(AT, cursor=cursor)))


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


@pytest.mark.parametrize("change", ["a line in the middle", "an end without a line", "a file less"])
def test_files_that_did_not_only_grow_are_told_whole(tmp_path: Path, change: str) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(_deployment(1) + _deployment(2))
    if change == "an end without a line":
        (tmp_path / "b.jsonl").write_bytes(_deployment(1) + _deployment(2).strip())
    saved = cursor(pull(tmp_path))
    if change == "a line in the middle":
        (tmp_path / "b.jsonl").write_bytes(_deployment(1) + _deployment(3) + _deployment(2))
    elif change == "an end without a line":
        (tmp_path / "b.jsonl").write_bytes(_deployment(1) + _deployment(2) + _deployment(3))
    else:
        (tmp_path / "b.jsonl").unlink()
    items = pull(tmp_path, cursor=saved)
    assert len([item for item in items if isinstance(item, Deployment)]) == (2 if "less" in change else 5)
    assert Added() not in items


def test_of_files_that_grew_or_came_only_what_is_new_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(_deployment(1))
    (tmp_path / "b.jsonl").write_bytes(_deployment(1, "pay") + b"{\n")
    saved = cursor(pull(tmp_path))
    for name, lines in (("a", _deployment(2)), ("b", b"[\n"), ("c", _deployment(3))):
        with (tmp_path / f"{name}.jsonl").open("ab") as file:
            file.write(lines)
    items = pull(tmp_path, cursor=saved)
    assert items[0] == Added()
    assert [item.id for item in items if isinstance(item, Deployment)] == ["2", "3"]
    assert [item.where for item in items if isinstance(item, Rejected)] == ["b.jsonl:3"]
    assert pull(tmp_path, cursor=cursor(items)) == [Unchanged()]


def test_where_a_later_file_told_of_the_same_codebase_all_is_told(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(_deployment(1))
    saved = cursor(pull(tmp_path))
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(_deployment(1))
    assert Added() not in pull(tmp_path, cursor=saved)


def test_where_names_are_called_otherwise_all_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(_deployment(1, "svc-shop"))
    before = records.feed("*.jsonl", tmp_path, str, "then")
    saved = cursor(list(before.pull(Ask(AT))))
    after = records.feed("*.jsonl", tmp_path, {"svc-shop": "shop"}.get, "now")
    told = [item for item in after.pull(Ask(AT, cursor=saved)) if isinstance(item, Deployment)]
    assert [item.codebase for item in told] == ["shop"]


def _deployment(number: int, codebase: str = "shop", **more: str) -> bytes:
    told = {"type": "deployment", "codebase": codebase, "id": str(number), "environment": "production"}
    return json.dumps(told | more).encode() + b"\n"


LINES = st.one_of(
    st.builds(
        _deployment, st.integers(1, 3), st.sampled_from(("shop", "pay")), version=st.sampled_from("xyz")
    ),
    st.sampled_from((b"{\n", b"\n", b'{"type":"incident","id":"1","started_at":"2026-01-01T00:00:00Z"}\n')),
)
STEPS = st.tuples(
    st.sampled_from(("grow", "grow", "grow", "write", "cut", "remove")),
    st.sampled_from(("a", "b", "c")),
    st.lists(LINES, min_size=1, max_size=4),
    st.booleans(),
)


@given(st.lists(STEPS, max_size=8))
@settings(max_examples=150, deadline=None)
def test_whatever_becomes_of_files_what_is_kept_is_what_one_reading_of_them_says(steps: list[Any]) -> None:
    with TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "0.jsonl").write_bytes(_deployment(1))
        kept: dict[Any, Any] = {}
        saved = None
        for what, name, lines, ended in [("grow", "a", [GOOD + b"\n"], True), *steps]:
            file = root / f"{name}.jsonl"
            text = b"".join(lines) if ended else b"".join(lines)[:-3]
            if what == "remove":
                file.unlink(missing_ok=True)
            elif what == "cut" and file.exists():
                file.write_bytes(file.read_bytes()[:-30])
            else:
                file.write_bytes((file.read_bytes() if what == "grow" and file.exists() else b"") + text)
            items = pull(root, cursor=saved)
            if items != [Unchanged()]:
                saved = cursor(items)
                kept = (kept if Added() in items else {}) | _by_key(items)
            assert kept == _by_key(pull(root))


def _by_key(items: list[Item]) -> dict[Any, Any]:
    """What a store keeps of them: of one key the last."""
    found: dict[Any, Any] = {}
    for item in items:
        if isinstance(item, Record):
            found[type(item), *(getattr(item, part) for part in KEYS[type(item)])] = item
        elif isinstance(item, Rejected):
            found[item.where, item.reason] = item
    return found


def test_a_pattern_that_finds_nothing_is_told_with_the_pattern(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nothing/\*\.jsonl"):
        pull(tmp_path, "nothing/*.jsonl")

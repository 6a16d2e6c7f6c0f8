"""An erasure request: a person goes from store and site, and does not come back with the next sync."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from tests.support import small

from deploybook.build.forgetting import Forgotten, _digest
from deploybook.cli import run

SPELLINGS = ("zelda quill", "zelda-q", "zelda@inside.test", "zq@old.test")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A site that tells of Zelda, who is known by another address too."""
    root = tmp_path / "deploys"
    shop = small.make(root)
    shop.commit(
        "Improve it\n\nReviewed-by: Zelda Quill <zq@old.test>\nThanks @zelda-q!", author="Zelda Quill"
    )
    file = root / "deploybook.yml"
    file.write_text(
        file.read_text().replace(
            "email: zelda@inside.test}", "email: zelda@inside.test, also_known_as: [zq@old.test]}"
        )
    )
    assert small.build(root) == 0
    return root


def command(root: Path, *words: str) -> int:
    return run([*words, "--config", str(root / "deploybook.yml")])


def told(folder: Path) -> set[str]:
    """Spellings that are found in the bytes of any file."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            found |= {spelling for spelling in SPELLINGS if spelling.encode() in content}
    return found


def without_zelda(root: Path) -> None:
    text = (root / "deploybook.yml").read_text()
    text = re.sub(r"\n  zelda: .*", "", text)
    text = text.replace("members: [zelda], contact: zelda", "members: [yorick]")
    text = text.replace("members: [zelda, yorick]", "members: [yorick]").replace("by: zelda,", "by: yorick,")
    (root / "deploybook.yml").write_text(text)


def test_a_person_is_forgotten_in_store_and_site_and_stays_so(root: Path) -> None:
    assert {"zelda quill", "zelda-q"} <= told(root / "site")
    assert command(root, "export", "--out", str(root / "before")) == 0
    assert {"zelda quill", "zelda-q", "zq@old.test"} <= told(root / "before")
    assert command(root, "forget", "--person", "zelda") == 0
    without_zelda(root)
    assert command(root, "export", "--out", str(root / "after")) == 0
    assert told(root / "after") == told(root / "build") == set()
    assert small.build(root, as_of="2026-01-16T13:00:00Z") == 0
    assert told(root / "site") == told(root / "build") == set()
    subprocess.run(["git", "-C", str(root / "shop"), "tag", "new"], check=True)
    (root / "build/history.duckdb").unlink()
    assert small.build(root, as_of="2026-01-16T14:00:00Z") == 0
    assert command(root, "export", "--out", str(root / "again")) == 0
    assert told(root / "site") == told(root / "build") == told(root / "again") == set()
    assert "somebody" in (root / "site/owners/index.html").read_text()


def test_a_configuration_that_still_names_them_builds_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(root, "forget", "--person", "Zelda Quill") == 0
    assert "take people.zelda out" in capsys.readouterr().out
    assert small.build(root) == 2
    assert "people.zelda is to be forgotten" in capsys.readouterr().err


def test_the_list_names_nobody(root: Path) -> None:
    command(root, "forget", "--person", "zelda")
    text = (root / "forgotten.txt").read_text()
    assert not [word for word in ("zelda", "quill", "inside") if word in text.lower()]
    command(root, "forget", "--person", "zelda")
    assert (root / "forgotten.txt").read_text() == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("mark", "somebody"),
        ("Mark as read", "Mark as read"),
        ("asked @mark, who knew", "asked @somebody, who knew"),
        ("Mark  Otto wrote it", "somebody wrote it"),
        ("Remark Ottoman", "Remark Ottoman"),
        ("https://forge.test/mark-o/shop", "https://forge.test/somebody/shop"),
        ("Mark Otto <m@x.test>.", "somebody <somebody@example.invalid>."),
        ("", ""),
    ],
)
def test_names_are_found_where_they_are_names(text: str, clean: str) -> None:
    spellings = ("mark", "Mark Otto", "mark-o", "m@x.test")
    digests = frozenset(_digest("s", spelling) for spelling in spellings)
    assert Forgotten("s", digests, frozenset({1, 2})).clean(text) == clean


def test_rows_older_than_retention_are_dropped_with_each_sync(root: Path) -> None:
    with (root / "deploybook.yml").open("a") as file:
        file.write("retention: {pipeline_runs: 30d}\n")
    rows = [json.loads(line) for line in (root / "history/all.jsonl").read_text().splitlines()]
    old = {**rows[4], "id": "8", "finished_at": "2025-12-01T09:10:00Z", "started_at": "2025-12-01T09:00:00Z"}
    small.write_records(root, [*rows, old])
    assert small.build(root) == 0
    lines = (root / "site/data/pipeline_runs.csv").read_text().splitlines()
    assert len(lines) == 3
    assert not any("2025-12-01" in line for line in lines)


def test_a_compacted_history_is_smaller_and_the_same(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in (root / "history/all.jsonl").read_text().splitlines()]
    many = [{**rows[3], "id": str(number), "title": f"{number} {'x' * 400}"} for number in range(20_000)]
    small.write_records(root, [*rows, *many])
    assert command(root, "sync") == 0
    small.write_records(root, rows)
    assert command(root, "sync", "--believe", "records") == 0
    store = root / "build/history.duckdb"
    before = store.stat().st_size
    assert command(root, "history", "compact") == 0
    assert store.stat().st_size < before
    assert "MB now" in capsys.readouterr().out
    assert command(root, "export", "--out", str(root / "out")) == 0
    assert len((root / "out/incidents.jsonl").read_text().splitlines()) == 1
    assert len((root / "out/deployments.jsonl").read_text().splitlines()) == 3

"""What a sync leaves in the store."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from tests.support.gitrepo import GitRepo

from deploybook.build.compose import sync
from deploybook.build.progress import Progress
from deploybook.build.reading import beside
from deploybook.config import load
from deploybook.feed import GIT, Feed
from deploybook.history import History
from deploybook.sources.local import BESIDE

LINE = (
    '{"type":"deployment","codebase":"shop","id":"%s","environment":"production",'
    '"finished_at":"2026-01-05T10:00:00Z"}\n'
)
NOW = datetime(2026, 1, 6, tzinfo=UTC)


def synced(root: Path, sources: str) -> list[str]:
    (root / "deploybook.yml").write_text(f"codebases: {{shop: {{}}}}\nsources: [{sources}]\n")
    config = load(root / "deploybook.yml")
    sync(config, NOW, progress=Progress(quiet=True, verbose=False))
    with History.open(config.history_url, root=config.root, read_only=True) as history:
        return sorted(history.read("deployments").column("id").to_pylist())


def test_a_source_that_the_configuration_no_longer_names_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text(LINE % "1")
    (tmp_path / "two.jsonl").write_text(LINE % "2")
    assert synced(tmp_path, "{records: one.jsonl}, {records: two.jsonl}") == ["1", "2"]
    assert synced(tmp_path, "{records: two.jsonl}") == ["2"]


def test_a_line_that_cannot_be_read_is_set_aside_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text(LINE % "1" + "not a record\n")
    assert synced(tmp_path, "{records: one.jsonl}") == ["1"]
    config = load(tmp_path / "deploybook.yml")
    with History.open(config.history_url, root=config.root, read_only=True) as history:
        (row,) = history.rejected().to_pylist()
    assert row["where"].endswith("one.jsonl:2")
    assert row["text"].startswith("not a record")


def test_a_rewritten_history_replaces_what_was_read_before(tmp_path: Path) -> None:
    repository = GitRepo(tmp_path / "shop")
    repository.commit("Begin", {"a": "1"})
    repository.commit("Old step (#1)", {"a": "2"})
    (tmp_path / "deploybook.yml").write_text("codebases: {shop: {repository: shop}}\n")
    config = load(tmp_path / "deploybook.yml")

    def changes() -> list[str]:
        sync(config, NOW, progress=Progress(quiet=True, verbose=False))
        with History.open(config.history_url, root=config.root, read_only=True) as history:
            return sorted(history.read("changes").column("title").to_pylist())

    assert changes() == ["Old step"]
    repository.commit("Next step (#2)", {"a": "3"})
    assert changes() == ["Next step", "Old step"]
    repository.git("reset", "--quiet", "--hard", "HEAD~2")
    repository.commit("New step (#3)", {"a": "4"})
    assert changes() == ["New step"]


def test_what_feeds_need_is_begun_ahead_of_their_turn_but_not_for_all_at_once() -> None:
    begun: list[tuple[int, str | None]] = []
    last = threading.Event()

    def feed(number: int) -> Feed:
        def ahead(cursor: str | None) -> None:
            begun.append((number, cursor))
            if number == 99:
                last.set()

        return Feed(f"git:{number}", GIT, lambda _: iter(()), ahead=ahead)

    feeds = [feed(number) for number in range(100)]
    with beside(feeds, {"git:1": "as saved"}) as turns:
        assert next(turns) is feeds[0]
        for number, expected in enumerate(feeds[1:], 1):
            assert next(turns) is expected
            assert len(begun) <= number + 2 * BESIDE
        assert last.wait(60)
    assert sorted(begun) == [(number, "as saved" if number == 1 else None) for number in range(100)]

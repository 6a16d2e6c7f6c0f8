"""Pages that stand in the last site are not rendered again, and the site is that of a build from nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.support import small

from deploybook.build.standing import Standing
from deploybook.config.init import MKDOCS_MARKER


def content(site: Path) -> dict[str, bytes]:
    """Every file but the one that tells the times of files."""
    files = {path.relative_to(site).as_posix(): path for path in site.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name != "data/build.json"}


@pytest.fixture
def stood(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The pages that stood, of each build that asked."""
    found: list[set[str]] = []
    pages = Standing.pages

    def watched(self: Standing) -> dict[str, str]:
        standing = pages(self)
        found.append(set(standing))
        return standing

    monkeypatch.setattr(Standing, "pages", watched)
    return found


def same_as_from_nothing(root: Path) -> None:
    """Build once more without anything that was kept of pages, and compare every file."""
    grown = content(root / "site")
    for kept in (root / "site", root / "build/docs", root / "build/cache"):
        shutil.rmtree(kept)
    assert small.build(root) == 0
    assert content(root / "site") == grown


def source(root: Path) -> set[str]:
    docs = root / "build/docs"
    return {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}


def test_only_pages_that_are_others_are_made_again(tmp_path: Path, stood: list[set[str]]) -> None:
    shop = small.make(tmp_path)
    assert small.build(tmp_path) == 0
    before = {path: (tmp_path / "build/docs" / path).read_bytes() for path in source(tmp_path)}
    shop.commit("Another thing (#77)")
    assert small.build(tmp_path) == 0
    now = {path: (tmp_path / "build/docs" / path).read_bytes() for path in source(tmp_path)}
    by_hand = {path for path in now if (tmp_path / "docs" / path).exists()}
    same = {path for path in now if before.get(path) == now[path]} - by_hand
    assert 5 < len(same) < len(now)
    assert stood == [set(), same]
    same_as_from_nothing(tmp_path)


def test_a_page_that_is_gone_is_gone_and_not_found_any_more(tmp_path: Path, stood: list[set[str]]) -> None:
    small.make(tmp_path)
    (tmp_path / "docs").mkdir(exist_ok=True)
    (tmp_path / "docs/by-hand.md").write_text("# By hand\n\nUnmistakable.\n")
    assert small.build(tmp_path) == 0
    assert "Unmistakable" in (tmp_path / "site/search/search_index.json").read_text()
    (tmp_path / "docs/by-hand.md").unlink()
    assert small.build(tmp_path) == 0
    assert "Unmistakable" not in (tmp_path / "site/search/search_index.json").read_text()
    assert not (tmp_path / "site/by-hand").exists()
    same_as_from_nothing(tmp_path)


def test_a_page_by_hand_is_always_made_again(tmp_path: Path, stood: list[set[str]]) -> None:
    shop = small.make(tmp_path)
    (tmp_path / "docs/process").mkdir(parents=True, exist_ok=True)
    (tmp_path / "docs/by-hand.md").write_text("# By hand\n\n[another](process/other.md)\n")
    (tmp_path / "docs/process/other.md").write_text("# Other\n")
    assert small.build(tmp_path) == 0
    shop.commit("Another thing (#77)")
    (tmp_path / "docs/process/other.md").unlink()
    assert small.build(tmp_path) == 0
    assert stood[-1]
    assert "by-hand.md" not in stood[-1]
    same_as_from_nothing(tmp_path)


def test_where_what_all_pages_share_is_another_none_stands(tmp_path: Path, stood: list[set[str]]) -> None:
    small.make(tmp_path)
    assert small.build(tmp_path) == 0
    (tmp_path / "mkdocs.yml").write_text(f"{MKDOCS_MARKER}\ncopyright: ours\n")
    assert small.build(tmp_path) == 0
    assert stood == [set(), set()]
    same_as_from_nothing(tmp_path)


@pytest.mark.parametrize(
    "file", ["site/metrics/index.html", "site/search/search_index.json", "build/docs/metrics/index.md"]
)
def test_what_somebody_wrote_to_does_not_stand(tmp_path: Path, stood: list[set[str]], file: str) -> None:
    shop = small.make(tmp_path)
    assert small.build(tmp_path) == 0
    (tmp_path / file).write_text("Somebody was here.")
    shop.commit("Another thing (#77)")
    assert small.build(tmp_path) == 0
    assert "metrics/index.md" not in stood[-1]
    same_as_from_nothing(tmp_path)


def test_a_page_that_is_not_known_as_sealed_is_made(tmp_path: Path, stood: list[set[str]]) -> None:
    shop = small.make(tmp_path)
    assert small.build(tmp_path) == 0
    (tmp_path / "build/cache/seals.json").unlink()
    shop.commit("Another thing (#77)")
    assert small.build(tmp_path) == 0
    assert stood[-1]
    same_as_from_nothing(tmp_path)


@pytest.mark.parametrize("kept", ["", "{}", "[]", '{"shared": 1, "index": [], "pages": []}', "\x00"])
def test_what_is_kept_and_cannot_be_read_is_nothing(tmp_path: Path, kept: str) -> None:
    file = tmp_path / "standing.json"
    file.write_text(kept)
    assert Standing(file, tmp_path, tmp_path, "1", tmp_path).pages() == {}

"""A page that is what it was is taken as it was sealed; any other is sealed, so that no site differs."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploybook.build import policy
from deploybook.build.publish import carry_over
from deploybook.build.seals import Made, Seals

THEME = '<!doctype html><head><meta charset="utf-8"></head>{}'
BODIES = ("<p>a</p>", "<p>b</p>", "<script>go()</script><p>a</p>", "<script>stop()</script>")
SITES = st.dictionaries(
    st.sampled_from(["index.html", "a/index.html", "b/index.html"]), st.sampled_from(BODIES)
)


def publish(root: Path, pages: dict[str, str], scripts: str = "<script>go()</script>") -> set[str]:
    """Build, seal and put in place as a build does; gives the pages that are new."""
    new, site = root / "next", root / "site"
    for name, body in {**pages, "404.html": scripts}.items():
        file = new / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(THEME.format(body))
    seals = Seals(root / "seals.json", site)
    policy.seal(new, seals)
    changed = set(carry_over(new, site))
    if site.exists():
        site.rename(root / f"old-{random.random()}")
    new.rename(site)
    seals.keep()
    return changed


def content(root: Path) -> dict[str, bytes]:
    site = root / "site"
    return {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(SITES, st.sampled_from(["", "<script>go()</script>"])), min_size=1, max_size=4))
def test_whatever_came_before_a_site_is_sealed_as_if_from_nothing(
    history: list[tuple[dict[str, str], str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        grown, fresh = Path(folder, "grown"), Path(folder, "fresh")
        grown.mkdir()
        fresh.mkdir()
        for pages, scripts in history:
            publish(grown, pages, scripts)
        publish(fresh, *history[-1])
        assert content(grown) == content(fresh)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that were taken as they were sealed."""
    found: list[str] = []
    take = Seals.take

    def watched(self: Seals, fresh: Path, page: str, raw: bytes) -> Made | None:
        made = take(self, fresh, page, raw)
        found.extend([page] if made is not None else [])
        return made

    monkeypatch.setattr(Seals, "take", watched)
    return found


PAGES = {"index.html": BODIES[2], "a/index.html": BODIES[0]}


def test_a_page_that_is_what_it_was_is_taken_and_is_not_new(tmp_path: Path, taken: list[str]) -> None:
    publish(tmp_path, PAGES)
    assert publish(tmp_path, PAGES | {"a/index.html": BODIES[1]}) == {"a/index.html"}
    assert sorted(taken) == ["404.html", "index.html"]
    policy_file = (tmp_path / "site/_headers").read_text()
    assert "sha256-" in policy_file  # of the script on the page that was not read again


def test_a_page_of_the_last_site_that_was_written_to_is_sealed_anew(tmp_path: Path, taken: list[str]) -> None:
    publish(tmp_path, PAGES)
    right = content(tmp_path)
    page = tmp_path / "site/index.html"
    page.write_bytes(page.read_bytes().replace(b"go()", b"no()"))
    assert publish(tmp_path, PAGES) == {"index.html"}
    assert "index.html" not in taken
    assert content(tmp_path) == right


def test_where_other_scripts_are_known_every_page_is_sealed_anew(tmp_path: Path, taken: list[str]) -> None:
    publish(tmp_path, PAGES)
    publish(tmp_path, PAGES, "<script>stop()</script>")
    assert taken == []


def test_seals_that_cannot_be_read_are_none(tmp_path: Path, taken: list[str]) -> None:
    publish(tmp_path, PAGES)
    for spoilt in (b"", b"[]", b"{}", b'{"edition": "x", "pages": []}'):
        (tmp_path / "seals.json").write_bytes(spoilt)
        assert publish(tmp_path, PAGES) == set()
    assert taken == []

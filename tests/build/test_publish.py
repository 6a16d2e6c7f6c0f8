"""Publishing is whole or not at all."""

from __future__ import annotations

import errno
import json
import multiprocessing
from pathlib import Path

import pytest

from deploybook.build import publish as publishing
from deploybook.build.publish import carry_over, check_place, publish, staging
from deploybook.errors import PublishError


def make_site(folder: Path, words: str) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "data/build.json").write_text(json.dumps({"deploybook": "0", "words": words}))
    (folder / "index.html").write_text(words)
    (folder / "same.html").write_text("the same")
    return folder


def test_first_site_is_put_in_place(tmp_path: Path) -> None:
    site = tmp_path / "site"
    publish(make_site(staging(site), "one"), site)
    assert (site / "index.html").read_text() == "one"
    assert not staging(site).exists()


def test_next_site_takes_the_place_and_the_last_one_is_removed(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", "one")
    publish(make_site(staging(site), "two"), site)
    assert (site / "index.html").read_text() == "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site"]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "thesis.txt").write_text("years of work")
    with pytest.raises(PublishError, match="left alone"):
        publish(make_site(staging(site), "two"), site)
    assert (site / "thesis.txt").read_text() == "years of work"


def test_a_file_in_the_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    with pytest.raises(PublishError):
        check_place(tmp_path / "site")


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    publish(make_site(staging(site), "one"), site)
    assert (site / "index.html").read_text() == "one"


def test_files_that_did_not_change_stay_the_same_file(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", "one")
    before = (site / "same.html").stat()
    new = make_site(staging(site), "two")
    assert sorted(carry_over(new, site)) == ["data/build.json", "index.html"]
    publish(new, site)
    after = (site / "same.html").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_without_exchange_the_site_becomes_a_link_and_stays_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(one: Path, other: Path) -> None:
        raise OSError(errno.EINVAL, "no exchange here")

    monkeypatch.setattr(publishing, "_exchange", cannot)
    site = make_site(tmp_path / "site", "one")
    for words in ("two", "three", "four"):
        publish(make_site(staging(site), words), site)
        assert site.is_symlink()
        assert (site / "index.html").read_text() == words
    assert len(list(tmp_path.iterdir())) == 2


def _watch(site: str, stop: object, seen: object) -> None:
    while not stop.is_set():  # type: ignore[attr-defined]
        try:
            words = Path(site, "index.html").read_text()
        except OSError:
            words = "gone"
        if words not in ("old", "new"):
            seen.put(words)  # type: ignore[attr-defined]


def test_a_reader_never_finds_the_site_gone(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", "old")
    context = multiprocessing.get_context("fork")
    stop, seen = context.Event(), context.Queue()
    reader = context.Process(target=_watch, args=(str(site), stop, seen))
    reader.start()
    for number in range(200):
        publish(make_site(staging(site), "new" if number % 2 else "old"), site)
    stop.set()
    reader.join()
    assert seen.empty()

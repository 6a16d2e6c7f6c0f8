"""A site whose pages several processes make is the one that a single process makes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from deploybook.build import compose
from deploybook.build.book import Held, begin_book, open_book
from deploybook.build.progress import Progress
from deploybook.config import Config, load
from deploybook.example import EXAMPLE_AS_OF, make_example
from deploybook.pages import catalogue
from deploybook.pages.book import Book

QUIET = Progress(quiet=True, verbose=False)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """An organisation that was read."""
    found = load(make_example(tmp_path_factory.mktemp("together") / "acme", codebases=3, years=1))
    compose.sync(found, EXAMPLE_AS_OF, progress=QUIET)
    return found


def rendered(config: Config, processes: int) -> tuple[str, dict[str, bytes]]:
    """Render with so many processes; what is said of it, and what the site's builder would read."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compose, "processors", lambda: processes)
        says = compose.render(config, EXAMPLE_AS_OF, progress=QUIET).says
    folder = compose.docs_folder(config)
    return says, {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


def test_it_is_the_same_whether_made_anew_or_with_pages_remembered(config: Config) -> None:
    _, together = rendered(config, 3)
    assert len(together) > 150
    shutil.rmtree(compose.docs_folder(config))
    (config.work_dir / "cache/pages.json").unlink()
    _, alone = rendered(config, 1)
    assert together == alone
    for processes in (3, 2, 1):
        says, again = rendered(config, processes)
        assert again == alone
        assert " 0 files changed" in says


def test_it_is_the_same_with_some_pages_gone_and_some_written_to(config: Config) -> None:
    _, before = rendered(config, 3)
    folder = compose.docs_folder(config)
    for number, path in enumerate(sorted(before)):
        if number % 7 == 0:
            (folder / path).unlink()
        elif number % 11 == 0:
            (folder / path).write_bytes(b"spoilt")
    assert rendered(config, 3)[1] == before


def opened(config: Config) -> Iterator[Book]:
    """Its book, while the history is open."""
    with compose._history(config) as history:
        yield open_book(config, history, EXAMPLE_AS_OF, QUIET)


def test_parts_that_tell_no_figure_can_be_made_before_anything_is_counted(config: Config) -> None:
    with compose._history(config) as history:
        book, count = begin_book(config, history, EXAMPLE_AS_OF, QUIET)
        catalogue.ready(book)
        with pytest.raises(AttributeError):
            book.figures.series("site", "", "week", "coverage")
        for ask in (lambda: "outliers" in book.tables, lambda: book.tables["metrics"]):
            with pytest.raises(LookupError, match="counted"):
                ask()
        _, told = catalogue.parts(book)
        before = [part for share in told for part in share()]
        count()
        assert "outliers" in book.tables
        _, told = catalogue.parts(book)
        assert [part for share in told for part in share()] == before


def test_no_page_asks_the_store_for_what_was_not_read_before_and_no_file_is_made_twice(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for book in opened(config):
        catalogue.ready(book)
        assert isinstance(book.history, Held)
        with monkeypatch.context() as forked:
            forked.setattr("os.getpid", lambda: 0)
            with pytest.raises(RuntimeError, match="commits was not read"):
                _ = book.history["commits"]
        monkeypatch.setattr(book.history, "_ask", None)
        paths = [part.path for share in catalogue.shares(book) for part in share()]
    assert len(paths) == len(set(paths))

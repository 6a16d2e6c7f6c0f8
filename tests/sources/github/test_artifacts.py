"""Reports in the artifacts of runs arrive once, whatever is in the ZIP file and happens on the way."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2

import pytest
from tests.sources.github.support import NOW, TOKEN, Book, zipped
from tests.support.github_server import START, Hub, artifact
from tests.support.loopback import Asked, Reply

from deploybook.errors import SourceError
from deploybook.records import Coverage, TestCaseRun
from deploybook.sources.github import artifacts as module

FEED = "github:shop/artifacts"
JUNIT = """<testsuites><testsuite name="s" timestamp="2024-11-01T09:00:00">
<testcase classname="pay" name="works" time="1.5"/>
<testcase classname="pay" name="fails"><failure/></testcase>
</testsuite></testsuites>"""
COBERTURA = '<coverage lines-covered="80" lines-valid="100" branch-rate="0"></coverage>'


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TEST", TOKEN)


def some(count: int = 3) -> Hub:
    """One artifact every two hours, each with a test of its own name."""
    case = '<testsuite><testcase classname="pay" name="{}"/></testsuite>'
    return Hub(
        artifacts=[artifact(n, n * 120) for n in range(1, count + 1)],
        files={n: zipped({"report.xml": case.format(n)}) for n in range(1, count + 1)},
    )


def served(hub: Hub, root: Path, **options: Any) -> Iterator[Book]:
    with hub.serve() as server:
        hub.where = server.url
        yield Book(server, root, options=options)


@pytest.fixture
def hub() -> Hub:
    return some()


@pytest.fixture
def book(hub: Hub, tmp_path: Path) -> Iterator[Book]:
    yield from served(hub, tmp_path)


def sync(book: Book, hours: float = 0) -> SourceError | None:
    return book.sync(NOW + timedelta(hours=hours), only="artifacts")[FEED]


def names(book: Book) -> list[str]:
    return sorted(row["name"] for row in book.rows(TestCaseRun))


def test_tests_and_coverage_are_of_the_run_and_revision_of_their_artifact(tmp_path: Path) -> None:
    files = {"unit/report.xml": JUNIT, "coverage.xml": COBERTURA, "log.txt": "not a report"}
    hub = Hub(artifacts=[artifact(7, 100, "Test-Results (3.11)")], files={7: zipped(files)})
    for book in served(hub, tmp_path):
        assert sync(book) is None
        passed, failed = sorted(book.rows(TestCaseRun), key=lambda row: row["outcome"], reverse=True)
        assert (passed["suite"], passed["name"], passed["outcome"]) == ("pay", "works", "pass")
        assert (passed["duration_seconds"], passed["started_at"]) == (1.5, START + timedelta(hours=1))
        assert (failed["name"], failed["outcome"]) == ("fails", "fail")
        assert {(row["run"], row["revision"]) for row in (passed, failed)} == {("7", f"{7:040x}")}
        assert passed["job"] == "Test-Results (3.11)/unit/report.xml"
        (measured,) = book.rows(Coverage)
        assert (measured["covered"], measured["total"], measured["revision"]) == (80, 100, f"{7:040x}")
        assert measured["measured_at"] == START + timedelta(minutes=100)
        assert book.shelf.rejected == []


def test_each_is_read_once_and_nothing_new_takes_one_request(book: Book, hub: Hub) -> None:
    sync(book)
    assert names(book) == ["1", "2", "3"]
    book.server.forget()
    sync(book, 1)
    assert dict(book.server.statuses) == {304: 1}
    hub.artifacts.append(artifact(4, 500))
    hub.files[4] = zipped({"a.xml": '<testsuite><testcase name="4"/></testsuite>'})
    book.server.forget()
    sync(book, 2)
    assert names(book) == ["1", "2", "3", "4"]
    assert len(book.server.asked) == 3


def test_one_that_took_long_to_be_sent_is_still_read(book: Book, hub: Hub) -> None:
    sync(book)
    hub.artifacts.append(artifact(2_000, 3 * 120 - 30))
    hub.files[2_000] = zipped({"a.xml": '<testsuite><testcase name="late"/></testsuite>'})
    sync(book, 1)
    assert "late" in names(book)


def test_only_names_that_fit_are_fetched_and_none_where_none_is_wanted(tmp_path: Path) -> None:
    hub = some(2)
    hub.artifacts += [artifact(8, 900, "site"), artifact(9, 901, expired=True)]
    for book in served(hub, tmp_path):
        assert sync(book) is None
        fetched = {each.path for each in book.server.asked if each.path.startswith("/kept")}
        assert fetched == {"/kept/1", "/kept/2"}
        book.options = {"artifacts": []}
        assert FEED not in {feed.name for feed in book.feeds()}
        book.options = {"artifacts": ["Site"]}
        book.shelf.cursors.clear()
        hub.files[8] = zipped({"a.xml": '<testsuite><testcase name="8"/></testsuite>'})
        sync(book)
        assert "8" in names(book)


def test_the_first_sync_reads_the_newest_and_says_no_more_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST", 5)
    monkeypatch.setattr(module, "MOST", 3)
    hub = some(12)
    for book in served(hub, tmp_path):
        sync(book)
        assert names(book) == sorted(["8", "9", "10", "11", "12"])
        more = some(20)
        hub.artifacts, hub.files = more.artifacts, more.files
        sync(book, 1)
        assert len(names(book)) == 8
        for hour in (2, 3, 4):
            sync(book, hour)
        assert names(book) == sorted(str(n) for n in range(8, 21))


@pytest.mark.parametrize("stop", range(1, 9))
def test_a_sync_stopped_at_any_request_is_taken_up_again(book: Book, stop: int) -> None:
    book.server.fault = lambda number, asked: Reply({"message": "no"}, 418) if number >= stop else None
    sync(book)
    book.server.fault = None
    assert sync(book, 1) is None
    assert names(book) == ["1", "2", "3"]


@pytest.mark.parametrize(
    "how", [{"status": 500}, {"status": 403}, {"data": b"x" * 100, "cut": True}], ids=["500", "403", "cut"]
)
def test_a_file_that_cannot_be_had_at_first_is_asked_for_by_a_new_address(
    book: Book, how: dict[str, Any]
) -> None:
    failed: set[str] = set()

    def once(number: int, asked: Asked) -> Reply | None:
        if not asked.path.startswith("/kept") or asked.path in failed:
            return None
        failed.add(asked.path)
        return Reply(**how)

    book.server.fault = once
    assert sync(book) is None
    assert names(book) == ["1", "2", "3"]
    assert len(failed) == 3


def test_where_files_are_kept_may_stay_unwell_and_its_address_is_not_told(book: Book) -> None:
    book.server.fault = lambda number, asked: Reply({}, 500) if asked.path == "/kept/2" else None
    error = sync(book)
    assert "a file could not be fetched, 3 times: it answered 500" in str(error)
    assert "hush" not in f"{error} {error and error.where} {error and error.next_step}"
    book.server.fault = None
    assert sync(book, 1) is None
    assert names(book) == ["1", "2", "3"]


def test_one_that_is_gone_is_told_and_stops_nothing(book: Book, hub: Hub) -> None:
    del hub.files[2]
    assert sync(book) is None
    assert names(book) == ["1", "3"]
    assert book.shelf.rejected == ["GitHub has it no more, or it has expired"]


def test_a_page_that_is_missing_is_noticed(tmp_path: Path) -> None:
    hub = some(30)
    hub.artifacts += [artifact(1_000 + n, 4_000 + n, "site") for n in range(150)]
    for book in served(hub, tmp_path):
        book.server.fault = lambda number, asked: (
            Reply({"total_count": 180, "artifacts": []}) if asked.query.get("page") == "2" else None
        )
        assert "GitHub lists 100 artifacts of 180" in str(sync(book))
        book.server.fault = None
        assert sync(book, 1) is None
        assert len(names(book)) == 30


def lying(content: bytes) -> bytes:
    """The same ZIP file, with a size of ten bytes in its directory."""
    at = content.rindex(b"PK\x01\x02")
    return content[: at + 24] + struct.pack("<I", 10) + content[at + 28 :]


def encrypted(content: bytes) -> bytes:
    at = content.rindex(b"PK\x01\x02")
    return content[: at + 8] + struct.pack("<H", 1) + content[at + 10 :]


BOMB = zipped({"a.xml": b" " * (100 << 20)})
ENTITIES = '<!DOCTYPE a [<!ENTITY b "c">]><testsuite><testcase name="&b;"/></testsuite>'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (BOMB, "unpacked it has more than"),
        (lying(BOMB), ""),
        (encrypted(zipped({"a.xml": JUNIT})), "encrypted"),
        (zipped({"a.xml": JUNIT}, ZIP_BZIP2), "packed in a way"),
        (zipped({"a.xml": ENTITIES}), "declares entities"),
        (zipped({"a.xml": "<testsuite>"}), "this is no XML"),
        (zipped({"a.info": "hello"}), "no coverage report"),
        (b"not a ZIP file", "no ZIP file that can be read"),
        (zipped({"a.xml": JUNIT})[:-30], "no ZIP file that can be read"),
    ],
    ids=["bomb", "lying", "encrypted", "bzip2", "entities", "cut XML", "no LCOV", "no ZIP", "cut ZIP"],
)
def test_what_is_hostile_or_broken_is_set_aside_and_the_rest_is_read(
    book: Book, hub: Hub, content: bytes, says: str
) -> None:
    hub.files[2] = content
    tracemalloc.start()
    try:
        assert sync(book) is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert names(book) == ["1", "3"]
    (reason,) = book.shelf.rejected
    assert says in reason
    assert peak < 90 << 20


def test_a_name_that_leads_outside_writes_nothing(book: Book, hub: Hub, tmp_path: Path) -> None:
    hub.files[2] = zipped({"../../evil.xml": JUNIT, "/etc/evil.xml": JUNIT})
    before = sorted(tmp_path.parent.rglob("*"))
    assert sync(book) is None
    assert sorted(tmp_path.parent.rglob("*")) == before
    assert "works" in names(book)


def test_one_that_is_too_large_is_not_fetched_and_not_held(
    book: Book, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST", 1_000)
    hub.artifacts[0]["size_in_bytes"] = 1_001
    hub.files[2] = b"x" * 5_000
    assert sync(book) is None
    assert names(book) == ["3"]
    assert [reason[:22] for reason in book.shelf.rejected] == ["it is larger than 1,00"] * 2
    assert "/kept/1" not in {each.path for each in book.server.asked}


def test_a_file_is_not_fetched_without_tls_from_a_github_that_has_it(hub: Hub) -> None:
    from deploybook.sources.download import download

    with hub.serve() as server, pytest.raises(SourceError, match="without TLS"):
        download(lambda: f"{server.url}/kept/1?sig=hush", 100, lambda seconds: None)
    assert server.asked == []

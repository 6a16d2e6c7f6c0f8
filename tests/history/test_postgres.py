"""PostgreSQL as the store: addresses, errors, and many writers at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.history.mortal import ROWS, SHARED, writer
from tests.history.support import address, ask, change, everything, feed, opened, run, said, synced
from tests.support.postgres import PASSWORD, Server

from deploybook.errors import StoreError
from deploybook.feed import Ask, Feed, Item
from deploybook.history import History
from deploybook.history.address import Address
from deploybook.history.postgres import fit


@pytest.fixture
def here(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Stores of this test are on the server."""
    monkeypatch.setenv("HISTORY_SERVER", server.url())
    return server


def _refused(url: str) -> StoreError:
    with pytest.raises(StoreError) as told:
        History.open(url, root=Path())
    return told.value


def test_an_address_is_shown_without_its_password() -> None:
    found = Address.of("postgres://ana:p%40ss%2Fword@db.example.org:5433/deploys/book?sslmode=require")
    assert found.shown == "postgres://ana@db.example.org:5433/deploys/book?sslmode=require"
    assert found.libpq == "postgresql://ana:p%40ss%2Fword@db.example.org:5433/deploys?sslmode=require"
    assert found.schema == "book"
    assert "p%40ss" not in repr(found)
    assert found.hide("p@ss/word and p%40ss%2Fword") == "*** and ***"


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ana:geheim/1@db.example.org/deploys",
        "postgres://ana:geheim@db.example.org:54x/deploys",
        "postgres://ana:ge@heim/x/y/z@db/deploys",
        "postgres://db.example.org/deploys?password=geheim",
    ],
)
def test_an_address_that_is_none_is_not_repeated(url: str) -> None:
    error = _refused(url)
    assert "geheim" not in str(error)
    assert "%2F for /" in error.next_step


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    error = _refused(f"postgres://ana:geheim@/deploys?host={tmp_path}")
    assert "No such file or directory" in error.what
    assert error.where == f"postgres://ana@/deploys?host={tmp_path}"
    assert "see that the server runs" in error.next_step
    assert "geheim" not in str(error)


def test_a_wrong_password_and_none_are_told_and_the_right_one_opens(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"127.0.0.1:{server.port}/guarded"
    for user in ("guarded", "guarded:geheim"):
        error = _refused(f"postgres://{user}@{place}")
        assert "password" in error.what
        assert "PGPASSWORD" in error.next_step
        assert "geheim" not in str(error)
        assert error.where == f"postgres://guarded@{place}"
    with History.open(f"postgres://guarded:{quote(PASSWORD, safe='')}@{place}", root=Path()) as history:
        assert history.sources() == []
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with History.open(f"postgres://guarded@{place}/other", root=Path()) as history:
        synced(history, [change("1")])
        assert said(history, "changes", "id") == [("1",)]


def test_a_database_that_is_not_there_is_told(server: Server) -> None:
    error = _refused(server.url("nowhere"))
    assert 'database "nowhere" does not exist' in error.what
    assert "createdb" in error.next_step


@pytest.mark.parametrize(
    ("version", "encoding", "says"),
    [(140_012, "UTF8", "PostgreSQL 14 is too old"), (150_000, "SQL_ASCII", "keeps text as SQL_ASCII")],
)
def test_a_server_that_cannot_keep_a_history_is_told(version: int, encoding: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        fit(version, encoding, "postgres://db/deploys")
    fit(150_000, "UTF8", "postgres://db/deploys")


def test_another_programs_tables_are_left_alone(server: Server) -> None:
    server.psql("CREATE SCHEMA theirs; CREATE TABLE theirs.orders (id int)")
    error = _refused(server.url(schema="theirs"))
    assert "not a history of Deploybook: it holds orders" in error.what
    assert "schema" in error.next_step


def test_what_a_user_may_not_do_is_told(server: Server, here: Server, tmp_path: Path) -> None:
    with opened(tmp_path) as history:
        synced(history, [change("1")])
    schema = address(tmp_path).partition("?")[0].rpartition("/")[2]
    server.psql(
        f"GRANT USAGE ON SCHEMA {schema} TO guarded; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO guarded"
    )
    url = f"postgres://guarded:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}/history/{schema}"
    with History.open(url, root=tmp_path, read_only=True) as history:
        assert said(history, "changes", "id") == [("1",)]
        with pytest.raises(StoreError, match="permission denied for table"):
            synced(history, [change("2")])


def test_a_lost_connection_is_told_and_what_was_saved_stands(here: Server, tmp_path: Path) -> None:
    def cut(_ask: Ask) -> list[Item]:
        here.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        return [change("2")]

    with opened(tmp_path) as history:
        synced(history, [change("1")])
        with pytest.raises(StoreError, match="cannot be read or written"):
            history.sync(Feed(name="records:a", rank=30, pull=lambda asked: iter(cut(asked))), ask())
    with opened(tmp_path) as history:
        assert said(history, "changes", "id") == [("1",)]


def test_a_feed_is_pulled_by_one_at_a_time_and_each_again_by_itself(here: Server, tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as other:
        with one.claim("git:shop") as ours, one.claim("git:shop") as again:
            assert (ours, again) == (True, True)
            report = other.sync(feed(change("1"), name="git:shop"), ask())
            assert (report.busy, report.rows) == (True, 0)
            assert other.sync(feed(change("2"), name="git:pay"), ask()).busy is False
            other.forget("git:shop")
        assert other.sync(feed(change("1"), name="git:shop"), ask()).busy is False
        assert said(one, "changes", "id") == [("1",), ("2",)]


def test_many_who_open_a_new_store_at_once_make_it_once(here: Server, tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def begin() -> None:
        try:
            with opened(tmp_path) as history:
                assert history.sources() == []
        except BaseException as error:  # what fails in a thread is told by the test
            failed.append(error)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []


def test_saving_the_same_again_rewrites_no_row(here: Server, tmp_path: Path) -> None:
    schema = address(tmp_path).partition("?")[0].rpartition("/")[2]
    with opened(tmp_path) as history:
        for _ in range(2):
            synced(history, [run(each) for each in range(2_000)], snapshot=True)
            versions = here.psql(f"SELECT count(DISTINCT xmin::text), count(*) FROM {schema}.pipeline_runs")
            assert versions == "1|2000\n"


def test_without_the_driver_the_next_step_is_to_install_it(server: Server) -> None:
    program = (
        "import sys\nsys.modules['adbc_driver_postgresql'] = None\nfrom pathlib import Path\n"
        "from deploybook.history import History\nHistory.open(sys.argv[1], root=Path())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, server.url()], check=False, capture_output=True, text=True
    )
    assert "pip install 'deploybook[postgres]'" in ran.stderr


def test_eight_writers_at_once_killed_at_random_lose_nothing_and_double_nothing(
    here: Server, tmp_path: Path
) -> None:
    shared, alone, watch = tmp_path / "shared", tmp_path / "alone", tmp_path / "watch"
    watch.mkdir()
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.history.mortal"])

    def begin(folder: Path, server: str | None, first: int) -> BaseProcess:
        process = context.Process(target=writer, args=(folder, server, watch, first))
        process.start()
        return process

    last = begin(alone, None, 0)  # undisturbed, and in a file: what all the others are to end like
    last.join()
    moments = random.Random(9)
    writers = {number: begin(shared, here.url(), number) for number in range(8)}
    killed = 0
    for _ in range(24):
        time.sleep(moments.uniform(0, 0.3))
        number = moments.choice(list(writers))
        writers[number].kill()
        writers[number].join()
        killed += writers[number].exitcode == -signal.SIGKILL
        writers[number] = begin(shared, here.url(), number)
    for process in writers.values():
        process.join()
        assert process.exitcode == 0
    assert killed > 8
    deadline = time.monotonic() + 60
    while (
        time.monotonic() < deadline
    ):  # what a killed one held is free as soon as the server has seen its end
        last = begin(shared, here.url(), 0)
        last.join()
        with opened(shared) as history:
            done = [source.name for source in history.sources() if source.cursor == str(ROWS)]
        if len(done) == SHARED:
            break
    assert not (watch / "twice").exists(), "two writers pulled one feed at once"
    with opened(shared) as history:
        found, aside, notices = (
            everything(history),
            history.rejected(),
            history.kept("notices").count().to_pyarrow(),
        )
        raw = {each.name: (each.rows, each.rejected, each.cursor) for each in history.sources()}
    os.environ.pop("HISTORY_SERVER")
    with opened(alone) as history:
        assert found == everything(history)
        assert aside == history.rejected()
        assert raw == {each.name: (each.rows, each.rejected, each.cursor) for each in history.sources()}
    assert notices.as_py() == 500

"""Processes that share work: each part is done once, errors come back, and none outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment
from tests.charts import examples
from tests.render.test_remembered import JINJA, PAGES, Listed, content

from deploybook import forks, text
from deploybook.charts.studio import Studio
from deploybook.errors import PublishError, UsageError
from deploybook.forks import MOST, Tell, begun, free_memory, meanwhile, of_each, processors, shared
from deploybook.pages.page import File, Page
from deploybook.render import Remembered, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

FILES = st.builds(File, st.sampled_from(["a/index.md", "d.csv"]), st.binary(max_size=3))
SITES = st.lists(st.lists(PAGES | FILES, max_size=3), max_size=5)


def ignore(_: object) -> None:
    """Hear nothing."""


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_each_part_is_done_once_and_what_is_told_meanwhile_is_heard(processes: int) -> None:
    heard: list[int] = []

    def work(numbers: Iterable[int], tell: Tell) -> tuple[int, list[int]]:
        done = []
        for number in numbers:
            done.append(number)
            tell(number)
            time.sleep(0.002)
        return os.getpid(), done

    found = shared(40, work, heard.append, processes)
    assert sorted(number for _, done in found for number in done) == list(range(40))
    assert sorted(heard) == list(range(40))
    assert len({pid for pid, _ in found}) == processes
    assert found[0][0] == os.getpid()
    assert all(is_gone(pid) for pid, _ in found[1:])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(), max_size=40), st.integers(1, 50))
def test_what_is_found_of_each_is_in_their_order_in_however_many_processes(
    items: list[int], worth: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
        found = of_each(items, lambda item: (item * 2, os.getpid()), worth=worth)
    assert [twice for twice, _ in found] == [item * 2 for item in items]
    assert len({process for _, process in found}) <= 1 + len(items) // worth


def test_looking_at_each_of_many_is_shared_and_an_error_in_another_process_comes_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    here = os.getpid()

    def look(item: int) -> int:
        time.sleep(0.005)
        if os.getpid() != here:
            raise Particular(f"of {item}")
        return item

    with pytest.raises(Particular, match="of "):
        of_each(range(100), look, worth=10)


def test_what_is_done_meanwhile_is_done_beside_and_ends_with_what_it_is_beside(tmp_path: Path) -> None:
    def work() -> None:
        (tmp_path / "began").write_text(str(os.getpid()))
        time.sleep(600)

    with meanwhile(work):
        while not (tmp_path / "began").exists() or not (tmp_path / "began").read_text():
            time.sleep(0.005)
    beside = int((tmp_path / "began").read_text())
    assert beside != os.getpid()
    assert is_gone(beside)


def test_an_error_meanwhile_is_not_heard_and_where_nothing_is_forked_nothing_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        (tmp_path / "began").touch()
        raise Particular("of its own")

    with meanwhile(work):
        while not (tmp_path / "began").exists():
            time.sleep(0.005)
    (tmp_path / "began").unlink()

    def refuse() -> int:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(os, "fork", refuse)
    with meanwhile(work):
        pass
    assert not (tmp_path / "began").exists()


def test_free_memory_is_that_of_the_machine_or_of_the_container_if_it_is_less(tmp_path: Path) -> None:
    assert free_memory(1024, tmp_path) == 0
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable:       5 kB\nBuffers: 3 kB\n")
    assert free_memory(1024, tmp_path) == 5 * 1024
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    for limit, free in (("max", 5 * 1024), ("9000", 5 * 1024), ("4096", 3072), ("1000", 0)):
        (tmp_path / "sys/fs/cgroup/memory.max").write_text(f"{limit}\n")
        assert free_memory(1024, tmp_path) == free


def test_there_are_no_more_processes_than_processors_and_room_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forks, "free_memory", lambda own: 10 * own)
    for processors_, processes in ((1, 1), (3, 3), (64, MOST)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, count=processors_: set(range(count)))
        assert processors() == processes
    for room, processes in ((0.9, 1), (1, 2), (2.5, 3)):
        monkeypatch.setattr(forks, "free_memory", lambda own, room=room: int(room * own))
        assert processors() == processes
    monkeypatch.setattr(sys, "platform", "darwin")
    assert processors() == 1


def pipes() -> set[str]:
    """Every pipe that this process holds, by its own number.

    Not how many files are open: what an earlier test left may be collected, and closed, meanwhile.
    """
    held = set()
    for file in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own, and what is closed meanwhile
            held.add(str(file.readlink()))
    return {of for of in held if of.startswith("pipe:")}


def test_where_no_more_can_be_forked_those_that_there_are_do_all(monkeypatch: pytest.MonkeyPatch) -> None:
    fork, forked = os.fork, 0

    def once() -> int:
        nonlocal forked
        forked += 1
        if forked > 1:
            raise OSError(12, "Cannot allocate memory")
        return fork()

    before = pipes()
    monkeypatch.setattr(os, "fork", once)
    found = shared(20, lambda numbers, _: list(numbers), ignore, 4)
    assert len(found) == 2
    assert sorted(number for done in found for number in done) == list(range(20))
    assert pipes() <= before


class Particular(UsageError):
    """An error of its own kind."""


class Stubborn(Exception):
    """An error that cannot be made again from what it says."""

    def __init__(self, one: int, *, two: int) -> None:
        super().__init__(f"{one} and {two}")


def fails_beside(error: Exception, told: Path) -> list[None]:
    """Share work of which the part that falls to the other process fails; its number is told."""
    here = os.getpid()

    def work(numbers: Iterable[int], _: Tell) -> None:
        for _number in numbers:
            if os.getpid() != here:
                told.write_text(str(os.getpid()))
                raise error
            while not told.exists():
                time.sleep(0.005)

    return shared(1000, work, ignore, 2)


def test_an_error_in_another_process_is_raised_here_with_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(Particular) as raised:
        fails_beside(Particular("it is wrong", where="here", next_step="mend it"), tmp_path / "pid")
    assert str(raised.value) == "here: it is wrong\n  → mend it"
    assert "in work" in "".join(raised.value.__notes__)
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_an_error_that_cannot_be_passed_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Stubborn: 1 and 2") as raised:
        fails_beside(Stubborn(1, two=2), tmp_path / "pid")
    assert "in work" in "".join(raised.value.__notes__)


def test_after_an_error_nobody_begins_another_part(tmp_path: Path) -> None:
    here, begun = os.getpid(), 0

    def work(numbers: Iterable[int], _: Tell) -> None:
        nonlocal begun
        for _number in numbers:
            if os.getpid() != here:
                (tmp_path / "failed").touch()
                raise ValueError
            begun += 1
            while not (tmp_path / "failed").exists():
                time.sleep(0.005)
            time.sleep(0.1)

    with pytest.raises(ValueError):  # noqa: PT011 — its own
        shared(1000, work, ignore, 2)
    assert begun < 10


def test_an_error_here_ends_the_others(tmp_path: Path) -> None:
    here = os.getpid()

    def work(numbers: Iterable[int], _: Tell) -> None:
        for _number in numbers:
            if os.getpid() != here:
                (tmp_path / "new").write_text(str(os.getpid()))
                (tmp_path / "new").replace(tmp_path / "pid")
                time.sleep(60)
            while not (tmp_path / "pid").exists():
                time.sleep(0.005)
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 — its own
        shared(2, work, ignore, 2)
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_a_process_that_was_killed_is_missed() -> None:
    here = os.getpid()

    def work(numbers: Iterable[int], tell: Tell) -> None:
        for _number in numbers:
            if os.getpid() != here:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(0.2)

    with pytest.raises(PublishError, match="-9"):
        shared(2, work, ignore, 2)


def test_others_begin_while_this_process_does_something_else_and_it_helps_them_afterwards() -> None:
    here = os.getpid()
    told: list[int] = []

    def work(numbers: Iterable[int], tell: Tell) -> list[tuple[int, int]]:
        done = []
        for number in numbers:
            tell(number)
            time.sleep(0.005)
            done.append((os.getpid(), number))
        return done

    numbers = range(50, 90)
    with begun(numbers, work, told.append, 1) as rest:
        while len(told) < 5:
            time.sleep(0.005)
        done = rest()
    assert sorted(number for each in done for _, number in each) == list(numbers) == sorted(told)
    assert {pid == here for each in done for pid, _ in each} == {True, False}


def test_what_fails_between_is_heard_and_leaves_none_of_those_who_began() -> None:
    began: list[int] = []

    def work(numbers: Iterable[int], tell: Tell) -> None:
        for _ in numbers:
            tell(os.getpid())
            time.sleep(60)

    def fail() -> None:
        while not began:
            time.sleep(0.005)
        raise Particular("in between")

    with pytest.raises(Particular, match="in between"), begun(range(4), work, began.append, 1):
        fail()
    assert is_gone(began[0])


def test_alone_one_process_does_first_what_is_between(tmp_path: Path) -> None:
    order: list[str] = []

    def share(name: str) -> Iterable[Page | File]:
        order.append(name)
        return [File(f"{name}.csv", b"")]

    write(
        JINJA, [lambda: share("later")], None, tmp_path / "docs",
        early=[lambda: share("early")], between=lambda: order.append("between"),
    )  # fmt: skip
    assert order.index("between") < order.index("later")
    assert {path.name for path in (tmp_path / "docs").iterdir()} == {"early.csv", "later.csv"}


SLOW = """
import os, signal, sys, time
from pathlib import Path
from deploybook.forks import shared
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs tests in the background ignores it
def work(numbers, tell):
    for number in numbers:
        Path(sys.argv[1], str(os.getpid())).touch()
        time.sleep(60)
shared(3, work, print, 3)
"""


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGINT, -2)])
def test_no_process_outlives_the_first_one(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    while len(pids := [int(path.name) for path in tmp_path.iterdir()]) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, sent) if sent == signal.SIGINT else process.send_signal(sent)
    assert process.wait(10) == code
    last = time.monotonic() + 5
    while not all(map(is_gone, pids)) and time.monotonic() < last:
        time.sleep(0.01)
    assert all(map(is_gone, pids))


def rendered(out: Path, site: list[list[Page | File]], processes: int) -> int:
    remembered = Remembered(out / "pages.json", "x")
    shares = [(lambda parts=parts: parts) for parts in site]
    later = shares[: len(shares) // 2]
    return write(
        JINJA, later, None, out / "docs", remembered=remembered, processes=processes,
        early=shares[len(later) :],
    ).changed  # fmt: skip


@settings(deadline=None, max_examples=10)
@given(SITES, SITES)
def test_what_is_written_is_the_same_for_any_number_of_processes(
    first: list[list[Page | File]], second: list[list[Page | File]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        alone, together = Path(folder, "alone"), Path(folder, "together")
        for site in (first, second, second):
            rendered(alone, site, 1)
            rendered(together, site, 3)
            assert content(alone) == content(together)


def test_nothing_is_written_again_that_another_process_wrote_before(tmp_path: Path) -> None:
    site: list[list[Page | File]] = [[Page(f"p{n}", "one", "Page", Listed(()))] for n in range(20)]
    assert rendered(tmp_path, site, 3) == 20
    assert rendered(tmp_path, site, 3) == 0
    remembered = (tmp_path / "pages.json").read_bytes()
    assert rendered(tmp_path, site, 1) == 0
    assert (tmp_path / "pages.json").read_bytes().count(b"index.md") == remembered.count(b"index.md") == 20


def test_a_chart_that_another_process_asks_for_is_drawn_and_kept(tmp_path: Path) -> None:
    here = os.getpid()
    jinja = Environment(loader=DictLoader({"chart": "{{ page }}"}), autoescape=True, finalize=text.escape)
    (tmp_path / "charts").mkdir()
    with Studio(tmp_path / "charts", beside=True) as studio:

        def share(number: int) -> Iterable[Page | File]:
            while os.getpid() == here and not (tmp_path / "asked").exists():
                time.sleep(0.005)
            chart = studio.draw(examples.stages())
            assert chart is not None
            yield Page(f"p{number}", "chart", "Page", chart.wide)
            (tmp_path / "asked").touch()

        shares = [lambda number=number: share(number) for number in range(2)]
        write(jinja, shares, None, tmp_path / "docs", studio=studio, processes=2)
        assert studio.prune() == 0
    assert len(list((tmp_path / "charts").glob("*/*.json"))) == 1
    drawn = Studio(tmp_path / "charts").draw(examples.stages())
    assert drawn is not None
    for number in range(2):
        assert str(drawn.wide) in (tmp_path / f"docs/p{number}/index.md").read_text("utf-8")

"""The fault table of the guide, row by row: what a run says, how it ends, and that the last site stands."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support import small
from tests.support.gitrepo import GitRepo
from tests.support.loopback import Asked, Fault, Loopback, Reply

from deploybook.build import compose
from deploybook.cli import run
from deploybook.feed import Ask
from deploybook.history import History
from deploybook.sources import http

pytestmark = pytest.mark.xdist_group("faults")

LATER = "2026-01-16T13:00:00Z"


@dataclass(frozen=True)
class Row:
    """A row of the table: what the run says, and its exit code."""

    says: str
    code: int


def table() -> dict[str, Row]:
    text = (Path(__file__).parents[2] / "docs/guide/faults.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in text.splitlines()
        if line[:2] == "| "
    ]
    return {fault: Row("" if says == "(nothing)" else says, int(code)) for fault, says, code, *_ in rows[1:]}


TABLE = table()
SHOWN: set[str] = set()


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int
    said: str

    def is_row(self, fault: str) -> None:
        """As the table says of a fault."""
        SHOWN.add(fault)
        assert (self.code, TABLE[fault].says in self.said) == (TABLE[fault].code, True), self.said


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site repository, built."""
    root = tmp_path_factory.mktemp("faults") / "deploys"
    small.make(root)
    assert small.build(root) == 0
    return root


@pytest.fixture
def root(built: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may harm, with something new to tell."""
    shutil.copytree(built, tmp_path / "deploys", symlinks=True)
    root = tmp_path / "deploys"
    rows = [json.loads(line) for line in (root / "history/all.jsonl").read_text().splitlines()]
    rows[0] |= {"version": "new"}
    small.write_records(root, rows)
    return root


@pytest.fixture
def site(root: Path) -> Iterator[Path]:
    """Its site, which must be what it was when the test ends."""
    before = content(root / "site")
    yield root / "site"
    assert content(root / "site") == before


def content(site: Path) -> dict[str, str]:
    return {
        path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in site.rglob("*")
        if path.is_file()
    }


def ended(capfd: pytest.CaptureFixture[str], *command: str) -> Ended:
    """Run a command in this process."""
    capfd.readouterr()
    code = run(list(command))
    out, err = capfd.readouterr()
    return Ended(code, out + err)


def build(root: Path) -> tuple[str, ...]:
    return ("build", "--config", str(root / "deploybook.yml"), "--as-of", LATER)


def sync(root: Path) -> tuple[str, ...]:
    return ("sync", "--config", str(root / "deploybook.yml"), "--as-of", LATER)


def facts(root: Path) -> dict[str, Any]:
    """What the site says it was built from."""
    found: dict[str, Any] = json.loads((root / "site/data/build.json").read_text("utf-8"))
    return found


def is_new(root: Path, *failed: str) -> None:
    """A whole site was built just now; the sources that failed are dated when they could last be read."""
    said = facts(root)
    assert said["as_of"] == "2026-01-16T13:00:00+00:00"
    errors = {source["name"]: source["last_read"] for source in said["sources"] if source["error"]}
    assert errors == dict.fromkeys(failed, "2026-01-16T12:00:00+00:00")
    assert len(rows_of_site(root, "deployments")) == 3
    assert not {".site.next", ".site.last"} & {path.name for path in root.iterdir()}
    page = html.unescape((root / "site/data/index.html").read_text("utf-8"))
    assert all(name in page for name in failed)


def rows_of_site(root: Path, name: str) -> list[dict[str, str]]:
    with (root / f"site/data/{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def apart(code: str, *arguments: str, before: str = "", **options: object) -> Ended:
    """Run Python in a process of its own."""
    done = subprocess.run(
        [*before.split(), sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=False, **options,  # type: ignore[call-overload]
    )  # fmt: skip
    return Ended(done.returncode, done.stdout + done.stderr)


COMMAND = "import sys; from deploybook.cli import run; sys.exit(run(sys.argv[1:]))"

PHASES = (
    "reading git", "reading records", "reading owners", "linking", "counting", "writing pages",
    "building the site", "publishing",
)  # fmt: skip

AT_A_PHASE = """
import os, resource, signal, sys
from deploybook.build import publish
from deploybook.build.progress import Progress
from deploybook.cli import run

fault, phase = sys.argv.pop(1), sys.argv.pop(1)

def happens():
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))

step, put = Progress.step, publish.publish
if phase == "publishing":
    publish.publish = lambda *folders: (happens(), put(*folders))
Progress.step = lambda self, text: (text.startswith(phase) and happens(), step(self, text))
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("phase", PHASES)
def test_killed_in_a_phase(root: Path, phase: str, capfd: pytest.CaptureFixture[str]) -> None:
    before = content(root / "site")
    apart(AT_A_PHASE, "killed", phase, *build(root)).is_row("killed in any phase")
    assert content(root / "site") == before
    assert ended(capfd, *build(root)).code == 0
    is_new(root)
    assert [row["version"] for row in rows_of_site(root, "deployments")].count("new") == 1


@pytest.mark.parametrize(
    ("phase", "row"),
    [
        ("reading records", "the disk is full while sources are read"),
        ("writing pages", "the disk is full while the site is made"),
        ("building the site", "the disk is full while the site is made"),
    ],
)
def test_the_disk_is_full(root: Path, phase: str, row: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A limit on the size of a file is to a writer what a full disk is: the write fails."""
    before = content(root / "site")
    apart(AT_A_PHASE, "full", phase, *build(root)).is_row(row)
    assert content(root / "site") == before
    assert ended(capfd, *build(root)).code == 0
    is_new(root)


@pytest.mark.usefixtures("site")
def test_another_run_is_under_way(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (root / "build/lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        ended(capfd, *build(root)).is_row("another run is under way")


@contextmanager
def holding(store: Path) -> Iterator[None]:
    """Another process that has the store open."""
    code = (
        "import duckdb, sys; store = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    yield
    other.communicate()


@pytest.mark.usefixtures("site")
def test_the_store_is_in_use(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with holding(root / "build/history.duckdb"):
        ended(capfd, *build(root)).is_row("the store is in use by another program")


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("kept", [0, 8192])
def test_the_store_is_damaged(root: Path, kept: int, capfd: pytest.CaptureFixture[str]) -> None:
    """Wholly, or behind a head that is still good."""
    store = root / "build/history.duckdb"
    whole = store.read_bytes()
    store.write_bytes(whole[:kept] + b"x" * (len(whole) - kept))
    ended(capfd, *build(root)).is_row("the store is damaged")


def test_the_store_is_lost(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """All that it held is read again."""
    ended(capfd, *sync(root))
    before = rows_of(root)
    (root / "build/history.duckdb").unlink()
    ended(capfd, *build(root)).is_row("the store is lost")
    assert rows_of(root) == before
    is_new(root)


def rows_of(root: Path) -> dict[str, int]:
    """How many records of each kind the store holds."""
    with History.open("duckdb://build/history.duckdb", root=root, read_only=True) as history:
        return {name: len(history.read(name)) for name in history.tables()}


def _without_rights() -> str:
    """What takes from root the right to write everywhere, so that the test also holds for root."""
    return "setpriv --bounding-set=-dac_override --inh-caps=-dac_override" if os.geteuid() == 0 else ""


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("working", ["gone", "there"])
def test_the_folder_cannot_be_written(root: Path, working: str) -> None:
    """Neither a working folder can be made in it nor, where that is there, the next site."""
    if working == "gone":
        shutil.rmtree(root / "build")
    root.chmod(0o555)
    try:
        apart(COMMAND, *build(root), before=_without_rights()).is_row("the folder cannot be written")
    finally:
        root.chmod(0o755)


@pytest.mark.usefixtures("site")
def test_the_configuration_is_wrong(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (root / "deploybook.yml").open("a") as file:
        file.write("sites: {}\n")
    ended(capfd, *build(root)).is_row("the configuration is wrong")


@pytest.mark.usefixtures("site")
def test_a_script_that_is_not_known_was_built(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (root / "docs/hand.md").write_text("# By hand\n\n<script>alert(1)</script>\n")
    ended(capfd, *build(root)).is_row("something built is not known to be safe")


def test_a_source_says_much_less(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in (root / "history/all.jsonl").read_text().splitlines()]
    many = [{**rows[4], "id": str(number)} for number in range(100, 160)]
    small.write_records(root, [*rows, *many])
    assert small.build(root) == 0
    small.write_records(root, rows[:3])
    ended(capfd, *build(root)).is_row("a source says much less than before")
    is_new(root, "records:history/*.jsonl")
    assert len(rows_of_site(root, "pipeline_runs")) == 62
    assert ended(capfd, *build(root), "--believe", "records").code == 0
    is_new(root)
    assert rows_of_site(root, "pipeline_runs") == []


def changed(root: Path, old: str, new: str) -> None:
    file = root / "deploybook.yml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_the_network_is_down(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    changed(root, "repository: shop", "repository: https://127.0.0.1:9/acme/shop")
    ended(capfd, *build(root)).is_row("the network is down")
    is_new(root, "git:shop", "locks")
    assert banner(root).startswith(" hidden>")
    later = [*build(root)[:-1], "2026-01-19T13:00:00Z"]
    assert ended(capfd, *later).code == 3
    said = banner(root)
    assert said.startswith(">")
    assert "git:shop was last read Fri 16\N{NO-BREAK SPACE}Jan\N{NO-BREAK SPACE}2026" in said


def banner(root: Path) -> str:
    """What a page by hand says on top, before any script has looked."""
    page = (root / "site/hand/index.html").read_text("utf-8")
    found = re.search(r'data-db-stale role="status"(.*?)</div>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_a_repository_is_renamed(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (root / "shop").rename(root / "shop-web")
    ended(capfd, *build(root)).is_row("a repository is renamed or gone")
    is_new(root, "git:shop", "locks")


def test_the_release_branch_is_deleted(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shop = GitRepo(root / "shop")
    changed(root, "repository: shop", "repository: shop\n    release_branch: main")
    shop.git("switch", "--quiet", "zelda-q/step-1")
    shop.git("branch", "--quiet", "-D", "main")
    ended(capfd, *build(root)).is_row("the release branch is gone")
    is_new(root, "git:shop")


def test_a_repository_was_empty_from_the_beginning(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(root / "shop")
    shutil.rmtree(root / "build")
    GitRepo(root / "shop")
    ended(capfd, *build(root)).is_row("a repository is empty")
    is_new(root)


def test_a_repository_is_suddenly_empty(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What it said before stands until somebody says that it is right so."""
    before = rows_of(root)
    shutil.rmtree(root / "shop")
    GitRepo(root / "shop")
    ended(capfd, *build(root)).is_row("a repository is empty that was not")
    is_new(root, "git:shop")
    assert rows_of(root) == before
    assert ended(capfd, *build(root), "--believe", "git:shop").code == 0
    assert rows_of(root)["commits"] == 0


def test_a_clone_is_shallow(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (root / "shop").rename(root / "whole")
    address = (root / "whole").as_uri()
    subprocess.run(["git", "clone", "--quiet", "--depth", "2", address, str(root / "shop")], check=True)
    ended(capfd, *build(root)).is_row("a clone is shallow")
    is_new(root)
    assert "the clone is shallow" in (root / "site/data/index.html").read_text("utf-8")


def test_history_was_rewritten(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shop = GitRepo(root / "shop")
    shop.hours = 40
    gone = shop.head()
    shop.git("reset", "--quiet", "--hard", "HEAD~2")
    new = shop.commit("Write it anew")
    shop.git("branch", "--quiet", "-D", "zelda-q/step-3", "zelda-q/step-4")
    ended(capfd, *build(root)).is_row("the history of a repository was rewritten")
    is_new(root)
    with History.open("duckdb://build/history.duckdb", root=root, read_only=True) as history:
        revisions = set(history.read("commits").column("revision").to_pylist())
    assert new in revisions
    assert gone not in revisions


def test_a_tag_was_moved(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shop = GitRepo(root / "shop")
    changed(root, "deployments: {from: records}", "deployments: {from: tags}")
    shop.git("tag", "v1.0", "HEAD~1")
    assert ended(capfd, *build(root)).code == 0
    shop.git("tag", "--force", "v1.0", "HEAD")
    ended(capfd, *build(root)).is_row("a tag was moved")
    tagged = [row["revision"] for row in rows_of_site(root, "deployments") if row["version"] == "v1.0"]
    assert tagged == [shop.head()]


def test_bytes_are_no_text(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (root / "history/all.jsonl").open("ab") as file:
        file.write(b'{"type": "incident", "id": "\xff\xfe"}\n')
    ended(capfd, *build(root)).is_row("a record is not UTF-8")
    is_new(root)


def test_a_record_is_huge(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    row = {"type": "annotation", "on": "2026-01-10", "text": "x" * 7_000_000}
    with (root / "history/all.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    ended(capfd, *build(root)).is_row("a record is huge")
    is_new(root)
    assert max(path.stat().st_size for path in (root / "site").rglob("*.html")) < 2_000_000


PEAK = """
import resource, sys
from deploybook.cli import run

code = run(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, "MB")
sys.exit(code)
"""


def test_ten_gigabytes_of_records(root: Path) -> None:
    """A file with holes: it takes no room on the disk, and every byte of it is read."""
    with (root / "history/large.jsonl").open("wb") as file:
        file.truncate(10 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b'\n{"type": "annotation", "on": "2026-01-10", "text": "Behind it all"}\n')
    done = apart(PEAK, *build(root))
    done.is_row("ten gigabytes in one file")
    is_new(root)
    peak = re.search(r"peak (\d+) MB", done.said)
    assert peak
    assert int(peak[1]) < 700
    with History.open("duckdb://build/history.duckdb", root=root, read_only=True) as history:
        assert history.read("annotations").column("text").to_pylist() == ["Behind it all"]


def test_the_clock_goes_back(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    early = [*build(root)[:-1], "2026-01-10T12:00:00Z"]
    ended(capfd, *early).is_row("the clock goes back")
    assert facts(root)["as_of"] == "2026-01-10T12:00:00+00:00"
    assert len(rows_of_site(root, "deployments")) == 1


@pytest.fixture(scope="module")
def pager() -> Iterator[Loopback]:
    """A PagerDuty with three incidents."""
    begun = datetime(2026, 1, 14, 9, tzinfo=UTC)
    rows = [
        {
            "id": f"Q{number}", "title": f"Broken {number}", "status": "resolved",
            "service": {"summary": "shop"},
            "created_at": (begun + timedelta(hours=number)).isoformat(),
            "last_status_change_at": (begun + timedelta(hours=number, minutes=30)).isoformat(),
        }
        for number in range(3)
    ]  # fmt: skip

    def answer(asked: Asked) -> Reply:
        begin, end = asked.query["since"], asked.query["until"]
        return Reply({"incidents": [row for row in rows if begin <= str(row["created_at"]) < end]})

    with Loopback(answer) as server:
        yield server


@pytest.fixture(scope="module")
def built_with_pager(pager: Loopback, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same site, which reads that PagerDuty too."""
    root = tmp_path_factory.mktemp("paged") / "deploys"
    shutil.copytree(built, root, symlinks=True)
    with (root / "deploybook.yml").open("a") as file:
        file.write(f"  - pagerduty: {{token: env:PAGER_TEST, url: '{pager.url}'}}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAGER_TEST", CANARY)
        assert small.build(root) == 0
    return root


CANARY = "canary-of-the-fault-table"

Broken = tuple[str, Fault]


def always(reply: Reply) -> Fault:
    return lambda _number, _asked: reply


def slow(_number: int, _asked: Asked) -> Reply | None:
    time.sleep(1)
    return None


def cut(_number: int, asked: Asked) -> Reply | None:
    return Reply({"incidents": [{"id": "Q9"}]}, cut=True)


BROKEN: tuple[Broken, ...] = (
    ("the network goes down in the middle of a page", cut),
    ("a system answers 401", always(Reply({"message": "Bad credentials"}, 401))),
    ("a system answers 403", always(Reply({"message": "Forbidden"}, 403))),
    ("a system answers 429", always(Reply({}, 429, {"Retry-After": "3600"}))),
    ("a system answers 500", always(Reply({}, 500))),
    ("a system answers too slowly", slow),
)


@pytest.mark.parametrize(("name", "fault"), BROKEN, ids=[name for name, _ in BROKEN])
def test_a_system_is_unwell(
    name: str,
    fault: Fault,
    built_with_pager: Path,
    pager: Loopback,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What it said before is told; patience is cut short here, the number of tries is not."""
    shutil.copytree(built_with_pager, tmp_path / "deploys", symlinks=True)
    root = tmp_path / "deploys"
    monkeypatch.setenv("PAGER_TEST", CANARY)
    monkeypatch.setattr(compose, "Ask", partial(Ask, wait=lambda _: None))
    monkeypatch.setattr(http, "SECONDS", 0.2)
    pager.fault = fault
    try:
        said = ended(capfd, *build(root))
    finally:
        pager.fault = None
    said.is_row(name)
    is_new(root, "pagerduty")
    assert len({row["id"] for row in rows_of_site(root, "incidents")}) == 4
    assert CANARY not in said.said
    assert ended(capfd, *build(root)).code == 0
    is_new(root)


def test_every_row_is_shown_by_a_test(request: pytest.FixtureRequest) -> None:
    """Runs last in this file; where only some were asked for, there is nothing to compare."""
    ours = [item for item in request.session.items if item.path == request.path]
    if len(ours) > 40:
        assert set(TABLE) == SHOWN

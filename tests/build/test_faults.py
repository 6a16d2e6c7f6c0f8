"""The fault table of the guide, row by row: what a run says, how it ends, and that the last site stands."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support import small
from tests.support.gitrepo import GitRepo

from deploybook.cli import run
from deploybook.history import History

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
    return {fault: Row(says.strip("`"), int(code)) for fault, says, code, *_ in rows[1:]}


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
    return ("build", "--quiet", "--config", str(root / "deploybook.yml"), "--as-of", LATER)


def sync(root: Path) -> tuple[str, ...]:
    return ("sync", "--config", str(root / "deploybook.yml"), "--as-of", LATER)


def apart(code: str, *arguments: str, before: str = "", **options: object) -> Ended:
    """Run Python in a process of its own."""
    done = subprocess.run(
        [*before.split(), sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=False, **options,  # type: ignore[call-overload]
    )  # fmt: skip
    return Ended(done.returncode, done.stdout + done.stderr)


COMMAND = "import sys; from deploybook.cli import run; sys.exit(run(sys.argv[1:]))"

DIES = """
import os, signal, sys
from deploybook.build import publish
from deploybook.build.progress import Progress
from deploybook.cli import run

phase = sys.argv.pop(1)
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
if phase == "publishing":
    publish.publish = die
else:
    step = Progress.step
    Progress.step = lambda self, text: die() if text.startswith(phase) else step(self, text)
run(sys.argv[1:])
"""


@pytest.mark.parametrize("phase", ["reading", "linking", "writing pages", "building the site", "publishing"])
@pytest.mark.usefixtures("site")
def test_killed_in_a_phase(root: Path, phase: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert apart(DIES, phase, *build(root)).code == -9
    assert ended(capfd, *sync(root)).code == 0
    SHOWN.add("killed in any phase")


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
def test_the_store_is_damaged(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = root / "build/history.duckdb"
    store.write_bytes(b"x" * store.stat().st_size)
    ended(capfd, *build(root)).is_row("the store is damaged")


def test_the_store_is_lost(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """All that it held is read again."""
    ended(capfd, *sync(root))
    before = rows_of(root)
    (root / "build/history.duckdb").unlink()
    ended(capfd, *sync(root)).is_row("the store is lost")
    assert rows_of(root) == before


def rows_of(root: Path) -> dict[str, int]:
    """How many records of each kind the store holds."""
    with History.open("duckdb://build/history.duckdb", root=root, read_only=True) as history:
        return {name: len(history.read(name)) for name in history.tables()}


@pytest.mark.usefixtures("site")
def test_the_disk_is_full(root: Path) -> None:
    """A limit on the size of a file is to a writer what a full disk is: the write fails."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    apart(COMMAND, *build(root), preexec_fn=limit).is_row("the disk is full")


def _without_rights() -> str:
    """What takes from root the right to write everywhere, so that the test also holds for root."""
    if os.geteuid() != 0:
        return ""
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and setpriv is not here")
    return "setpriv --bounding-set=-dac_override --inh-caps=-dac_override"


@pytest.mark.usefixtures("site")
def test_the_working_folder_cannot_be_written(root: Path) -> None:
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


@pytest.mark.usefixtures("site")
def test_a_source_says_much_less(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in (root / "history/all.jsonl").read_text().splitlines()]
    many = [{**rows[4], "id": str(number)} for number in range(100, 160)]
    small.write_records(root, [*rows, *many])
    assert ended(capfd, *sync(root)).code == 0
    small.write_records(root, rows[:3])
    ended(capfd, *sync(root)).is_row("a source says much less than before")
    assert ended(capfd, *sync(root), "--believe", "records").code == 0


def changed(root: Path, old: str, new: str) -> None:
    file = root / "deploybook.yml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_the_network_is_down(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    changed(root, "repository: shop", "repository: https://127.0.0.1:9/acme/shop")
    ended(capfd, *sync(root)).is_row("the network is down")


def test_a_repository_is_renamed(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (root / "shop").rename(root / "shop-web")
    ended(capfd, *sync(root)).is_row("a repository is renamed or gone")


def test_the_release_branch_is_deleted(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    changed(root, "repository: shop", "repository: shop\n    release_branch: stable")
    ended(capfd, *sync(root)).is_row("the release branch is gone")


def test_a_repository_is_empty(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(root / "shop")
    GitRepo(root / "shop")
    ended(capfd, *sync(root)).is_row("a repository is empty")


def test_a_clone_is_shallow(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (root / "shop").rename(root / "whole")
    address = (root / "whole").as_uri()
    subprocess.run(["git", "clone", "--quiet", "--depth", "2", address, str(root / "shop")], check=True)
    ended(capfd, *sync(root)).is_row("a clone is shallow")


def test_history_was_rewritten(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shop = GitRepo(root / "shop")
    shop.hours = 40
    shop.git("reset", "--quiet", "--hard", "HEAD~2")
    shop.commit("Write it anew")
    ended(capfd, *sync(root)).is_row("the history of a repository was rewritten")


def test_a_tag_was_moved(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shop = GitRepo(root / "shop")
    changed(root, "deployments: {from: records}", "deployments: {from: tags}")
    shop.git("tag", "v1.0", "HEAD~1")
    assert ended(capfd, *sync(root)).code == 0
    shop.git("tag", "--force", "v1.0", "HEAD")
    ended(capfd, *sync(root)).is_row("a tag was moved")


def test_bytes_are_no_text(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (root / "history/all.jsonl").open("ab") as file:
        file.write(b'{"type": "incident", "id": "\xff\xfe"}\n')
    ended(capfd, *sync(root)).is_row("a record is not UTF-8")


def test_a_record_is_huge(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    row = {"type": "annotation", "on": "2026-01-10", "text": "x" * 30_000_000}
    with (root / "history/all.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    ended(capfd, *sync(root)).is_row("a record is huge")


def test_the_clock_goes_back(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    early = [*sync(root)[:-1], "2026-01-10T12:00:00Z"]
    ended(capfd, *early).is_row("the clock goes back")


def test_every_row_is_shown_by_a_test(request: pytest.FixtureRequest) -> None:
    """Runs last in this file; where only some were asked for, there is nothing to compare."""
    ours = [item for item in request.session.items if item.path == request.path]
    if len(ours) < 20:
        pytest.skip("only some tests of this file run")
    assert set(TABLE) == SHOWN

"""The same tables whatever keeps the history and whatever counts it: linking, metrics and practices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.support import spark
from tests.support.postgres import Server

from deploybook.build.book import open_book
from deploybook.build.compose import Reading, shard_of, sync
from deploybook.build.progress import Progress
from deploybook.config import Config, load
from deploybook.errors import EngineError
from deploybook.example import EXAMPLE_AS_OF, make_example
from deploybook.history import History
from deploybook.pages.answers import Practices
from deploybook.pages.telling import Teller

pytestmark = pytest.mark.xdist_group("engines")
OURS = "deploybook"
LINKED = ("changes", "deployments", "branch_commits")
AS_OF = EXAMPLE_AS_OF + timedelta(days=11)
"""After both stories."""
QUIET = Progress(quiet=True, verbose=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The example organisation, made smaller, with a second monitor that says a part of it otherwise.

    Besides, a real history: this checkout's own, with a version at every fifth step of its first-parent line.
    """
    folder = tmp_path_factory.mktemp("engines")
    file = make_example(folder / "site", codebases=2, years=1)
    (folder / "site" / "told").mkdir()
    with (folder / "site" / "told" / "again.jsonl").open("w", encoding="utf-8") as out:
        for path in sorted((folder / "site" / "history").glob("*.jsonl")):
            for number, line in enumerate(path.read_text("utf-8").splitlines()):
                if number % 5 == 0 and (again := _otherwise(json.loads(line))):
                    out.write(json.dumps(again) + "\n")
    text = file.read_text("utf-8")
    for place, more in (
        ("\nsources:\n", "  - records: told/*.jsonl\n"),
        ("\ncodebases:\n", f"  {OURS}:\n    repository: ours.git\n    deployments: {{from: tags}}\n"),
    ):
        assert text.count(place) == 1
        text = text.replace(place, place + more)
    file.write_text(text, "utf-8")
    _clone(folder / "site" / "ours.git")
    return load(file)


def _clone(folder: Path) -> None:
    here = Path(__file__).parents[2]
    subprocess.run(["git", "clone", "--quiet", "--bare", here, folder], check=True)
    git = ("git", "-C", str(folder))
    line = subprocess.run(
        [*git, "rev-list", "--first-parent", "--reverse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.split()
    assert len(line) > 100, "clone this repository whole: its history is what is tested with"
    for number, revision in enumerate(line[::5], 1):
        subprocess.run([*git, "tag", "--force", f"v0.{number}", revision], check=True)


def _otherwise(record: dict[str, object]) -> dict[str, object] | None:
    """The same thing as another system tells it: 0.6 seconds later, and with fields of its own."""
    match record["type"]:
        case "pipeline_run":
            own: dict[str, object] = {"trigger": "push", "outcome": "failure"}
        case "flag_change":
            own = {"codebases": ["shop-web"]}
        case "test_case_run" | "incident" | "deployment" | "coverage":
            own = {}
        case _:
            return None
    times = {
        name: (datetime.fromisoformat(str(record[name])) + timedelta(seconds=0.6)).isoformat()
        for name in ("finished_at", "resolved_at")
        if record.get(name)
    }
    return {**record, **times, **own}


def _tables(config: Config) -> Iterator[tuple[str, pa.Table]]:
    with History.open(config.history_url, root=config.root) as history:
        for name in history.tables():
            yield f"history {name}", history.read(name)
        book = open_book(config, history, AS_OF, QUIET)
        yield from book.tables.items()
        yield "practices", Practices(book, Teller(book)).table()


@pytest.fixture(scope="module")
def plain(site: Config) -> Mapping[str, pa.Table]:
    """Kept and counted by DuckDB."""
    sync(site, AS_OF, progress=QUIET)
    return dict(_tables(site))


@pytest.fixture(scope="module")
def kept(site: Config, server: Server) -> Config:
    """Kept by PostgreSQL: read by three shards of one schedule and one run of all."""
    config = _with(site, history=server.url(schema="engines"))
    for part in (1, 2, 3):
        sync(config, AS_OF, Reading(shard=(part, 3)), progress=QUIET)
    return config


def _with(config: Config, **changed: object) -> Config:
    return config.model_copy(update=changed)


def _differing(found: Mapping[str, pa.Table], expected: Mapping[str, pa.Table]) -> list[str]:
    assert found.keys() == expected.keys()
    return [name for name in expected if not found[name].equals(expected[name])]


def test_postgresql_gives_the_same_tables_as_duckdb(kept: Config, plain: Mapping[str, pa.Table]) -> None:
    assert plain["metrics"].num_rows > 5_000
    assert plain["practices"].num_rows > 50
    real = [table.filter(pc.field("codebase") == OURS) for name, table in plain.items() if name in LINKED]
    assert all(table.num_rows > 20 for table in real)
    assert _differing(dict(_tables(kept)), plain) == []


def test_a_spark_cluster_with_two_workers_gives_the_same_tables(
    kept: Config, plain: Mapping[str, pa.Table], tmp_path: Path
) -> None:
    lake = tmp_path / "tables"
    with spark.cluster(tmp_path) as cluster:
        asked = {"master": cluster.master, "tables": str(lake), "settings": cluster.settings}
        config = _with(kept, engine="spark", spark=kept.spark.model_copy(update=asked))
        found = dict(_tables(config))
        assert cluster.worked() == 2
    assert _differing(found, plain) == []
    assert not list(lake.glob("run-*")), "what a run puts there it takes away"
    assert list(lake.glob("test_case_runs/part=*/*.parquet"))


def test_an_engine_by_its_address_gives_the_same_tables_and_is_left_as_it_was(
    kept: Config, plain: Mapping[str, pa.Table], server: Server
) -> None:
    server.psql("CREATE DATABASE counting", "postgres")
    config = _with(kept, engine=server.url("counting"))
    assert _differing(dict(_tables(config)), plain) == []
    assert server.psql("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'counted%'", "counting") == "0\n"


def test_an_engine_that_there_is_not_is_told_without_its_password(site: Config) -> None:
    config = _with(site, engine="nosuch://ana:geheim@db.example.org/x")
    with (
        History.open(config.history_url, root=config.root) as history,
        pytest.raises(EngineError, match="cannot count") as told,
    ):
        open_book(config, history, AS_OF, QUIET)
    assert "geheim" not in str(told.value)
    assert "pip install 'ibis-framework[nosuch]'" in told.value.next_step


def test_without_java_the_next_step_is_to_install_it(site: Config, plain: Mapping[str, pa.Table]) -> None:
    assert site.file is not None
    file = site.file.with_name("on-spark.yml")
    file.write_text(site.file.read_text("utf-8") + "\nengine: spark\n", "utf-8")
    command = [str(Path(sys.executable).with_name("deploybook")), "check", "--config", str(file)]
    command += ["--as-of", AS_OF.isoformat()]
    nowhere = {**os.environ, "JAVA_HOME": "/nowhere"}
    ran = subprocess.run(command, check=False, capture_output=True, text=True, env=nowhere)
    assert ran.returncode == 4
    assert "Spark cannot count" in ran.stderr
    assert "install Java 17" in ran.stderr


def test_every_source_is_in_one_shard_and_those_of_a_codebase_are_together() -> None:
    names = [f"{kind}:shop-{number}" for number in range(400) for kind in ("git", "github")]
    shards = {name: shard_of(name, 8) for name in names}
    assert {shards[name] for name in names} == set(range(1, 9))
    assert all(shards[f"git:shop-{number}"] == shards[f"github:shop-{number}"] for number in range(400))
    sizes = [list(shards.values()).count(shard) for shard in range(1, 9)]
    assert min(sizes) > 60
    # The first eight bytes of SHA-256 of "shop-web", as sha256sum says them.
    assert shard_of("git:shop-web", 8) == int("0x" + _DIGEST_OF_SHOP_WEB, 16) % 8 + 1


_DIGEST_OF_SHOP_WEB = "f211d9c9e2083e10"

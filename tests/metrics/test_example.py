"""Every figure of the example organisation, made smaller, and of a real git history, against plain SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.metrics import plain
from tests.support.gitrepo import GitRepo

from deploybook.build.book import open_book
from deploybook.build.compose import sync
from deploybook.build.progress import Progress
from deploybook.config import Config, load
from deploybook.example import EXAMPLE_AS_OF, make_example
from deploybook.history import History
from deploybook.metrics import Settings, ready, settings_of
from deploybook.pages.data import served
from deploybook.sources.local import release_branches, repositories


def export(config: Config, as_of: datetime, folder: Path) -> Settings:
    """Write what a site serves below `data/`, and what `deploybook export` does; the choices behind them."""
    quiet = Progress(quiet=True, verbose=False)
    sync(config, as_of, progress=quiet)
    with History.open(config.history_url, root=config.root) as history:
        book = open_book(config, history, as_of, quiet)
        for name, rows in served(book).items():
            pq.write_table(rows, folder / f"{name}.parquet")
        history.export(folder / "export", "parquet")
    local = repositories(config, config.build_dir)
    return settings_of(config, as_of, branches=release_branches(local, config))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Settings]:
    folder = tmp_path_factory.mktemp("example")
    config = load(make_example(folder / "site", codebases=2, years=1))
    return folder, export(config, EXAMPLE_AS_OF, folder)


def test_plain_sql_over_the_exported_rows_gives_the_same_figures(exported: tuple[Path, Settings]) -> None:
    folder, settings = exported
    checked, wrong = plain.compare(folder, folder / "export", settings)
    assert wrong == []
    assert set(checked) == {figure.metric for part in ready.parts() for figure in part.figures}, (
        "every metric"
    )
    assert min(checked.values()) >= 3


def test_a_deployment_left_out_is_found_out(exported: tuple[Path, Settings], tmp_path: Path) -> None:
    folder, settings = exported
    for file in folder.glob("*.parquet"):
        table = pq.read_table(file)
        if file.stem == "deployments":
            table = table.filter(pc.field("counted") & (pc.field("outcome") == "success")).slice(1)
        pq.write_table(table, tmp_path / file.name)
    assert plain.compare(tmp_path, folder / "export", settings)[1] != []


def test_a_git_history_alone_with_tags_as_deployments(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "shop")
    repo.commit("Begin")
    repo.tag("v1.0.0")
    for number in range(1, 31):
        repo.branch(f"pr-{number}", "main")
        repo.commit(f"Work {number}", {f"{number}.txt": "line\n" * number})
        repo.switch("main")
        merge = repo.merge(f"pr-{number}", f"Merge pull request #{number} from acme/pr-{number}\n\nWork")
        if number % 7 == 0:
            repo.commit(f'Revert "Work {number}"\n\nThis reverts commit {merge}.')
        if number % 3 == 0:
            repo.tag(f"v1.{number}.0")
        repo.hours += 40
    config = Config.of(
        {"codebases": {"shop": {"repository": str(repo.folder), "deployments": {"from": "tags"}}}},
        root=tmp_path,
    )
    folder = tmp_path / "data"
    folder.mkdir()
    settings = export(config, datetime(2026, 6, 1, tzinfo=UTC), folder)
    checked, wrong = plain.compare(folder, folder / "export", settings)
    assert wrong == []
    assert checked["deployment_frequency"] > 5
    assert checked["change_lead_time_p50"] > 5

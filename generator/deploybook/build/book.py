"""From the store to a `Book`: link, count, and hand over what the pages are made from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from importlib.metadata import version

import pyarrow as pa

from deploybook.build import portion, public
from deploybook.build.copied import patch_ids
from deploybook.build.progress import Progress
from deploybook.build.reading import read_repositories, stated
from deploybook.charts.studio import Studio
from deploybook.config import Config
from deploybook.history import History, SourceState
from deploybook.linking import Linked, link
from deploybook.linking.kept import KeptLinks
from deploybook.linking.model import (
    BranchCommit,
    Delivery,
    LinkedChange,
    LinkedDeployment,
    LinkedIncident,
    from_table,
)
from deploybook.linking.required import by_branch_rules
from deploybook.metrics import INPUTS, Engine, Runs, compute_arrow, outliers, settings_of
from deploybook.pages.book import FLAKY_DAYS, Book, SetAside, SourceStatus
from deploybook.pages.figures import Figures
from deploybook.render import edition
from deploybook.sources.local import heads, release_branches, repositories

TESTS = "test_case_runs"


class Held(Mapping[str, pa.Table]):
    """Tables, each read when it is first asked for, by the process that holds the store.

    Args:
        names: Of the tables.
        read: Gives one by its name.
    """

    def __init__(self, names: list[str], read: Callable[[str], pa.Table]) -> None:
        self._names = names
        self._ask = read
        self._read: dict[str, pa.Table] = {}
        self._process = os.getpid()

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._read:
            if os.getpid() != self._process:  # an engine's connection does not survive a fork, it hangs
                raise RuntimeError(f"{name} was not read before pages were shared: see catalogue.READ")
            self._read[name] = self._ask(name)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@contextmanager
def _counted(linked: Linked, history: History, config: Config) -> Iterator[Runs]:
    """What metrics are counted from, and by what: linked rows in memory, the rest where it lies."""
    cache = config.work_dir / "cache"
    joined = {name: getattr(linked, name) for name in INPUTS if hasattr(linked, name)}
    names = [name for name in INPUTS if name not in joined]
    if config.engine != "duckdb":
        from deploybook.build import elsewhere, spark

        with (
            spark.counting(config, history, joined, names, cache / "metrics-spark")
            if config.engine == "spark"
            else elsewhere.counting(config.engine_url, history, joined, names)
        ) as engine:
            yield engine
        return
    stored, backend = history.counting({name: list(INPUTS[name]) for name in names})
    yield Engine({**joined, **stored}, backend, cache / "metrics")


class CountedTables(dict[str, pa.Table]):
    """Tables that are there when all is counted; who looks for one before gets a `LookupError`."""

    def __contains__(self, name: object) -> bool:
        if not self:
            raise LookupError(f"{name} was asked for before it was counted: see catalogue.parts")
        return super().__contains__(name)

    def __missing__(self, name: str) -> pa.Table:
        raise LookupError(f"{name} is not counted, or not yet: see catalogue.parts")


def open_book(
    config: Config, history: History, as_of: datetime, progress: Progress, studio: Studio | None = None
) -> Book:
    """Link and count the history as of an instant; for a public site, without what is not for outside."""
    book, count = begin_book(config, history, as_of, progress, studio)
    count()
    return book


def begin_book(
    config: Config, history: History, as_of: datetime, progress: Progress, studio: Studio | None = None
) -> tuple[Book, Callable[[], None]]:
    """The book with its history linked, and what counts it: its figures and tables are there after that."""
    config = by_branch_rules(config, history.read("branch_rules"), lambda: history.read("pipeline_runs"))
    local = repositories(config, config.build_dir)
    portion.narrow(history, config)
    progress.step("linking changes, deployments and incidents")
    shown = public.hide_config(config) if config.site.public else config
    held = _held(history, public.hide_before, shown, as_of)
    with ThreadPoolExecutor(1) as beside:  # git is asked while other tables are read
        copies = beside.submit(patch_ids, local, held["commits"], config.work_dir / "cache" / "patches.json")
        asked: dict[str, Callable[[], pa.Table]] = {
            "heads": lambda: heads(local, config), "patch_ids": copies.result,
        }  # fmt: skip
        known = Held([*held, *asked], lambda name: asked[name]() if name in asked else held[name])
        linked: Linked = portion.known(link(known, shown, as_of, _kept(shown)), config)
    said = read_repositories(local, config)
    releases = release_branches(local, config)
    told = public.hide_linked(shown, linked) if config.site.public else linked
    figures, tables = Figures(), CountedTables()

    def count() -> None:
        progress.step("counting")
        settings = settings_of(shown, as_of, branches=releases)
        with _counted(linked, history, config) as engine:
            counted, unusual = compute_arrow(engine, settings), outliers(engine, settings)
        figures.fill(counted)
        tables.update(
            changes=told.changes, deployments=told.deployments, incidents=told.incidents, metrics=counted,
            outliers=unusual, branch_commits=told.branch_commits,
        )  # fmt: skip

    book = Book(
        config=shown,
        as_of=as_of,
        changes=from_table(LinkedChange, told.changes),
        deliveries=from_table(Delivery, told.deliveries),
        deployments=from_table(LinkedDeployment, told.deployments),
        incidents=from_table(LinkedIncident, told.incidents),
        branch_commits=from_table(BranchCommit, told.branch_commits),
        figures=figures,
        tables=tables,
        history=_held(history, partial(public.hide_after, shown), shown, as_of),
        tested=history.codebases(TESTS),
        sources=[_status(source, shown) for source in history.sources() if portion.asks(source.name, config)],
        rejected=[
            _aside(row, shown)
            for row in history.rejected().to_pylist()
            if portion.asks(row["source"], config)
        ],
        repositories={name: repository.folder for name, repository in local.items()},
        releases=releases,
        owners=said.owners,
        houses=said.houses,
        pipelines=said.pipelines,
        statements=stated(config)[0],
        published=portion.published(history.read_kept("published"), config),
        answered=history.read_kept("answers"),
        notices=history.read_kept("notices").select(["key", "sent_at", "to"]),
        studio=studio,
    )
    return book, count


def _kept(config: Config) -> KeptLinks:
    """Where linked rows are kept: by our code, what runs it, and the whole configuration."""
    said = (edition(), version("pyarrow"), version("msgspec"), config.model_dump_json())
    return KeptLinks(config.work_dir / "cache" / "linked", sha256("\0".join(said).encode()).hexdigest())


def _held(
    history: History, hide: Callable[[str, pa.Table], pa.Table], config: Config, as_of: datetime
) -> Held:
    def read(name: str) -> pa.Table:
        if name == TESTS:  # there may be more than fit into memory, and no page tells the old ones
            return history.cases_after(as_of - timedelta(days=FLAKY_DAYS))
        return history.read(name)

    return Held(history.tables(), (lambda name: hide(name, read(name))) if config.site.public else read)


def _status(source: SourceState, config: Config) -> SourceStatus:
    error = "it could not be read" if source.error and config.site.public else source.error
    return SourceStatus(source.name, source.last_read, source.rows, source.rejected, error)


def _aside(row: dict[str, str], config: Config) -> SetAside:
    return SetAside(**(row | {"text": "not shown", "reason": "not shown"} if config.site.public else row))

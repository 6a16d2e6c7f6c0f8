"""From the store to a `Book`: link, count, and hand over what the pages are made from."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from datetime import datetime

import ibis
import pyarrow as pa

from deploybook.build.progress import Progress
from deploybook.build.reading import read_repositories
from deploybook.config import Config
from deploybook.history import History
from deploybook.linking import Linked, link
from deploybook.linking.model import (
    BranchCommit,
    Delivery,
    LinkedChange,
    LinkedDeployment,
    LinkedIncident,
    from_table,
)
from deploybook.metrics import Tables, compute_arrow, settings_of
from deploybook.pages.book import Book, Figures, SetAside, SourceStatus
from deploybook.sources.local import heads, repositories


class Held(Mapping[str, pa.Table]):
    """The merged history, each table read when it is first asked for."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._read: dict[str, pa.Table] = {}

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._read:
            self._read[name] = self._history.read(name)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._history.tables())

    def __len__(self) -> int:
        return len(self._history.tables())


def _counted(linked: Linked, history: History) -> Tables:
    """What metrics are counted from: linked rows in memory, the rest where it lies."""
    stored = ("pipeline_runs", "test_case_runs", "coverage", "flag_changes", "availability", "verdicts")
    return Tables(
        changes=ibis.memtable(linked.changes),
        deployments=ibis.memtable(linked.deployments),
        incidents=ibis.memtable(linked.incidents),
        branch_commits=ibis.memtable(linked.branch_commits),
        **{name: history.table(name) for name in stored},
    )


def open_book(config: Config, history: History, as_of: datetime, progress: Progress) -> Book:
    """Link and count the history as of an instant."""
    tables = Held(history)
    local = repositories(config, config.build_dir)
    progress.step("linking changes, deployments and incidents")
    linked: Linked = link(ChainMap({"heads": heads(local, config)}, tables), config, as_of)
    said = read_repositories(local, config)
    progress.step("counting")
    figures = compute_arrow(_counted(linked, history), settings_of(config, as_of))
    return Book(
        config=config,
        as_of=as_of,
        changes=from_table(LinkedChange, linked.changes),
        deliveries=from_table(Delivery, linked.deliveries),
        deployments=from_table(LinkedDeployment, linked.deployments),
        incidents=from_table(LinkedIncident, linked.incidents),
        branch_commits=from_table(BranchCommit, linked.branch_commits),
        figures=Figures(figures),
        tables={
            "changes": linked.changes,
            "deployments": linked.deployments,
            "incidents": linked.incidents,
            "metrics": figures,
        },
        history=tables,
        sources=[SourceStatus(s.name, s.last_read, s.rows, s.rejected, s.error) for s in history.sources()],
        rejected=[SetAside(**row) for row in history.rejected().to_pylist()],
        repositories={name: repository.folder for name, repository in local.items()},
        owners=said.owners,
        pipelines=said.pipelines,
        cache=config.build_dir / "cache",
    )

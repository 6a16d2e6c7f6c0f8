"""A `Book` with its figures, from records as JSON has them: what tests of the metric pages read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.pages import support

from deploybook.linking.model import (
    BranchCommit,
    LinkedChange,
    LinkedDeployment,
    LinkedIncident,
    to_table,
)
from deploybook.metrics import INPUTS, Engine, compute_arrow, outliers, settings_of
from deploybook.pages.book import Book
from deploybook.pages.figures import Figures


def counted(
    records: Iterable[Mapping[str, Any]],
    config: Mapping[str, Any] = support.SHOP,
    *,
    as_of: datetime = support.AS_OF,
) -> Book:
    """The book of some records with everything that is counted of them."""
    bare = support.book(records, config, as_of=as_of)
    linked = {
        "changes": to_table(LinkedChange, bare.changes),
        "deployments": to_table(LinkedDeployment, bare.deployments),
        "incidents": to_table(LinkedIncident, bare.incidents),
        "branch_commits": to_table(BranchCommit, bare.branch_commits),
    }
    held = {name: bare.history[name] for name in INPUTS if name in bare.history and name not in linked}
    engine = Engine({**held, **linked})
    settings = settings_of(bare.config, as_of)
    figures = compute_arrow(engine, settings)
    tables = {**linked, "metrics": figures, "outliers": outliers(engine, settings)}
    return replace(bare, figures=Figures(figures), tables=tables)

"""Every page and file of the site, family by family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from deploybook.pages import (
    branchpages,
    changes,
    codebase,
    data,
    deployments,
    environments,
    feeds,
    home,
    how_we_count,
    incidents,
    initiatives,
    metrics,
    outliers,
    owners,
    practices,
    process,
    rollup,
    scopes,
    shipped,
    trust,
    uptime,
    week,
)
from deploybook.pages.answers import Practices
from deploybook.pages.book import Book
from deploybook.pages.initiatives import belonging_of
from deploybook.pages.page import File, Page, Share
from deploybook.pages.recent import Recent
from deploybook.pages.telling import Teller

READ = (
    "annotations", "availability", "branch_rules", "changes", "coverage", "deployments", "environment_rules",
    "flag_changes", "incidents", "issues", "locks", "pipeline_runs", "shifts", "test_case_runs", "verdicts",
)  # fmt: skip
"""The tables of the history that pages ask for."""
_PARTS = 48
"""Into so many parts at most a family of many pages is parted."""
_LEAST = 4
"""Fewer pages than this are not worth a part of their own."""

Item = TypeVar("Item")


def shares(book: Book) -> list[Share]:
    """All that the site is made of, in parts, each of which can be made by itself."""
    counted, told = parts(book)
    return [*counted, *told]


def parts(book: Book) -> tuple[list[Share], list[Share]]:
    """The same: first those that tell figures, then those that can be made before anything is counted.

    Of the first, those with charts come first: new ones are drawn while the others are made. Then the longest
    come.
    """
    tell = Teller(book)
    weeks, years = week.Weeks(book), deployments.by_year(book)
    recent = Recent(book)
    counted: list[Share] = [
        partial(metrics.pages, book),
        *(partial(codebase.pages, book, tell, recent, years, some) for some in parted(book.codebases)),
        partial(outliers.pages, book, tell),
        partial(uptime.pages, book),
        partial(_answers, book, tell),
        partial(home.pages, book, tell),
        *(partial(deployments.year_pages, book, years, some) for some in parted(sorted(years))),
        partial(deployments.pages, book, years),
        partial(branchpages.pages, book),
        partial(scopes.pages, book, tell),
        partial(incidents.pages, book),
        partial(how_we_count.pages, book),
        partial(trust.pages, book),
    ]
    told: list[Share] = [
        partial(_all_changes, book, tell),
        partial(rollup.pages, book, tell, "month"),
        partial(rollup.pages, book, tell, "quarter"),
        partial(process.pages, book, tell),
        partial(initiatives.pages, book, tell),
        *(partial(week.pages, book, tell, weeks, some) for some in parted(book.weeks)),
        partial(environments.pages, book),
        partial(owners.pages, book),
        partial(shipped.pages, book, tell),
    ]
    return counted, told


def ready(book: Book) -> None:
    """Have the book find what several of its parts ask, so that each process need not find it for itself.

    What the store holds is read here too: no process that is forked from this one may ask it.
    """
    for name in READ:
        if name in book.history:
            _ = book.history[name]
    _ = book.delivered, book.weeks, book.change, book.deployment, book.branches, book.breaks
    _ = book.tellers("changes", None), belonging_of(book)


def parted(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Some of the items at a time, in their order."""
    size = max(_LEAST, -(-len(items) // _PARTS))
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _answers(book: Book, tell: Teller) -> Iterator[Page | File]:
    """The practices, and the data files: the answers are among them."""
    answers = Practices(book, tell)
    yield from practices.pages(book, answers)
    yield from data.pages(replace(book, tables={**book.tables, "practices": answers.table()}))


def _all_changes(book: Book, tell: Teller) -> Iterator[Page | File]:
    """What tells all changes: in one part, so that one process has them all told, and no other need to."""
    yield from changes.pages(book, tell)
    yield from feeds.pages(book, tell)
    yield from rollup.scope_pages(book, tell)

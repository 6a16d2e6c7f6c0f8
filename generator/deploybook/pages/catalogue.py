"""Every page and file of the site, family by family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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
from deploybook.pages.book import Book
from deploybook.pages.page import File, Page
from deploybook.pages.telling import Teller


def everything(book: Book) -> Iterator[Page | File]:
    """All that the site is made of."""
    tell = Teller(book)
    yield from home.pages(book, tell)
    yield from week.pages(book, tell)
    yield from shipped.pages(book, tell)
    yield from initiatives.pages(book, tell)
    yield from rollup.pages(book, tell)
    yield from feeds.pages(book, tell)
    yield from changes.pages(book, tell)
    yield from metrics.pages(book)
    yield from codebase.pages(book, tell)
    yield from scopes.pages(book, tell)
    yield from deployments.pages(book)
    yield from outliers.pages(book, tell)
    yield from incidents.pages(book)
    yield from uptime.pages(book)
    yield from branchpages.pages(book)
    yield from how_we_count.pages(book)
    yield from trust.pages(book)
    yield from process.pages(book, tell)
    yield from owners.pages(book)
    yield from environments.pages(book)
    answers = practices.Practices(book, tell)
    yield from practices.pages(book, answers)
    yield from data.pages(replace(book, tables={**book.tables, "practices": answers.table()}))

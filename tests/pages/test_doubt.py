"""Figures go grey where less is known of them than before, or their source is no longer read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from markupsafe import Markup
from tests.pages.support import AS_OF, SHOP, change, deployment
from tests.support.books import counted

from deploybook.config import Config
from deploybook.pages.book import Book, SourceStatus
from deploybook.pages.doubt import doubt
from deploybook.pages.five import codebase_scope, five
from deploybook.pages.home import home_page
from deploybook.pages.metrics import metrics_page
from deploybook.pages.recent import Recent
from deploybook.pages.telling import Teller
from deploybook.render import environment
from deploybook.words import NBSP

LEAD = "change_lead_time_p50"


def weekly(known: int, *, weeks: int = 30, unknown: int = 5, each: int = 5) -> Iterator[dict[str, Any]]:
    """Five changes and a deployment a week; of the last four weeks' only some tell their first commit."""
    for back in range(weeks, -1, -1):
        live = AS_OF - timedelta(weeks=back, hours=2)
        ids = []
        for number in range(each):
            tells = back >= 4 or number < known
            begun = {"first_commit_at": (live - timedelta(days=2)).isoformat()} if tells else {}
            ids.append(f"{back}-{number}")
            yield change(ids[-1], "Change it", (live - timedelta(days=1)).isoformat(), **begun)
        yield deployment(str(back), live.isoformat(), ids)


def test_a_figure_of_which_less_is_known_says_how_much() -> None:
    found = doubt(counted(weekly(known=2)), "codebase", "shop", LEAD)
    assert found is not None
    assert found.short == f"40{NBSP}% of rows known, 100{NBSP}% before"


@pytest.mark.parametrize("known", [4, 5])
def test_a_little_less_is_no_reason(known: int) -> None:
    """Four of five is one in five less; that is doubted, all of them is not."""
    found = doubt(counted(weekly(known=known)), "codebase", "shop", LEAD)
    assert (found is not None) == (known == 4)


def test_a_few_rows_are_no_share() -> None:
    assert doubt(counted(weekly(known=0, each=2)), "codebase", "shop", LEAD) is None


def test_what_was_never_known_has_not_fallen() -> None:
    rows = [{k: v for k, v in row.items() if k != "first_commit_at"} for row in weekly(known=0)]
    assert doubt(counted(rows), "codebase", "shop", LEAD) is None


def read_at(book: Book, last: datetime | None, error: str | None = None) -> Book:
    """The book whose deployments came from one source, last read then."""
    table = book.history["deployments"]
    rows = pa.Table.from_pylist([{"codebase": "shop", "source": "records:a"}])
    held = {**book.history, "deployments": rows, "changes": rows.slice(0, 0)}
    assert table is not None
    return replace(book, history=held, sources=[SourceStatus("records:a", last, 1, 0, error)])


@pytest.mark.parametrize(("hours", "grey"), [(1, False), (36, False), (37, True)])
def test_a_source_that_is_no_longer_read_turns_its_figures_grey(hours: int, grey: bool) -> None:
    book = read_at(counted(weekly(known=5)), AS_OF - timedelta(hours=hours), "no route")
    found = doubt(book, "site", "", "deployment_frequency")
    assert (found is not None) == grey
    if found is not None:
        assert found.short.startswith(f"records:a last read 1.5{NBSP}days ago")


def test_other_figures_and_other_codebases_are_not_touched() -> None:
    book = read_at(counted(weekly(known=5)), AS_OF - timedelta(days=9))
    assert doubt(book, "site", "", "uptime") is None
    assert doubt(book, "codebase", "web", "deployment_frequency") is None


def test_a_site_without_a_limit_has_no_stale_source() -> None:
    book = read_at(counted(weekly(known=5)), AS_OF - timedelta(days=9))
    never = Config.of({**SHOP, "site": {**SHOP["site"], "stale_after": False}}, root=book.config.root)
    assert doubt(replace(book, config=never), "site", "", "deployment_frequency") is None


def test_home_and_metrics_pages_show_it_grey_with_its_reason() -> None:
    book = read_at(counted(weekly(known=5)), AS_OF - timedelta(days=9))
    jinja = environment()
    pages = {
        "home": jinja.get_template("home.md.jinja").render(page=home_page(book, Teller(book))),
        "metrics": jinja.get_template("metrics.md.jinja").render(page=metrics_page(book)),
    }
    for text in pages.values():
        assert "db-doubted" in text
        assert "records:a" in Markup(text).unescape()
    lines = list(five(book, codebase_scope(Recent(book), "shop"), Markup("x")))
    assert lines[0].doubt.startswith("records:a last read")


def test_pages_of_a_book_that_is_whole_show_nothing_grey() -> None:
    text = environment().get_template("metrics.md.jinja").render(page=metrics_page(counted(weekly(known=5))))
    assert "db-doubt" not in text

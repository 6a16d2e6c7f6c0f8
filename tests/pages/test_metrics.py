"""The metrics page says what the rows say, and no more."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime, timedelta

import duckdb
import pyarrow.parquet
import pytest
from tests.pages.support import AS_OF, SHOP, change, deployment
from tests.pages.support import book as support_book
from tests.support.books import counted

from deploybook.pages import data, deployments, how_we_count, metrics, restated, summary, trust
from deploybook.pages.figures import Figure
from deploybook.pages.page import File
from deploybook.pages.readings import Kind, Reading, Verdict
from deploybook.pages.recent import Recent

FIRST = datetime.fromisoformat("2026-09-01T10:00:00+00:00")


READS = {
    **SHOP,
    "codebases": {"shop": {"deployments": {"from": "records"}, "incidents": {"from": "records"}}},
}
"""Incidents are read, and there may be none."""


def day(number: int, hour: int = 10) -> str:
    return (FIRST + timedelta(days=number, hours=hour - 10)).isoformat()


def shipped(count: int) -> list[dict[str, object]]:
    """So many changes, one a day, each in a deployment of its own."""
    rows: list[dict[str, object]] = []
    for n in range(count):
        rows.append(change(str(n), f"Change {n}", day(n, 8), first_commit_at=day(n - 2)))
        rows.append(deployment(f"d{n}", day(n), [str(n)], started_at=day(n, 9)))
    return rows


def said(deployment_: str, started: str) -> dict[str, object]:
    return {
        "type": "incident", "id": f"i-{deployment_}", "started_at": started, "codebases": ["shop"],
        "resolved_at": started, "caused_by": [{"deployment": f"shop/{deployment_}"}],
    }  # fmt: skip


def near(id_: str, started: str) -> dict[str, object]:
    return {"type": "incident", "id": id_, "started_at": started, "codebases": ["shop"]}


def test_the_three_readings_of_one_case_and_the_sentence_that_explains_them() -> None:
    rows = [*shipped(12), said("d2", day(2, 11)), near("n", day(5, 12))]
    rows.append(deployment("fix", day(8, 12), ["20"], mends=["d8"]))
    book = counted([*rows, change("20", "Mend it", day(8, 11), labels=["hotfix"])])
    sentence = str(summary.three_readings(book, Recent(book)))
    assert "2 of 13" in sentence, "said by the incident, and by what d8's hotfix mends"
    assert "Counting by what was said alone gives 2; adding incidents" in sentence
    assert "24\u00a0hours gives 3." in sentence


def test_a_correction_acquits_in_all_three_readings() -> None:
    config = {**SHOP, "corrections": [
        {"deployment": "shop/d2", "failed": False, "by": "ana", "on": "2026-09-04", "because": "a drill"}
    ]}  # fmt: skip
    book = counted([*shipped(6), said("d2", day(2, 11))], config)
    reached = [d for d in book.live_deployments if d.reached]
    assert [summary.count_failed(reached, each) for each in ("said", "headline", "near")] == [0, 0, 0]
    page = deployments.index(book, {})
    assert [row.name for row in page.acquitted] == ["shop/d2"]
    assert "a drill" in page.acquitted[0].because
    assert "The rule says that it failed" in page.acquitted[0].because


@pytest.mark.parametrize(
    ("often", "breaks", "sentence"),
    [
        (Verdict("above", record=True), Verdict("none"),
         "We deploy more often than ever, and it breaks no more often than before."),
        (Verdict("high"), Verdict("above"),
         "We deploy more often than before, but it breaks more often than before."),
        (Verdict("none"), Verdict("low"),
         "We deploy about as often as before, and it breaks less often than before."),
        (Verdict("few"), Verdict("few"), "Five\u00a0deployments reached users; one of 5 needed a fix."),
    ],
)  # fmt: skip
def test_the_headline_tells_a_trend_only_where_there_is_a_signal(
    often: Verdict, breaks: Verdict, sentence: str
) -> None:
    week = Figure(date(2026, 11, 16), 5, 5, None, 0, "deployments")
    failed = Figure(date(2026, 11, 16), 0.2, 1, 5, 0, "share")
    frequency = Reading("deployment_frequency", "count", (week,), frozenset(), (), frozenset(), often)
    failing = Reading("change_fail_rate", "share", (failed,), frozenset(), (), frozenset(), breaks)
    read = support_book([], READS)
    assert summary.headline(read, frequency, failing) == sentence


@pytest.mark.parametrize(
    ("breaks", "failures", "sentence"),
    [
        ("none", 0, "We deploy about as often as before, and it breaks no more often than before,"
                    " as far as is known."),
        ("few", 0, "We deploy about as often as before; none of 12 is known to have needed a fix."),
        ("few", 1, "We deploy about as often as before; one of 12 is known to have needed a fix."),
        ("few", 2, "We deploy about as often as before; two of 12 are known to have needed a fix."),
    ],
)  # fmt: skip
def test_where_no_incident_is_read_failures_are_told_as_those_that_are_known(
    breaks: Kind, failures: int, sentence: str
) -> None:
    week = Figure(date(2026, 11, 16), 12, 12, None, 0, "deployments")
    failed = Figure(date(2026, 11, 16), failures / 12, failures, 12, 0, "share")
    frequency = Reading(
        "deployment_frequency", "count", (week,), frozenset(), (), frozenset(), Verdict("none")
    )
    failing = Reading("change_fail_rate", "share", (failed,), frozenset(), (), frozenset(), Verdict(breaks))
    assert summary.headline(support_book([]), frequency, failing) == sentence


def test_a_quarter_without_incidents_does_not_say_that_nothing_failed() -> None:
    silent = summary.quarter(counted(shipped(6))).replace("\u00a0", " ")
    assert "none of" in silent
    assert "is known to have needed a fix" in silent
    assert "0 of" not in silent
    read = summary.quarter(counted(shipped(6), READS)).replace("\u00a0", " ")
    assert "known" not in read
    assert "0 of" in read


def test_how_we_count_says_that_no_incidents_are_read_beside_what_they_would_say() -> None:
    here = how_we_count.numbers(counted(shipped(6)))
    assert here.said.endswith(", no incidents are read")
    assert here.near.endswith(", no incidents are read")
    assert "incidents" not in here.undone_failed
    assert "incidents" not in how_we_count.numbers(counted(shipped(6), READS)).said


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ({"alertmanager": {"url": "https://a.test"}}, True),
        ({"prometheus": {"url": "https://p.test", "alerts": "ALERTS"}}, True),
        ({"prometheus": {"url": "https://p.test"}}, False),
        ({"records": "history/*.jsonl"}, False),
    ],
)
def test_incidents_are_read_where_a_source_is_asked_for_them(source: dict[str, object], read: bool) -> None:
    assert support_book([], {**SHOP, "sources": [source]}).incidents_read == read
    assert support_book([said("d1", day(1))]).incidents_read


def test_a_site_without_anything_is_written_and_never_zero_percent() -> None:
    page = metrics.metrics_page(counted([]))
    assert page.sentence == "Nothing has reached users in these weeks."
    assert all(panel.chart is None and panel.empty for panel in page.panels)
    assert all(panel.number in (None, "0") for panel in page.panels)


def test_a_codebase_with_a_single_deployment_has_counts_and_no_trend() -> None:
    page = metrics.metrics_page(counted(shipped(1)))
    assert "%" not in page.panels[2].sample
    assert page.codebases[0].failed.text == "0 of\u00a01"


def test_one_two_three_and_back_to_one_fails_three_and_withdraws_two() -> None:
    rows = [
        deployment("1", day(0), ["a"], revision="1" * 40),
        deployment("2", day(1), ["b"], revision="2" * 40),
        deployment("3", day(2), ["c"], revision="3" * 40),
        deployment("4", day(3), None, revision="1" * 40),
        *(change(id_, id_, day(n, 8)) for n, id_ in enumerate("abc")),
    ]
    book = counted(rows)
    by_id = {d.id: d for d in book.deployments}
    assert deployments.standing(by_id["3"]) == ("bad", "planned, needed a fix")
    assert deployments.standing(by_id["2"]) == ("watch", "planned, withdrawn with a later one")
    assert deployments.standing(by_id["4"]) == ("watch", "rollback")
    told = deployments.entry(book, by_id["3"])
    assert told.evidence == "Undone"
    assert "within 30 days" in told.because[0]
    assert "Over after 24 h" in str(told.over).replace("\u00a0", " ")


def test_every_deployment_is_an_anchor_on_the_page_of_its_year() -> None:
    book = counted(shipped(3))
    (page,) = deployments.year_pages(book, deployments.by_year(book), ["shop"])
    assert page.path == "deployments/shop/2026"
    anchors = [entry.anchor for month in page.model.months for entry in month.entries]
    assert anchors == ["production-d2", "production-d1", "production-d0"]
    assert all(str(book.deployment_href(d)).endswith(f"#production-{d.id}") for d in book.deployments)


def test_the_page_shows_what_plain_sql_counts_on_the_served_files() -> None:
    book = counted([*shipped(40), said("d2", day(2, 11)), said("d30", day(30, 11))])
    served = {name: data.parquet_bytes(table) for name, table in data.served(book).items()}
    deployed = pyarrow.parquet.read_table(io.BytesIO(served["deployments"]))
    since = Recent(book).since
    found = duckdb.execute(
        "select count(*) filter (outcome = 'success'), count(*) filter (needed_intervention), count(*)"
        " from deployed where counted and reached and finished_at >= ?", [since],
    ).fetchone()  # fmt: skip
    assert deployed.num_rows == 40
    assert found is not None
    page = metrics.metrics_page(book)
    assert f">{found[0]} in 26 weeks<" in str(page.panels[0].sample)
    assert f">{found[1]} of\u00a0{found[2]} (" in str(page.panels[2].sample)


def test_a_settled_figure_that_changes_is_restated_with_old_new_and_why() -> None:
    book = counted(shipped(12))
    kept = book.kept.new
    hour = replace(book, as_of=AS_OF + timedelta(hours=1), published=kept)
    assert hour.kept.new.num_rows == 0, "what did not change is not kept again"
    assert not hour.kept.restatements
    late = counted([*shipped(12), deployment("late", day(1, 15))], as_of=AS_OF + timedelta(hours=1))
    again = [r for r in restated.told(replace(late, published=kept)) if r.figure == "deployment_frequency"]
    week = next(r for r in again if r.period == "2026-W36" and r.whose.text == "shop")
    assert (week.old, week.new) == ("6", "7")
    assert week.cause.startswith("late data")


def test_what_found_nothing_is_listed_with_its_reason() -> None:
    rows = [*shipped(3), deployment("lost", day(4), None), near("alone", day(30)), near("by", day(1, 11))]
    page = trust.trust_page(counted(rows))
    assert (
        page.sentence == "3 of 4 deployments and 1 of 2 incidents found what they belong to; the lead time of"
        " all 3 changes is known."
    )
    assert page.deployments[0].because == "It names neither a revision nor its changes."
    assert page.incidents[0].because
    assert page.restated == ()


def test_every_served_column_is_described() -> None:
    book = counted(shipped(1))
    (package,) = [file for file in data.pages(book) if file.path == "data/datapackage.json"]
    assert isinstance(package, File)
    assert b'"description"' in package.content

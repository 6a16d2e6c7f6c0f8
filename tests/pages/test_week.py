"""The page of a week: whole, true, and never larger than a phone can take."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pages.support import AS_OF, SHOP, book, change, deployment

from deploybook import render
from deploybook.pages import rollup
from deploybook.pages.book import Book
from deploybook.pages.page import Page
from deploybook.pages.shipped import shipped_page, waiting_page
from deploybook.pages.telling import Teller
from deploybook.pages.week import WeekPage, Weeks, pages, week_page
from deploybook.periods import Week

BEFORE = deployment("0", "2026-10-20T09:00:00Z", revision="a")
NOTE = "```release-note\n{}\n```"
TITLES = (
    "Add vouchers", "fix: totals", "Improve search", "Remove the survey", "chore: tidy", "Bump left-pad",
    "A title of no kind", "docs: words", "feat(till): tips",
)  # fmt: skip
BODIES = (None, "NONE", NOTE.format("NONE"), NOTE.format("Tips can be given."), "Closes #4")


def told(book_: Book, week: str = "2026-W47") -> WeekPage:
    return week_page(book_, Teller(book_), Week.parse(week), Weeks(book_))


def every(book_: Book) -> list[Page]:
    return list(pages(book_, Teller(book_), Weeks(book_), book_.weeks))


def markdown(book_: Book, week: str = "2026-W47") -> str:
    page = next(page for page in every(book_) if page.path == f"shipped/{week}")
    return render.page_markdown(render.environment(), page)


def words(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(TITLES), st.sampled_from(BODIES), st.sampled_from(["Ana", "dependabot[bot]"])
        ),
        max_size=40,
    )
)
def test_every_delivered_change_stands_on_its_page_exactly_once(
    made: list[tuple[str, str | None, str]],
) -> None:
    records = [
        change(str(n), title, "2026-11-16T09:00:00Z", body=body, author=author)
        for n, (title, body, author) in enumerate(made, 1)
    ]
    ids = [record["id"] for record in records]
    page = told(book([*records, BEFORE, deployment("1", "2026-11-17T10:00:00Z", ids)]))
    rows = [row.anchor for area in page.areas for row in area.rows]
    rows += [row.anchor for area in page.areas if area.more for row in area.more.rows]
    rows += [row.anchor for fold in page.folds for row in fold.rows]
    assert sorted(map(str, rows)) == sorted(f"shop-{id_}" for id_ in ids)
    if made:
        numbers = [int(number) for number in re.findall(r"\d+", page.adds_up)]
        assert (sum(numbers[:-1]) or len(made)) == numbers[-1] == len(made)
        assert 0 not in numbers, "a part that is nothing is not told"


def test_the_first_sentence_is_the_two_best_pieces_of_news_in_their_authors_words() -> None:
    made = book(
        [
            change("1", "Add a", "2026-11-16T09:00:00Z", issues=[{"id": "9", "title": "An issue's title"}]),
            change("2", "Add b", "2026-11-16T09:00:00Z", body=NOTE.format("Shoppers pay with one tap.")),
            change("3", "Improve c", "2026-11-16T09:00:00Z", body=NOTE.format("Search answers at once.")),
            BEFORE,
            deployment("1", "2026-11-17T10:00:00Z", ["1", "2", "3"]),
        ]
    )
    assert told(made).sentence == "Shoppers pay with one tap; search answers at once."


def test_where_nobody_described_anything_it_says_how_many_of_which_kind() -> None:
    made = book(
        [
            *(change(str(n), title, "2026-11-16T09:00:00Z") for n, title in enumerate(TITLES[:5], 1)),
            BEFORE,
            deployment("1", "2026-11-17T10:00:00Z", ["1", "2", "3", "4", "5"]),
        ]
    )
    page = told(made)
    assert page.sentence.replace("\u00a0", " ") == (
        "Five changes reached users: one new, one improved, one fixed, one removed and one behind the scenes."
    )
    assert "Nobody has described them" in page.adds_up


def test_a_quiet_week_says_so_and_this_one_says_not_yet() -> None:
    made = book([BEFORE, deployment("1", "2026-11-03T09:00:00Z", revision="b")])
    assert told(made, "2026-W44").sentence == "A quiet week: nothing reached users."
    assert told(made).sentence == "Nothing has reached users yet this week."


def test_deployments_whose_revision_nobody_has_are_not_called_a_quiet_week() -> None:
    unknown = [deployment(str(n), f"2026-11-1{n}T10:00:00Z", None, revision=f"gone{n}") for n in (6, 7)]
    page = told(book([change("1", "Add a", "2026-11-01T09:00:00Z"), *unknown]))
    assert page.sentence == "What reached users is not known: of no deployment is the revision in git."
    assert page.lead.replace("\u00a0", " ") == "2 deployments went to users."


FLAGGED = [
    change("1", "Add tips", "2026-11-16T09:00:00Z", labels=["flag:tips"]),
    BEFORE,
    deployment("1", "2026-11-17T10:00:00Z", ["1"]),
]
WITH_FLAG: dict[str, Any] = {**SHOP, "flags": {"tips": {"label": "flag:tips"}}}


def switch(state: str, at: str = "2026-11-18T10:00:00Z", environment: str = "production") -> dict[str, Any]:
    return {
        "type": "flag_change",
        "flag": "tips",
        "environment": environment,
        "changed_at": at,
        "state": state,
    }


@pytest.mark.parametrize(
    ("switches", "says"),
    [
        ([], "behind flag tips"),
        ([switch("off")], "ready, flag tips is off"),
        ([switch("0.1")], "flag tips, on for 10 %"),
        ([switch("on", environment="staging")], "behind flag tips"),
        ([switch("off", "2026-11-17T11:00:00Z"), switch("on")], "flag tips on since Wed 18 Nov, 10:00"),
        ([switch("on", "2026-11-25T11:00:00Z")], "behind flag tips"),
    ],
)
def test_delivered_is_not_released(switches: list[dict[str, Any]], says: str) -> None:
    text = words(markdown(book([*FLAGGED, *switches], WITH_FLAG))).replace("\u00a0", " ")
    assert says in text
    assert ("not on for everyone yet" in text) == ("since" not in says)


def test_a_flag_on_in_one_of_two_regions_says_so() -> None:
    config = {**WITH_FLAG, "process": {"environments": ["staging", {"production": ["eu", "us"]}]}}
    made = book([change("1", "Add tips", "2026-11-16T09:00:00Z", labels=["flag:tips"]),
                 *(deployment(f"{n}-{place}", f"2026-11-1{n}T10:00:00Z", ["1"] if n == 7 else (),
                              environment=place, revision=f"r{n}") for n in (6, 7) for place in ("eu", "us")),
                 switch("on", environment="eu")], config)  # fmt: skip
    assert "flag tips, on in one of two regions" in words(markdown(made))


def test_what_was_taken_out_says_when_by_what_why_and_what_comes_next() -> None:
    made = book(
        [
            change("1", "Add gift cards", "2026-11-16T09:00:00Z"),
            change("2", 'Revert "Add gift cards"', "2026-11-17T11:00:00Z", reverts="1"),
            change("3", "Add gift cards, second attempt", "2026-11-19T09:00:00Z"),
            BEFORE,
            deployment("1", "2026-11-17T10:00:00Z", ["1"]),
            deployment("2", "2026-11-17T12:00:00Z", ["2"]),
            {
                "type": "incident", "id": "88", "title": "Wrong totals", "started_at": "2026-11-17T10:30:00Z",
                "codebases": ["shop"], "caused_by": [{"deployment": "shop/1"}], "url": "https://i.test/88",
            },
        ]
    )  # fmt: skip
    text = words(markdown(made)).replace("\u00a0", " ")
    assert "Add gift cards. Live Tue 10:00, taken back Tue 12:00, after 2 h. By the revert shop/2." in text
    assert "Wrong totals." in text
    assert "It is still out; Add gift cards, second attempt waits." in text


def test_an_editors_note_is_literal_text_in_paragraphs(tmp_path: Path) -> None:
    (tmp_path / "notes" / "weeks").mkdir(parents=True)
    note = "---\nby: ana\n---\n<b>One</b> *tap*\nis live.\n\nGift cards wait."
    (tmp_path / "notes" / "weeks" / "2026-W47.md").write_text(note, "utf-8")
    config = {**SHOP, "people": {"ana": {"name": "Ana Adler"}}}
    page = told(book([BEFORE], config, root=tmp_path))
    assert page.note is not None
    assert "<b>" not in page.note
    assert "*" not in page.note
    assert str(page.note).count("</p> <p>") == 1
    assert page.note_by == "Ana Adler"


def test_a_week_of_five_hundred_changes_stays_under_300_kb_with_all_of_them_on_it() -> None:
    title = "Improve how the search answers when somebody types the name of a shop that has moved {}"
    records = [
        change(str(n), title.format(n), "2026-11-16T09:00:00Z", author=f"Person {n} <p{n}@acme.test>",
               url=f"https://github.com/acme-corporation/shop-web/pull/{n}")
        for n in range(500)
    ]  # fmt: skip
    made = book([*records, BEFORE, deployment("1", "2026-11-17T10:00:00Z", [r["id"] for r in records])])
    text = markdown(made)
    assert len(text.encode()) < 240_000  # The theme adds the rest.
    assert len(set(re.findall(r'id="(shop-\d+)"', text))) == 500


def test_who_ships_for_the_first_time_is_welcomed_and_bots_are_not() -> None:
    made = book(
        [
            change("1", "Add a", "2026-11-09T09:00:00Z", author="Ana <ana@acme.test>"),
            change("2", "Add b", "2026-11-16T09:00:00Z", author="Ana <ana@acme.test>"),
            change("3", "Add c", "2026-11-16T09:00:00Z", author="Bo <bo@acme.test>"),
            change("4", "Bump d", "2026-11-16T09:00:00Z", author="dependabot[bot]"),
            BEFORE,
            deployment("1", "2026-11-10T10:00:00Z", ["1"]),
            deployment("2", "2026-11-17T10:00:00Z", ["2", "3", "4"]),
        ]
    )
    assert told(made).first_time == "Bo shipped for the first time. Welcome."


def test_who_ships_again_under_another_address_is_not_welcomed_again() -> None:
    authors = ("Zoe <zoe@acme.test>", "Bo <bo@acme.test>", "bo <bo@home.test>", "Cy <bo@home.test>")
    records = [
        change(str(n), f"Add {n}", "2026-10-01T09:00:00Z", author=author) for n, author in enumerate(authors)
    ]
    days = ("2026-10-27", "2026-11-03", "2026-11-10", "2026-11-17")
    live = [deployment(f"d{n}", f"{day}T10:00:00Z", [str(n)]) for n, day in enumerate(days)]
    made = book([*records, BEFORE, *live])
    assert told(made, "2026-W45").first_time == "Bo shipped for the first time. Welcome."
    assert told(made, "2026-W46").first_time == ""
    assert told(made).first_time == "Cy shipped for the first time. Welcome."


def test_what_was_taken_out_in_another_week_has_its_date_and_in_another_year_its_year() -> None:
    made = book(
        [
            change("1", "Add tips", "2025-12-01T09:00:00Z"),
            change("2", "Add vouchers", "2026-11-01T09:00:00Z"),
            change("3", 'Revert "Add tips"', "2026-11-17T11:00:00Z", reverts="1"),
            change("4", 'Revert "Add vouchers"', "2026-11-17T11:00:00Z", reverts="2"),
            deployment("0", "2025-11-01T09:00:00Z", revision="a"),
            deployment("1", "2025-12-02T10:00:00Z", ["1"]),
            deployment("2", "2026-11-04T10:00:00Z", ["2"]),
            deployment("3", "2026-11-19T12:00:00Z", ["3", "4"]),
        ]
    )
    text = words(markdown(made)).replace("\u00a0", " ")
    assert "Add tips. Live Tue 2 Dec 2025, 10:00, taken back Thu 12:00," in text
    assert "Add vouchers. Live Wed 4 Nov, 10:00, taken back Thu 12:00," in text
    assert "live Wed 10:00, out Thu 19 Nov, 12:00" in words(markdown(made, "2026-W45")).replace("\u00a0", " ")


def test_a_revert_that_was_reverted_is_not_called_withdrawn_but_brings_back() -> None:
    made = book(
        [
            change("1", "Add tips", "2026-11-16T09:00:00Z"),
            change("2", 'Revert "Add tips"', "2026-11-17T11:00:00Z", reverts="1"),
            change("3", 'Revert "Revert "Add tips""', "2026-11-18T11:00:00Z", reverts="2"),
            BEFORE,
            deployment("1", "2026-11-17T10:00:00Z", ["1"]),
            deployment("2", "2026-11-17T12:00:00Z", ["2"]),
            deployment("3", "2026-11-18T12:00:00Z", ["3"]),
        ]
    )
    assert made.change["shop", "2"].withdrawn_at is not None, "without it the test would tell nothing"
    page = told(made)
    assert [each.title for each in page.withdrawn] == ["Add tips."]
    assert "Back since" in page.withdrawn[0].says
    text = words(markdown(made))
    assert "Brought back: Add tips" in text
    assert "Taken back: Taken back" not in text


def test_the_lists_of_weeks_begin_with_what_the_week_begins_with() -> None:
    config = {**SHOP, "areas": {"Till": {"labels": ["till"]}, "Search": {"labels": ["search"]}}}
    made = book(
        [
            change("1", "Fix the order", "2026-11-16T09:00:00Z", labels=["search"]),
            change("2", "Fix the drawer", "2026-11-16T09:00:00Z", labels=["till"]),
            change("3", "Add tips", "2026-11-16T09:00:00Z", labels=["till"]),
            BEFORE,
            deployment("1", "2026-11-17T10:00:00Z", ["1", "2", "3"]),
        ],
        config,
    )
    assert told(made).areas[0].rows[0].words == "Add tips"
    archive = shipped_page(made, Teller(made)).years[0].rows[0]
    assert archive[1] == "Add tips"
    model = next(each for each in rollup.pages(made, Teller(made), "month") if each.path == "shipped/2026-11")
    assert isinstance(model.model, rollup.RollupPage)
    assert ["Add tips" in row for row in model.model.weeks if row[1] != "0"] == [True]


def test_what_waits_since_another_year_is_told_with_the_year() -> None:
    made = book(
        [
            change("1", "Add tips", "2025-05-23T09:00:00Z"),
            change("2", "Add vouchers", "2026-09-12T09:00:00Z"),
            deployment("0", "2025-01-01T09:00:00Z", revision="a"),
        ]
    )
    (group,) = waiting_page(made, Teller(made)).groups
    assert "the oldest merged" in group.says
    assert ">23\u00a0May\u00a02025, 09:00<" in group.says
    assert [str(row.meta[0]).rpartition("<")[0].rpartition(">")[2] for row in group.rows] == [
        "23\u00a0May\u00a02025, 09:00", "12\u00a0Sep, 09:00",
    ]  # fmt: skip


def test_what_waits_of_a_bot_is_folded_only_where_it_is_of_dependencies() -> None:
    made = book(
        [
            change("1", "fix: keep the spaces", "2026-11-16T09:00:00Z", author="helper[bot]"),
            change("2", "fix: bump left-pad", "2026-11-16T09:00:00Z", author="helper[bot]"),
            BEFORE,
        ]
    )
    (group,) = waiting_page(made, Teller(made)).groups
    assert [row.words for row in group.rows] == ["Keep the spaces"]
    assert [row.words for row in group.more] == ["Bump left-pad"]


def test_an_hour_later_only_what_a_reader_sees_differs() -> None:
    records = [*FLAGGED, change("9", "Add later", "2026-11-19T09:00:00Z")]
    now, later = book(records), book(records, as_of=AS_OF + timedelta(hours=1))
    assert every(now) == every(later)


def test_a_week_with_very_many_changes_tells_its_news_and_has_a_page_for_each_codebase(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deploybook.pages.book.HEAVY_WEEK", 20)
    made = [
        change(str(n), f"Add thing {n}" if n % 2 else f"chore: tidy {n}", "2026-11-16T09:00:00Z")
        for n in range(1, 31)
    ]
    ids = [record["id"] for record in made]
    heavy = book([BEFORE, *made, deployment("1", "2026-11-17T09:00:00Z", changes=ids)])
    tell = Teller(heavy)
    by_path = {page.path: page for page in pages(heavy, tell, Weeks(heavy), heavy.weeks)}
    week, shop = (
        render.page_markdown(render.environment(), by_path[path])
        for path in ("shipped/2026-W47", "shipped/2026-W47/shop")
    )
    assert "All changes" in week
    assert 'href="../../shipped/2026-W47/shop/"' in week
    assert not any(f"tidy {n}" in words(week) for n in range(2, 31, 2))
    for one in heavy.changes_in(Week.parse("2026-W47")):
        assert heavy.change_href(one).startswith("~/shipped/2026-W47/shop/#")
        assert shop.count(f'id="{tell(one).anchor}"') == 1


def test_codebases_of_a_heavy_week_share_pages_while_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploybook.pages.book.HEAVY_WEEK", 20)
    names = ("a", "b", "c", "d")
    records = []
    for name, count in zip(names, (4, 5, 30, 2), strict=True):
        ids = [str(n) for n in range(count)]
        own = [change(id_, f"Add {id_}", "2026-11-16T09:00:00Z") | {"codebase": name} for id_ in ids]
        live = [
            deployment("0", "2026-11-09T09:00:00Z", []) | {"codebase": name},
            deployment("1", "2026-11-17T09:00:00Z", ids) | {"codebase": name},
        ]
        records += [*own, *live]
    site = SHOP | {"codebases": {name: {"deployments": {"from": "records"}} for name in names}}
    heavy = book(records, site)
    by_path = {page.path: page for page in every(heavy)}
    told = [path.rpartition("/")[2] for path in by_path if path.startswith("shipped/2026-W47/")]
    assert told == ["a", "c", "d"]
    assert by_path["shipped/2026-W47/a"].title == "a to b, week 47 of 2026"
    for one in heavy.changes_in(Week.parse("2026-W47")):
        page = {"a": "a", "b": "a", "c": "c", "d": "d"}[one.codebase]
        assert heavy.change_href(one).startswith(f"~/shipped/2026-W47/{page}/#{one.codebase}-")

"""Who owns what, what says so, and what lacks an owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from markupsafe import Markup
from tests.pages.support import SHOP, book

from deploybook import render
from deploybook.ownership import Owned, read
from deploybook.pages.book import Book
from deploybook.pages.owners import owners_page, pages, rules
from deploybook.pages.owning import owner_of
from deploybook.pages.page import Page

PEOPLE: dict[str, Any] = {
    "people": {"ana": {"name": "Ana", "github": "ana-acme"}, "bo": {"name": "Bo"}},
    "teams": {"till": {"name": "Till", "members": ["ana"], "contact": "ana", "chat": "#till"}},
}


def owned(
    codeowners: str = "", catalogue: str = "", paths: tuple[str, ...] = ("a.py", "b.py", "c.md")
) -> Owned:
    files = {".github/CODEOWNERS": codeowners, "catalog-info.yaml": catalogue}
    content = {name: text.encode() for name, text in files.items() if text}
    return read(paths, content, location="https://github.com/acme/shop")


def shop(said: Owned, records: list[dict[str, Any]] | None = None, **codebase: Any) -> Book:
    settings = {"deployments": {"from": "records"}, **codebase}
    made = book(records or [], {**SHOP, **PEOPLE, "codebases": {"shop": settings}})
    return replace(made, owners={"shop": said})


CATALOGUE = "kind: Component\nmetadata: {name: shop}\nspec: {owner: crew}\n"


def test_the_configuration_stands_before_the_catalogue_and_that_before_codeowners() -> None:
    both = owned("* @acme/till\n", CATALOGUE)

    def said(made: Book) -> tuple[str, str] | None:
        owner = owner_of(made, "shop")
        return (owner.name, owner.by) if owner else None

    assert said(shop(both, team="till")) == ("Till", "configuration")
    assert said(shop(both)) == ("crew", "catalog-info.yaml")
    assert said(shop(owned("* @acme/till\n"))) == ("Till", "CODEOWNERS")
    assert said(shop(owned("/c.md @acme/till\n"))) is None
    assert said(shop(Owned())) is None


def test_another_owner_in_codeowners_is_told_and_does_not_win() -> None:
    (row,) = owners_page(shop(owned("* @ana-acme\n"), team="till")).codebases
    assert row.differs == "CODEOWNERS names Ana; the configuration stands."
    (row,) = owners_page(shop(owned("* @ana-acme\n", CATALOGUE), team="till")).codebases
    assert row.differs == "catalog-info.yaml names crew and CODEOWNERS names Ana; the configuration stands."
    (row,) = owners_page(shop(owned("* @acme/till\n"), team="till")).codebases
    assert row.differs == ""


def test_what_the_catalogue_leads_to_is_shown_beside_the_team_s_ways() -> None:
    links = "metadata: {name: shop, links: [{title: Runbook, url: https://x.test/r}, {url: 'javascript:x'}]}"
    catalogue = CATALOGUE.replace("metadata: {name: shop}", links)
    (row,) = owners_page(shop(owned("", catalogue), team="till")).codebases
    assert row.contact == Markup('Ana, &#35;till or <a href="https://x.test/r">Runbook</a>')
    (row,) = owners_page(shop(owned("", catalogue))).codebases
    assert row.contact == Markup('<a href="https://x.test/r">Runbook</a>')


def test_a_team_in_which_nobody_did_anything_for_half_a_year_is_named() -> None:
    def quiet(records: list[dict[str, Any]]) -> list[str]:
        made = owners_page(shop(owned("* @acme/till\n"), records, team="till"))
        return [str(gap) for gap in made.gaps if "nobody of it" in str(gap)]

    assert quiet(changes("bo", 1)) == [
        "Till owns shop, and nobody of it has merged or deployed anything in 180 days."
    ]
    assert quiet(changes("ana", 1)) == []


def test_files_that_no_rule_names_and_a_codebase_that_nobody_owns() -> None:
    gaps = [str(gap) for gap in owners_page(shop(owned("/c.md @ana-acme\n"))).gaps]
    assert gaps[0].startswith("shop has no owner")
    assert "2\N{NO-BREAK SPACE}files of shop match no rule of CODEOWNERS, a.py for one" in gaps[1]
    assert gaps[2].startswith("Ana owns files of shop, and no change of the last 180 days")


def changes(author: str, count: int) -> list[dict[str, Any]]:
    return [
        {
            "type": "change", "codebase": "shop", "id": f"{author}{n}", "title": "Change", "author": author,
            "merged_at": f"2026-10-{n + 1:02}T12:00:00Z", "files": ["a.py"],
        }
        for n in range(count)
    ]  # fmt: skip


def test_one_person_alone_is_told_and_two_are_not() -> None:
    def alone(records: list[dict[str, Any]]) -> bool:
        made = owners_page(shop(owned("* @ana-acme\n"), records, team="till"))
        return any("One person alone" in str(gap) for gap in made.gaps)

    assert alone(changes("ana", 1))
    assert not alone([*changes("ana", 5), *changes("bo", 1)])
    assert not alone(
        [*changes("ana", 5), {**changes("bo", 1)[0], "author": None}]
    )  # nobody knows whose it is
    assert not alone([])


def test_files_changed_mostly_by_others() -> None:
    made = owners_page(shop(owned("* @ana-acme\n"), [*changes("ana", 2), *changes("bo", 4)], team="till"))
    assert made.others == (("a.py", "shop", "Ana", "4 of\N{NO-BREAK SPACE}6 (67\N{NO-BREAK SPACE}%)"),)
    assert not owners_page(shop(owned("* @acme/till\n"), changes("ana", 6), team="till")).others


def test_the_script_is_given_the_rules_with_names_as_readers_know_them() -> None:
    given: Any = rules(shop(owned("*.py @ana-acme # hi\n"), team="till"))
    (found,) = given["codebases"]
    assert (found["owner"], found["by"], found["dialect"]) == ("Till", "configuration", "github")
    assert [(rule["owners"], rule["line"]) for rule in found["rules"]] == [(["Ana"], 1)]


def test_who_decides_is_known_at_the_very_moment_of_the_hand_over_and_from_recorded_turns() -> None:
    config = {
        **SHOP,
        "people": {"ana": {}, "bo": {}},
        "process": {"decides": {"rotation": "watch"}},
        "rotations": {"watch": {"members": ["ana", "bo"], "starts": date(2026, 11, 2)}},
    }
    at = datetime(2026, 11, 16, tzinfo=UTC)
    turn = book([], config).decider(at)
    assert turn is not None
    assert (turn.person, turn.start) == ("ana", at)
    imported = book([], {**config, "rotations": {"watch": {}}})
    assert imported.decider(at) is None
    rows = [{"rotation": "watch", "from": at, "to": at + timedelta(days=3), "person": "bo", "override": None}]
    shifts = pa.Table.from_pylist(rows, schema=imported.history["shifts"].schema)
    known = replace(imported, history={**imported.history, "shifts": shifts})
    assert [known.decider(at + timedelta(days=day)) is None for day in (0, 2, 3)] == [False, False, True]


def test_rotations_have_their_heading_where_there_is_none_for_other_pages_lead_to_it() -> None:
    for public in (False, True):
        made = book([], {**SHOP, "site": {**SHOP["site"], "public": public}})
        page = next(each for each in pages(made) if isinstance(each, Page))
        text = render.page_markdown(render.environment(), page)
        assert text.count("## Rotations\n") == 1
        assert ("No rotation is configured." in text) != public

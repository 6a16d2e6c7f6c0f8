"""Names that match nothing are listed with the line of configuration that would mend it."""

from __future__ import annotations

from typing import Any

import yaml
from tests.pages.support import SHOP, book, change, deployment

from deploybook.config import Config
from deploybook.pages.strangers import Stranger, strangers

PEOPLE: dict[str, Any] = {"people": {"ana": {"name": "Ana Lee", "github": "ana-acme"}}}
AT = "2026-11-18T10:00:00+00:00"


def found(*records: dict[str, Any], **config: Any) -> list[Stranger]:
    return strangers(book(records, {**SHOP, **config}))


def test_nothing_is_listed_where_everything_is_known() -> None:
    known = change("1", "One", AT, author="Ana Lee <ana@acme.test>")
    assert found(known, deployment("d", AT), **PEOPLE) == []


def test_a_codebase_that_records_name_and_nobody_knows() -> None:
    (one,) = found(change("1", "One", AT, codebase="till"), change("2", "Two", AT, codebase="till"))
    assert (one.kind, one.name, one.rows) == ("codebase", "till", 2)
    assert yaml.safe_load(one.mend) == {"codebases": {"NAME": {"also_known_as": ["till"]}}}


def test_an_environment_that_is_not_of_the_process_and_the_line_that_makes_it_one() -> None:
    process = {"environments": ["staging", {"production": ["eu", "us"]}]}
    (one,) = found(
        deployment("d", AT, environment="qa"), deployment("e", AT, environment="eu"), process=process
    )
    assert (one.kind, one.name, one.rows) == ("environment", "qa", 1)
    mended = yaml.safe_load(one.mend)
    assert mended == {"process": {"environments": ["qa", "staging", {"production": ["eu", "us"]}]}}
    assert found(deployment("d", AT, environment="qa"), **mended) == []


def test_people_by_how_often_they_are_named_and_never_by_their_address() -> None:
    said = ["bo-acme", "Cy Roe <cy@acme.test>", "dee@acme.test", "renovate[bot]", "@ana-acme", "bo-acme"]
    listed = found(*(change(str(n), "Some", AT, author=who) for n, who in enumerate(said)), **PEOPLE)
    assert [(one.kind, one.name, one.rows) for one in listed] == [
        ("person", "bo-acme", 2), ("person", "Cy Roe", 1), ("person", "known by an e-mail address only", 1),
    ]  # fmt: skip
    assert not any("@" in f"{one.name}{one.mend}" for one in listed)
    (entry,) = yaml.safe_load(listed[1].mend)["people"].values()
    people = {"people": {**PEOPLE["people"], "cy": entry}}
    assert Config.of({**SHOP, **people}, root=book(()).config.root).person_of("Cy Roe") == "cy"


def test_nobody_is_listed_where_no_people_are_configured() -> None:
    assert found(change("1", "One", AT, author="bo-acme")) == []


def test_a_name_that_would_break_the_line_is_quoted() -> None:
    hostile = 'bo"]}}, evil: {a: ['
    (one,) = found(change("1", "One", AT, author=hostile), **PEOPLE)
    assert yaml.safe_load(one.mend) == {"people": {"KEY": {"also_known_as": [hostile]}}}

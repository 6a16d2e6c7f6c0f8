"""The questions that the rest of the program asks of a configuration."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploybook.config import Config, load, secret
from deploybook.config.globs import Globs
from deploybook.errors import UsageError

FULL = Path(__file__).with_name("full.yml")


def config(**parts: object) -> Config:
    return Config.of(parts, root=Path("/site"))


def test_the_first_area_that_matches_wins() -> None:
    found = config(
        codebases={"pay": {}, "shop": {}},
        areas={
            "Checkout": {"labels": ["area/checkout"], "paths": ["src/checkout/**"]},
            "Payments": {"codebases": ["pay"]},
            "Shop": {"paths": ["src/**"]},
        },
    )
    assert found.area_of(["Area/Checkout"], [], "pay") == "Checkout"
    assert found.area_of([], ["src/checkout/form.ts"], "pay") == "Checkout"
    assert found.area_of([], ["README.md"], "pay") == "Payments"
    assert found.area_of([], ["README.md", "src/a.ts"], "shop") == "Shop"
    assert found.area_of(["area/other"], ["README.md"], "shop") is None
    assert found.area_of([], [], "shop") is None


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (
            "src/checkout/**",
            ["src/checkout/a", "src/checkout/a/b.ts"],
            ["src/checkout", "lib/src/checkout/a"],
        ),
        ("**/test/*.py", ["test/a.py", "a/b/test/c.py"], ["test/a/b.py", "test/a.pyc"]),
        ("src/**/x.py", ["src/x.py", "src/a/x.py", "src/a/b/x.py"], ["src/ax.py", "x.py"]),
        ("*.md", ["README.md", "docs/a/b.md"], ["README.mdx"]),
        ("/*.md", ["README.md"], ["docs/a.md"]),
        ("docs/", ["docs/a", "a/docs/b"], ["docs", "mydocs/a"]),
        ("docs", ["docs", "docs/a", "a/docs/b"], ["docs2", "mydocs"]),
        ("/a/b", ["a/b", "a/b/c"], ["x/a/b", "a/bc"]),
        ("a?c.[x]", ["abc.[x]"], ["a/c.[x]", "abc.x"]),
        ("**", ["a", "a/b"], []),
        ("a/**/**/b", ["a/b", "a/x/y/b"], ["ab"]),
    ],
)
def test_patterns_match_as_in_codeowners(pattern: str, yes: list[str], no: list[str]) -> None:
    globs = Globs([pattern])
    assert [path for path in yes if not globs.match(path)] == []
    assert [path for path in no if globs.match(path)] == []


def test_no_pattern_matches_nothing() -> None:
    assert not Globs([]).match("a")
    assert not Globs([""]).match("a")


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=5), st.text("ab*?/", max_size=8))
def test_a_literal_path_from_the_root_matches_itself_and_any_pattern_compiles(
    parts: list[str], junk: str
) -> None:
    path = "/".join(parts)
    assert Globs([f"/{path}", junk]).match(path)


def test_a_person_is_found_by_any_name_in_any_case() -> None:
    found = load(FULL)
    for name in ("mara", "MARA", "mara-l", "@Mara-L", "Mara Lind", " mara@harbour.test "):
        assert found.person_of(name) == "mara"
    assert found.person_of("OLE@old.test") == "ole"
    assert found.person_of("nobody") is None
    assert found.person_of(None) is None
    assert found.person_of("") is None


def test_a_key_names_its_own_person_even_where_another_is_called_so() -> None:
    found = config(people={"bo": {"name": "Ana"}, "ana": {"name": "Bo"}})
    assert (found.person_of("Ana"), found.person_of("BO")) == ("ana", "bo")


def test_a_codebase_is_found_by_name_alias_and_address_but_not_by_an_address_that_two_share() -> None:
    found = load(FULL)
    assert found.codebase_of("Ferry-Web") == "ferry-web"
    assert found.codebase_of("SVC.ferry") == "ferry-web"
    assert found.codebase_of("pkg:oci/ferry-web") == "ferry-web"
    assert found.codebase_of("https://git.harbour.test/Harbour/ferry-web") == "ferry-web"
    assert found.codebase_of("git@git.harbour.test:harbour/ferry-web.git") == "ferry-web"
    assert found.codebase_of("ssh://git@git.harbour.test/harbour/kiosk.git") == "kiosk"
    assert found.codebase_of("ferry") is None
    assert found.codebase_of(None) is None
    shared = config(
        codebases={name: {"repository": "https://x.test/mono", "path": name} for name in ("a", "b", "c")}
    )
    assert shared.codebase_of("https://x.test/mono") is None


def test_flags_come_from_labels_in_any_case_and_two_may_share_one() -> None:
    found = config(
        flags={"a": {"label": "flag:x"}, "b": {"label": "Flag:X"}, "c": {"label": "flag:c"}, "d": {}}
    )
    assert found.flags_of(["FLAG:x", "other"]) == ("a", "b")
    assert found.flags_of([]) == ()


def test_a_secret_is_read_from_the_environment_or_its_variable_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "hush")
    assert secret("env:SOME_TOKEN") == "hush"
    monkeypatch.setenv("SOME_TOKEN", "")
    with pytest.raises(UsageError, match="SOME_TOKEN is not set"):
        secret("env:SOME_TOKEN")
    with pytest.raises(UsageError) as caught:
        secret("hush-hush")
    assert "hush" not in str(caught.value)


def test_the_address_of_the_store_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE", "postgres://db/deploys")
    assert config(history="env:STORE").history_url == "postgres://db/deploys"
    assert config().history_url == "duckdb://build/history.duckdb"


def test_the_calendar_judges_the_past_by_its_own_rules() -> None:
    calendar = load(FULL).calendar
    assert calendar.zone == ZoneInfo("America/Halifax")
    old = calendar.rule_on(date(2026, 3, 1))
    assert old.cut_off is not None
    assert old.cut_off.weekdays == (4,)
    new = calendar.rule_on(date(2026, 3, 2))
    assert new.cut_off is not None
    assert new.cut_off.weekdays == (0, 2)
    assert calendar.off(date(2027, 1, 3)) == "year's end"
    assert calendar.off(date(2027, 1, 4)) is None
    assert calendar.off(date(2026, 7, 1)) == "Canada Day"


def test_a_rotation_holds_its_turns_and_its_overrides_in_the_zone_of_the_site() -> None:
    rotation = load(FULL).rotation("watch")
    # From Monday 2026-01-05 mara for two weeks; Wednesday and Thursday are for ole. Halifax is UTC-4.
    assert rotation.holder(datetime(2026, 1, 5, 3, 59, tzinfo=UTC)) is None
    assert rotation.holder(datetime(2026, 1, 5, 4, tzinfo=UTC)) == "mara"
    assert rotation.holder(datetime(2026, 1, 7, 3, 59, tzinfo=UTC)) == "mara"
    assert rotation.holder(datetime(2026, 1, 7, 4, tzinfo=UTC)) == "ole"
    assert rotation.holder(datetime(2026, 1, 9, 3, 59, tzinfo=UTC)) == "ole"
    assert rotation.holder(datetime(2026, 1, 9, 4, tzinfo=UTC)) == "mara"
    assert rotation.holder(datetime(2026, 1, 19, 4, tzinfo=UTC)) == "ole"


def test_a_configuration_cannot_be_changed() -> None:
    found = config()
    with pytest.raises(ValidationError, match=re.compile("frozen", re.I)):
        found.site = found.site

"""A release that has two names is one release on every page, and a hash is nobody's name."""

from __future__ import annotations

from typing import Any

from tests.pages.support import book, deployment
from tests.support.books import counted

from deploybook.pages.deployments import by_year, entry, index
from deploybook.pages.environments import runs_now
from deploybook.pages.trust import trust_page

REVISION = "fb485de9561d67b66c3e6fdcb372e6fdb1e13402"
COMMIT = {
    "type": "commit", "codebase": "shop", "revision": REVISION, "parents": [], "author": "ana",
    "authored_at": "2026-11-01T09:00:00Z", "committed_at": "2026-11-01T09:00:00Z", "message": "Add 1",
}  # fmt: skip


def released(id_: str, minute: int, **fields: Any) -> dict[str, Any]:
    at = f"2026-11-17T10:{minute:02}:00Z"
    return deployment(id_, at, None, revision=REVISION, version=id_, time_from="tag", **fields)


def test_a_second_tag_of_a_revision_is_told_as_another_name() -> None:
    made = counted([COMMIT, released("v3.1", 0), released("v0.301", 1)])
    first, second = sorted(made.deployments, key=lambda each: each.at)
    assert (first.counted, second.counted) == (True, False)
    assert not made.is_other_name(first)
    assert made.is_other_name(second)
    assert entry(made, second).no_changes == "another name of v3.1"
    assert runs_now(made) == {("production", "shop"): first}
    assert index(made, by_year(made)).sentence.startswith("One\N{NO-BREAK SPACE}deployment reached users")
    assert trust_page(made).sentence == "The one deployment found what it belongs to."


def test_a_deployment_whose_id_is_a_hash_is_called_by_its_version() -> None:
    made = book([deployment(REVISION, "2026-11-17T10:00:00Z", [], version="v3231")])
    (told,) = made.deployments
    assert (entry(made, told).name, entry(made, told).version) == ("v3231", "")
    assert REVISION in str(entry(made, told).href), "its address stays the same when its name is another"

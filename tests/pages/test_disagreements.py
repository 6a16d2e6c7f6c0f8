"""Words and facts, set against each other in cases that a person can check by eye."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from tests.pages.support import SHOP, book

from deploybook.pages.disagreements import Disagreement, disagreements
from deploybook.pipelines import read
from deploybook.practices import Statement

WEEKLY = {
    **SHOP,
    "process": {
        "cut_off": {"weekday": "wednesday", "time": "12:00"},
        "window": {"weekday": "thursday", "from": "10:00", "to": "14:00"},
    },
}


def deployment(id_: str, at: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "deployment", "codebase": "shop", "id": id_, "environment": "production",
        "started_at": f"2026-11-{at}:00Z", "finished_at": f"2026-11-{at}:30Z", "outcome": "success", **more,
    }  # fmt: skip


def change(id_: str, merged: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "change", "codebase": "shop", "id": id_, "title": f"Change {id_}",
        "merged_at": f"2026-11-{merged}:00Z", **more,
    }  # fmt: skip


def found(
    records: list[dict[str, Any]], config: Any = WEEKLY, root: Path | None = None
) -> dict[str, Disagreement]:
    return {each.id: each for each in disagreements(book(records, config, root=root))}


def test_a_planned_deployment_outside_the_window_is_named() -> None:
    told = found([deployment("1", "12T11:00"), deployment("2", "13T11:00")])["outside-the-window"]
    assert told.rows == ("shop/2",)  # 12 November 2026 is a Thursday, the 13th a Friday
    assert "1 of\N{NO-BREAK SPACE}2" in told.says


def test_a_rollback_may_go_at_any_hour() -> None:
    records = [deployment("1", "12T11:00", revision="a"), deployment("2", "13T11:00", kind="rollback")]
    assert "outside-the-window" not in found(records)


def test_a_change_merged_after_the_cut_off_should_wait() -> None:
    records = [
        change("1", "11T11:00"), change("2", "11T13:00"), change("3", "11T15:00"),
        deployment("1", "12T11:00", changes=["1", "2"]), deployment("2", "19T11:00", changes=["3"]),
    ]  # fmt: skip
    told = found(records)["after-the-cut-off"]
    assert told.rows == ("shop/2",)  # 1 was in time, 3 waited for the 19th
    assert "1 of\N{NO-BREAK SPACE}2" in told.says


def test_without_a_rule_nothing_is_broken() -> None:
    records = [change("1", "11T13:00"), deployment("1", "13T23:00", changes=["1"])]
    assert found(records, SHOP) == {}


def test_an_approval_that_did_not_happen() -> None:
    records = [
        change("1", "10T09:00", approvals=1, approved_at="2026-11-10T08:00:00Z"),
        change("2", "10T10:00", approvals=0),
        change("3", "10T11:00"),
        deployment("1", "12T11:00", changes=["1", "2", "3"]),
    ]
    assert found(records)["without-approval"].rows == ("shop/2",)  # of 3 nothing is known


def test_an_environment_that_nobody_named() -> None:
    told = found([deployment("1", "12T11:00"), {**deployment("2", "12T11:00"), "environment": "canary"}])
    assert told["unnamed-environment"].rows == ("canary",)


def test_a_turn_of_somebody_in_no_team() -> None:
    config = {
        **SHOP,
        "people": {"ana": {}, "bo": {"name": "Bo"}},
        "teams": {"till": {"members": ["ana"]}},
        "rotations": {"keeper": {"members": ["ana", "bo"], "every": "1w", "starts": date(2026, 11, 16)}},
    }
    told = found([], config)["gone-member-keeper-bo"]
    assert (
        told.says
        == "Bo is in no team, and holds keeper next on Mon 23\N{NO-BREAK SPACE}Nov\N{NO-BREAK SPACE}2026."
    )


def test_a_page_on_smoke_tests_and_a_pipeline_without(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "process" / "how.md"
    page.parent.mkdir(parents=True)
    page.write_text("---\ntitle: How\nreviewed: {on: 2026-11-01, by: ana}\n---\nSmoke tests can stop it.\n")
    text = b"on: push\njobs: {ship: {environment: production}}\n"
    made = book([], SHOP, root=tmp_path)

    def told(content: bytes) -> list[str]:
        pipelines = read({".github/workflows/ship.yml": content}, ())
        return [each.id for each in disagreements(replace(made, pipelines={"shop": pipelines}))]

    assert told(text) == ["smoke-tests"]
    assert told(text[:-2] + b", smoke: {needs: ship}}\n") == []


def test_a_pipeline_deploys_where_nothing_is_written() -> None:
    pipelines = read({".github/workflows/ship.yml": b"on: push\njobs: {a: {environment: Canary}}\n"}, ())
    (told,) = disagreements(replace(book([], SHOP), pipelines={"shop": pipelines}))
    assert (told.id, told.rows) == ("stage-without-words", ("shop: .github/workflows/ship.yml",))


def test_what_is_due_is_said_once_for_pages_and_once_for_statements(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "process" / "how.md"
    page.parent.mkdir(parents=True)
    page.write_text("# How\n")
    late = Statement("team.demos", "ana", date(2026, 1, 5), date(2026, 4, 5), met=True)
    made = replace(book([], SHOP, root=tmp_path), statements=(late,))
    assert [each.id for each in disagreements(made)] == ["review-due", "statement-due"]

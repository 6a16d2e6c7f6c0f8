"""Every kind of notice from what causes it: who hears of it, and in which words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.gate.test_together import Organisation
from tests.notify.support import NOW, Inbox, change, deployment, fill, minutes, told

from deploybook.config.models import NoticeKind
from deploybook.errors import SourceError
from deploybook.feed import RECORDS, Ask, Feed, Item, Unchanged
from deploybook.history import History
from deploybook.notify.words import _TITLES
from deploybook.records import Cause, Change, Deployment, Incident, Reason, Said, Verdict

DECIDES: dict[str, Any] = {
    "process": {"environments": ["staging", "production"], "decides": {"rotation": "keeper"}},
    "rotations": {"keeper": {"members": ["ana", "bo"], "starts": "2026-01-05"}},
}
"""Turns of a week: Ana has the even ones from the first on, so that of 16 November is Bo's."""


@pytest.fixture(autouse=True)
def _addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHECKOUT", "ANA", "BO"):
        monkeypatch.setenv(f"{name}_CHAT", f"chat://{name.lower()}")


def heard(folder: Path, at: datetime = NOW, **more: Any) -> list[tuple[str, str, str]]:
    """Address, title and first line of each message."""
    inbox = Inbox()
    told(folder, inbox, at, **more)
    return sorted((address, title, body.split("\n")[0]) for address, title, body in inbox.got)


def test_every_kind_that_can_be_asked_for_has_a_title() -> None:
    assert set(_TITLES) == set(get_args(NoticeKind))


def test_an_incident_reaches_the_team_the_authors_and_who_deployed(tmp_path: Path) -> None:
    fill(tmp_path, [
        change(11), deployment(0, [9], ago=9000), deployment(1, [11], ago=3000, by="bo-acme"),
        Incident(id="88", title="Wrong totals", codebases=("shop",), started_at=NOW - minutes(20),
                 caused_by=(Cause(deployment="1"),)),
    ])  # fmt: skip
    says = "shop: Wrong totals (tied to deployment 1)"
    incidents = [each for each in heard(tmp_path) if "incident" in each[1]]
    assert incidents == [
        (address, "An incident is tied to your deployment", says)
        for address in ("chat://ana", "chat://bo", "chat://checkout")
    ]


def test_a_change_that_was_rolled_back_is_told_to_its_author(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = Organisation(tmp_path)
    old = acme.repo.commit("Begin")
    new = acme.repo.commit("Pay by card (#11)", author="Ana")
    at = acme.repo.at
    acme.say(
        Change(codebase="shop", id="11", title="Pay by card", author="Ana", merged_at=at(1),
               merge_revision=new),
        *(Deployment(codebase="shop", id=str(number), environment="production", revision=revision,
                     finished_at=at(1 + number), outcome="success")
          for number, revision in enumerate((old, new, old), 1)),
    )  # fmt: skip
    assert "chat://ana: Your change was withdrawn" in acme.hear()


def test_who_takes_a_rotation_over_and_whose_it_was_are_told_when_the_turn_begins(tmp_path: Path) -> None:
    monday = datetime(2026, 11, 23, 9, tzinfo=UTC)
    fill(tmp_path, [])
    told(tmp_path, Inbox(), monday - timedelta(days=1), **DECIDES)

    def turns(at: datetime) -> list[tuple[str, str, str]]:
        return [each for each in heard(tmp_path, at, **DECIDES) if "handed over" in each[1]]

    assert turns(monday) == [
        ("chat://ana", "A rotation is handed over", "You hold keeper until 2026-11-30"),
        ("chat://bo", "A rotation is handed over", "ana takes keeper over from you, until 2026-11-30"),
    ]
    assert turns(monday + timedelta(hours=1)) == []


def test_a_source_that_cannot_be_read_is_told_to_who_decides(tmp_path: Path) -> None:
    def pull(ask: Ask) -> Iterator[Item]:
        if ask.cursor is None:
            raise SourceError("no route to host", where="tracker", next_step="Look.")
        yield Unchanged()

    with History.open("duckdb://build/history.duckdb", root=tmp_path) as history:
        history.sync(Feed("tracker", RECORDS, pull), Ask(as_of=NOW - minutes(10)))
    says = "tracker cannot be read: the site shows what it knew before"
    assert heard(tmp_path, **DECIDES) == [("chat://bo", "A source is behind", says)]
    assert heard(tmp_path, **DECIDES) == []


def test_a_source_that_nobody_read_for_days_is_told_once(tmp_path: Path) -> None:
    fill(tmp_path, [], "tracker")
    assert heard(tmp_path, NOW + timedelta(hours=36), **DECIDES) == []
    late = [each for each in heard(tmp_path, NOW + timedelta(hours=72), **DECIDES) if "source" in each[1]]
    says = "tracker was not read for 3 days: the site shows what it knew then"
    assert late == [("chat://bo", "A source is behind", says)]
    assert heard(tmp_path, NOW + timedelta(hours=73), **DECIDES) == []


def test_each_team_gets_the_digest_of_its_week_once(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(0, [9], ago=90000), deployment(1, [11])])
    told(tmp_path, Inbox())
    monday = NOW + timedelta(days=4)
    says = "Week 2026-W47: 1 change live in 1 deployment, 0 needed intervention"
    assert ("chat://checkout", "The week", says) in heard(tmp_path, monday)
    assert heard(tmp_path, monday + timedelta(hours=1)) == []


def test_forty_rollbacks_of_one_cause_are_one_message(tmp_path: Path) -> None:
    codebases = {
        f"shop-{number}": {"team": "checkout", "deployments": {"from": "records"}} for number in range(40)
    }
    records: list[Any] = []
    for name in codebases:
        records += [
            deployment(0, [9], ago=9000, codebase=name), change(11, codebase=name),
            deployment(1, [11], ago=2000, codebase=name),
            deployment(2, [], ago=20, codebase=name, mends=("1",)),
        ]  # fmt: skip
    fill(tmp_path, records)
    failures = [each for each in heard(tmp_path, codebases=codebases) if "intervention" in each[1]]
    assert [(address, title) for address, title, _ in failures] == [
        ("chat://ana", "40 deployments needed intervention"),
        ("chat://checkout", "40 deployments needed intervention"),
    ]


def test_one_incident_of_two_deployments_reaches_a_person_once_a_day(tmp_path: Path) -> None:
    first, second = Cause(deployment="1"), Cause(deployment="2")
    known = [change(11), change(12), deployment(0, [9], ago=9000), deployment(1, [11], ago=3000),
             deployment(2, [12], ago=2900)]  # fmt: skip

    def ana(causes: tuple[Cause, ...], hours: float) -> int:
        fill(tmp_path, [*known, Incident(id="88", title="Wrong totals", codebases=("shop",), caused_by=causes,
                                         started_at=NOW - minutes(20))])  # fmt: skip
        messages = heard(tmp_path, NOW + timedelta(hours=hours))
        return len([each for each in messages if "incident" in each[1] and each[0] == "chat://ana"])

    assert ana((first,), hours=0) == 1
    assert ana((first, second), hours=1) == 0
    assert ana((first, second), hours=13) == 1


def test_who_decides_against_the_gate_is_named_to_the_team(tmp_path: Path) -> None:
    def verdict(ago: float, override: Said | None = None) -> Verdict:
        return Verdict(environment="production", revision="a" * 40, verdict="fail", codebase="shop",
                       judged_at=NOW - minutes(ago), override=override,
                       reasons=(Reason(check="smoke", answer="fail", says="smoke failed"),))  # fmt: skip

    fill(tmp_path, [change(11), verdict(20)])
    stop = "shop aaaaaaaaaa was stopped before users: smoke failed"
    assert [each[::2] for each in heard(tmp_path)] == [("chat://ana", stop), ("chat://checkout", stop)]
    fill(tmp_path, [change(11), verdict(20), verdict(5, Said(by="bo", because="users cannot pay"))])
    goes = "shop aaaaaaaaaa goes on although it was stopped, by bo: users cannot pay. The gate: smoke failed"
    assert [each[::2] for each in heard(tmp_path)] == [("chat://checkout", goes)]

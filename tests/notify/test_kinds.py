"""Every kind of notice from what causes it: who hears of it, and in which words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.gate.test_together import Organisation
from tests.notify.support import NOW, Inbox, change, deployment, fill, minutes, told
from tests.pages.support import book

from deploybook.config.models import NoticeKind
from deploybook.errors import SourceError
from deploybook.feed import RECORDS, Ask, Feed, Item, Unchanged
from deploybook.history import History
from deploybook.notify.words import _TITLES
from deploybook.pages.notes import Notices
from deploybook.records import (
    Cause,
    Change,
    Deployment,
    Incident,
    PipelineRun,
    Reason,
    Said,
    TestCaseRun,
    Verdict,
)

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
        ("chat://ana", "A rotation is handed over", "You hold keeper until Mon 30 Nov"),
        ("chat://bo", "A rotation is handed over", "Ana takes keeper over from you, until Mon 30 Nov"),
    ]
    assert turns(monday + timedelta(hours=1)) == []


def test_a_flaky_test_is_told_to_who_owns_its_file(tmp_path: Path) -> None:
    acme = Organisation(tmp_path)
    acme.repo.commit(
        "Begin", files={"CODEOWNERS": "/tests/ @bo\n", "tests/test_pay.py": "", "src/pay.py": ""}
    )

    def case(outcome: str, attempt: int, suite: str, name: str) -> TestCaseRun:
        return TestCaseRun(codebase="shop", suite=suite, name=name, outcome=outcome, revision="a" * 40,  # type: ignore[arg-type]
                           run="7", attempt=attempt, started_at=acme.repo.at(6))  # fmt: skip

    acme.say(*(case(outcome, attempt, suite, name)
               for suite, name in (("tests.test_pay.TestCard", "pays"), ("elsewhere", "finds"))
               for attempt, outcome in enumerate(("fail", "pass"), 1)))  # fmt: skip
    assert acme.hear() == ["chat://bo: A flaky test", "chat://checkout: A flaky test"]


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


def test_where_nobody_is_named_who_decides_each_team_hears_of_a_source_that_is_behind(tmp_path: Path) -> None:
    fill(tmp_path, [], "tracker")
    told(tmp_path, Inbox())
    (late,) = heard(tmp_path, NOW + timedelta(hours=72))
    assert late[:2] == ("chat://checkout", "A source is behind")


def test_who_wrote_what_broke_the_release_branch_hears_of_it(tmp_path: Path) -> None:
    def ran(number: int, outcome: str, ago: float, revision: str) -> PipelineRun:
        return PipelineRun(codebase="shop", id=str(number), pipeline="ci", outcome=outcome, branch="main",
                           finished_at=NOW - minutes(ago), revision=revision)  # fmt: skip

    fill(tmp_path, [
        deployment(0, [9], ago=9000), change(11, merge_revision="a" * 40),
        change(12, author="bo-acme", merge_revision="b" * 40),
        ran(1, "success", 90, "a" * 40), ran(2, "failure", 60, "b" * 40), ran(3, "failure", 30, "c" * 40),
    ])  # fmt: skip
    assert heard(tmp_path) == [
        (address, "A release branch is red", "shop: main is red: ci")
        for address in ("chat://bo", "chat://checkout")
    ]


def test_what_comes_late_is_told_with_its_day_and_nobody_new_hears_of_old_things(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(0, [9], ago=90000)])
    people = {"ana": {"github": "ana-acme", "notify": ["env:ANA_CHAT"]}}
    only: dict[str, Any] = {"teams": {"checkout": {}}, "people": people}
    assert heard(tmp_path, **only) == []
    fill(tmp_path, [change(11), deployment(0, [9], ago=90000), deployment(1, [11], ago=30)])
    monday = NOW + timedelta(days=4)
    late = ("chat://ana", "Your change is live", "#11 in shop is live: Change 11 (Thu 19 Nov)")
    assert late in heard(tmp_path, monday, **only)
    joined = {"bo": {"notify": ["env:BO_CHAT"], "follows": ["shop"], "notices": ["deployed"]}}
    assert heard(tmp_path, monday, teams={"checkout": {}}, people=people | joined) == []


def test_an_incident_that_is_tied_to_its_deployment_days_later_is_told_then(tmp_path: Path) -> None:
    known = [change(11), deployment(0, [9], ago=90000), deployment(1, [11], ago=60)]

    def tied(causes: tuple[Cause, ...], days: int) -> list[tuple[str, str, str]]:
        fill(tmp_path, [*known, Incident(id="88", title="Wrong totals", codebases=("shop",), caused_by=causes,
                                         started_at=NOW + timedelta(days=2))])  # fmt: skip
        return [each for each in heard(tmp_path, NOW + timedelta(days=days)) if "incident" in each[1]]

    assert tied((), 0) == []
    assert tied((), 3) == []
    says = "shop: Wrong totals (tied to deployment 1) (Sat 21 Nov)"
    assert tied((Cause(deployment="1"),), 6) == [
        (address, "An incident is tied to your deployment", says)
        for address in ("chat://ana", "chat://checkout")
    ]


def test_who_asks_for_what_is_no_notice_that_was_sent(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(0, [9], ago=9000)])

    def sent_since(inbox: Inbox) -> datetime | None:
        told(tmp_path, inbox)
        with History.open("duckdb://build/history.duckdb", root=tmp_path, read_only=True) as history:
            return Notices.of(replace(book([]), notices=history.kept("notices").to_pyarrow())).since

    assert sent_since(Inbox()) is None
    fill(tmp_path, [change(11), deployment(0, [9], ago=9000), deployment(1, [11])])
    assert sent_since(Inbox()) == NOW


def test_what_waits_for_an_address_that_is_no_longer_named_is_not_sent(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(0, [9], ago=9000), deployment(1, [11])])
    assert told(tmp_path, Inbox("chat://ana")).waiting == 1
    moved = {"ana": {"github": "ana-acme", "notify": ["env:BO_CHAT"]}}
    sent = told(tmp_path, Inbox("chat://ana"), NOW + minutes(10), people=moved)
    assert (sent.refused, sent.waiting) == ([], 0)


def test_each_team_gets_the_digest_of_its_week_once(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(0, [9], ago=90000), deployment(1, [11])])
    told(tmp_path, Inbox())
    monday = NOW + timedelta(days=4)
    says = "Week 2026-W47: 1 change live in 1 deployment, none needed intervention"
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
    stop = "shop aaaaaaaaaa was stopped on its way to production: smoke failed. Not live yet: Change 11"
    assert [each[::2] for each in heard(tmp_path)] == [("chat://ana", stop), ("chat://checkout", stop)]
    fill(tmp_path, [change(11), verdict(20), verdict(5, Said(by="bo", because="users cannot pay"))])
    goes = (
        "Bo promotes shop aaaaaaaaaa to production although the gate stopped it: users cannot pay. "
        "The gate said: smoke failed"
    )
    assert heard(tmp_path) == [("chat://checkout", "A stopped promotion goes on", goes)]

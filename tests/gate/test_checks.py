from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.gate.support import (
    LATER,
    MID,
    NEW,
    NOW,
    OLD,
    change,
    config,
    deployment,
    good,
    hours,
    run,
)

from deploybook.gate import Facts, LockInTheWay, judge
from deploybook.linking.model import LinkedIncident
from deploybook.records import Said, TestCaseRun

CI = run("ci")
SMOKE = run("smoke", ago=0.5)
LIVE = deployment("1", "production", OLD, NOW - hours(35))
ANA = LockInTheWay("production is locked by ana: release 12", exempt=("#11", "shop/12"))


def incident(**more: Any) -> LinkedIncident:
    known: dict[str, Any] = {
        "id": "INC-1", "codebase": "shop", "title": "Payments fail", "started_at": NOW - hours(1)
    }  # fmt: skip
    return LinkedIncident(**known | more)


def case(name: str, outcome: str, attempt: int = 1, ago: float = 1, **more: Any) -> TestCaseRun:
    known: dict[str, Any] = {"suite": "smoke", "revision": NEW, "run": "7", "started_at": NOW - hours(ago)}
    return TestCaseRun(codebase="shop", name=name, outcome=outcome, attempt=attempt, **known | more)  # type: ignore[arg-type]


def failing(count: int, of: int) -> list[Any]:
    return [
        LIVE,
        *(
            deployment(
                str(number), "production", OLD, NOW - hours(36 + number), needed_intervention=number < count
            )
            for number in range(of - 1)
        ),
    ]


def unknown_revision() -> Facts:
    return good(question=replace(good().question, revision="e" * 40))


CASES: list[tuple[str, str, Facts, str, str]] = [
    ("unlocked", "nothing is locked", good(), "pass", "no lock is in the way"),
    (
        "unlocked", "a lock is held", good(locks=[LockInTheWay("production is locked by ana: release 12")]),
        "fail", "production is locked by ana: release 12",
    ),
    (
        "unlocked", "a lock lets through every change that it brings", good(locks=[ANA]),
        "pass", "let through by name: production is locked by ana: release 12",
    ),
    (
        "unlocked", "a lock lets through one of its changes", good(locks=[LockInTheWay("locked", ("11",))]),
        "fail", "locked",
    ),
    (
        "unlocked", "a lock lets through the revision", good(locks=[LockInTheWay("locked", (NEW[:12],))]),
        "pass", "let through by name: locked",
    ),
    (
        "unlocked", "the locks cannot be read", good(locks="the locks cannot be read: no route to host"),
        "no_proof", "the locks cannot be read: no route to host",
    ),
    ("window", "it is Thursday, 11:00", good(), "pass", "inside the window"),
    (
        "window", "the window is on Tuesdays",
        good(config=config(process={
            "environments": ["staging", "production"],
            "window": {"weekday": "tuesday", "from": "10:00", "to": "14:00"},
        })),
        "fail", "outside the window; the next window begins 2026-11-24 10:00 UTC",
    ),
    (
        "window", "a freeze takes the window away",
        good(config=config(process={
            "environments": ["staging", "production"],
            "window": {"weekday": "thursday", "from": "10:00", "to": "14:00"},
            "freezes": [{"from": "2026-11-16", "to": "2026-11-20", "because": "sale"}],
        })),
        "fail", "sale; the next window begins 2026-11-26 10:00 UTC",
    ),
    (
        "window", "there is no window, and a freeze at another time",
        good(config=config(process={
            "environments": ["staging", "production"],
            "freezes": [{"from": "2026-12-16", "to": "2026-12-20"}],
        })),
        "pass", "no freeze today",
    ),
    ("release_branch", "its newest run is green", good(), "pass", "the release branch is green: ci"),
    (
        "release_branch", "a later commit broke it",
        good(runs=[CI, SMOKE, run("ci", OLD, "failure", ago=1)]), "fail", "the release branch is red: ci",
    ),
    (
        "release_branch", "it was broken and mended",
        good(runs=[CI, SMOKE, run("ci", OLD, "failure", ago=3)]),
        "pass", "the release branch is green: ci",
    ),
    (
        "release_branch", "a cancelled run says nothing",
        good(runs=[CI, SMOKE, run("ci", OLD, "cancelled", ago=1)]), "pass", "the release branch is green: ci",
    ),
    (
        "release_branch", "nothing ran", good(runs=[SMOKE]),
        "no_proof", "no run on the release branch is known",
    ),
    ("required", "they passed", good(), "pass", "green on this revision: ci"),
    (
        "required", "one failed on this revision", good(runs=[run("ci", outcome="failure"), SMOKE]),
        "fail", "red on this revision: ci",
    ),
    (
        "required", "it failed and passed when run again",
        good(runs=[run("ci", outcome="failure", ago=3), CI, SMOKE]), "pass", "green on this revision: ci",
    ),
    (
        "required", "it ran on another revision only", good(runs=[run("ci", MID), SMOKE]),
        "no_proof", "did not end on this revision: ci",
    ),
    (
        "required", "it has not ended", good(runs=[run("ci", MID), run("ci", outcome="in_progress"), SMOKE]),
        "no_proof", "did not end on this revision: ci",
    ),
    ("earlier", "it runs there", good(), "pass", "staging runs exactly this revision"),
    (
        "earlier", "it ran there, and something newer does now",
        good(deployments=[
            LIVE,
            deployment("2", "staging", NEW, NOW - hours(2)),
            deployment("3", "staging", LATER, NOW - hours(1)),
        ]),
        "fail", "staging runs dddddddddd, not this revision",
    ),
    (
        "earlier", "a deployment to it failed and changed nothing",
        good(deployments=[
            LIVE,
            deployment("2", "staging", NEW, NOW - hours(2)),
            deployment("3", "staging", LATER, NOW - hours(1), outcome="failure"),
        ]),
        "pass", "staging runs exactly this revision",
    ),
    (
        "earlier", "nothing was ever deployed there", good(deployments=[LIVE]),
        "no_proof", "no deployment to staging is known",
    ),
    (
        "earlier", "which revision runs there is unknown",
        good(deployments=[LIVE, deployment("2", "staging", None, NOW - hours(1))]),
        "no_proof", "which revision staging runs is not known",
    ),
    ("staging_for", "an hour of thirty minutes", good(), "pass", "1 h in staging"),
    (
        "staging_for", "ten minutes of thirty",
        good(deployments=[LIVE, deployment("2", "staging", NEW, NOW - timedelta(minutes=10))]),
        "fail", "10 min in staging of 30 min: wait until 2026-11-19 11:20 UTC",
    ),
    ("staging_for", "it is not there", good(deployments=[LIVE]), "no_proof", "it is not in staging"),
    (
        "smoke", "they passed half an hour ago", good(),
        "pass", "smoke passed on this revision, 2026-11-19 10:30 UTC",
    ),
    (
        "smoke", "they failed", good(runs=[CI, run("smoke", outcome="failure")]),
        "fail", "smoke failed on this revision",
    ),
    (
        "smoke", "they failed, then a clean run passed",
        good(runs=[CI, run("smoke", outcome="failure", ago=2), SMOKE]),
        "pass", "smoke passed on this revision on a clean run after a failed one, 2026-11-19 10:30 UTC",
    ),
    (
        "smoke", "they passed, then failed", good(runs=[CI, SMOKE, run("smoke", outcome="failure", ago=0.1)]),
        "fail", "smoke failed on this revision",
    ),
    (
        "smoke", "they are older than a day", good(runs=[CI, run("smoke", ago=25)]),
        "no_proof", "smoke passed 25 h ago: older than 24 h",
    ),
    (
        "smoke", "they passed before it was in staging", good(runs=[CI, run("smoke", ago=1.5)]),
        "no_proof", "smoke passed before this revision was in staging",
    ),
    (
        "smoke", "they are part of the pipeline that brought it to staging",
        good(
            runs=[CI, run("smoke", ago=1.5), run("deliver", ago=1, id="d", started_at=NOW - hours(2))],
            deployments=[LIVE, deployment("2", "staging", NEW, NOW - hours(1), pipeline_run="d")],
        ),
        "pass", "smoke passed on this revision, 2026-11-19 09:30 UTC",
    ),
    (
        "smoke", "when they passed is unknown", good(runs=[CI, run("smoke", finished_at=None)]),
        "no_proof", "smoke passed, but when is unknown",
    ),
    (
        "smoke", "they are of another revision", good(runs=[CI, run("smoke", MID)]),
        "no_proof", "the newest smoke test is of bbbbbbbbbb, not of this revision",
    ),
    ("smoke", "there are none", good(runs=[CI]), "no_proof", "no smoke test of this revision is known"),
    (
        "smoke", "they were cancelled", good(runs=[CI, run("smoke", outcome="cancelled")]),
        "no_proof", "smoke did not end on this revision: cancelled",
    ),
    (
        "smoke", "one suite of JUnit passed",
        good(runs=[CI], tests=[case("pay", "pass"), case("find", "skip")]),
        "pass", "smoke passed on this revision, 2026-11-19 10:00 UTC",
    ),
    (
        "smoke", "one of its cases failed",
        good(runs=[CI], tests=[case("pay", "pass"), case("find", "error")]),
        "fail", "smoke: find failed on this revision",
    ),
    (
        "smoke", "all of its cases were skipped", good(runs=[CI], tests=[case("pay", "skip")]),
        "no_proof", "smoke: all were skipped",
    ),
    (
        "smoke", "a case failed and passed within one run",
        good(runs=[CI], tests=[case("pay", "fail"), case("pay", "pass")]),
        "no_proof", "smoke: pay both failed and passed in one run: run it again",
    ),
    (
        "smoke", "a case failed, and the run after it was clean",
        good(runs=[CI], tests=[case("pay", "fail"), case("pay", "pass", attempt=2, ago=0.5)]),
        "pass", "smoke passed on this revision on a clean run after a failed one, 2026-11-19 10:30 UTC",
    ),
    ("incidents", "none is open", good(), "pass", "no incident is open"),
    ("incidents", "one is open", good(incidents=[incident()]), "fail", "open: INC-1 Payments fail"),
    (
        "incidents", "it was resolved",
        good(incidents=[incident(resolved_at=NOW)]), "pass", "no incident is open"
    ),
    (
        "incidents", "it has been open for six weeks and was never closed",
        good(incidents=[incident(started_at=NOW - timedelta(days=42))]), "pass", "no incident is open",
    ),
    (
        "incidents", "it is another codebase's", good(incidents=[incident(codebase="api")]),
        "pass", "no incident is open",
    ),
    ("whole", "nothing was taken back", good(), "pass", "nothing in it was taken back later"),
    (
        "whole", "it has a change whose revert came after it",
        good(changes=[change("11", MID, reverted_by="13"), change("13", LATER, reverts="11")]),
        "fail", "it has #11 but not #13, which takes it back",
    ),
    (
        "whole", "it has the revert as well",
        good(changes=[change("11", MID, reverted_by="12"), change("12", NEW, reverts="11")]),
        "pass", "nothing in it was taken back later",
    ),
    (
        "whole", "git does not have the revision", unknown_revision(),
        "no_proof", "git does not have this revision",
    ),
    (
        "reviewed", "git does not have the revision", unknown_revision(),
        "no_proof", "git does not have this revision: what it brings is unknown",
    ),
    (
        "required", "none is named, and none ran on the release branch",
        good(config=config(codebases={"shop": {"release_branch": "main"}}), runs=[]),
        "no_proof", "no pipeline is known",
    ),
    ("reviewed", "all were", good(), "pass", "all its changes were approved by another"),
    (
        "reviewed", "one was not", good(changes=[change("11", MID, approved=False), change("12", NEW)]),
        "fail", "not approved by another: #11",
    ),
    (
        "reviewed", "of one it is unknown",
        good(changes=[change("11", MID), change("12", NEW, approved=None)]),
        "no_proof", "whether they were reviewed is unknown: #12",
    ),
    (
        "reviewed", "the one that was not is live already",
        good(changes=[change("10", OLD, approved=False), change("12", NEW)]),
        "pass", "all its changes were approved by another",
    ),
    (
        "budget", "1 of 5 failed: 20 % of 20 %", good(deployments=failing(1, of=5)),
        "pass", "1 of 5 deployments of the last four weeks needed intervention",
    ),
    (
        "budget", "2 of 5 failed", good(deployments=failing(2, of=5)),
        "fail", "2 of 5 deployments of the last four weeks needed intervention, more than the target of 20%",
    ),
    (
        "budget", "2 of 4 failed", good(deployments=failing(2, of=4)),
        "pass", "2 of 4 deployments of the last four weeks needed intervention: too few to judge",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "facts", "answer", "says"),
    [(check, facts, answer, says) for check, _, facts, answer, says in CASES],
    ids=[f"{check}: {name}" for check, name, *_ in CASES],
)
def test_each_check_answers_and_says_why(check: str, facts: Facts, answer: str, says: str) -> None:
    (reason,) = (each for each in judge(facts).reasons if each.check == check)
    assert (reason.answer, reason.says) == (answer, says)


def test_the_table_has_every_check_with_every_answer_that_it_gives() -> None:
    surely = {"window", "incidents", "budget"}
    """What is known of these is all there is: they never are without proof."""
    told = {(check, answer) for check, _, _, answer, _ in CASES}
    checks = {reason.check for reason in judge(good()).reasons}
    assert told == {(check, answer) for check in checks for answer in ("pass", "fail", "no_proof")
                    if answer != "no_proof" or check not in surely}  # fmt: skip


def test_all_that_speaks_for_it_is_a_pass_and_every_line_is_told() -> None:
    judgement = judge(good())
    assert judgement.verdict == "pass"
    assert judgement.lines() == [
        "pass      unlocked: no lock is in the way",
        "pass      window: inside the window",
        "pass      release_branch: the release branch is green: ci",
        "pass      required: green on this revision: ci",
        "pass      earlier: staging runs exactly this revision",
        "pass      staging_for: 1 h in staging",
        "pass      smoke: smoke passed on this revision, 2026-11-19 10:30 UTC",
        "pass      incidents: no incident is open",
        "pass      whole: nothing in it was taken back later",
        "pass      reviewed: all its changes were approved by another",
        "pass      budget: 0 of 1 deployments of the last four weeks needed intervention: too few to judge",
        "verdict: pass",
    ]


def test_one_without_proof_is_no_proof_and_one_that_fails_is_a_fail() -> None:
    assert judge(good(runs=[CI])).verdict == "no_proof"
    assert judge(good(runs=[CI], incidents=[incident()])).verdict == "fail"


def test_an_override_opens_and_is_told_but_the_verdict_stands() -> None:
    said = Said(by="ana", because="users cannot pay")
    judgement = judge(good(incidents=[incident()]), said)
    assert (judgement.verdict, judgement.opens) == ("fail", True)
    assert judgement.lines()[-1] == "verdict: FAIL, overridden by ana: users cannot pay"
    assert judge(good(), said).override is None


@pytest.mark.parametrize(
    ("setting", "check"),
    [
        ("unlocked", "unlocked"), ("window", "window"), ("release_branch", "release_branch"),
        ("required", "required"), ("earlier", "earlier"), ("staging_for", "staging_for"),
        ("smoke_younger_than", "smoke"), ("incidents", "incidents"), ("whole", "whole"),
        ("reviewed", "reviewed"), ("budget", "budget"),
    ],
)  # fmt: skip
def test_each_check_can_be_switched_off(setting: str, check: str) -> None:
    judgement = judge(good(config=config(gate={setting: False})))
    assert check not in {reason.check for reason in judgement.reasons}
    assert len(judgement.reasons) == 10


def test_before_the_first_environment_nothing_is_asked_of_one() -> None:
    facts = good()
    judgement = judge(replace(facts, question=replace(facts.question, environments=("staging",))))
    asked = {reason.check for reason in judgement.reasons}
    assert asked == {"unlocked", "release_branch", "required", "incidents", "whole", "reviewed"}


def test_a_revision_that_git_does_not_have_is_no_proof_of_anything_in_it() -> None:
    facts = good()
    unknown = replace(facts, question=replace(facts.question, revision="e" * 40))
    answers = {reason.check: reason.answer for reason in judge(unknown).reasons}
    assert {check for check, answer in answers.items() if answer == "no_proof"} == {
        "required", "staging_for", "smoke", "whole", "reviewed",
    }  # fmt: skip

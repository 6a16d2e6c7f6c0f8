from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.notify.support import NOW, Inbox, change, deployment, fill, minutes, told

from deploybook.history import History
from deploybook.records import Lock, PipelineRun, Reason, Said, TestCaseRun, Verdict


@pytest.fixture(autouse=True)
def _addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHECKOUT", "ANA", "BO"):
        monkeypatch.setenv(f"{name}_CHAT", f"chat://{name.lower()}")


def run(number: int, outcome: str, ago: float, **more: object) -> PipelineRun:
    return PipelineRun(
        codebase="shop", id=str(number), pipeline="ci", outcome=outcome, branch="main",
        finished_at=NOW - minutes(ago), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_team_hears_what_went_live_and_each_author_of_their_own(tmp_path: Path) -> None:
    fill(tmp_path, [deployment(0, [9], ago=9000), change(9), change(11), change(12, author="bo-acme"),
                    deployment(1, [11, 12])])  # fmt: skip
    inbox = Inbox()
    told(tmp_path, inbox)
    assert inbox.titles() == [
        ("chat://ana", "Your change is live"),
        ("chat://bo", "Your change is live"),
        ("chat://checkout", "Live"),
    ]
    bodies = {address: body for address, _, body in inbox.got}
    assert bodies["chat://checkout"] == (
        "shop v1 is live: Change 11; Change 12\nhttps://deploys.acme.test/deployments/shop/2026/#production-1"
    )
    assert bodies["chat://bo"].startswith("#12 in shop is live: Change 12\n")


def test_nothing_is_told_twice_and_old_history_is_no_news(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(0, [9], ago=9000), deployment(1, [11])])
    inbox = Inbox()
    told(tmp_path, inbox)
    before = len(inbox.got)
    told(tmp_path, inbox)
    told(tmp_path, inbox, NOW + timedelta(hours=20))
    assert len(inbox.got) == before == 2


def test_a_dry_run_says_who_would_get_what_and_why_and_sends_and_keeps_nothing(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(1, [11])])
    inbox = Inbox()
    lines = told(tmp_path, inbox, dry=True).lines(dry=True)
    assert inbox.got == []
    assert "person:ana by env:ANA_CHAT, because: wrote #11" in lines
    assert "team:checkout by env:CHECKOUT_CHAT, because: it owns shop" in lines
    told(tmp_path, inbox)
    assert len(inbox.got) == 2


def test_a_failure_reaches_team_and_authors_with_the_reason(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(0, [9], ago=9000), deployment(1, [11], ago=60),
                    deployment(2, [12], ago=20, mends=("1",)), change(12, author="bo-acme")])  # fmt: skip
    inbox = Inbox()
    told(tmp_path, inbox)
    failures = {address: body for address, title, body in inbox.got if "intervention" in title}
    assert set(failures) == {"chat://ana", "chat://checkout"}
    assert "shop v1 in production needed intervention: " in failures["chat://ana"]
    assert "It is over." in failures["chat://ana"]


def test_a_stopped_promotion_is_told_once_with_the_words_of_the_gate(tmp_path: Path) -> None:
    fill(tmp_path, [
        change(11),
        Verdict(environment="production", revision="a" * 40, verdict="fail", judged_at=NOW - minutes(5),
                codebase="shop", reasons=(Reason(check="smoke", answer="fail", says="smoke: pay failed"),)),
        PipelineRun(codebase="shop", id="7", pipeline="deliver", outcome="failure", revision="a" * 40,
                    deploys_to="production", finished_at=NOW - minutes(4)),
    ])  # fmt: skip
    inbox = Inbox()
    told(tmp_path, inbox)
    assert inbox.titles() == [
        ("chat://ana", "A promotion was stopped"),
        ("chat://checkout", "A promotion was stopped"),
    ]
    assert all(
        "aaaaaaaaaa was stopped on its way to production: smoke: pay failed" in body
        for _, _, body in inbox.got
    )


def test_a_release_branch_is_told_red_still_red_and_green_once_each(tmp_path: Path) -> None:
    inbox = Inbox()
    says: list[str] = []
    for records, hours in (
        ([run(1, "success", 90), run(2, "failure", 60)], 0),
        ([], 1),
        ([], 5),
        ([], 6),
        ([run(1, "success", 90), run(2, "failure", 60), run(3, "success", -420)], 8),
        ([], 9),
    ):
        if records:
            fill(tmp_path, records)
        told(tmp_path, inbox, NOW + timedelta(hours=hours))
        says += [body.split("\n")[0] for _, _, body in inbox.got]
        inbox.got.clear()
    assert says == [
        "shop: main is red: ci",
        "shop: main is still red after 4 h: ci",
        "shop: main is green again",
    ]


def test_a_branch_that_was_never_told_as_red_is_not_told_as_green(tmp_path: Path) -> None:
    fill(tmp_path, [run(1, "failure", 90000), run(2, "success", 60)])
    inbox = Inbox()
    told(tmp_path, inbox)
    assert inbox.got == []


def test_locks_are_told_when_taken_and_held_too_long_once_for_all_environments_of_a_step(
    tmp_path: Path,
) -> None:
    fill(tmp_path, [
        Lock(environment=name, codebase="shop", claim="c1", holder="ana-acme", reason="release 12",
             since=NOW - minutes(10)) for name in ("prod-eu", "prod-us")
    ])  # fmt: skip
    inbox = Inbox()
    told(tmp_path, inbox)
    ((address, title, body),) = inbox.got
    assert (address, title) == ("chat://checkout", "A deployment lock was taken")
    assert body.split("\n")[0] == "Ana locks shop in prod-eu and prod-us: release 12"
    inbox.got.clear()
    told(tmp_path, inbox, NOW + timedelta(hours=25))
    told(tmp_path, inbox, NOW + timedelta(hours=30))
    assert inbox.titles() == [
        ("chat://ana", "A deployment lock is held for long"),
        ("chat://checkout", "A deployment lock is held for long"),
    ]
    assert "Ana has locked shop in prod-eu and prod-us for over 24 h: release 12" in inbox.got[0][2]


def test_a_forced_lock_is_told_to_the_team_and_to_whose_lock_it_was(tmp_path: Path) -> None:
    def lock(claim: str, holder: str, ago: float, **more: Any) -> Lock:
        return Lock(environment="production", codebase="shop", claim=claim, holder=holder,
                    since=NOW - minutes(ago), **more)  # fmt: skip

    because = Said(by="bo-acme", because="users wait")
    fill(tmp_path, [
        lock("c1", "ana-acme", 40, released_at=NOW - minutes(20)),
        lock("c2", "bo-acme", 20, forced=because, reason="release 13"),
    ])  # fmt: skip
    inbox = Inbox()
    told(tmp_path, inbox)
    assert {(address, body.split("\n")[0]) for address, _, body in inbox.got} == {
        (address, "Bo locks shop in production by force: users wait")
        for address in ("chat://ana", "chat://checkout")
    }
    inbox.got.clear()
    fill(tmp_path, [lock("c3", "ana-acme", 10, released_at=NOW - minutes(5), forced=because)])
    told(tmp_path, inbox)
    says = "Bo released Ana's lock of shop in production by force: users wait"
    assert [(address, body.split("\n")[0]) for address, _, body in inbox.got] == [("chat://checkout", says)]
    told(tmp_path, inbox, NOW + timedelta(hours=13))
    assert ("chat://ana", "A deployment lock was forced") in inbox.titles()


def test_before_the_cut_off_authors_of_changes_without_words_are_asked_for_them(tmp_path: Path) -> None:
    process = {"environments": ["production"], "cut_off": {"weekday": "thursday", "time": "13:00"}}
    fill(tmp_path, [deployment(0, [1], ago=9000), change(1), change(11),
                    change(12, author="bo-acme", notes="Pay by card without typing."),
                    run(1, "success", 9000)])  # fmt: skip
    inbox = Inbox()
    told(tmp_path, inbox, process=process)
    assert inbox.titles() == [
        ("chat://ana", "Your change has no words yet"),
        ("chat://checkout", "The cut-off is near"),
    ]


def test_a_flaky_test_is_told_to_the_team_once(tmp_path: Path) -> None:
    def case(outcome: str, attempt: int) -> TestCaseRun:
        return TestCaseRun(codebase="shop", name="pays", outcome=outcome, revision="a" * 40, job="test",  # type: ignore[arg-type]
                           attempt=attempt, started_at=NOW - minutes(30))  # fmt: skip

    fill(tmp_path, [case("fail", 1), case("pass", 2)])
    inbox = Inbox()
    told(tmp_path, inbox)
    told(tmp_path, inbox)
    assert inbox.titles() == [("chat://checkout", "A flaky test")]


def test_who_asks_for_few_kinds_gets_only_those(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(1, [11])])
    inbox = Inbox()
    people = {"ana": {"github": "ana-acme", "notify": ["env:ANA_CHAT"], "notices": ["failed"]},
              "bo": {"github": "bo-acme"}}  # fmt: skip
    told(tmp_path, inbox, people=people)
    assert inbox.titles() == [("chat://checkout", "Live")]


def test_in_quiet_hours_only_what_is_urgent_is_sent_and_the_rest_after(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(0, [9], ago=9000), deployment(1, [11], ago=60),
                    deployment(2, [], ago=20, mends=("1",))])  # fmt: skip
    quiet = {"quiet": ["11:00", "13:00"]}
    inbox = Inbox()
    sent = told(tmp_path, inbox, notices=quiet)
    assert {title for _, title in inbox.titles()} == {"A deployment needed intervention"}
    assert sent.waiting == 3
    inbox.got.clear()
    told(tmp_path, inbox, NOW + timedelta(hours=2), notices=quiet)
    assert inbox.titles() == [
        ("chat://ana", "Your change is live"),
        ("chat://checkout", "2 deployments are live"),
    ]


def test_a_person_hears_of_a_subject_once_a_day_and_of_the_rest_tomorrow(tmp_path: Path) -> None:
    def turns(count: int) -> list[PipelineRun]:
        outcomes = ["success", "failure", "success", "failure"]
        return [run(each, outcomes[each], 100 - 20 * each) for each in range(count)]

    decides = {"environments": ["production"], "decides": {"rotation": "keeper"}}
    rotation = {"keeper": {"members": ["ana"], "starts": "2026-01-05"}}
    inbox = Inbox()

    def ana_hears(count: int, hours: float) -> list[str]:
        inbox.got.clear()
        fill(tmp_path, turns(count))
        told(tmp_path, inbox, NOW + timedelta(hours=hours), process=decides, rotations=rotation)
        return [body.split("\n")[0] for address, _, body in inbox.got if address == "chat://ana"]

    assert ana_hears(2, hours=-0.9) == ["shop: main is red: ci"]
    assert ana_hears(3, hours=-0.6) == ["shop: main is green again"]
    assert ana_hears(4, hours=0) == []
    assert ana_hears(4, hours=13) == ["shop: main is red: ci"]


def test_five_hundred_events_in_one_run_make_few_messages(tmp_path: Path) -> None:
    records: list[object] = [deployment(0, [0], ago=9000), change(0)]
    for number in range(1, 251):
        author = "ana-acme" if number % 2 else "bo-acme"
        records += [change(number, author=author), deployment(number, [number], ago=1000 - number)]
    fill(tmp_path, records)  # type: ignore[arg-type]
    inbox = Inbox()
    told(tmp_path, inbox)
    assert inbox.titles() == [
        ("chat://ana", "125 of your changes are live"),
        ("chat://bo", "125 of your changes are live"),
        ("chat://checkout", "250 deployments are live"),
    ]
    assert all(len(body) < 1000 and "… and" in body for _, _, body in inbox.got)


def test_a_target_that_takes_nothing_is_tried_again_kept_waiting_and_shown_without_its_address(
    tmp_path: Path,
) -> None:
    fill(tmp_path, [change(11), deployment(1, [11])])
    inbox = Inbox("chat://ana")
    sent = told(tmp_path, inbox)
    assert inbox.titles() == [("chat://checkout", "Live")]
    assert sent.refused == ["person:ana: env:ANA_CHAT took no message after 3 tries"]
    assert (inbox.tries, sent.waiting) == (4, 1)
    assert sent.lines(dry=False) == ["1 message was accepted, 1 line waits"]
    with History.open("duckdb://build/history.duckdb", root=tmp_path, read_only=True) as history:
        (state,) = (each for each in history.sources() if each.name == "notices")
    assert state.error is not None
    assert "ANA_CHAT" in state.error
    assert "chat://ana" not in state.error
    inbox.refuses.clear()
    assert told(tmp_path, inbox).refused == []
    assert inbox.titles() == [("chat://ana", "Your change is live"), ("chat://checkout", "Live")]
    with History.open("duckdb://build/history.duckdb", root=tmp_path, read_only=True) as history:
        assert [each.error for each in history.sources() if each.name == "notices"] == [None]


def test_a_target_that_is_not_set_is_named_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANA_CHAT")
    fill(tmp_path, [change(11), deployment(1, [11])])
    sent = told(tmp_path, Inbox())
    assert sent.refused == ["person:ana: the environment variable ANA_CHAT is not set"]
    assert sent.waiting == 1


def test_killed_between_sending_and_writing_it_down_it_is_sent_once_more_and_no_more(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(1, [11])])
    got = tmp_path / "got"

    class Deadly(Inbox):
        """Dies right after the first message was taken."""

        def __call__(self, address: str, title: str, body: str) -> bool:
            with got.open("a") as log:
                log.write(f"{address} {title}\n")
            os.kill(os.getpid(), 9)
            return True

    process = multiprocessing.get_context("fork").Process(target=told, args=(tmp_path, Deadly()))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    inbox = Inbox()
    told(tmp_path, inbox)
    told(tmp_path, inbox)
    assert got.read_text() == "chat://ana Your change is live\n"
    assert inbox.titles() == [("chat://ana", "Your change is live"), ("chat://checkout", "Live")]


def test_while_one_machine_sends_no_other_can_so_that_nothing_is_sent_by_both(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(1, [11])])
    store = tmp_path / "build" / "history.duckdb"
    other = f"import duckdb; duckdb.connect({str(store)!r})"
    codes = []

    class Watched(Inbox):
        """While it sends, another process tries to open the store."""

        def __call__(self, address: str, title: str, body: str) -> bool:
            done = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
            codes.append((done.returncode, "lock" in done.stderr))
            return super().__call__(address, title, body)

    told(tmp_path, Watched())
    assert codes == [(1, True), (1, True)]


def test_text_from_outside_mentions_nobody_and_links_nowhere(tmp_path: Path) -> None:
    title = "<!channel> @here [click](https://evil.test) `x` *b*\nsecond line"
    fill(tmp_path, [change(11, title=title), deployment(1, [11])])
    inbox = Inbox()
    told(tmp_path, inbox)
    for _, _, body in inbox.got:
        first = body.split("\n")[0]
        assert not set("<>[]`*") & set(first)
        assert "@here" not in first
        assert "second line" in first or "\n" not in first


FOLLOWERS: dict[str, Any] = {
    "ana": {"github": "ana-acme"},
    "bo": {"notify": ["env:BO_CHAT"], "follows": ["Till", "One page"], "notices": ["deployed", "digest"]},
    "po": {
        "notify": ["env:ANA_CHAT"],
        "follows": ["everything"],
        "notices": ["deployed", "failed", "digest"],
    },
}
FOLLOWED: dict[str, Any] = {
    "areas": {"Till": {"labels": ["till"]}},
    "initiatives": {"One page": {"labels": ["one-page"]}},
}


def test_who_follows_everything_hears_of_each_deployment_and_each_failure(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(0, [9], ago=9000), deployment(1, [11], ago=60),
                    deployment(2, [], ago=20, mends=("1",))])  # fmt: skip
    inbox = Inbox()
    told(tmp_path, inbox, people=FOLLOWERS, **FOLLOWED)
    heard = {title: body for address, title, body in inbox.got if address == "chat://ana"}
    assert set(heard) == {"2 deployments are live", "A deployment needed intervention"}
    assert "shop v1 is live" in heard["2 deployments are live"]


def test_who_follows_an_area_or_an_initiative_hears_of_its_changes_only(tmp_path: Path) -> None:
    fill(tmp_path, [
        deployment(0, [9], ago=9000), deployment(1, [11, 12, 13], ago=60), deployment(2, [14], ago=20),
        change(11, labels=("till",)), change(12), change(13, labels=("one-page",)), change(14),
    ])  # fmt: skip
    inbox = Inbox()
    lines = told(tmp_path, inbox, dry=True, people=FOLLOWERS, **FOLLOWED).lines(dry=True)
    assert "person:bo by env:BO_CHAT, because: follows Till, One page" in lines
    told(tmp_path, inbox, people=FOLLOWERS, **FOLLOWED)
    ((title, body),) = [(title, body) for address, title, body in inbox.got if address == "chat://bo"]
    assert title == "Live"
    assert body.split("\n")[0] == "Till, One page: Change 11; Change 13. It came with shop v1."


def test_the_weeks_digest_counts_for_each_follower_what_they_follow(tmp_path: Path) -> None:
    fill(tmp_path, [
        deployment(0, [9], ago=90000), deployment(1, [11, 12], ago=60), deployment(2, [13], ago=20),
        change(11, labels=("till",)), change(12), change(13),
    ])  # fmt: skip
    told(tmp_path, Inbox(), people=FOLLOWERS, **FOLLOWED)
    inbox = Inbox()
    told(tmp_path, inbox, NOW + timedelta(days=4), people=FOLLOWERS, **FOLLOWED)
    digests = {address: body.split("\n")[0] for address, title, body in inbox.got if title == "The week"}
    assert digests == {
        "chat://checkout": "Week 2026-W47: 3 changes live in 2 deployments, none needed intervention",
        "chat://ana": "everything: Week 2026-W47: 3 changes live in 2 deployments, none needed intervention",
        "chat://bo": "Till, One page: Week 2026-W47: 1 change live in 1 deployment, none needed intervention",
    }


def test_a_team_that_follows_its_own_codebase_hears_once(tmp_path: Path) -> None:
    fill(tmp_path, [change(11), deployment(0, [9], ago=9000), deployment(1, [11])])
    inbox = Inbox()
    teams = {"checkout": {"notify": ["env:CHECKOUT_CHAT"], "follows": ["shop"]}}
    told(tmp_path, inbox, teams=teams, people={"ana": {"github": "ana-acme"}})
    assert inbox.titles() == [("chat://checkout", "Live")]

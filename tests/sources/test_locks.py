from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploybook.feed import Ask, Cursor, Rejected, Unchanged
from deploybook.locks import Clock, Keeper, Place, Sightings, Target, Wanted
from deploybook.records import Lock, Said
from deploybook.sources import locks
from deploybook.sources.lockrefs import named, parse, ref_of
from deploybook.sources.repository import Repository, at_hand

PREFIX = "refs/deploybook/locks/"
NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)


class Hand:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOON

    def at(self, minutes: int) -> None:
        self.time = NOON + timedelta(minutes=minutes)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    folder = tmp_path / "shop.git"
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    return folder


def keeper(bare: Path, hand: Hand, prefix: str = PREFIX) -> Keeper:
    clock = Clock(lambda: hand.time, lambda _seconds: None)
    return Keeper(Place(str(bare), prefix), clock, Sightings(bare.parent / "seen"))


def wanted(holder: str, **more: object) -> Wanted:
    return Wanted([Target("production", "shop")], lease=timedelta(hours=1), holder=holder, **more)  # type: ignore[arg-type]


def pulled(bare: Path, cursor: str | None = None, prefix: str = PREFIX) -> list[object]:
    feed = locks.feed([lambda: Repository("shop", bare)], prefix)
    return list(feed.pull(Ask(as_of=NOON, cursor=cursor)))


def test_a_lock_is_told_once_from_its_claim_to_its_release(bare: Path) -> None:
    hand = Hand()
    work = keeper(bare, hand)
    claim = work.claim(wanted("ana", reason="release 12")).claim
    hand.at(30)
    work.claim(wanted("ana", claim=claim))
    hand.at(40)
    work.release([Target("production", "shop")], claim=claim, run=None)
    assert claim
    (told, cursor) = pulled(bare)
    assert told == Lock(
        environment="production", codebase="shop", claim=claim, holder="ana", reason="release 12",
        since=NOON, expires_at=NOON + timedelta(minutes=90), released_at=NOON + timedelta(minutes=40),
    )  # fmt: skip
    assert isinstance(cursor, Cursor)
    assert pulled(bare, cursor.text) == [Unchanged()]


def test_a_lock_that_was_forced_away_ends_when_the_other_began_which_says_why(bare: Path) -> None:
    hand = Hand()
    work = keeper(bare, hand)
    work.claim(wanted("ana"))
    hand.at(10)
    because = Said(by="bo", because="ana is on a train")
    work.claim(wanted("bo", forced=because))
    told = [each for each in pulled(bare) if isinstance(each, Lock)]
    assert [(lock.holder, lock.since, lock.released_at, lock.forced) for lock in told] == [
        ("bo", NOON + timedelta(minutes=10), None, because),
        ("ana", NOON, NOON + timedelta(minutes=10), None),
    ]


def test_what_is_no_lock_is_set_aside(bare: Path) -> None:
    tree = subprocess.run(["git", "-C", str(bare), "mktree"], input=b"", capture_output=True, check=True)
    made = subprocess.run(
        ["git", "-C", str(bare), "-c", "user.name=x", "-c", "user.email=x@acme.test",
         "commit-tree", "-m", "{}", tree.stdout.decode().strip()],
        capture_output=True, check=True,
    )  # fmt: skip
    commit = made.stdout.decode().strip()
    subprocess.run(["git", "-C", str(bare), "update-ref", f"{PREFIX}production/shop", commit], check=True)
    (aside, _) = pulled(bare)
    assert isinstance(aside, Rejected)
    assert "production/shop" in aside.where


@pytest.mark.parametrize("prefix", [PREFIX, "refs/heads/locks/", "refs/own/locks/"])
def test_a_mirror_of_a_url_has_the_locks_wherever_they_are_kept(bare: Path, prefix: str) -> None:
    keeper(bare, Hand(), prefix).claim(wanted("ana"))
    mirror = bare.parent / "mirror.git"
    feed = locks.feed([lambda: at_hand(f"file://{bare}", bare.parent, mirror)], prefix)
    told = [each for each in feed.pull(Ask(as_of=NOON)) if isinstance(each, Lock)]
    assert [lock.holder for lock in told] == ["ana"]


@pytest.mark.parametrize(
    ("environment", "codebase", "ref"),
    [
        ("production", "shop-web", "production/shop-web"),
        ("all", None, "_all/_all"),
        ("_all", "shop", "=5fall/shop"),
        ("eu west/1", "a.b", "eu=20west=2f1/a=2eb"),
        ("größe.lock", "x", "gr=c3=b6=c3=9fe=2elock/x"),
    ],
)
def test_every_name_has_a_ref_that_git_takes_and_back(
    environment: str, codebase: str | None, ref: str
) -> None:
    assert ref_of(PREFIX, environment, codebase) == PREFIX + ref
    assert named(PREFIX, PREFIX + ref) == (environment, codebase)
    subprocess.run(["git", "check-ref-format", PREFIX + ref], check=True)


def test_a_ref_of_another_shape_stands_for_everything() -> None:
    assert named(PREFIX, PREFIX + "by-hand") == ("all", None)


@pytest.mark.parametrize("text", ["", "words", "a\n\n[1]", "a\n\n{}", "x" * 70_000, "a\n\n" + "[" * 5000])
def test_a_message_that_is_no_lock_is_none(text: str) -> None:
    assert parse(text) is None

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.gitrepo import GitRepo

from deploybook.config import Config
from deploybook.feed import Ask, Cursor, Rejected, Unchanged
from deploybook.records import Availability
from deploybook.sources import upptime
from deploybook.sources.upptime import Check, State, checks, spans

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def states(*seen: tuple[float, State], until: float) -> list[tuple[datetime, datetime, State]]:
    told = spans([Check(at(hours), "Shop", state) for hours, state in seen], at(until))
    return [(span.begin, span.end, span.state) for span in told]


def test_a_state_holds_until_the_next_check_and_the_same_ones_are_joined() -> None:
    assert states((0, "up"), (24, "up"), (30, "down"), (31, "up"), until=40) == [
        (at(0), at(30), "up"), (at(30), at(31), "down"), (at(31), at(40), "up"),
    ]  # fmt: skip


def test_what_no_check_speaks_for_is_unknown() -> None:
    assert states((0, "up"), (200, "up"), until=210) == [
        (at(0), at(48), "up"), (at(200), at(210), "up"),
    ]  # fmt: skip
    assert states((0, "down"), until=900) == [(at(0), at(48), "down")]


def test_two_checks_of_one_instant_leave_the_later_one() -> None:
    assert states((0, "up"), (0, "down"), until=1) == [(at(0), at(1), "down")]


def test_checks_are_told_by_their_sign_and_other_commits_are_none() -> None:
    log = (
        "300 🟨 Our API has degraded performance (200 in 9 ms)\n200 :bento: Update graphs\n"
        "100 🟥 Shop is down again is down (0 in 0 ms) [skip ci]\nx 🟩 Shop is up\n\n"
        "90 Say what happened\u202880 🟥 Shop is down\n"
    )
    assert [(check.monitor, check.state) for check in checks(log)] == [
        ("Shop", "down"), ("Our API", "degraded"),
    ]  # fmt: skip


def test_a_repository_is_read_whole_and_then_unchanged(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "status")
    for subject in (
        "🟩 Shop is up (200 in 1 ms)",
        "🟥 Shop is down (0 in 0 ms)",
        "🟩 Blog is up (200 in 1 ms)",
        ":bento: Update graphs",
    ):
        repo.commit(subject)
    config = Config.of({"codebases": {"shop-web": {"also_known_as": ["shop"]}}}, root=tmp_path)
    feed = upptime.feed("status", config)
    items = list(feed.pull(Ask(at(100))))
    assert [item for item in items if isinstance(item, Availability)] == [
        Availability(codebase="shop-web", monitor="Shop", from_=at(0), to=at(1), state="up"),
        Availability(codebase="shop-web", monitor="Shop", from_=at(1), to=at(3), state="down"),
    ]
    (strange,) = [item for item in items if isinstance(item, Rejected)]
    assert 'also_known_as: ["Blog"]' in strange.reason
    assert isinstance(items[-1], Cursor)
    assert list(feed.pull(Ask(at(100), cursor=items[-1].text))) == [Unchanged()]

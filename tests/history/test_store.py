"""What is saved, what replaces what, and what is told when the store cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.history.support import (
    NOON,
    ask,
    change,
    coverage,
    deployment,
    feed,
    opened,
    run,
    said,
    synced,
)

from deploybook.errors import SourceError, StoreError
from deploybook.feed import GIT, Added, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.history import History, SyncReport, schema, store
from deploybook.history.database import Database
from deploybook.history.upkeep import drop_older, rewrite
from deploybook.records import Annotation, Change, FlagChange, Incident, PipelineRun, TestCaseRun

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with opened(tmp_path) as found:
        yield found


def test_what_was_saved_is_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    with opened(tmp_path) as history:
        report = history.sync(feed(change("1"), change("2"), Cursor("page 7")), ask())
    assert report == SyncReport(rows=2, rejected=0, unchanged=False, error=None)
    with opened(tmp_path, read_only=True) as history:
        assert said(history, "changes", "id", "title") == [("1", "Title 1"), ("2", "Title 2")]
        assert history.cursor("records:a") == "page 7"
        assert history.cursor("records:b") is None


def test_every_shape_of_field_comes_back_as_it_was(history: History) -> None:
    winter = timezone(timedelta(hours=5, minutes=30))
    history.sync(
        feed(
            change(
                "1", opened_at=datetime(2026, 3, 1, 9, 0, 0, 250, tzinfo=winter), labels=[],
                revisions=["b", "a"], issues=[{"id": "7", "title": 'say "hi"\n'}], additions=0,
            ),
            Annotation(on=date(2026, 3, 2), text="First weekly deploy"),
            FlagChange(flag="new", environment="production", changed_at=NOON, state=0.25),
            FlagChange(flag="old", environment="production", changed_at=NOON, state="off"),
            Incident(id="I1", started_at=NOON, down=False),
        ),
        ask(),
    )  # fmt: skip
    row = history.read("changes").to_pylist()[0]
    assert row["opened_at"] == datetime(2026, 3, 1, 3, 30, 0, 250, tzinfo=UTC)
    assert (row["labels"], row["files"], row["revisions"]) == ([], None, ["b", "a"])
    assert row["issues"] == '[{"id":"7","title":"say \\"hi\\"\\n"}]'
    assert (row["additions"], row["deletions"]) == (0, None)
    assert said(history, "annotations", "on") == [(date(2026, 3, 2),)]
    assert said(history, "flag_changes", "flag", "state") == [("new", "0.25"), ("old", "off")]
    assert said(history, "incidents", "down") == [(False,)]


def test_a_later_record_replaces_the_earlier_one_of_its_source_whole(history: History) -> None:
    synced(history, [change("1", body="first", author="ana")])
    synced(history, [change("1", body="second")])
    assert said(history, "changes", "body", "author") == [("second", None)]


def test_within_one_pull_the_last_of_a_doubled_key_stands(history: History) -> None:
    synced(history, [change("1", body="first"), change("2"), change("1", body="last")])
    assert said(history, "changes", "id", "body") == [("1", "last"), ("2", None)]


def test_unknown_parts_of_a_key_are_the_same_unknown(history: History) -> None:
    synced(history, [coverage(10), coverage(20, unit="lines"), coverage(30)])
    synced(history, [coverage(40)])
    assert sorted(said(history, "coverage", "covered", "unit"), key=str) == [(20, "lines"), (40, None)]


def test_a_snapshot_forgets_what_it_no_longer_yields_in_every_table(history: History) -> None:
    synced(history, [change("other")], name="records:other")
    synced(history, [change("1"), change("2"), run(1)], snapshot=True)
    synced(history, [change("2")], snapshot=True)
    assert said(history, "changes", "id") == [("2",), ("other",)]
    assert said(history, "pipeline_runs", "id") == []


def test_a_feed_that_is_no_snapshot_forgets_nothing(history: History) -> None:
    synced(history, [change("1")])
    synced(history, [change("2")])
    assert said(history, "changes", "id") == [("1",), ("2",)]


def test_what_is_added_to_a_snapshot_replaces_what_it_names_and_keeps_the_rest(history: History) -> None:
    first = (change("1"), change("2"), run(1), Rejected("a:9", "no id", "{}"))
    history.sync(feed(*first, snapshot=True), ask())
    history.sync(
        feed(Added(), change("2", title="New"), Rejected("a:10", "no id", "{}"), snapshot=True), ask()
    )
    assert said(history, "changes", "id", "title") == [("1", "Title 1"), ("2", "New")]
    assert said(history, "pipeline_runs", "id") == [("1",)]
    assert history.rejected()["where"].to_pylist() == ["a:10", "a:9"]


def test_unchanged_keeps_everything_of_a_snapshot(history: History) -> None:
    history.sync(feed(change("1"), Rejected("a:2", "no id", "{}"), Cursor("c"), snapshot=True), ask())
    report = history.sync(feed(Unchanged(), snapshot=True), ask("c", NOON + timedelta(hours=1)))
    assert report.unchanged
    assert said(history, "changes", "id") == [("1",)]
    (source,) = history.sources()
    assert (source.cursor, source.rows, source.rejected) == ("c", 1, 1)
    assert source.last_read == NOON + timedelta(hours=1)


def test_set_aside_lines_are_kept_with_their_reason_and_stop_nothing(history: History) -> None:
    report = history.sync(feed(Rejected("a.jsonl:1", "no `id`", "x" * 900), change("1")), ask())
    assert (report.rows, report.rejected) == (1, 1)
    assert history.rejected().to_pylist() == [
        {"source": "records:a", "where": "a.jsonl:1", "reason": "no `id`", "text": "x" * 500}
    ]
    history.sync(feed(change("1"), Rejected("a.jsonl:9", "later", "")), ask(cursor="from here on"))
    assert history.rejected()["where"].to_pylist() == ["a.jsonl:1", "a.jsonl:9"]
    history.sync(feed(change("1")), ask())
    assert history.rejected().num_rows == 0, "a source read from its start says anew what cannot be read"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (change("big", additions=2**80), "`additions` is beyond what can be kept"),
        (
            change("early", opened_at=datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))),
            "`opened_at`",
        ),
    ],
    ids=["number", "instant"],
)
def test_a_record_that_no_column_can_keep_is_set_aside_and_the_others_are_saved(
    history: History, bad: object, reason: str
) -> None:
    history.sync(feed(change("1"), bad, change("2")), ask())  # type: ignore[arg-type]
    assert said(history, "changes", "id") == [("1",), ("2",)]
    (aside,) = history.rejected().to_pylist()
    assert aside["reason"].startswith(reason)
    assert '"type":"change"' in aside["text"]


def test_half_a_surrogate_pair_is_replaced_and_nothing_else_of_the_record(history: History) -> None:
    synced(history, [Change(codebase="shop", id="1", title="a\ud800b", merged_at=NOON)])
    assert said(history, "changes", "title") == [("a?b",)]


def _failing(*items: Item) -> Feed:
    def pull(_ask: Ask) -> Iterator[Item]:
        yield from items
        raise SourceError("no answer", where="https://forge.test", next_step="try later")

    return Feed(name="records:a", rank=30, pull=pull)


def test_a_source_that_fails_keeps_what_it_said_before_with_the_time_of_the_error(history: History) -> None:
    history.sync(feed(change("1"), Cursor("c1")), ask())
    report = history.sync(
        _failing(change("2"), Rejected("x", "y", "z")), ask("c1", NOON + timedelta(hours=1))
    )
    assert isinstance(report.error, SourceError)
    (source,) = history.sources()
    assert (source.cursor, source.last_read, source.rows, source.rejected) == ("c1", NOON, 1, 0)
    assert source.error is not None
    assert "no answer" in source.error
    assert source.error_at == NOON + timedelta(hours=1)
    assert said(history, "changes", "id") == [("1",)]
    history.sync(feed(change("2"), Cursor("c2")), ask("c1", NOON + timedelta(hours=2)))
    (source,) = history.sources()
    assert (source.cursor, source.error, source.error_at, source.rows) == ("c2", None, None, 2)


def test_what_came_before_a_cursor_is_saved_with_it_though_the_source_fails_later(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SAVE_AT", 2)
    history.sync(_failing(run(1), run(2), Cursor("two"), run(3)), ask())
    assert said(history, "pipeline_runs", "id") == [("1",), ("2",)]
    assert history.cursor("records:a") == "two"


def test_a_feed_that_says_no_cursor_keeps_the_one_it_has(history: History) -> None:
    history.sync(feed(change("1"), Cursor("page 1")), ask())
    history.sync(feed(change("2")), ask())
    assert history.cursor("records:a") == "page 1"


def test_a_removed_source_is_forgotten_with_all_it_said(history: History) -> None:
    synced(history, [change("1", author="ana")], name="records:gone")
    synced(history, [change("1"), run(1)], name="git:shop", rank=GIT)
    history.forget("records:gone")
    assert [each.name for each in history.sources()] == ["git:shop"]
    assert said(history, "changes", "id", "author") == [("1", None)]


def test_published_figures_and_notices_are_kept_by_their_key(history: History) -> None:
    history.keep("notices", pa.table({"key": ["a", "b"], "sent_at": [NOON, NOON], "text": ["old", "b"]}))
    history.keep("notices", pa.table({"key": ["a"], "sent_at": [NOON], "text": ["new"]}))
    rows = history.kept("notices").order_by("key").to_pyarrow().to_pylist()
    assert [(row["key"], row["text"], row["to"]) for row in rows] == [("a", "new", None), ("b", "b", None)]


def test_a_store_of_an_earlier_version_is_brought_up_and_keeps_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as history:
        synced(history, [run(1, outcome="passed"), run(2, outcome="failure")])

    def say_success(db: Database) -> None:
        db.execute("UPDATE pipeline_runs SET outcome = 'success' WHERE outcome = 'passed'")

    monkeypatch.setattr(schema, "MIGRATIONS", (say_success,))
    with pytest.raises(StoreError, match="older version"):
        opened(tmp_path, read_only=True)
    with opened(tmp_path) as history:
        assert said(history, "pipeline_runs", "id", "outcome") == [("1", "success"), ("2", "failure")]
    with opened(tmp_path, read_only=True) as history:
        assert said(history, "pipeline_runs", "id") == [("1",), ("2",)]
    monkeypatch.setattr(schema, "MIGRATIONS", ())
    with pytest.raises(StoreError, match="has version 2, this program knows 1") as told:
        opened(tmp_path)
    assert "install the newer" in told.value.next_step


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as history:
        synced(history, [run(1)])

    def half(db: Database) -> None:
        db.execute("DELETE FROM pipeline_runs")
        db.execute("SELECT * FROM nowhere")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (half,))
        with pytest.raises(StoreError, match="nowhere"):
            opened(tmp_path)
    with opened(tmp_path) as history:
        assert said(history, "pipeline_runs", "id") == [("1",)]


def test_reading_where_there_is_no_history_yet_is_told_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no history yet"):
        opened(tmp_path, read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_deployments_to_two_environments_under_one_id_are_two(history: History) -> None:
    synced(history, [deployment("1"), deployment("1", environment="staging"), deployment("1", version="v2")])
    assert said(history, "deployments", "environment", "version") == [("production", "v2"), ("staging", None)]


def test_a_snapshot_that_holds_much_less_is_suspected_and_what_it_said_stands(tmp_path: Path) -> None:
    with opened(tmp_path) as history:
        synced(history, [run(number) for number in range(60)], snapshot=True)
        report = history.sync(feed(*(run(number) for number in range(25)), snapshot=True), ask())
        assert report.error is not None
        assert "25 records where it said 60" in report.error.what
        assert "--believe records:a" in report.error.next_step
        assert len(history.read("pipeline_runs")) == 60
        assert history.sources()[0].error == str(report.error)


def test_a_snapshot_that_holds_less_is_believed_when_told_so(tmp_path: Path) -> None:
    with opened(tmp_path) as history:
        synced(history, [run(number) for number in range(60)], snapshot=True)
        assert history.sync(feed(snapshot=True), ask(), believe=True).error is None
        assert len(history.read("pipeline_runs")) == 0


@pytest.mark.parametrize(("before", "now"), [(60, 30), (20, 0), (21, 1)])
def test_a_snapshot_that_lost_half_or_a_few_is_believed(tmp_path: Path, before: int, now: int) -> None:
    with opened(tmp_path) as history:
        synced(history, [run(number) for number in range(before)], snapshot=True)
        assert history.sync(feed(*(run(number) for number in range(now)), snapshot=True), ask()).error is None
        assert len(history.read("pipeline_runs")) == now


def test_characters_that_not_every_engine_keeps_are_replaced_wherever_they_stand(history: History) -> None:
    aside = Rejected("line\0 1", "made up", "{\0}")
    history.sync(feed(change("1", title="a\0b", labels=["x\0", "y"]), aside, Cursor("c\0")), ask())
    assert said(history, "changes", "title", "labels") == [("a\ufffdb", ["x\ufffd", "y"])]
    assert history.rejected().select(["where", "text"]).to_pylist() == [
        {"where": "line\ufffd 1", "text": "{\ufffd}"}
    ]


def test_the_longest_name_can_be_a_key(history: History) -> None:
    long = "".join(map(chr, range(0x4E00, 0x7E00)))
    synced(history, [change(long), change(long + "x"), change(long)])
    assert said(history, "changes", "id") == [(long,), (long + "x",)]


def test_rows_are_in_the_order_of_their_bytes_whatever_the_language(history: History) -> None:
    ids = ["b", "B", "a", "A", "ä", "z", "_", "10", "9", "\U0001f600", "\uffee"]
    synced(history, [change(each) for each in ids])
    assert history.read("changes")["id"].to_pylist() == sorted(ids, key=str.encode)


def test_a_person_is_taken_out_of_rows_whose_key_holds_the_name_too(history: History) -> None:
    fields = {"labels": ["by zelda", "x"], "author": "zelda", "issues": [{"id": "7", "title": "zelda asks"}]}
    synced(history, [change("1", **fields), change("2"), Annotation(on=date(2026, 3, 2), text="zelda began")])
    history.keep("notices", pa.table({"key": ["k|zelda", "k|somebody"], "text": ["", ""]}))
    before = history.states()

    def clean(text: str) -> str:
        return text.replace("zelda", "somebody")

    assert rewrite(history, clean) > 0
    assert history.states()["records:a"] != before["records:a"]
    assert said(history, "changes", "author", "labels", "issues") == [
        ("somebody", ["by somebody", "x"], '[{"id":"7","title":"somebody asks"}]'),
        (None, None, None),
    ]
    synced(history, [Annotation(on=date(2026, 3, 2), text="somebody began")])
    assert said(history, "annotations", "text") == [("somebody began",)]
    history.keep("notices", pa.table({"key": ["k|somebody"], "text": ["again"]}))
    assert set(history.kept("notices").to_pyarrow()["text"].to_pylist()) == {"again"}


def test_what_is_older_than_is_wanted_is_dropped_and_copies_are_known_to_be_old(history: History) -> None:
    old = NOON - timedelta(days=400)
    synced(
        history,
        [run(1), PipelineRun(codebase="shop", id="0", pipeline="ci", outcome="success", started_at=old)],
    )
    before = history.states()
    assert [source.rows for source in history.sources()] == [2]
    assert drop_older(history, {"pipeline_runs": timedelta(days=365)}, NOON) == 1
    assert said(history, "pipeline_runs", "id") == [("1",)]
    assert [source.rows for source in history.sources()] == [1]
    assert history.states() != before


def test_a_test_case_that_says_no_time_is_as_late_as_the_end_of_its_run(history: History) -> None:
    def case(name: str, **more: Any) -> TestCaseRun:
        return TestCaseRun(codebase="shop", name=name, outcome="pass", revision="a", **more)

    def ran(id_: str, finished_at: datetime | None) -> PipelineRun:
        return PipelineRun(codebase="shop", id=id_, pipeline="ci", outcome="success", finished_at=finished_at)

    day = timedelta(days=1)
    history.sync(
        feed(
            ran("early", NOON - day), ran("late", NOON + day), ran("unknown", None),
            case("own, late", started_at=NOON + day), case("own, early", started_at=NOON - day, run="late"),
            case("lent, late", run="late"), case("lent, early", run="early"),
            case("of no time", run="unknown"),
            case("of no run"), case("of a run that nobody has", run="x"),
        ),
        ask(),
    )  # fmt: skip
    found = {row["name"]: row["started_at"] for row in history.cases_after(NOON).to_pylist()}
    assert found == {"own, late": NOON + day, "lent, late": NOON + day}

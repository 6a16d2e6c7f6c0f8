"""A store that is lost takes back from the last site what no source could tell again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from tests.history.support import opened, synced

from deploybook.build import kept
from deploybook.feed import GATE
from deploybook.history import History, schema
from deploybook.records import Reason, Said, Verdict

AT = datetime(2026, 1, 16, 12, tzinfo=UTC)


def filled(history: History) -> None:
    """A published figure, a notice that was sent, and one that waits."""
    figure = {
        "scope": "site", "name": "", "period": "week", "period_start": AT.date(), "metric": "uptime",
        "value": 0.5, "unit": "share", "numerator": 1.0, "denominator": 2.0, "missing": 0, "published_at": AT,
    }  # fmt: skip
    history.keep("published", pa.Table.from_pylist([figure], schema=schema.PUBLISHED.schema))
    notices = [
        {"key": "a", "sent_at": AT, "to": "env:ANA_CHAT", "text": '{"subject": "shop/1"}'},
        {"key": "b", "sent_at": None, "to": "env:ANA_CHAT", "text": '{"subject": "shop/2"}'},
    ]
    said = {"codebase": "shop", "practice": "talk.chat", "stage": "weekly", "status": "met", "since": AT}
    history.keep("answers", pa.Table.from_pylist([said], schema=schema.ANSWERS.schema))
    history.keep("notices", pa.Table.from_pylist(notices, schema=schema.NOTICES.schema))


def test_figures_and_sent_notices_come_back_without_what_they_said(tmp_path: Path) -> None:
    site = tmp_path / "site"
    with opened(tmp_path / "one") as history:
        filled(history)
        kept.write(history, site, public=False)
        figures = history.kept("published").to_pyarrow().to_pylist()
    assert b"ANA_CHAT" not in (site / kept.FOLDER / "notices.parquet").read_bytes()
    with opened(tmp_path / "two") as history:
        assert kept.read_back(history, site) == ["published", "notices", "answers"]
        assert history.kept("answers").to_pyarrow().to_pylist()[0]["since"] == AT
        assert history.kept("published").to_pyarrow().to_pylist() == figures
        rows = history.kept("notices").to_pyarrow().to_pylist()
        assert [(row["key"], row["sent_at"]) for row in rows] == [("a", AT)]
        assert kept.read_back(history, site) == []


def test_a_public_site_carries_no_notices(tmp_path: Path) -> None:
    with opened(tmp_path / "one") as history:
        filled(history)
        kept.write(history, tmp_path / "site", public=True)
    names = sorted(path.name for path in (tmp_path / "site" / kept.FOLDER).iterdir())
    assert names == ["answers.parquet", "published.parquet"]


VERDICTS = (
    Verdict(
        environment="production", revision="a" * 40, verdict="fail", judged_at=AT, codebase="shop",
        reasons=(Reason(check="ci", answer="fail", says="ci is red"),),
        override=Said(by="ana", because="it was the network"),
    ),
    Verdict(environment="production", revision="b" * 40, verdict="pass", judged_at=AT, codebase="shop"),
)  # fmt: skip


def test_the_gates_own_verdicts_come_back_whole(tmp_path: Path) -> None:
    """Those of record files are told again by their source, so they are not kept twice."""
    site = tmp_path / "site"
    with opened(tmp_path / "one") as history:
        synced(history, VERDICTS, name=GATE)
        synced(history, [Verdict(environment="staging", revision="c" * 40, verdict="pass", judged_at=AT)])
        before = history.read("verdicts").filter(pc.field("source") == GATE)
        kept.write(history, site, public=False)
    with opened(tmp_path / "two") as history:
        assert kept.read_back(history, site) == ["verdicts"]
        assert history.read("verdicts").equals(before)
        assert kept.read_back(history, site) == []


def test_a_public_site_keeps_verdicts_without_what_people_said(tmp_path: Path) -> None:
    with opened(tmp_path / "one") as history:
        synced(history, VERDICTS, name=GATE)
        kept.write(history, tmp_path / "site", public=True)
    text = (tmp_path / "site" / kept.FOLDER / kept.VERDICTS).read_text("utf-8")
    assert text.count('"verdict":"') == 2
    assert not [word for word in ("ana", "network", "ci is red") if word in text]


def test_a_line_that_is_no_verdict_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "site" / kept.FOLDER
    folder.mkdir(parents=True)
    (folder / kept.VERDICTS).write_bytes(
        b'{"type": "verdict"}\n\xff\n{"type":"annotation","on":"2026-01-10","text":"x"}\n'
    )
    with opened(tmp_path / "one") as history:
        assert kept.read_back(history, tmp_path / "site") == []


def test_a_file_that_is_harmed_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "site" / kept.FOLDER).mkdir(parents=True)
    (tmp_path / "site" / kept.FOLDER / "published.parquet").write_bytes(b"PAR1 and no more")
    with opened(tmp_path / "one") as history:
        assert kept.read_back(history, tmp_path / "site") == []


def test_the_next_site_has_them_before_it_is_put_in_place(tmp_path: Path) -> None:
    with opened(tmp_path / "one") as history:
        filled(history)
        kept.write(history, tmp_path / "site", public=False)
    (tmp_path / "next").mkdir()
    kept.carry(tmp_path / "site", tmp_path / "next")
    assert len(list((tmp_path / "next" / kept.FOLDER).iterdir())) == 3

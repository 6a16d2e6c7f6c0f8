from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploybook.config.sources import CoverageOptions
from deploybook.feed import Ask, Rejected
from deploybook.records import Coverage
from deploybook.sources import coverage
from deploybook.sources.coverage import measured
from deploybook.sources.reports import ReportError

JACOCO = """<?xml version="1.0"?><!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd">
<report name="shop"><sessioninfo id="a" start="1" dump="1732000000000"/>
<sessioninfo id="b" start="1" dump="1732000060000"/>
<package name="p"><counter type="LINE" missed="9" covered="9"/></package>
<counter type="INSTRUCTION" missed="5" covered="95"/><counter type="LINE" missed="3" covered="7"/>
<counter type="BRANCH" missed="1" covered="3"/></report>"""


def test_cobertura_is_read_from_its_sums() -> None:
    found = measured(
        b'<coverage lines-covered="8" lines-valid="10" branches-covered="1" branches-valid="4" '
        b'timestamp="1732000000000"/>'
    )
    assert found.figures == {"lines": (8, 10), "branches": (1, 4)}
    assert found.at == datetime.fromtimestamp(1732000000, UTC)


def test_cobertura_without_sums_has_each_line_counted_once() -> None:
    found = measured(
        b"""<coverage line-rate="0.5"><class filename="a"><methods>
        <method><lines><line number="1" hits="2"/></lines>
        </method></methods><lines><line number="1" hits="2"/>
        <line number="2" hits="0"/></lines></class></coverage>"""
    )
    assert found.figures == {"lines": (1, 2)}


def test_jacoco_is_read_from_the_whole_report_and_its_latest_session() -> None:
    found = measured(JACOCO.encode())
    assert found.figures == {"lines": (7, 10), "branches": (3, 4)}
    assert found.at == datetime.fromtimestamp(1732000060, UTC)


def test_coverage_py_is_read_and_its_local_time_is_no_instant() -> None:
    totals = {"covered_lines": 6, "num_statements": 9, "covered_branches": 0, "num_branches": 0}
    found = measured(json.dumps({"meta": {"timestamp": "2026-11-20T10:00:00.1"}, "totals": totals}).encode())
    assert found.figures == {"lines": (6, 9)}
    assert found.at is None


def test_lcov_is_summed_over_its_files_with_and_without_their_own_sums() -> None:
    found = measured(
        b"TN:\nSF:a\nDA:1,1\nDA:2,0\nLF:2\nLH:1\nBRF:2\nBRH:1\nend_of_record\n"
        b"SF:b\nDA:1,3\nBRDA:1,0,0,-\nBRDA:1,0,1,2\nend_of_record\n"
    )
    assert found.figures == {"lines": (2, 3), "branches": (2, 4)}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html/>", "neither Cobertura"),
        (b"<coverage", "no XML"),
        (b"<coverage/>", "of nothing"),
        (b"<coverage lines-covered='11' lines-valid='10'/>", "cannot be"),
        (b"{", "no JSON"),
        (b"{}", "totals"),
        (b"", "no coverage report"),
        (b"hello", "no coverage report"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "/etc/passwd">]><coverage/>', "attacks"),
    ],
)
def test_what_is_no_report_is_set_aside_with_its_reason(content: bytes, why: str) -> None:
    with pytest.raises(ReportError, match=why):
        measured(content)


def test_a_report_without_a_time_was_made_when_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "a.info").write_text("SF:a\nDA:1,1\nend_of_record\n")
    os.utime(tmp_path / "a.info", (1732000000, 1732000000))
    (tmp_path / "b.info").write_text("nothing")
    said = CoverageOptions.model_validate({"files": "*.info", "codebase": "shop", "revision": 4711})
    items = list(coverage.feed("*.info", said, tmp_path).pull(Ask(datetime(2026, 12, 1, tzinfo=UTC))))
    assert items[0] == Coverage(
        codebase="shop", measured_at=datetime.fromtimestamp(1732000000, UTC), covered=1, total=1,
        revision="4711", unit="lines",
    )  # fmt: skip
    assert isinstance(items[1], Rejected)

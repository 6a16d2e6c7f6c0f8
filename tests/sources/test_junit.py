from __future__ import annotations

import os
import socket
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploybook.config.sources import JunitOptions
from deploybook.errors import SourceError
from deploybook.feed import Ask, Cursor, Item, Rejected, Unchanged
from deploybook.records import TestCaseRun
from deploybook.sources import junit

REPORTS = Path(__file__).parents[3] / "shared/conformance/junit"


def pull(root: Path, cursor: str | None = None, **options: str) -> list[Item]:
    said = JunitOptions.model_validate({"files": "**/*.xml", "codebase": "shop", **options})
    return list(
        junit.feed("**/*.xml", said, root).pull(Ask(datetime(2026, 12, 1, tzinfo=UTC), cursor=cursor))
    )


def outcomes(text: str) -> list[tuple[str | None, str, str]]:
    return [(case.suite, case.name, case.outcome) for case in junit.cases(text.encode())]


@pytest.mark.skipif(not REPORTS.is_dir(), reason="the real reports are not here")
def test_of_132_real_reports_127_are_read_and_five_set_aside() -> None:
    items = pull(REPORTS)
    aside = {item.where: item.reason for item in items if isinstance(item, Rejected)}
    assert len(list(REPORTS.rglob("*.xml"))) == 132
    assert {Path(where).name for where in aside} == {
        "corrupt-xml.xml", "NUnit-issue17521.xml", "NUnit-issue47367.xml",
        "NUnit-sec1752-file.xml", "NUnit-sec1752-https.xml",
    }  # fmt: skip
    assert all(aside.values())
    read = {item.job for item in items if isinstance(item, TestCaseRun)}
    # Those read that tell of no test have none: empty suites, and a root that is no report at all.
    assert len(read) > 100


ATTACK = '<!DOCTYPE a [<!ENTITY x SYSTEM "{}">]><testsuite><testcase name="&x;"/></testsuite>'


@pytest.mark.parametrize("place", ["secret.txt", "http://127.0.0.1:9/x", "file:///etc/hostname"])
def test_no_file_or_address_outside_is_ever_opened(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.txt").write_text("hunter2")
    (tmp_path / "a.xml").write_text(ATTACK.format(place))
    monkeypatch.chdir(tmp_path)
    opened: list[str] = []
    watching = [True]

    def watch(event: str, args: tuple[object, ...]) -> None:
        if watching[0] and event in {"open", "socket.connect", "socket.getaddrinfo"}:
            opened.append(str(args[0]))

    sys.addaudithook(watch)
    items = pull(tmp_path)
    watching[0] = False
    assert [type(item) for item in items] == [Rejected, Cursor]
    assert "hunter2" not in str(items)
    assert [name for name in opened if name.endswith((".txt", "hostname")) or "socket" in name] == []


def test_a_bomb_of_entities_is_set_aside(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><testsuite name="&b;"/>'
    (tmp_path / "a.xml").write_text(bomb)
    assert [type(item) for item in pull(tmp_path)] == [Rejected, Cursor]


def test_nested_suites_and_every_outcome_are_read() -> None:
    assert outcomes(
        """<testsuites><testsuite name="outer"><testcase name="a" classname="shop.Cart"/>
        <testsuite name="inner"><testcase name="b"><failure/></testcase>
        <testcase name="c"><error/><failure/></testcase><testcase name="d"><skipped/></testcase>
        </testsuite></testsuite></testsuites>"""
    ) == [
        ("shop.Cart", "a", "pass"), ("inner", "b", "fail"), ("inner", "c", "error"), ("inner", "d", "skip"),
    ]  # fmt: skip


def test_a_test_that_was_retried_has_each_of_its_results() -> None:
    assert outcomes(
        """<testsuite name="s"><testcase name="a"><flakyFailure/></testcase>
        <testcase name="b"><failure/><rerunFailure/><rerunError/></testcase></testsuite>"""
    ) == [
        ("s", "a", "fail"), ("s", "a", "pass"), ("s", "b", "fail"), ("s", "b", "error"), ("s", "b", "fail"),
    ]  # fmt: skip


def test_nunit_and_xunit_net_are_read() -> None:
    assert outcomes(
        """<test-run><test-suite><test-case fullname="A.B.C" result="Passed"/>
        <test-case fullname='A.B.D("x.y")' result="Failed"/>
        <test-case fullname="A.B.E" result="Failed" label="Error"/>
        <test-case fullname="A.B.F" result="Inconclusive" executed="True" success="False"/>
        </test-suite></test-run>"""
    ) == [("A.B", "C", "pass"), ("A.B", 'D("x.y")', "fail"), ("A.B", "E", "error"), ("A.B", "F", "skip")]
    assert outcomes(
        """<test-results><test-case name="A.B" executed="True" success="True"/>
        <test-case name="A.C" executed="True" success="False"/><test-case name="A.D" executed="False"/>
        </test-results>"""
    ) == [("A", "B", "pass"), ("A", "C", "fail"), ("A", "D", "skip")]
    assert outcomes(
        """<assemblies><assembly><collection><test name="T.a" type="T" result="Pass"/>
        <test name="T.b(1)" type="T" result="Fail"/><test name="T.c" type="T" result="Skip"/>
        </collection></assembly></assemblies>"""
    ) == [("T", "a", "pass"), ("T", "b(1)", "fail"), ("T", "c", "skip")]


def test_revision_run_and_attempt_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.xml").write_text(
        '<testsuite timestamp="2026-11-20T10:00:00+01:00"><testcase name="t" time="1,000.5"/></testsuite>'
    )
    monkeypatch.setenv("SHA", "abc1234")
    monkeypatch.setenv("TRY", "2")
    monkeypatch.delenv("RUN", raising=False)
    items = pull(tmp_path, revision="env:SHA", attempt="env:TRY", run="env:RUN")
    assert items[0] == TestCaseRun(
        codebase="shop", name="t", outcome="pass", revision="abc1234", attempt=2, job="a.xml",
        started_at=datetime(2026, 11, 20, 9, tzinfo=UTC), duration_seconds=1000.5,
    )  # fmt: skip


def test_the_legs_of_a_matrix_are_different_jobs(tmp_path: Path) -> None:
    for leg in ("linux", "mac"):
        (tmp_path / leg).mkdir()
        (tmp_path / leg / "r.xml").write_text('<testsuite><testcase name="t"/></testsuite>')
    jobs = Counter(item.job for item in pull(tmp_path) if isinstance(item, TestCaseRun))
    assert jobs == {"linux/r.xml": 1, "mac/r.xml": 1}


def test_a_report_is_read_once_and_again_when_it_or_the_revision_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "a.xml"
    report.write_text('<testsuite><testcase name="t"/></testsuite>')
    monkeypatch.setenv("SHA", "1")
    first = pull(tmp_path, revision="env:SHA")
    assert isinstance(first[-1], Cursor)
    saved = first[-1].text
    assert pull(tmp_path, saved, revision="env:SHA") == [Unchanged()]
    os.utime(report, (1, 1))
    assert pull(tmp_path, saved, revision="env:SHA") == [Unchanged()]
    monkeypatch.setenv("SHA", "2")
    assert [type(item) for item in pull(tmp_path, saved, revision="env:SHA")] == [TestCaseRun, Cursor]
    report.unlink()
    assert pull(tmp_path, saved, revision="env:SHA") == [Unchanged()]


def test_where_there_never_was_a_report_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file matches"):
        pull(tmp_path)


def test_sockets_are_not_needed_to_read_a_report() -> None:
    # The attack tests above watch for connections: this shows that the watch would see one.
    seen: list[str] = []
    watching = [True]
    sys.addaudithook(lambda event, args: seen.append(event) if watching[0] else None)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        probe.listen(1)
        with socket.socket() as client:
            client.connect(probe.getsockname())
    watching[0] = False
    assert "socket.connect" in seen

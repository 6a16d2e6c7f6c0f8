"""Test reports: JUnit XML, and what NUnit and xUnit.net write instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element

from junitparser import Error, Failure, Skipped, xunit2

from deploybook.config.sources import JunitOptions, value_of
from deploybook.feed import Feed
from deploybook.records import TestCaseRun
from deploybook.sources import reports
from deploybook.sources.files import File
from deploybook.sources.reports import ReportError, instant, parse_xml

Outcome = Literal["pass", "fail", "error", "skip"]

_LONGEST_NAME = 1_000


@dataclass(frozen=True, slots=True)
class _Case:
    suite: str | None
    name: str
    outcome: Outcome
    started_at: datetime | None = None
    seconds: float | None = None


def feed(pattern: str, options: JunitOptions, root: Path) -> Feed:
    """The feed of the reports that a pattern finds.

    Args:
        pattern: A glob or a folder, relative to `root`.
        options: Whose tests they are, of which revision, run, attempt and job.
        root: The folder of the configuration.
    """
    revision, run, job = (value_of(each) for each in (options.revision, options.run, options.job))
    attempt = value_of(options.attempt)

    def read(content: bytes, file: File) -> Iterator[TestCaseRun]:
        for case in cases(content):
            yield TestCaseRun(
                codebase=options.codebase,
                name=case.name[:_LONGEST_NAME],
                outcome=case.outcome,
                suite=case.suite[:_LONGEST_NAME] if case.suite else None,
                revision=revision,
                run=run,
                attempt=int(attempt) if attempt and attempt.isdecimal() else None,
                job=job or file.name,
                started_at=case.started_at,
                duration_seconds=case.seconds,
            )

    return reports.feed("junit", pattern, root, repr((options, revision, run, attempt, job)), read)


def cases(content: bytes) -> Iterator[_Case]:
    """The test cases of a report, each once for every result it has: a retried one failed, then passed.

    Raises:
        ReportError: It is no XML, or an attack.
    """
    root = parse_xml(content)
    if root.tag in {"testsuite", "testsuites"}:
        yield from _junit(root)
    else:
        yield from _nunit(root)
        yield from _xunit_net(root)


def _junit(root: Element) -> Iterator[_Case]:
    for suite, at in _suites(root, None, None):
        for element in suite.findall("testcase"):
            case = xunit2.TestCase.fromelem(element)  # type: ignore[no-untyped-call]
            group = case.classname or suite.get("name") or None
            name = case.name or case.classname or "a test without a name"
            begun = instant(element.get("timestamp")) or at
            seconds = _seconds(element.get("time"))
            for retried in case.interim_result:
                yield _Case(group, name, "error" if "Error" in retried._tag else "fail", begun)
            yield _Case(group, name, _result(case), begun, seconds)


def _suites(
    element: Element, name: str | None, at: datetime | None
) -> Iterator[tuple[Element, datetime | None]]:
    """Each suite, however deep, with its own time or that of the one around it."""
    stack = [(element, name, at)]
    while stack:
        suite, around, begun = stack.pop()
        begun = instant(suite.get("timestamp")) or begun
        yield suite, begun
        stack += [(below, around, begun) for below in reversed(suite.findall("testsuite"))]


def _result(case: xunit2.TestCase) -> Outcome:
    kinds = {type(result) for result in case.result}
    for kind, outcome in _RESULTS:
        if kind in kinds:
            return outcome
    return "pass"


_RESULTS: tuple[tuple[type, Outcome], ...] = ((Error, "error"), (Failure, "fail"), (Skipped, "skip"))

_NUNIT: dict[str, Outcome] = {
    "passed": "pass", "success": "pass", "warning": "pass", "failed": "fail", "failure": "fail",
    "error": "error", "cancelled": "error",
}  # fmt: skip


def _nunit(root: Element) -> Iterator[_Case]:
    """NUnit 3 says `result`, NUnit 2 before 2.5 only `executed` and `success`."""
    for case in root.iter("test-case"):
        whole = case.get("fullname") or case.get("name") or "a test without a name"
        # The name of a case ends before its arguments, in which there may be dots.
        suite, _, _ = whole.partition("(")[0].rpartition(".")
        said = (case.get("label") if case.get("result") == "Failed" else None, case.get("result"))
        outcome = next((_NUNIT[word.lower()] for word in said if word and word.lower() in _NUNIT), None)
        if outcome is None:
            ran = (case.get("executed"), case.get("success"))
            outcome = {("True", "True"): "pass", ("True", "False"): "fail"}.get(ran, "skip")  # type: ignore[arg-type,assignment]
            if case.get("result") is not None:
                outcome = "skip"  # inconclusive, ignored, not runnable
        seconds = _seconds(case.get("duration") or case.get("time"))
        name = whole.removeprefix(f"{suite}.") if suite else whole
        yield _Case(suite or None, name, outcome or "skip", instant(case.get("start-time")), seconds)


def _xunit_net(root: Element) -> Iterator[_Case]:
    outcomes: dict[str, Outcome] = {"pass": "pass", "fail": "fail"}
    for assembly in root.iter("assembly"):
        day, hour = assembly.get("run-date"), assembly.get("run-time")
        at = instant(f"{day}T{hour}") if day and hour else None
        for test in assembly.iter("test"):
            suite, whole = test.get("type"), test.get("name") or "a test without a name"
            name = whole.removeprefix(f"{suite}.") if suite else whole
            outcome = outcomes.get((test.get("result") or "").lower(), "skip")
            yield _Case(suite, name, outcome, at, _seconds(test.get("time")))


def _seconds(text: str | None) -> float | None:
    try:
        found = float((text or "").replace(",", ""))
    except ValueError:
        return None
    return found if 0 <= found < 1e9 else None


__all__ = ["ReportError", "cases", "feed"]

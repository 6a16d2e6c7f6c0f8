"""Reports inside an artifact, a ZIP file: read in memory, never extracted, and never more than is bearable.

A ZIP file may claim anything of its sizes, so that what is really unpacked is what is counted.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from deploybook.feed import Item, Rejected
from deploybook.records import Coverage, TestCaseRun
from deploybook.sources import coverage, junit
from deploybook.sources.reports import ReportError, parse_xml

LARGEST = 50 << 20
"""Bytes of an artifact as it is sent."""
LARGEST_FILE = 32 << 20
LARGEST_WHOLE = 200 << 20
"""Bytes of one file of it, and of all its reports together, when unpacked."""
MOST_FILES = 5_000
_LONGEST_NAME = 1_000


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact of a run.

    Attributes:
        codebase: Whose it is.
        name: As the workflow calls it.
        run: The id of the run.
        revision: Which the run tested.
        made_at: When it was made.
        url: For people.
    """

    codebase: str
    name: str
    run: str | None
    revision: str | None
    made_at: datetime
    url: str


def reports(artifact: Artifact, content: bytes) -> Iterator[Item]:
    """The test case runs and coverage in an artifact; what cannot be read is told, the rest is still read.

    Args:
        artifact: Whose content it is.
        content: The ZIP file.
    """
    left = LARGEST_WHOLE
    try:
        with ZipFile(BytesIO(content)) as bundle:
            files = [each for each in bundle.infolist() if _may_be_report(each.filename)]
            if len(files) > MOST_FILES:
                yield _aside(artifact, "", f"it holds more than {MOST_FILES:,} reports")
                return
            for file in files:
                try:
                    text = _unpacked(bundle, file, min(LARGEST_FILE, left))
                    left -= len(text)
                    yield from list(_read(artifact, file.filename, text))
                except (ReportError, BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
                    yield _aside(artifact, file.filename, str(error))
    except (BadZipFile, ValueError, NotImplementedError, OSError) as error:
        yield _aside(artifact, "", f"this is no ZIP file that can be read: {error}")


def _may_be_report(name: str) -> bool:
    folded = name.casefold()
    last = folded.rpartition("/")[2]
    return folded.endswith((".xml", ".info")) or (last.endswith(".json") and "coverage" in last)


def _unpacked(bundle: ZipFile, file: ZipInfo, most: int) -> bytes:
    if file.flag_bits & 1:
        raise ReportError("it is encrypted")
    if file.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        # Other methods give no bound on what a few bytes become.
        raise ReportError("it is packed in a way that GitHub does not use")
    with bundle.open(file) as opened:
        text = opened.read(most + 1)
    if len(text) > most:
        raise ReportError(f"unpacked it has more than the {most:,} bytes that are read")
    return text


def _read(artifact: Artifact, name: str, text: bytes) -> Iterator[TestCaseRun | Coverage]:
    start = text[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<") and parse_xml(text).tag not in {"coverage", "report"}:
        for case in junit.cases(text):
            yield TestCaseRun(
                codebase=artifact.codebase,
                name=case.name[:_LONGEST_NAME],
                outcome=case.outcome,
                suite=case.suite[:_LONGEST_NAME] if case.suite else None,
                revision=artifact.revision,
                run=artifact.run,
                # The legs of a matrix differ in the artifact or in the file.
                job=f"{artifact.name}/{name}"[:_LONGEST_NAME],
                started_at=case.started_at,
                duration_seconds=case.seconds,
            )
        return
    found = coverage.measured(text)
    for unit, (covered, total) in found.figures.items():
        yield Coverage(
            codebase=artifact.codebase,
            measured_at=found.at or artifact.made_at,
            covered=covered,
            total=total,
            revision=artifact.revision,
            unit=unit,
        )


def _aside(artifact: Artifact, name: str, reason: str) -> Rejected:
    where = f"{artifact.url} {artifact.name}" + (f"/{name}" if name else "")
    return Rejected(where[:500], reason[:300], "")

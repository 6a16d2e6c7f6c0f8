"""Coverage reports: Cobertura, coverage.py's JSON, LCOV, JaCoCo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import Element

from deploybook.config.sources import CoverageOptions, value_of
from deploybook.feed import Feed
from deploybook.records import Coverage
from deploybook.sources import reports
from deploybook.sources.files import File
from deploybook.sources.reports import ReportError, epoch, instant, parse_xml, written

Unit = Literal["lines", "branches"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a report says: covered and total by unit, and when it was made where it says so."""

    figures: dict[Unit, tuple[int, int]]
    at: datetime | None = None


def feed(pattern: str, options: CoverageOptions, root: Path) -> Feed:
    """The feed of the reports that a pattern finds.

    Args:
        pattern: A glob or a folder, relative to `root`.
        options: Whose code it is, and which revision was measured.
        root: The folder of the configuration.
    """
    revision = value_of(options.revision)

    def read(content: bytes, file: File) -> Iterator[Coverage]:
        found = measured(content)
        for unit, (covered, total) in found.figures.items():
            yield Coverage(
                codebase=options.codebase,
                measured_at=found.at or written(file),
                covered=covered,
                total=total,
                revision=revision,
                unit=unit,
            )

    return reports.feed("coverage", pattern, root, repr((options, revision)), read)


def measured(content: bytes) -> Measured:
    """What a report says; a unit with nothing to cover is left out.

    Raises:
        ReportError: It is none of the four, or cannot be read.
    """
    start = content[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        found = _xml(parse_xml(content))
    elif start.startswith(b"{"):
        found = _json(content)
    else:
        found = _lcov(content.decode("utf-8", "replace"))
    figures: dict[Unit, tuple[int, int]] = {}
    for unit, (covered, total) in found.figures.items():
        if not 0 <= covered <= total:
            raise ReportError(f"{covered} of {total} {unit} are covered: that cannot be")
        if total:
            figures[unit] = (covered, total)
    if not figures:
        raise ReportError("it says of nothing whether it is covered")
    return Measured(figures, found.at)


def _xml(root: Element) -> Measured:
    if root.tag == "coverage":
        return _cobertura(root)
    if root.tag == "report":
        return _jacoco(root)
    raise ReportError(f"its root is <{root.tag[:40]}>: neither Cobertura (<coverage>) nor JaCoCo (<report>)")


def _cobertura(root: Element) -> Measured:
    figures: dict[Unit, tuple[int, int]] = {}
    units: tuple[tuple[Unit, str], ...] = (("lines", "lines"), ("branches", "branches"))
    for unit, name in units:
        covered, total = _whole(root.get(f"{name}-covered")), _whole(root.get(f"{name}-valid"))
        if covered is not None and total is not None:
            figures[unit] = (covered, total)
    if "lines" not in figures:
        figures["lines"] = _cobertura_lines(root)
    return Measured(figures, epoch(root.get("timestamp")))


def _cobertura_lines(root: Element) -> tuple[int, int]:
    """Counted where the report does not sum up. A line stands under its class and under its method."""
    hit: dict[tuple[str, str], bool] = {}
    for part in root.iter("class"):
        for line in part.iter("line"):
            key = (part.get("filename") or part.get("name") or "", line.get("number") or "")
            hit[key] = hit.get(key, False) or (_whole(line.get("hits")) or 0) > 0
    return sum(hit.values()), len(hit)


def _jacoco(root: Element) -> Measured:
    figures: dict[Unit, tuple[int, int]] = {}
    names: dict[str, Unit] = {"LINE": "lines", "BRANCH": "branches"}
    for counter in root.findall("counter"):
        unit = names.get(counter.get("type") or "")
        missed, covered = _whole(counter.get("missed")), _whole(counter.get("covered"))
        if unit and missed is not None and covered is not None:
            figures[unit] = (covered, covered + missed)
    ends = [at for session in root.findall("sessioninfo") if (at := epoch(session.get("dump")))]
    return Measured(figures, max(ends, default=None))


def _json(content: bytes) -> Measured:
    try:
        report: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"this is no JSON: {error}") from error
    totals = report.get("totals")
    if not isinstance(totals, dict):
        raise ReportError("it has no `totals`: not a JSON report of coverage.py")
    figures: dict[Unit, tuple[int, int]] = {}
    names: tuple[tuple[Unit, str, str], ...] = (
        ("lines", "covered_lines", "num_statements"),
        ("branches", "covered_branches", "num_branches"),
    )
    for unit, covered, total in names:
        if isinstance(totals.get(covered), int) and isinstance(totals.get(total), int):
            figures[unit] = (totals[covered], totals[total])
    meta = report.get("meta")
    said = meta.get("timestamp") if isinstance(meta, dict) else None
    # coverage.py writes the machine's local time without an offset: only one that has it is an instant.
    at = instant(said) if isinstance(said, str) and _has_offset(said) else None
    return Measured(figures, at)


def _has_offset(text: str) -> bool:
    return text.endswith("Z") or "+" in text[10:] or "-" in text[10:]


def _lcov(text: str) -> Measured:
    """Sums of each file's own; a file that does not sum up has its lines counted."""
    lines, branches = [0, 0], [0, 0]
    own: dict[str, int] = {}
    hit = found = taken = ways = files = 0
    for row in text.split("\n"):
        word, _, rest = row.strip().partition(":")
        if word in {"LH", "LF", "BRH", "BRF"}:
            own[word] = _whole(rest) or 0
        elif word == "DA":
            found += 1
            hit += (_whole(rest.split(",")[1]) or 0) > 0 if "," in rest else 0
        elif word == "BRDA":
            ways += 1
            taken += (_whole(rest.rpartition(",")[2]) or 0) > 0
        elif word == "end_of_record":
            files += 1
            lines = [lines[0] + own.get("LH", hit), lines[1] + own.get("LF", found)]
            branches = [branches[0] + own.get("BRH", taken), branches[1] + own.get("BRF", ways)]
            own, hit, found, taken, ways = {}, 0, 0, 0, 0
    if not files:
        raise ReportError("this is no coverage report: no XML, no JSON, and no `end_of_record` as in LCOV")
    return Measured({"lines": (lines[0], lines[1]), "branches": (branches[0], branches[1])})


def _whole(text: str | None) -> int | None:
    try:
        return int(float(text or "")) if text else None
    except (ValueError, OverflowError):
        return None

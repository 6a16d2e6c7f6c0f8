"""`data/`: every table as CSV and Parquet, what the sources gave, and what was set aside."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from markupsafe import Markup

from deploybook import words
from deploybook.pages import dictionary
from deploybook.pages.book import Book, SetAside, SourceStatus
from deploybook.pages.page import File, Page
from deploybook.pages.strangers import Stranger, strangers

COLUMNS: dict[str, tuple[str, ...]] = {
    "changes": (
        "codebase", "id", "title", "author", "area", "merged_at", "merge_revision", "state", "deployment",
        "deployed_at", "withdrawn_at", "lead_time_seconds", "coding_seconds", "pickup_seconds",
        "review_seconds", "waiting_seconds", "additions", "deletions", "approvals", "url", "team", "bot",
        "environment", "live_again_at", "reverts", "reverted_by", "original", "flags", "approved",
    ),
    "deployments": (
        "codebase", "id", "environment", "revision", "version", "previous", "started_at", "finished_at",
        "outcome", "reached", "rollout", "kind", "needed_intervention", "evidence", "recovered_at",
        "recovery_seconds", "changes", "url", "live", "counted", "baseline", "matched", "time_from", "by",
        "duration_seconds", "rollback_seconds", "corrected", "pipeline_run",
    ),
    "incidents": (
        "id", "codebase", "title", "severity", "started_at", "detected_at", "resolved_at", "deployment",
        "matched_by", "flag", "url", "environment", "down", "unmatched_because",
        "time_to_restore_seconds", "time_to_detect_seconds",
    ),
    "pipeline_runs": (
        "codebase", "id", "attempt", "pipeline", "outcome", "revision", "branch", "trigger", "job",
        "queued_at", "started_at", "finished_at", "deploys_to", "url",
    ),
    "metrics": (
        "scope", "name", "period", "period_start", "metric", "value", "unit", "numerator", "denominator",
        "missing",
    ),
    "flags": ("flag", "environment", "changed_at", "state", "codebases", "by", "url"),
    "branch_commits": ("codebase", "revision", "committed_at"),
    "coverage": ("codebase", "revision", "unit", "measured_at", "covered", "total"),
    "availability": ("codebase", "monitor", "from", "to", "state", "url"),
    "verdicts": ("codebase", "environment", "revision", "judged_at", "verdict", "url"),
    "outliers": ("codebase", "kind", "id", "environment", "at", "measure", "value", "limit", "of"),
    "practices": ("codebase", "practice", "stage", "status", "value", "threshold", "evidence"),
}  # fmt: skip
"""The columns of each file, those of the interface first."""

_STORED = {"flags": "flag_changes"}
"""Tables that the history knows by another name."""
_WHETHER = {"corrected"}
"""Columns of which it is told only whether they are filled."""
_PEOPLE = {"author", "by"}
"""Columns that hold people."""
_FORMULA = r"^\s*[=+\-@＝＋－＠|]|^[\t\r\n]"


@dataclass(frozen=True)
class DataFile:
    """One table to download."""

    name: str
    about: str
    rows: str
    csv: Markup
    parquet: Markup
    columns: tuple[tuple[str, str, str], ...]
    """Each column: its name, its type, what it means."""


@dataclass(frozen=True)
class SourceRow:
    """One source and what it last gave."""

    name: str
    rows: str
    last_read: Markup | str
    rejected: int
    error: str | None


@dataclass(frozen=True)
class DataPage:
    """The model of `data/`."""

    sentence: str
    address: str
    """Where the files are served from."""
    simulated: bool
    files: tuple[DataFile, ...]
    sources: tuple[SourceRow, ...]
    strangers: tuple[Stranger, ...]
    set_aside: tuple[SetAside, ...]
    more_set_aside: int


def _last_read(book: Book, source: SourceStatus) -> Markup | str:
    """When a source that fails could last be read; of the others the build's own time says it."""
    if source.last_read is None:
        return "never"
    return words.moment(source.last_read, book.zone, "long") if source.error else "for this build"


def served(book: Book) -> dict[str, pa.Table]:
    """The tables as they are served: columns in order, lists as words with a blank between."""
    found: dict[str, pa.Table] = {}
    for name, columns in COLUMNS.items():
        stored = _STORED.get(name, name)
        if name not in book.tables and stored not in book.history:
            continue
        table = book.tables[name] if name in book.tables else book.history[stored]
        arrays = [
            _names(book, table.column(column)) if column in _PEOPLE else _flat(column, table.column(column))
            for column in columns
        ]
        found[name] = pa.table(arrays, names=list(columns))
    return found


def _names(book: Book, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """People as readers know them: no address leaves the store."""
    known = {raw: book.person(raw) for raw in column.unique().to_pylist()}
    return pa.chunked_array([pa.array([known[raw] for raw in column.to_pylist()], pa.string())])


def _flat(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if name in _WHETHER:
        return pc.is_valid(column)
    if pa.types.is_list(column.type):
        return pc.binary_join(column, " ")
    return column


def csv_bytes(table: pa.Table) -> bytes:
    """A table as CSV; what a spreadsheet would take for a formula has an apostrophe before it."""
    columns = [_cells(table.column(name)) for name in table.column_names]
    out = io.BytesIO()
    pyarrow.csv.write_csv(
        pa.table(columns, names=table.column_names), out, pyarrow.csv.WriteOptions(quoting_style="needed")
    )
    return out.getvalue()


def _cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column.cast(pa.timestamp("s", tz="UTC"), safe=False), "%Y-%m-%dT%H:%M:%SZ")
    if not pa.types.is_string(column.type):
        return column
    text = pc.replace_substring(column, "\0", "\N{REPLACEMENT CHARACTER}")
    return pc.if_else(
        pc.match_substring_regex(text, _FORMULA), pc.binary_join_element_wise("'", text, ""), text
    )


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as Parquet, literal."""
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, compression="zstd")
    return out.getvalue()


def pages(book: Book) -> Iterator[Page | File]:
    """The data page and its files."""
    files = []
    tables = served(book)
    yield File("data/datapackage.json", dictionary.package(book.config.site.name, tables))
    for name, table in tables.items():
        yield File(f"data/{name}.csv", csv_bytes(table))
        yield File(f"data/{name}.parquet", parquet_bytes(table))
        files.append(
            DataFile(
                name=name,
                about=dictionary.TABLES[name],
                rows=f"{table.num_rows:,}",
                csv=Markup(f"~/data/{name}.csv"),
                parquet=Markup(f"~/data/{name}.parquet"),
                columns=tuple(
                    (field.name, dictionary.type_of(field.type), dictionary.describe(name, field.name))
                    for field in table.schema
                ),
            )
        )
    failing = [source for source in book.sources if source.error]
    stale = f"; {words.count(len(failing), 'source')} could not be read" if failing else ""
    aside = len(book.rejected)
    model = DataPage(
        sentence=f"Everything this site says comes from {words.count(len(book.sources), 'source')}{stale}.",
        address=f"{(book.config.site.url or 'https://…').rstrip('/')}/data/",
        simulated=book.config.site.simulated,
        files=tuple(files),
        sources=tuple(
            SourceRow(
                name=source.name,
                rows=f"{source.rows:,}",
                last_read=_last_read(book, source),
                rejected=source.rejected,
                error=source.error,
            )
            for source in book.sources
        ),
        strangers=tuple(strangers(book)),
        set_aside=tuple(book.rejected[:200]),
        more_set_aside=max(0, aside - 200),
    )
    yield Page("data", "data.md.jinja", "Data", model, toc=True)

"""The quality of the data, for `deploybook check`: what found nothing, cannot be, or is not there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median

import pyarrow as pa
import pyarrow.compute as pc

from deploybook import words
from deploybook.build.finding import Finding
from deploybook.pages.book import Book
from deploybook.pages.readings import WEEKS
from deploybook.pages.strangers import strangers
from deploybook.pages.trust import trust_page

_NAMED = 3
"""So many examples are named."""
_OPEN = timedelta(days=30)
"""An incident that is open for longer was forgotten rather than fought."""
_AHEAD = timedelta(minutes=10)
"""Clocks differ by less."""
_WEEK = timedelta(weeks=1)
_USUAL = 5
"""Rows in a usual week, below which an empty one says nothing."""
_GAP = 2
"""Empty weeks after another that are a gap."""


def quality(book: Book) -> Iterator[Finding]:
    """What is to be doubted in the last weeks, and what nobody maps."""
    yield from _unmatched(book)
    yield from _backwards(book)
    yield from _ahead(book)
    yield from _gaps(book)
    yield from _never_closed(book)
    yield from _strangers(book)


def _unmatched(book: Book) -> Iterator[Finding]:
    for check in trust_page(book).checks:
        if check.missing:
            says = f"{check.title}: {check.found}"
            so = f"of {check.missing} it is not known {check.hides}"
            yield Finding("missing", f"last {WEEKS} weeks", says, check.mend, so=so)


def _backwards(book: Book) -> Iterator[Finding]:
    """Stages that end before they begin."""
    changes = [
        f"{each.codebase}/{each.id}"
        for each in book.changes
        if _falls(each.opened_at, each.merged_at)
        or _falls(each.first_review_at, each.merged_at)
        or _falls(each.first_commit_at, each.merged_at)
        or (each.by_pull_request and _falls(each.merged_at, each.deployed_at))
    ]
    deployments = [
        f"{each.codebase}/{each.id}" for each in book.deployments if _falls(each.started_at, each.finished_at)
    ]
    incidents = dict.fromkeys(
        each.id
        for each in book.incidents
        if _falls(each.started_at, each.resolved_at) or _falls(each.started_at, each.detected_at)
    )
    for found, noun in ((changes, "change"), (deployments, "deployment"), (list(incidents), "incident")):
        if found:
            yield Finding(
                "doubt", f"{noun}s",
                f"{words.count(len(found), noun)} with a stage that ends before it begins",
                "see which clock is wrong, or which field was mixed up with another",
                tuple(found[-_NAMED:]), so="those stages count as unknown",
            )  # fmt: skip


def _falls(begin: datetime | None, end: datetime | None) -> bool:
    return begin is not None and end is not None and end < begin


def _ahead(book: Book) -> Iterator[Finding]:
    """What is said to have happened after now: a clock that is ahead of ours."""
    limit = pa.scalar(book.as_of + _AHEAD)
    for table, column, name in (
        ("commits", "committed_at", "revision"),
        ("changes", "merged_at", "id"),
        ("deployments", "finished_at", "id"),
        ("incidents", "started_at", "id"),
    ):
        rows = book.history[table]
        rows = rows.filter(pc.greater(rows[column], limit))
        if rows.num_rows:
            names = [f"{each:.12}" for each in rows.slice(0, _NAMED)[name].to_pylist()]
            yield Finding(
                "doubt", table, f"{words.count(rows.num_rows, table[:-1])} in the future",
                "set the clock of what wrote them, or this machine’s", tuple(names),
                so="they are told only once their time has come",
            )  # fmt: skip


def _gaps(book: Book) -> Iterator[Finding]:
    """Weeks with nothing of a kind of which there is usually much, by codebase."""
    for table, column, noun in (
        ("pipeline_runs", "finished_at", "runs of pipelines"),
        ("deployments", "finished_at", "deployments"),
        ("changes", "merged_at", "changes"),
    ):
        for codebase, weeks in _by_week(book, table, column).items():
            gap = _gap(weeks)
            if gap is None or codebase not in book.config.codebases:
                continue
            ago, long = gap
            day = (book.as_of - ago * _WEEK).astimezone(book.zone).date()
            yield Finding(
                "doubt", codebase, f"no {noun} in the {long} weeks before {day.isoformat()}",
                f"if there were some: deploybook sync --since {(day - long * _WEEK).isoformat()}",
                so="figures of those weeks are of what is there",
            )  # fmt: skip


def _by_week(book: Book, table: str, column: str) -> dict[str, list[int]]:
    """Rows by codebase and week, this one first, of the last weeks."""
    rows = book.history[table].select(["codebase", column])
    rows = rows.filter(pc.is_valid(rows[column]))
    ages = pc.divide(pc.subtract(pa.scalar(book.as_of), rows[column]).cast(pa.int64()), _micro(rows[column]))
    counted = pa.table({"codebase": rows["codebase"], "week": ages}).group_by(["codebase", "week"])
    found: dict[str, list[int]] = defaultdict(lambda: [0] * WEEKS)
    for row in counted.aggregate([([], "count_all")]).to_pylist():
        if 0 <= row["week"] < WEEKS:
            found[row["codebase"]][row["week"]] = row["count_all"]
    return found


def _micro(column: pa.ChunkedArray) -> int:
    """A week in the unit of a column of instants."""
    ticks = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[column.type.unit]
    return int(_WEEK.total_seconds()) * ticks


def _gap(weeks: list[int]) -> tuple[int, int] | None:
    """The last gap: how many weeks ago it ended, and how long it was; none where rows are rare anyway."""
    filled = [count for count in weeks if count]
    if len(filled) < WEEKS // 3 or median(filled) < _USUAL:
        return None
    empty = 0
    for ago, count in enumerate(weeks):
        if count and empty >= _GAP:
            return ago - empty, empty
        empty = 0 if count else empty + 1
    return None


def _never_closed(book: Book) -> Iterator[Finding]:
    found = dict.fromkeys(
        each.id
        for each in sorted(book.incidents, key=lambda each: each.started_at, reverse=True)
        if each.resolved_at is None and each.started_at < book.as_of - _OPEN
    )
    if found:
        yield Finding(
            "doubt", "incidents",
            f"{words.count(len(found), 'incident')} open for more than {_OPEN.days} days",
            "close them where they are kept, with the time at which users were well again",
            tuple(found)[:_NAMED], so="time to restore leaves them out, and the home page shows them as open",
        )  # fmt: skip


_NOBODY = {
    "codebase": "nothing that is told of it is on the site",
    "environment": "its deployments reach no step of the process",
    "person": "the name is shown as it came, and notices find nobody",
}


def _strangers(book: Book) -> Iterator[Finding]:
    found = strangers(book)
    for kind, so in _NOBODY.items():
        those = [each for each in found if each.kind == kind]
        if those:
            says = f"{words.count(len(those), 'name')} that no {kind} of the configuration has"
            names = tuple(f"{each.name}: {each.rows}" for each in those[:_NAMED])
            yield Finding("missing", "deploybook.yml", says, f"write, for one: {those[0].mend}", names, so=so)

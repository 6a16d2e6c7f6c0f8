"""What did not go to users, and what went against a rule: stopped promotions, overrides, forced locks."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from deploybook import words
from deploybook.metrics.outcomes import RED
from deploybook.pages.book import Book
from deploybook.records import Reason, Said
from deploybook.text import escape, link

_WHY = 200


@dataclass(frozen=True)
class Stop:
    """One of them, in words, and when it was."""

    at: datetime
    says: Markup


@dataclass(frozen=True)
class Refusal:
    """A promotion that did not get to users: the gate did not pass it, or its pipeline went red."""

    at: datetime
    codebase: str | None
    environment: str
    revision: str
    """In full; `run 7` where only the run is known."""
    why: Markup
    """A sentence, and another one where a person decided to go on."""
    url: Markup | None
    """The run that was stopped."""

    @property
    def short(self) -> str:
        """The revision as people read it."""
        return self.revision if self.revision.startswith("run ") else self.revision[:10]


def stops(book: Book) -> list[Stop]:
    """All of them, oldest first: of a codebase, environment and revision that was stopped, the first time."""
    return sorted([*promotions(book), *_forced(book)], key=lambda stop: stop.at)


def promotions(book: Book) -> list[Stop]:
    """Promotions that were stopped before users, in words, oldest first."""
    return [Stop(each.at, _told(book, each)) for each in refusals(book)]


def refusals(book: Book) -> list[Refusal]:
    """Promotions that were stopped before users, oldest first; what was stopped twice, the first time."""
    return book.once(_refusals)


def _refusals(book: Book) -> list[Refusal]:
    first: dict[tuple[str | None, str, str], Refusal] = {}
    for each in sorted([*_of_verdicts(book), *_of_runs(book)], key=lambda found: found.at):
        first.setdefault((each.codebase, each.environment, each.revision), each)
    return list(first.values())


def _told(book: Book, each: Refusal) -> Markup:
    place = f"{each.codebase or 'a codebase'} to {book.config.step_of(each.environment)}"
    stopped = Markup('<a href="{}">stopped</a>').format(each.url) if each.url else "stopped"
    return Markup("{}, {}: {} at {}. {}").format(
        escape(place), words.moment(each.at, book.zone), stopped, escape(each.short), each.why
    )


def _of_verdicts(book: Book) -> Iterator[Refusal]:
    for row in book.history["verdicts"].to_pylist():
        environment = row["environment"].lower()
        if row["verdict"] == "pass" or environment not in book.config.live or row["judged_at"] > book.as_of:
            continue
        reasons = msgspec.json.decode(row["reasons"], type=list[Reason]) if row["reasons"] else []
        no = next((each.says for each in reasons if each.answer != "pass"), "the gate did not pass it")
        over = msgspec.json.decode(row["override"], type=Said) if row["override"] else None
        by = Markup("")
        if over is not None:
            person = escape(book.person(over.by) or over.by)
            by = Markup(" {} decided to go on: {}.").format(person, _short(over.because))
        why = Markup("{}.{}").format(_short(no), by)
        yield Refusal(
            row["judged_at"], row["codebase"], environment, row["revision"], why, link(row["url"])
        )  # fmt: skip


def _of_runs(book: Book) -> Iterator[Refusal]:
    """Red runs towards users that never got there."""
    went = {(d.codebase, d.pipeline_run) for d in book.deployments if d.reached and d.outcome != "success"}
    columns = (
        "codebase", "id", "pipeline", "outcome", "deploys_to", "revision", "finished_at", "started_at", "url",
    )  # fmt: skip
    runs = book.history["pipeline_runs"].select(list(columns))
    red = _spelled(runs, "outcome", RED) & _spelled(runs, "deploys_to", book.config.live)
    for row in runs.filter(red).to_pylist():
        environment, at = row["deploys_to"].lower(), row["finished_at"] or row["started_at"]
        if at is not None and at <= book.as_of and (row["codebase"], row["id"]) not in went:
            why = Markup("{} was red.").format(_short(row["pipeline"]))
            revision = row["revision"] or f"run {row['id']}"
            yield Refusal(at, row["codebase"], environment, revision, why, link(row["url"]))


def _spelled(rows: pa.Table, column: str, names: Container[str]) -> pc.Expression:
    """Whether a column has one of the names, in whatever case; few of many rows have."""
    known = rows.column(column).unique().to_pylist()
    spellings = [each for each in known if each is not None and each.lower() in names]
    return pc.field(column).isin(pa.array(spellings, pa.string()))


def _forced(book: Book) -> Iterator[Stop]:
    """Locks that were taken or ended by force; one of a claim, over all environments that it covers."""
    found: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for row in book.history["locks"].to_pylist():
        if row["forced"] and (row["released_at"] or row["since"]) <= book.as_of:
            found.setdefault((row["claim"], row["codebase"]), []).append(row)
    for (_, codebase), rows in found.items():
        forced = msgspec.json.decode(rows[0]["forced"], type=Said)
        at = rows[0]["released_at"] or rows[0]["since"]
        yield Stop(
            at,
            Markup("{} in {}, {}: {} forced the lock. {}.").format(
                escape(codebase or "every codebase"),
                escape(words.joined([row["environment"] for row in rows])),
                words.moment(at, book.zone),
                escape(book.person(forced.by) or forced.by),
                _short(forced.because),
            ),
        )


def _short(text: str) -> Markup:
    return escape(text[:1].upper() + text[1:].rstrip("."), limit=_WHY)

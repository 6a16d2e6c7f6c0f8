"""What did not go to users, and what went against a rule: stopped promotions, overrides, forced locks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from markupsafe import Markup

from deploybook import words
from deploybook.metrics.branch import RED
from deploybook.pages.book import Book
from deploybook.records import Reason, Said
from deploybook.text import escape

_WHY = 200


@dataclass(frozen=True)
class Stop:
    """One of them, in words, and when it was."""

    at: datetime
    says: Markup


def stops(book: Book) -> list[Stop]:
    """All of them, oldest first: of a codebase, environment and revision that was stopped, the first time."""
    return sorted([*promotions(book), *_forced(book)], key=lambda stop: stop.at)


def promotions(book: Book) -> list[Stop]:
    """Promotions that were stopped before users, oldest first; what was stopped twice, the first time."""
    first: dict[tuple[str | None, str, str], Stop] = {}
    for key, stop in sorted([*_of_verdicts(book), *_of_runs(book)], key=lambda found: found[1].at):
        first.setdefault(key, stop)
    return list(first.values())


def _of_verdicts(book: Book) -> Iterator[tuple[tuple[str | None, str, str], Stop]]:
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
        says = Markup("{}.{}").format(_short(no), by)
        yield (
            (row["codebase"], environment, row["revision"]),
            _stop(book, row, environment, row["judged_at"], says),
        )


def _of_runs(book: Book) -> Iterator[tuple[tuple[str | None, str, str], Stop]]:
    """Red runs towards users that never got there."""
    went = {(d.codebase, d.pipeline_run) for d in book.deployments if d.reached}
    columns = ("codebase", "id", "pipeline", "outcome", "deploys_to", "revision", "finished_at")
    for row in book.history["pipeline_runs"].select(list(columns)).to_pylist():
        environment, at = (row["deploys_to"] or "").lower(), row["finished_at"]
        red = row["outcome"].lower() in RED and environment in book.config.live
        if red and at is not None and at <= book.as_of and (row["codebase"], row["id"]) not in went:
            says = Markup("{} was red.").format(_short(row["pipeline"]))
            revision = row["revision"] or f"run {row['id']}"
            yield (row["codebase"], environment, revision), _stop(book, row, environment, at, says)


def _forced(book: Book) -> Iterator[Stop]:
    for row in book.history["locks"].to_pylist():
        at = row["released_at"] or row["since"]
        if row["forced"] and at <= book.as_of:
            forced = msgspec.json.decode(row["forced"], type=Said)
            place = ", ".join(filter(None, (row["environment"], row["codebase"])))
            yield Stop(
                at,
                Markup("{}, {}: {} forced the lock. {}.").format(
                    escape(place),
                    words.moment(at, book.zone),
                    escape(book.person(forced.by) or forced.by),
                    _short(forced.because),
                ),
            )


def _stop(book: Book, row: dict[str, Any], environment: str, at: datetime, says: Markup) -> Stop:
    place = f"{row['codebase'] or 'a codebase'} to {environment}"
    return Stop(at, Markup("{}, {}: stopped. {}").format(escape(place), words.moment(at, book.zone), says))


def _short(text: str) -> Markup:
    return escape(text[:1].upper() + text[1:].rstrip("."), limit=_WHY)

"""Names in the history that match nothing in the configuration, each with the line that would mend it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deploybook.messages import author_name, is_bot
from deploybook.pages.book import Book

MOST = 50
"""Names of a kind that are listed, the most frequent first."""
_LONGEST = 200

_OF_CODEBASES = ("changes", "deployments", "pipeline_runs")
_OF_PEOPLE = (("changes", "author"), ("shifts", "person"))


@dataclass(frozen=True)
class Stranger:
    """A name that matches nothing.

    Attributes:
        kind: "codebase", "environment" or "person".
        name: As the sources say it, never an address.
        rows: How many records say it.
        mend: The line of configuration, as YAML.
    """

    kind: str
    name: str
    rows: int
    mend: str


def strangers(book: Book) -> list[Stranger]:
    """The codebases, environments and people that records name and the configuration does not know.

    People only where the configuration knows any, and no robots: a site without `people:` means none of them.
    """
    return [*_codebases(book), *_environments(book), *_people(book)]


def _codebases(book: Book) -> Iterator[Stranger]:
    seen: Counter[str] = Counter()
    for table in _OF_CODEBASES:
        seen.update(_counted(book, table, "codebase"))
    unknown = Counter({name: rows for name, rows in seen.items() if book.config.codebase_of(name) is None})
    for name, rows in unknown.most_common(MOST):
        mend = f"codebases: {{NAME: {{also_known_as: [{_quoted(name)}]}}}}"
        yield Stranger("codebase", name[:_LONGEST], rows, mend)


def _environments(book: Book) -> Iterator[Stranger]:
    known = {name.lower() for step in book.config.environments for name in step}
    seen = _counted(book, "deployments", "environment")
    unknown = Counter({name: rows for name, rows in seen.items() if name.lower() not in known})
    listed: list[Any] = [
        step.name if step.members == (step.name.lower(),) else {step.name: list(step.members)}
        for step in book.config.process.environments
    ]
    for name, rows in unknown.most_common(MOST):
        steps = json.dumps([name[:_LONGEST], *listed], ensure_ascii=False)
        yield Stranger("environment", name[:_LONGEST], rows, f"process: {{environments: {steps}}}")


def _people(book: Book) -> Iterator[Stranger]:
    if not book.config.people:
        return
    unknown: Counter[str] = Counter()
    for table, column in _OF_PEOPLE:
        for name, rows in _counted(book, table, column).items():
            if book.person_key(name) is None and not is_bot(name):
                unknown[_without_address(name)] += rows
    for name, rows in unknown.most_common(MOST):
        if name:
            mend = f"people: {{KEY: {{also_known_as: [{_quoted(name)}]}}}}"
            yield Stranger("person", name[:_LONGEST], rows, mend)
        else:
            yield Stranger(
                "person", "known by an e-mail address only", rows, "people: {KEY: {email: ADDRESS}}"
            )


def _without_address(name: str) -> str:
    """The name alone; nothing of somebody of whom only an address is known."""
    alone = author_name(name)
    return "" if "@" in alone.removeprefix("@") else alone


def _counted(book: Book, table: str, column: str) -> Counter[str]:
    if table not in book.history:
        return Counter()
    values = pc.value_counts(book.history[table].column(column).cast(pa.string()))
    return Counter({row["values"]: row["counts"] for row in values.to_pylist() if row["values"]})


def _quoted(name: str) -> str:
    return json.dumps(name[:_LONGEST], ensure_ascii=False)

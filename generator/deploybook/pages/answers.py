"""What is answered to each check of each codebase: today, at the ends of quarters, and as published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

import pyarrow as pa

from deploybook.pages import answered
from deploybook.pages.book import Book
from deploybook.pages.standing import Standing
from deploybook.pages.telling import Teller
from deploybook.practices import CHECKS, Answer, Check, answer

_QUARTERS = 4
"""How many earlier quarters are shown beside today."""


class Practices:
    """Every answer of every codebase, now and at the ends of earlier quarters."""

    def __init__(self, book: Book, tell: Teller) -> None:
        self.book = book
        self.standing = Standing(book, tell, book.statements)
        self._of: dict[tuple[str, datetime], dict[Check, Answer]] = {}

    @cached_property
    def now(self) -> dict[tuple[str, Check], Answer]:
        """Answers as of the book."""
        return self.at(self.book.as_of)

    def of(self, codebase: str, instant: datetime) -> dict[Check, Answer]:
        """Answers of one codebase as of an instant, as `at`."""
        if (codebase, instant) not in self._of:
            facts = self.standing.facts(codebase, instant)
            self._of[codebase, instant] = {check: answer(check, facts) for check in CHECKS}
        return self._of[codebase, instant]

    def at(self, instant: datetime) -> dict[tuple[str, Check], Answer]:
        """Answers as of an instant: what came later does not count, configuration is today's."""
        names = self.book.codebases
        return {(name, check): found for name in names for check, found in self.of(name, instant).items()}

    @cached_property
    def told(self) -> Mapping[answered.Key, Sequence[tuple[datetime, str]]]:
        """The answers as this site gave them, each since when."""
        return answered.told(self.book.answered, self.book.as_of)

    @cached_property
    def before(self) -> list[tuple[datetime, dict[tuple[str, Check], Answer]]]:
        """Answers of the ends of the four quarters before, oldest first; none before history begins."""
        first = self.book.weeks[0].bounds(self.book.zone)[0] if self.book.weeks else self.book.as_of
        found = []
        instant = self.book.as_of
        for _ in range(_QUARTERS):
            instant -= timedelta(weeks=13)
            if instant - timedelta(weeks=13) >= first:
                found.append((instant, self.at(instant)))
        return list(reversed(found))

    def table(self) -> pa.Table:
        """The answers as other tools read them."""
        rows = [
            {
                "codebase": name,
                "practice": check.id,
                "stage": check.stage,
                "status": found.status,
                "value": found.value,
                "threshold": found.threshold,
                "evidence": found.says,
            }
            for (name, check), found in self.now.items()
        ]
        text = pa.string()
        return pa.Table.from_pylist(rows, schema=pa.schema([
            ("codebase", text), ("practice", text), ("stage", text), ("status", text),
            ("value", pa.float64()), ("threshold", pa.float64()), ("evidence", text),
        ]))  # fmt: skip

"""What is counted, by name: the figures of each part of the metrics, and what a part is made from."""

from __future__ import annotations

from typing import Literal

import msgspec

FigureKind = Literal["count", "days", "rate", "percentile"]


class Figure(msgspec.Struct, frozen=True):
    """A metric's place in a wide table: columns `<metric>__v` (value), `__n`, `__d` and `__x` (missing)."""

    metric: str
    unit: str
    kind: FigureKind


class Part(msgspec.Struct, frozen=True):
    """Figures that are made together.

    Args:
        name: Tells it from the others.
        needs: Inputs: without a row in any of them there is nothing to count.
        figures: Their columns.
        opens: Whether its first event opens a scope's history: from there on empty periods are figures too.
        apart: The input by whose size weeks, months and quarters are counted one after the other.
        daily: Whether it is made of steps from day to day.
        by_repository: Whether its expression is another one where a repository holds several codebases.
    """

    name: str
    needs: tuple[str, ...]
    figures: tuple[Figure, ...]
    opens: bool = True
    apart: str | None = None
    daily: bool = False
    by_repository: bool = False

    def runs_as(self, *, shared_repositories: bool) -> str:
        """The name of its expression, with all that it depends on besides this package's source."""
        return f"{self.name} by repository" if self.by_repository and shared_repositories else self.name

"""The rows of the last weeks, by codebase: what the figures of many weeks together are made from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from functools import cached_property
from statistics import median
from typing import TypeVar

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedChange, LinkedDeployment
from deploybook.pages.book import Book
from deploybook.pages.readings import WEEKS
from deploybook.periods import to_utc


def needed_a_fix(book: Book, failed: int) -> str:
    """What is said of so many failed deployments: without incidents, only of how many it is known."""
    if book.incidents_read:
        return "needed a fix"
    return f"{'is' if failed < 2 else 'are'} known to have needed a fix"


Row = TypeVar("Row", LinkedChange, LinkedDeployment)


class Recent:
    """Counted deployments and delivered changes of the last weeks, this one included."""

    def __init__(self, book: Book, weeks: int = WEEKS) -> None:
        self.book = book
        self.since: datetime = _monday(book, weeks)
        """The first instant that counts, UTC."""

    @cached_property
    def deployments(self) -> list[LinkedDeployment]:
        """Deployments to where users are, a roll-out once, oldest first."""
        return [d for d in self.book.live_deployments if self.since <= d.at <= self.book.as_of]

    @cached_property
    def changes(self) -> list[LinkedChange]:
        """Changes by when they first reached users, oldest first, without those undone before."""
        return [
            c
            for c in self.book.delivered
            if c.deployed_at and self.since <= c.deployed_at and c.state != "undone"
        ]

    @cached_property
    def failed(self) -> list[LinkedDeployment]:
        """Deployments that reached users and needed intervention, by the end of the trouble."""
        found = [
            d
            for d in self.book.live_deployments
            if d.reached and d.needed_intervention and self.since <= (d.recovered_at or d.at)
        ]
        return sorted(found, key=lambda d: (d.recovered_at or d.at, d.codebase, d.id))

    @cached_property
    def deployments_of(self) -> dict[str, list[LinkedDeployment]]:
        """By codebase."""
        return _by_codebase(self.deployments)

    @cached_property
    def changes_of(self) -> dict[str, list[LinkedChange]]:
        """By codebase."""
        return _by_codebase(self.changes)

    @cached_property
    def failed_of(self) -> dict[str, list[LinkedDeployment]]:
        """By codebase."""
        return _by_codebase(self.failed)

    def once(self, changes: Iterable[LinkedChange]) -> list[LinkedChange]:
        """Changes of several codebases of one repository once: the first that went live stands."""
        repository = {name: str(c.repository or name) for name, c in self.book.config.codebases.items()}
        seen: set[tuple[str, str]] = set()
        found = []
        for change in changes:
            key = (repository.get(change.codebase, change.codebase), change.id)
            if key not in seen:
                seen.add(key)
                found.append(change)
        return found


def _by_codebase(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.codebase].append(row)
    return found


def _monday(book: Book, weeks: int) -> datetime:
    return to_utc(book.this_week.start - timedelta(weeks=weeks - 1), time(), book.zone)


def middle(values: Iterable[int | None]) -> float | None:
    """The interpolated median of what is known and not negative; none of nothing."""
    known = [value for value in values if value is not None and value >= 0]
    return median(known) if known else None


def duration_or_dash(seconds: float | None) -> str:
    """A length of time in words, or a dash."""
    return "–" if seconds is None else words.duration(seconds)


def part(numerator: int, denominator: int) -> str:
    """A part of a whole in words; of nothing, a dash."""
    return words.rate(numerator, denominator) or "–"


def deployment_name(deployment: LinkedDeployment) -> str:
    """How a deployment is named across codebases: `shop-web/1841`."""
    return f"{deployment.codebase}/{deployment.name}"


def needed_fix(book: Book, failed: int, of: int, it: str = "it") -> str:
    """How many of some deployments needed a fix: "two needed a fix", "none needed a fix"; of one, "it"."""
    if of == 1 and failed:
        return f"{it} needed a fix"
    if of == 1:
        return f"{it} needed no fix" if book.incidents_read else f"{it} is not known to have needed a fix"
    return f"{words.spelled(failed) if failed else 'none'} {needed_a_fix(book, failed)}"


def last_was(book: Book, codebase: str = "") -> str:
    """When users last got something, of a codebase or of all: "the last was on Wed 2 Oct 2024".

    Empty where no deployment to them is known: nothing in these weeks is not nothing at all.
    """
    day = last_day(book, codebase)
    return f"the last was on {day}" if day else ""


def last_day(book: Book, codebase: str = "") -> str:
    """The day of the last deployment to users, of a codebase or of all; empty where none is known."""
    last = book.once(_last).get(codebase)
    return words.day(last, book.zone, year=True) if last is not None else ""


def _last(book: Book) -> dict[str, datetime]:
    """The last deployment that reached users, by codebase; of all codebases under an empty name."""
    found: dict[str, datetime] = {}
    for deployment in (d for d in book.live_deployments if d.at <= book.as_of):
        found[deployment.codebase] = found[""] = deployment.at
    return found


def with_likely(numerator: int, denominator: int) -> str:
    """A rate with its interval: "17 of 124 (14 %, likely 9 to 21 %)"; under five a count alone."""
    likely = words.likely(numerator, denominator)
    says = part(numerator, denominator)
    return f"{says[:-1]}, {likely})" if likely and says.endswith(")") else says


def freshness(book: Book) -> list[Markup | str]:
    """How fresh the page is: sources that failed, or that all were read."""
    failing = [source for source in book.sources if source.error]
    if failing:
        says = words.count(len(failing), "source") + " could not be read"
        return [Markup('<a href="~/data/">{}</a>').format(says)]
    return ["all sources fresh"] if book.sources else []


def week_range(book: Book, weeks: int = WEEKS) -> str:
    """The weeks of a page: "weeks 22 to 47 of 2026", "week 48 of 2025 to week 21 of 2026"."""
    last = book.this_week.start.isocalendar()
    first = (book.this_week.start - timedelta(weeks=weeks - 1)).isocalendar()
    if first.year == last.year:
        return f"weeks {first.week} to {last.week} of {last.year}"
    return f"week {first.week} of {first.year} to week {last.week} of {last.year}"


def of_whom(name: str) -> str:
    """The possessive of a name: "shop-web’s", "payments’"."""
    return f"{name}’" if name.endswith("s") else f"{name}’s"

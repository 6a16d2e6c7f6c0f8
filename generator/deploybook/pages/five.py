"""The five metrics of one codebase, team or flag as a table: this week, 26 weeks, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedChange, LinkedDeployment
from deploybook.metrics.trends import LEAST
from deploybook.pages import readings
from deploybook.pages.book import Book
from deploybook.pages.doubt import doubt
from deploybook.pages.figures import Figure
from deploybook.pages.readings import WEEKS, Reading, worded
from deploybook.pages.recent import Recent, duration_or_dash, middle, part
from deploybook.words import NBSP


@dataclass(frozen=True)
class Spark:
    """A sparkline: values oldest first, natural limits, whether the last is a signal."""

    points: tuple[float | None, ...]
    label: str
    band: tuple[float, float] | None
    signal: bool


@dataclass(frozen=True)
class Line:
    """One metric of the table."""

    name: str
    href: Markup
    now: str
    total: str
    spark: Spark
    signal: bool
    says: str
    small: str
    doubt: str
    """Why it is shown grey; empty where it is not."""


@dataclass(frozen=True)
class Scope:
    """Whose figures they are, with the rows of the last weeks that they are made from."""

    scope: str
    name: str
    deployments: list[LinkedDeployment]
    changes: list[LinkedChange]
    failed: list[LinkedDeployment]


def codebase_scope(recent: Recent, name: str) -> Scope:
    """A codebase."""
    return Scope(
        "codebase",
        name,
        recent.deployments_of.get(name, []),
        recent.changes_of.get(name, []),
        recent.failed_of.get(name, []),
    )


def team_scope(recent: Recent, name: str) -> Scope:
    """A team: the rows of its codebases."""
    return Scope(
        "team",
        name,
        [d for d in recent.deployments if d.team == name],
        recent.once(c for c in recent.changes if c.team == name),
        [d for d in recent.failed if d.team == name],
    )


def flag_scope(recent: Recent, name: str) -> Scope:
    """A flag: its changes, and the deployments that carried them."""
    changes = [c for c in recent.book.delivered if name in c.flags and c.state != "undone"]
    carried = {(c.codebase, c.environment, c.deployment) for c in changes}
    return Scope(
        "flag",
        name,
        [d for d in recent.deployments if (d.codebase, d.environment, d.id) in carried],
        recent.once(c for c in changes if c.deployed_at and c.deployed_at >= recent.since),
        [d for d in recent.failed if (d.codebase, d.environment, d.id) in carried],
    )


def spark(reading: Reading, label: str) -> Spark:
    """A sparkline of a reading."""
    bounds = reading.segments[-1] if reading.segments else None
    band = None
    if bounds is not None and bounds.lower is not None and bounds.upper is not None:
        band = (bounds.lower, bounds.upper)
    signal = bool(reading.figures) and reading.figures[-1].start in reading.signals
    told = label + (", a signal" if signal else "")
    return Spark(tuple(figure.value for figure in reading.figures), told, band, signal)


def of(figure: Figure | None) -> str:
    """A week's rate in words: "2 of 9"; without any, a dash."""
    if figure is None or not figure.denominator:
        return "–"
    return f"{words.number(figure.numerator or 0)} of{NBSP}{words.number(figure.denominator)}"


def five(book: Book, scope: Scope, rows: Markup) -> Iterator[Line]:
    """The five, in their order.

    Args:
        book: What is known.
        scope: Whose.
        rows: The page that has the rows: its sections are `#deployments`, `#rows` and `#why`.
    """

    def reading(metric: str) -> Reading:
        return readings.read(book, scope.scope, scope.name, metric)

    def line(name: str, metric: str, anchor: str, now: str, total: str, extra: str = "") -> Line:  # noqa: PLR0917
        read = reading(metric)
        signal, says, small = verdict_words(read)
        told = f"{name} of {scope.name} by week over {WEEKS} weeks"
        return Line(
            name, Markup(f"{rows}#{anchor}"), now, total, spark(read, told), signal, says, small or extra,
            doubted.short if (doubted := doubt(book, scope.scope, scope.name, metric)) else "",
        )  # fmt: skip

    this = book.this_week.start
    reached = [d for d in scope.deployments if d.reached]
    success = sum(d.outcome == "success" for d in scope.deployments)
    failed = sum(d.needed_intervention for d in reached)
    repairs = sum(d.kind in ("hotfix", "revert", "rollback") for d in reached)
    frequency = reading("deployment_frequency").of(this)
    lead = reading("change_lead_time_p50").of(this)
    known = [c.lead_time_seconds for c in scope.changes if c.lead_time_seconds is not None]
    recovery = reading("failed_deployment_recovery_time_p50").of(this)
    recovered = [d.recovery_seconds for d in scope.failed if d.recovery_seconds is not None]
    yield line(
        "Deployments",
        "deployment_frequency",
        "deployments",
        words.number(frequency.numerator or 0) if frequency else "–",
        words.number(success),
    )
    yield line(
        "Change lead time",
        "change_lead_time_p50",
        "rows",
        duration_or_dash(lead.value if lead else None),
        _median(known),
    )
    yield line(
        "Change fail rate", "change_fail_rate", "why", of(reading("change_fail_rate").of(this)),
        part(failed, len(reached)), words.likely(failed, len(reached)) or "",
    )  # fmt: skip
    yield line(
        "Recovery time",
        "failed_deployment_recovery_time_p50",
        "why",
        duration_or_dash(recovery.value if recovery else None),
        _median(recovered),
    )
    rework = reading("deployment_rework_rate").of(this)
    yield line(
        "Rework rate", "deployment_rework_rate", "deployments", of(rework),
        part(repairs, len(reached)), words.likely(repairs, len(reached)) or "",
    )  # fmt: skip


def _median(values: list[int]) -> str:
    if not values:
        return "–"
    return f"median {duration_or_dash(middle(values))} of {words.number(len(values))}"


def verdict_words(reading: Reading) -> tuple[bool, str, str]:
    """Whether a series has a signal now, in words, and the remark below."""
    verdict = reading.verdict
    bounds = verdict.limits
    if verdict.kind == "empty":
        return False, "too few a week" if reading.known else "nothing known", ""
    if bounds is None or bounds.centre is None or bounds.upper is None or bounds.lower is None:
        if verdict.kind == "alike":
            return False, "no limits", "most weeks are alike"
        return (
            False,
            "too few for limits",
            f"{LEAST} weeks are needed, {bounds.known if bounds else 0} are known",
        )
    if verdict.kind == "above":
        return True, "signal", f"above the limit of {worded(reading.nature, bounds.upper)}"
    if verdict.kind == "below":
        return True, "signal", f"below the limit of {worded(reading.nature, bounds.lower)}"
    if verdict.signal:
        side = "above" if verdict.kind == "high" else "below"
        return True, "signal", f"{verdict.run} weeks in a row {side} {worded(reading.nature, bounds.centre)}"
    return False, "no signal", ""

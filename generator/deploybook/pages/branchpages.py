"""`metrics/release-branch/` and `metrics/flaky-tests/`: is the branch green, can tests be believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from deploybook import words
from deploybook.pages import five, readings
from deploybook.pages.beside import figure_words
from deploybook.pages.book import FLAKY_DAYS, Book
from deploybook.pages.deployments import Item
from deploybook.pages.figures import Figure
from deploybook.pages.five import Spark
from deploybook.pages.page import Page
from deploybook.pages.readings import WEEKS, Reading
from deploybook.pages.recent import Recent
from deploybook.pages.stops import refusals
from deploybook.periods import period_of
from deploybook.practices import Span
from deploybook.text import link, slug
from deploybook.words import NBSP

SHOWN = 100


@dataclass(frozen=True)
class BranchLine:
    """One codebase's release branch."""

    name: Item
    state: str
    state_word: str
    green: str
    green_small: str
    spark: Spark
    tested: str
    coverage: str


@dataclass(frozen=True)
class Break:
    """A time in which a release branch was red."""

    codebase: Item
    start: Markup
    url: Markup | None
    """The run that turned it red."""
    took: str
    open: bool
    keeper: str


@dataclass(frozen=True)
class Stopped:
    """A promotion that was stopped before users."""

    codebase: Item
    when: Markup
    environment: str
    revision: str
    why: Markup
    url: Markup | None


@dataclass(frozen=True)
class BranchPage:
    """The model of `metrics/release-branch/`."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    zone: str
    lines: tuple[BranchLine, ...]
    unknown: tuple[str, ...]
    breaks: tuple[Break, ...]
    role: str
    stopped: tuple[Stopped, ...]


@dataclass(frozen=True)
class FlakyCase:
    """A test case that both passed and failed on the same revision and job."""

    name: str
    small: str
    codebase: Item
    revisions: str
    fails: str
    last: Markup | None


@dataclass(frozen=True)
class FlakyLine:
    """One codebase's tests."""

    name: Item
    share: str
    spark: Spark
    runs: str


@dataclass(frozen=True)
class FlakyPage:
    """The model of `metrics/flaky-tests/`."""

    kicker: str
    sentence: str
    simulated: bool
    zone: str
    lines: tuple[FlakyLine, ...]
    cases: tuple[FlakyCase, ...]
    more: int


def pages(book: Book) -> Iterator[Page]:
    """The two pages."""
    yield Page(
        "metrics/release-branch", "release_branch.md.jinja", "Release branch", branch_page(book), toc=True
    )
    yield Page("metrics/flaky-tests", "flaky.md.jinja", "Flaky tests", flaky_page(book))


def _item(name: str) -> Item:
    return Item(name, Markup(f"~/metrics/{slug(name)}/"))


def branch_page(book: Book) -> BranchPage:
    """The model of the release branch's page."""
    states = {branch.codebase: branch for branch in book.branches}
    lines = []
    for name in book.codebases:
        green = readings.read(book, "codebase", name, "green_time")
        if not green.denominator:
            continue
        state = states.get(name)
        word = "unknown" if state is None else "green" if state.green else f"red: {', '.join(state.red)}"
        share = green.numerator / green.denominator
        lines.append(
            BranchLine(
                name=_item(name),
                state="quiet" if state is None else "green" if state.green else "red",
                state_word=word,
                green=words.percent(share),
                green_small=f"of {words.duration(green.denominator)}",
                spark=five.spark(green, f"{name}: share of time green by week over {WEEKS} weeks"),
                tested=_share(readings.read(book, "codebase", name, "tested_commits")),
                coverage=_newest(book, name),
            )
        )
    red = [branch for branch in book.branches if not branch.green]
    since = Recent(book).since
    breaks = sorted(
        ((name, span) for name, spans in book.breaks.items() for span in spans),
        key=lambda each: (each[1].start, each[0]),
        reverse=True,
    )
    recent = [each for each in breaks if (each[1].end or book.as_of) >= since]
    decides = book.config.process.decides
    known = {line.name.text for line in lines}
    return BranchPage(
        kicker=f"Release branches, last {WEEKS} weeks",
        sentence=_branch_sentence(len(states), [branch.codebase for branch in red]),
        lead=f"{words.count(len(recent), 'break', start=True)} in {WEEKS} weeks, each listed below."
        if lines
        else "",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        lines=tuple(lines),
        unknown=tuple(name for name in book.codebases if name not in known),
        breaks=tuple(_break(book, name, span) for name, span in recent[:SHOWN]),
        role=decides.rotation.replace("-", " ") if decides else "",
        stopped=tuple(_stopped(book, since))[:SHOWN],
    )


def _branch_sentence(known: int, red: list[str]) -> str:
    if not known:
        return "Whether the release branches are green is not known."
    if not red:
        every = f"All {words.spelled(known)} release branches are" if known > 1 else "The release branch is"
        return f"{every} green."
    verb = "is" if len(red) == 1 else "are"
    if known == 1:
        return f"{words.joined(red)} {verb} red."
    ok = known - len(red)
    green = (
        f"{words.spelled(ok) if ok else 'none'} of {known} release branches {'is' if ok < 2 else 'are'} green"
    )
    return f"{words.joined(red)} {verb} red; {green}."


def _share(reading: Reading) -> str:
    return words.rate(reading.numerator, reading.denominator) or "–"


def _newest(book: Book, name: str) -> str:
    """The newest known coverage, with when where that is not this week."""
    series = [f for f in book.figures.series("codebase", name, "week", "coverage") if f.value is not None]
    if not series:
        return "–"
    says, _ = figure_words("coverage", series[-1])
    old = series[-1].start != book.this_week.start
    return f"{says}, week{NBSP}{series[-1].start.isocalendar().week}" if old else says


def _break(book: Book, name: str, span: Span) -> Break:
    turn = book.decider(span.start)
    return Break(
        codebase=_item(name),
        start=words.moment(span.start, book.zone, "when"),
        url=link(span.url),
        took=words.duration((span.end - span.start).total_seconds()) if span.end else "still red",
        open=span.end is None,
        keeper=(book.person(turn.person) or "") if turn else "",
    )


def _stopped(book: Book, since: datetime) -> Iterator[Stopped]:
    """Promotions that were stopped since, newest first."""
    for each in reversed(refusals(book)):
        if each.at >= since and each.codebase is not None:
            yield Stopped(
                _item(each.codebase), words.moment(each.at, book.zone, "when"),
                book.config.step_of(each.environment), each.short, each.why, each.url,
            )  # fmt: skip


def flaky_cases(runs: pa.Table, as_of: datetime) -> pa.Table:
    """codebase, suite, name, job, revisions, fails, runs, last: test cases that were flaky.

    Flaky is a case with a pass and a fail on one revision and job; an error is a fail, a skip is nothing.
    """
    ended = runs.filter(
        pc.and_(
            pc.and_(
                pc.greater(runs["started_at"], pa.scalar(as_of - timedelta(days=FLAKY_DAYS))),
                pc.less_equal(runs["started_at"], pa.scalar(as_of)),
            ),
            pc.and_(
                pc.is_in(runs["outcome"], pa.array(["pass", "fail", "error"])), pc.is_valid(runs["revision"])
            ),
        )
    )
    unit = ["codebase", "suite", "name", "job"]
    rows = ended.select([*unit, "revision", "started_at"]).append_column(
        "bad", pc.not_equal(ended["outcome"], "pass").cast(pa.int64())
    )
    each = rows.group_by([*unit, "revision"]).aggregate(
        [("bad", "sum"), ("bad", "count"), ("started_at", "max")]
    )
    mixed = each.filter(pc.and_(pc.greater(each["bad_sum"], 0), pc.less(each["bad_sum"], each["bad_count"])))
    total = mixed.group_by(unit).aggregate(
        [("revision", "count"), ("bad_sum", "sum"), ("bad_count", "sum"), ("started_at_max", "max")]
    )
    return total.rename_columns([*unit, "revisions", "fails", "runs", "last"]).sort_by(
        [("codebase", "ascending"), ("revisions", "descending"), ("name", "ascending")]
    )


def flaky_page(book: Book) -> FlakyPage:
    """The model of the flaky tests' page."""
    cases = flaky_cases(book.history["test_case_runs"], book.as_of).to_pylist()
    lines = []
    for name in book.codebases:
        reading = readings.read(book, "codebase", name, "flaky_share")
        runs = readings.read(book, "codebase", name, "flaky_run_share")
        now = reading.figures[-1] if reading.figures else None
        if not any(f.denominator for f in (*reading.figures, *runs.figures)):
            continue
        lines.append(
            FlakyLine(
                name=_item(name),
                share=_rate(now),
                spark=five.spark(reading, f"{name}: share of flaky test cases by week over {WEEKS} weeks"),
                runs=words.rate(runs.numerator, runs.denominator) or "–",
            )
        )
    tested = period_of("week", book.as_of, book.zone)
    site = book.figures.one("site", "", "week", "flaky_share", tested.start)
    return FlakyPage(
        kicker=f"Flaky tests, last {FLAKY_DAYS} days",
        sentence=_flaky_sentence(len(cases), site),
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        lines=tuple(lines),
        cases=tuple(_case(book, row) for row in cases[:SHOWN]),
        more=max(0, len(cases) - SHOWN),
    )


def _rate(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    return words.rate(int(figure.numerator or 0), int(figure.denominator or 0)) or "–"


def _flaky_sentence(cases: int, site: Figure | None) -> str:
    if site is None or not site.denominator:
        return "Nothing is known of test cases yet."
    of = f"of {words.number(site.denominator)} test cases"
    if not cases:
        return f"None {of} was flaky in {FLAKY_DAYS} days."
    verb = "was" if cases == 1 else "were"
    return f"{words.spelled(cases, start=True)} {of} {verb} flaky in {FLAKY_DAYS} days."


def _case(book: Book, row: dict[str, object]) -> FlakyCase:
    last = row["last"]
    return FlakyCase(
        name=str(row["name"]),
        small=", ".join(str(part) for part in (row["suite"], row["job"]) if part),
        codebase=_item(str(row["codebase"])),
        revisions=words.count(int(str(row["revisions"])), "revision"),
        fails=f"{row['fails']} of{NBSP}{row['runs']}",
        last=words.moment(last, book.zone, "short") if isinstance(last, datetime) else None,
    )

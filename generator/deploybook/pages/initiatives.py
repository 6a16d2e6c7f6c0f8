"""`shipped/initiatives/`: the large pieces of work, what they are for, how far each has come."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import pyarrow as pa
from markupsafe import Markup

from deploybook import words
from deploybook.config.models import Initiative
from deploybook.linking.model import LinkedChange, LinkedIncident
from deploybook.pages.book import Book
from deploybook.pages.flagstate import FlagState, flag_states
from deploybook.pages.page import Page
from deploybook.pages.telling import Teller, Told, ahead
from deploybook.pages.weeknews import Line, is_news, is_out, line
from deploybook.periods import Period, Week, to_utc
from deploybook.text import escape, link, slug

_SHOWN = 30
"""Delivered changes that stand open; older ones are folded."""


@dataclass(frozen=True)
class Fact:
    """One of the strip: a term, its value, a remark."""

    term: str
    value: Markup | str
    note: Markup | str = ""
    state: str = ""
    until: bool = False


@dataclass(frozen=True)
class Moved:
    """What stands of an initiative on its page."""

    kicker: str
    sentence: str
    about: str
    simulated: bool
    zone: str
    facts: tuple[Fact, ...]
    flags: tuple[tuple[object, ...], ...]
    open_changes: tuple[Line, ...]
    open_issues: tuple[Markup | str, ...]
    delivered: tuple[Line, ...]
    earlier: tuple[Line, ...]
    weeks: tuple[tuple[object, ...], ...]
    incidents: tuple[Markup, ...]
    belongs: str


@dataclass(frozen=True)
class Overview:
    """The model of the list."""

    kicker: str
    sentence: str
    simulated: bool
    zone: str
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class Issue:
    """An issue of the tracker."""

    id: str
    title: str
    open: bool
    parent: str | None
    labels: tuple[str, ...]
    url: str | None
    epic: bool


@dataclass(frozen=True)
class Piece:
    """An initiative with its changes."""

    name: str
    initiative: Initiative
    changes: list[LinkedChange]


class Belonging:
    """Which changes and issues are of which initiative: by label, by milestone, by the epic above them."""

    def __init__(self, initiatives: Mapping[str, Initiative], issues: pa.Table, as_of: datetime) -> None:
        self._initiatives = initiatives
        self.issues = {issue.id: issue for issue in _issues(issues, as_of)}
        self._of_issue: dict[str, set[str]] = {}
        self._by_label: dict[str, set[str]] = defaultdict(set)
        self._by_milestone: dict[str, set[str]] = defaultdict(set)
        for name, initiative in initiatives.items():
            for label in initiative.labels:
                self._by_label[label.casefold()].add(name)
            for milestone in initiative.milestones:
                self._by_milestone[milestone.casefold()].add(name)

    def of(self, change: LinkedChange) -> set[str]:
        """The names of the initiatives that a change belongs to."""
        found = self._by_words(change.labels, change.milestone)
        for each in change.issues:
            issue = json.loads(each)
            found |= self._by_words(issue.get("labels") or (), None)
            id_ = str(issue.get("id") or "")
            for name in (id_, f"{change.codebase}/{id_}"):
                found |= self.of_issue(name)
        return found

    def of_issue(self, id_: str) -> set[str]:
        """The names of the initiatives that an issue belongs to, itself or by an issue above it."""
        if id_ in self._of_issue:
            return self._of_issue[id_]
        issue = self.issues.get(id_)
        if issue is None:
            return set()
        self._of_issue[id_] = set()  # An issue above itself ends here.
        found = self._by_words(issue.labels, None) | (self.of_issue(issue.parent) if issue.parent else set())
        if issue.epic:
            found |= {name for name in self._initiatives if name.casefold() == issue.title.casefold()}
        self._of_issue[id_] = found
        return found

    def _by_words(self, labels: Iterable[str], milestone: str | None) -> set[str]:
        found: set[str] = set()
        for label in labels:
            found.update(self._by_label.get(label.casefold(), ()))
        if milestone:
            found.update(self._by_milestone.get(milestone.casefold(), ()))
        return found


def belonging_of(book: Book) -> Belonging:
    """That of a book's initiatives and issues."""
    return book.once(_belonging_of)


def _belonging_of(book: Book) -> Belonging:
    return Belonging(book.config.initiatives, book.history["issues"], book.as_of)


def _issues(table: pa.Table, as_of: datetime) -> Iterator[Issue]:
    names = ("id", "title", "state", "parent", "labels", "url", "kind", "opened_at", "closed_at")
    columns = [table.column(name).to_pylist() for name in names]
    for id_, title, state, parent, labels, url, kind, opened, closed in zip(*columns, strict=True):
        if opened is not None and opened > as_of:
            continue
        ended = closed is not None and closed <= as_of
        done = ended or (closed is None and (state or "open").casefold() in ("closed", "done", "resolved"))
        yield Issue(id_, title, not done, parent, tuple(labels or ()), url, kind == "epic")


def slugs(book: Book) -> dict[str, str]:
    """The folder of each initiative's page; of two alike the later is numbered."""
    found: dict[str, str] = {}
    for name in book.config.initiatives:
        base = slug(name)
        taken = set(found.values())
        candidates = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
        found[name] = next(each for each in candidates if each not in taken)
    return found


def pages(book: Book, tell: Teller) -> Iterator[Page]:
    """The list, and a page for each."""
    if not book.config.initiatives:
        return
    belonging = belonging_of(book)
    members: dict[str, list[LinkedChange]] = defaultdict(list)
    for change in book.changes:
        for name in belonging.of(change):
            members[name].append(change)
    flags = flag_states(book)
    folders = slugs(book)
    rows = []
    for name, initiative in book.config.initiatives.items():
        page, row = _one(book, tell, Piece(name, initiative, members[name]), belonging, flags)
        rows.append(({"text": name, "href": Markup(f"~/shipped/initiatives/{folders[name]}/")}, *row))
        yield Page(f"shipped/initiatives/{folders[name]}", "initiative.md.jinja", name, page, toc=True)
    moved = sum(_moved_this_week(book, changes) for changes in members.values())
    total = len(rows)
    said = words.count(total, "initiative", words=True, start=True)
    yield Page(
        "shipped/initiatives", "initiatives.md.jinja", "Initiatives",
        Overview(
            kicker="Initiatives",
            sentence=_overview(said, moved, total),
            simulated=book.config.site.simulated,
            zone=book.config.site.timezone,
            rows=tuple(rows),
        ),
    )  # fmt: skip


def _overview(said: str, moved: int, total: int) -> str:
    if total == 1:
        return f"{said}; it {'moved' if moved else 'did not move'} this week."
    if moved == total:
        return f"{said}, all of which moved this week."
    return (
        f"{said}, {words.spelled(moved)} of which moved this week."
        if moved
        else f"{said}; none moved this week."
    )


def _moved_this_week(book: Book, changes: list[LinkedChange]) -> bool:
    return any(_week(book, change) == book.this_week for change in changes)


def _week(book: Book, change: LinkedChange) -> Period | None:
    return Week.of(change.deployed_at, book.zone) if change.deployed_at else None


def _one(
    book: Book, tell: Teller, piece: Piece, belonging: Belonging, flags: dict[str, FlagState]
) -> tuple[Moved, tuple[object, ...]]:
    """The page of an initiative, and its row in the list."""
    name, initiative, changes = piece.name, piece.initiative, piece.changes
    live = [change for change in changes if change.state in ("live", "baseline")]
    waiting = [change for change in changes if change.state == "waiting"]
    out = [change for change in changes if change.state == "withdrawn"]
    issues = [
        i for i in belonging.issues.values() if i.open and not i.epic and name in belonging.of_issue(i.id)
    ]
    told = sorted(
        (tell(change) for change in live), key=lambda item: item.live_at or book.as_of, reverse=True
    )
    counts = Counter(week for change in changes if (week := _week(book, change)) is not None)
    last = max(counts, default=None)
    due = _due(initiative.due, book) if initiative.due else None
    owner = _owner(book, initiative.owner)
    flag_rows = [_flag_row(book, flag, flags.get(flag)) for flag in _flags(changes)]
    incidents = _incidents(book, changes)
    total = len(live) + len(waiting) + len(out)
    page = Moved(
        kicker=f"Initiative: {name}",
        sentence=_sentence(len(live), len(waiting), len(out), len(issues)),
        about=initiative.about or "",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        facts=tuple(_facts(book, owner, due, initiative.due, last)),
        flags=tuple(flag_rows),
        open_changes=tuple(line(tell(change)) for change in [*waiting, *out]),
        open_issues=tuple(_issue(issue) for issue in sorted(issues, key=lambda i: i.id)),
        delivered=tuple(_delivered(book, item) for item in told[:_SHOWN]),
        earlier=tuple(_delivered(book, item) for item in told[_SHOWN:]),
        weeks=tuple(_week_row(book, tell, week, changes) for week in sorted(counts, reverse=True)),
        incidents=tuple(incidents),
        belongs=_belongs(initiative),
    )
    row = (
        initiative.about or "–",
        owner or "–",
        due or "–",
        f"{words.number(len(live))} of {words.number(total)}" if total else "–",
        words.number(len(issues)) if issues else "–",
        {"text": f"week {last.number}", "href": book.week_href(last)} if last else "–",
        _flag_words(flag_rows),
        words.number(len(incidents)) if incidents else "none",
    )
    return page, row


def _sentence(live: int, waiting: int, out: int, issues: int) -> str:
    if not live + waiting + out:
        return "No change belongs to it yet."
    says = f"{words.count(live, 'change', words=True, start=True)} {'is' if live == 1 else 'are'} live"
    parts = []
    if waiting:
        parts.append(f"{words.spelled(waiting)} {'waits' if waiting == 1 else 'wait'}")
    if out:
        parts.append(f"{words.spelled(out)} {'was' if out == 1 else 'were'} taken out")
    if issues:
        parts.append(f"{words.count(issues, 'issue', words=True)} {'is' if issues == 1 else 'are'} open")
    return f"{says}; {words.joined(parts)}." if parts else f"{says}; nothing is open."


def _due(day: date, book: Book) -> Markup:
    return words.moment(to_utc(day, time(), book.zone).astimezone(UTC), book.zone, "long").replace(
        Markup(", 00:00"), Markup("")
    )


def _facts(
    book: Book, owner: str | None, due: Markup | None, day: date | None, last: Period | None
) -> Iterator[Fact]:
    yield Fact("Owner", owner or "nobody is named")
    if due is None or day is None:
        yield Fact("Due", "no date is set")
    elif to_utc(day, time(23, 59), book.zone) < book.as_of:
        yield Fact("Due", due, "the date is past")
    else:
        yield Fact("Due", ahead(due), until=True)
    moved = "not yet"
    if last is not None:
        yield Fact("Moved last", Markup('<a href="{}">week {}</a>').format(book.week_href(last), last.number))
    else:
        yield Fact("Moved last", moved)


def _owner(book: Book, name: str | None) -> str | None:
    if name in book.config.teams:
        return book.config.teams[name].name or name
    return book.person(name)


def _flags(changes: list[LinkedChange]) -> list[str]:
    return sorted({flag for change in changes for flag in change.flags})


def _flag_row(book: Book, flag: str, state: FlagState | None) -> tuple[object, ...]:
    if state is None:
        return (flag, {"state": "quiet", "text": "not known"}, "no switch of it is recorded")
    tone = "ok" if state.on else "flag"
    return flag, {"state": tone, "text": state.says}, words.moment(state.since, book.zone, "long")


def _flag_words(rows: list[tuple[object, ...]]) -> object:
    if not rows:
        return "–"
    says = [f"{row[0]}: {row[1]['text']}" for row in rows if isinstance(row[1], dict)]
    return "; ".join(says)


def _issue(issue: Issue) -> Markup:
    url = link(issue.url)
    title = Markup('<a href="{}">{}</a>').format(url, escape(issue.title)) if url else escape(issue.title)
    return Markup("{} <small>{}</small>").format(title, escape(issue.id))


def _delivered(book: Book, item: Told) -> Line:
    meta: list[Markup | str] = (
        [Markup("live {}").format(words.moment(item.live_at, book.zone, "day"))]
        if (item.live_at)
        else ["live since before the book begins"]
    )
    if item.state is not None and not is_out(item):
        meta.insert(0, item.state.says)
    return Line(item.words, item.href, Markup(), (*meta, item.codebase))


def _week_row(book: Book, tell: Teller, week: Period, changes: list[LinkedChange]) -> tuple[object, ...]:
    told = [tell(change) for change in changes if _week(book, change) == week]
    best = next((item for item in told if is_news(item)), told[0])
    return (
        {"text": f"Week {week.number}, {week.year}", "href": book.week_href(week)},
        words.number(len(told)),
        best.words,
    )


def _incidents(book: Book, changes: list[LinkedChange]) -> list[Markup]:
    """Incidents tied to a deployment that made one of its changes live, or to its flag; why is said."""
    deployments = {(c.codebase, c.deployment) for c in changes if c.deployment}
    flags = set(_flags(changes))
    found: dict[str, tuple[datetime, Markup]] = {}
    for incident in book.incidents:
        why = _why(incident, deployments, flags)
        if not why or (incident.id in found and incident.matched_by != "said"):
            continue
        url = link(incident.url)
        name = escape(incident.title or f"incident {incident.id}")
        title = Markup('<a href="{}">{}</a>').format(url, name) if url else name
        when = words.moment(incident.started_at, book.zone, "long")
        found[incident.id] = (incident.started_at, Markup("{}, {}: {}.").format(title, when, escape(why)))
    return [says for _, says in sorted(found.values(), key=lambda each: each[0], reverse=True)]


def _why(incident: LinkedIncident, deployments: set[tuple[str, str]], flags: set[str]) -> str:
    if incident.flag is not None and incident.flag in flags:
        return f"its report names the flag {incident.flag}"
    if incident.deployment is None or incident.codebase is None:
        return ""
    if (incident.codebase, incident.deployment) not in deployments:
        return ""
    where = f"{incident.codebase}/{incident.deployment}"
    if incident.matched_by == "said":
        return f"its report names {where}, which carried a change of this"
    return f"it began soon after {where}, which carried a change of this"


def _belongs(initiative: Initiative) -> str:
    parts = [f"label {label}" for label in initiative.labels]
    parts += [f"milestone {milestone}" for milestone in initiative.milestones]
    parts.append("an epic of its name")
    return f"What belongs to it: changes and issues with {words.joined(parts, 'or')}."

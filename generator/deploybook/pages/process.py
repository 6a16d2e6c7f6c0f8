"""`process/`: when a change goes out, who decides, and what to do when it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedDeployment
from deploybook.pages import calendars, pipelines, way
from deploybook.pages.book import Book
from deploybook.pages.disagreements import Disagreement, disagreements
from deploybook.pages.page import File, Page
from deploybook.pages.pipelines import Drawn
from deploybook.pages.recent import deployment_name, last_day
from deploybook.pages.rota import Rota, rota, upcoming
from deploybook.pages.telling import Teller
from deploybook.pages.way import Walk, Way
from deploybook.pages.written import REVIEW_DAYS, WrittenPage, written
from deploybook.periods import Calendar
from deploybook.text import escape, slug

_DATES = 6


@dataclass(frozen=True)
class Fact:
    """One of a strip: a term, its value, a remark."""

    term: Markup | str
    value: Markup | str
    note: Markup | str = ""


@dataclass(frozen=True)
class Coming:
    """A cut-off or a window to come, or why there is none."""

    cut_off: Markup | str
    window: Markup | str


@dataclass(frozen=True)
class Step:
    """What to do, in order."""

    title: str
    words: Markup | str


@dataclass(frozen=True)
class ProcessPage:
    """The model of `process/`."""

    kicker: str
    sentence: str
    lead: Markup | str
    asof: tuple[Markup | str, ...]
    simulated: bool
    facts: tuple[Fact, ...]
    way: Way | None
    way_note: str
    no_way: str
    """What stands in place of the way where there is none."""
    pipelines: bool
    drawn: tuple[Drawn, ...]
    """The pipelines that bring a change to users."""
    walk: Walk | None
    dates: tuple[Coming, ...]
    off: tuple[Markup | str, ...]
    zone: str
    decides: str
    rota: Rota | None
    steps: tuple[Step, ...]
    rollbacks: tuple[tuple[object, ...], ...]
    pages: tuple[tuple[object, ...], ...]
    terms: tuple[tuple[str, str], ...]
    differ: tuple[Disagreement, ...]


def pages(book: Book, tell: Teller) -> Iterator[Page | File]:
    """The process page and what belongs to it."""
    stages = pipelines.measured(book)
    yield Page("process", "process.md.jinja", "Process", process_page(book, tell, stages))
    yield from pipelines.pages(book, stages)
    yield from calendars.pages(book)


def process_page(book: Book, tell: Teller, stages: pipelines.Stages | None = None) -> ProcessPage:
    """The model of `process/`; `stages` says how the stages of pipelines went."""
    by_hand = written(book.config.by_hand) if book.config.file else []
    codebase = way.busiest(book)
    line = way.way(book, codebase, notes(book, codebase)) if codebase else None
    return ProcessPage(
        kicker="Process, how a change reaches users",
        sentence=_sentence(book.calendar),
        lead=_lead(book),
        asof=(f"times from the last {way.WEEKS} weeks",),
        simulated=book.config.site.simulated,
        facts=tuple(_facts(book)),
        way=line,
        way_note=_way_note(line),
        no_way=_no_way(last_day(book)),
        pipelines=any(book.pipelines.values()),
        drawn=pipelines.to_users(book, codebase, stages or {}),
        walk=way.walk(book, tell, codebase) if codebase else None,
        dates=tuple(_dates(book)),
        off=tuple(_off(book)),
        zone=book.config.site.timezone,
        decides=_decides(book),
        rota=rota(book, book.config.process.decides.rotation) if book.config.process.decides else None,
        steps=tuple(_steps(book, by_hand)),
        rollbacks=tuple(_rollback_rows(book)),
        pages=tuple(_reviews(book, by_hand)),
        terms=_TERMS,
        differ=tuple(disagreements(book)),
    )


def _sentence(calendar: Calendar) -> str:
    cut, window = calendar.rule.cut_off, calendar.rule.window
    if window is None and cut is None:
        return "A change goes out when somebody deploys it."
    if window is None or cut is None:
        rule = window or cut
        days = way.weekdays(rule.weekdays) if rule else ""
        if window is None:
            return f"Merge by {cut.at:%H:%M}, {days}." if cut else ""
        return f"Changes reach users on {days}, {window.start:%H:%M} to {window.end:%H:%M}."
    at = "noon" if f"{cut.at:%H:%M}" == "12:00" else f"{cut.at:%H:%M}"
    days = way.weekdays(window.weekdays)
    if set(cut.weekdays) == set(window.weekdays) and cut.at <= window.start:
        if len(set(cut.weekdays)) == 1:
            return f"Merge by {days} {at}, and it is live the same day."
        return f"Merge by {at}, and it is live the same day, {days}."
    if len(set(cut.weekdays)) == 1:
        return f"Merge by {way.weekdays(cut.weekdays)} {at}, and it is live on {days}."
    return f"Merge by {at}, and it is live in the next window, {days}."


def _lead(book: Book) -> str:
    names = [stage.name for stage in book.config.process.environments]
    if len(names) == 1:
        return f"What is merged and green goes to {names[0]}, where users are."
    through = words.joined(names[:-1])
    return f"What is merged and green goes through {through} to {names[-1]}, where users are."


def _facts(book: Book) -> Iterator[Fact]:
    cut, window = book.calendar.rule.cut_off, book.calendar.rule.window
    if cut:
        following = book.calendar.next_cut_offs(book.as_of, 1)
        note = Markup("next: {}").format(words.moment(following[0], book.zone, "day")) if following else ""
        yield Fact("Cut-off", f"{way.weekdays(cut.weekdays, plural=True)}, {cut.at:%H:%M}", note)
    else:
        yield Fact("Cut-off", "none", "what is merged goes with the next deployment")
    if window:
        coming = book.calendar.next_windows(book.as_of, 1)
        note = Markup("next: {}").format(words.moment(coming[0].start, book.zone, "day")) if coming else ""
        hours = f"{window.start:%H:%M} to {window.end:%H:%M}"
        yield Fact("Window", f"{way.weekdays(window.weekdays, plural=True)}, {hours}", note)
    else:
        yield Fact("Window", "none", "a deployment may go at any hour")
    inside, asked = kept(book)
    if asked:
        yield Fact(
            "Kept",
            f"{inside} of {words.count(asked, 'deployment')}",
            f"were in their window{f' ({words.percent(inside / asked)})' if asked >= words.FEW else ''}",
        )


def kept(book: Book) -> tuple[int, int]:
    """Planned deployments of the last twelve weeks: in a window, and all that one was asked of."""
    since = book.as_of - timedelta(weeks=way.WEEKS)
    asked = [d for d in book.live_deployments if d.at >= since and has_window(book, d)]
    return sum(book.calendar.window_of(started(d)) is not None for d in asked), len(asked)


def has_window(book: Book, deployment: LinkedDeployment) -> bool:
    """Whether a deployment was one that the rule of its day asks to be in a window."""
    day = started(deployment).astimezone(book.zone).date()
    return deployment.kind == "planned" and book.calendar.rule_on(day).window is not None


def started(deployment: LinkedDeployment) -> datetime:
    """When a deployment began; its finish where that is all there is."""
    return deployment.started_at or deployment.at


def _no_way(last: str) -> str:
    there = "the median time between two stations stands here."
    if not last:
        return f"Once deployments are read, {there}"
    return f"The last deployment was on {last}. When changes reach users again, {there}"


def _way_note(line: Way | None) -> str:
    if line is None:
        return ""
    changes = words.count(line.changes, "change")
    return f"The way of {line.codebase}. Between two stations: the median time of {changes}."


def notes(book: Book, codebase: str) -> dict[str, str]:
    """What happens at a station, as the codebase's pipeline files say."""
    found: dict[str, str] = {}
    for pipeline in book.pipelines.get(codebase, ()):
        if any("every pull request" in trigger for trigger in pipeline.triggers) and pipeline.jobs:
            found["pull"] = "its pipeline runs on every commit"
        guards = bool(pipeline.smoke_tests)
        for stage in book.config.process.environments:
            jobs = [
                job for job in pipeline.jobs if {each.lower() for each in job.environments} & {*stage.members}
            ]
            if any(job.approval for job in jobs):
                found[stage.name] = "somebody presses a button"
            elif guards and jobs and stage.members != book.config.live:
                found[stage.name] = "smoke tests may stop it here"
    last = book.config.process.environments[-1]
    found["live"] = found.pop(last.name, "for users")
    if len(last.members) > 1:
        found["live"] = f"for users, {last.members[0]} first"
    return found


def _dates(book: Book) -> Iterator[Coming]:
    windows = book.calendar.next_windows(book.as_of, _DATES)
    if windows:
        for window in windows:
            when = words.moment(window.start, book.zone, "when")
            cut = words.moment(window.cut_off, book.zone, "when") if window.cut_off else "none"
            yield Coming(cut, Markup("{} to {}").format(when, words.clock(window.end, book.zone)))
        return
    for at in book.calendar.next_cut_offs(book.as_of, _DATES):
        yield Coming(words.moment(at, book.zone, "when"), "none is set")


def _off(book: Book) -> Iterator[Markup | str]:
    """Freezes and holidays of the next weeks that take a window away."""
    today = book.as_of.astimezone(book.zone).date()
    for freeze in book.calendar.freezes:
        if freeze.last >= today and freeze.first <= today + timedelta(days=120):
            yield f"Freeze, {words.days(freeze.first, freeze.last)}: {freeze.because or 'no deployments'}."
    for day in (today + timedelta(days=n) for n in range(60)):
        name = book.calendar.holiday(day)
        rule = book.calendar.rule_on(day).window
        if name and rule and day.weekday() in rule.weekdays:
            yield f"No window on {words.day(day)}: {name}."


def _decides(book: Book) -> str:
    decides = book.config.process.decides
    if decides is None:
        return ""
    role = decides.rotation.replace("-", " ")
    return f"The {role} of the day decides whether a deployment stays or goes back."


def _steps(book: Book, by_hand: list[WrittenPage]) -> Iterator[Step]:
    chats = sorted({team.chat for team in book.config.teams.values() if team.chat})
    where = f"Each team has a chat: {words.joined(chats)}." if chats else "Write where your team talks."
    yield Step("Say so", Markup("You need not be sure. {}{}").format(escape(where), _on_call(book)))
    last = book.config.process.environments[-1].members[0]
    yield Step(
        f"Lock {book.config.process.environments[-1].name}",
        Markup("<code>deploybook lock {} --reason …</code> keeps others from deploying on top.").format(
            escape(last)
        ),
    )
    yield Step("Go back first, look for the cause later", _going_back(book))
    page = next((page for page in by_hand if "wrong" in page.file), None)
    if page:
        yield Step(
            "Read on",
            Markup('<a href="{}">{}</a> says whom to call and which commands to use.').format(
                page.href, escape(page.title)
            ),
        )


def _on_call(book: Book) -> Markup:
    """Who is on call now, in the rotations that teams name for it."""
    found: list[Markup] = []
    for name in dict.fromkeys(team.on_call for team in book.config.teams.values()):
        if name not in book.config.rotations or book.config.site.public:
            continue
        turn = next((turn for turn in upcoming(book, name) if turn.start <= book.as_of), None)
        if turn is not None:
            who = escape(book.person(turn.person) or turn.person)
            found.append(Markup('<a href="~/owners/#rotation-{}">{}</a>').format(slug(name), who))
    return (
        Markup(" {} {} on call now.").format(words.joined(found), "is" if len(found) == 1 else "are")
        if found
        else Markup("")
    )


def _by_hand(book: Book) -> str:
    """Which pipelines somebody can start by hand to put a version before users again."""
    live, found = set(book.config.live), dict[str, list[str]]()
    for name in book.codebases:
        for pipeline in book.pipelines.get(name, ()):
            if "by hand" in pipeline.triggers and live & set(pipeline.environments):
                found.setdefault(pipeline.name, []).append(name)
    if not found:
        return ""
    told = [
        f"“{pipeline}” ({_some(names, len(book.codebases))})"
        for pipeline, names in sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]
    return f"Start {words.joined(told, 'or')} by hand with the version before."


def _some(names: list[str], of: int) -> str:
    """Codebases by their names; many by their number."""
    if len(names) <= 3:
        return words.joined(names)
    return "in all codebases" if len(names) == of else f"in {len(names)} of {words.count(of, 'codebase')}"


def rollbacks(book: Book) -> list[LinkedDeployment]:
    """Rollbacks of the last year whose length is known, newest first."""
    since = book.as_of - timedelta(days=365)
    found = [
        d
        for d in book.live_deployments
        if d.kind == "rollback" and d.rollback_seconds is not None and d.at >= since
    ]
    return sorted(found, key=lambda d: d.at, reverse=True)


def _going_back(book: Book) -> Markup | str:
    known = rollbacks(book)
    decides = "" if book.config.process.decides is None else _role(book) + " decides."
    decides = " ".join(part for part in (_by_hand(book), decides) if part)
    if not known:
        return f"No rollback of the last year has a known length. {decides}".strip()
    lengths = [d.rollback_seconds or 0 for d in known]
    last = words.moment(known[0].at, book.zone, "day")
    if len(known) >= 5:
        took = f"median of {len(known)} rollbacks in a year"
        return Markup("It takes {} ({}, the last on {}). {}").format(
            words.duration(median(lengths)), took, last, decides
        )
    return Markup("The last one, on {}, took {}. {}").format(last, words.duration(lengths[0]), decides)


def _role(book: Book) -> str:
    decides = book.config.process.decides
    return f"The {decides.rotation.replace('-', ' ')}" if decides else ""


def _rollback_rows(book: Book) -> Iterator[tuple[object, ...]]:
    for deployment in rollbacks(book)[:3]:
        yield (
            {
                "text": deployment_name(deployment),
                "href": book.deployment_href(deployment),
            },
            deployment.environment,
            words.moment(deployment.at, book.zone, "long"),
            words.duration(deployment.rollback_seconds or 0),
        )


def _reviews(book: Book, by_hand: list[WrittenPage]) -> Iterator[tuple[object, ...]]:
    today = book.as_of.astimezone(book.zone).date()
    for page in by_hand:
        name = {"text": page.title, "href": page.href}
        if page.reviewed_on is None or page.due is None:
            yield (
                name,
                "never",
                "",
                {"state": "watch", "text": f"say so: reviewed, every {REVIEW_DAYS} days"},
            )
            continue
        by = "" if book.config.site.public else book.person(page.reviewed_by) or "somebody"
        yield (name, _day(page.reviewed_on), by, _due(page.due, today))


def _due(due: date, today: date) -> dict[str, str]:
    return {
        "state": "watch" if due < today else "ok",
        "text": ("was due " if due < today else "") + _day(due),
    }


def _day(day: date) -> str:
    return f"{day.day} {words.month(day, short=True)} {day.year}"


_TERMS = (
    ("Change", "A merged pull request, or a commit that came without one."),
    ("Codebase", "What is deployed as one."),
    ("Cut-off", "Until when a change must be merged to be in the next window."),
    ("Window", "When deployments to users are made, while people are awake to take them back."),
    ("Deployment", "A revision arriving in an environment. Users meet it in the last one."),
    ("Release branch", "What is deployed is on it. It stays green: a break goes before everything else."),
    ("Flag", "A switch. A change behind it is deployed, and users see it when it is turned on."),
    ("Smoke test", "A few quick checks in an environment, before the next one."),
    ("Rollback", "The version that ran before is put back."),
    ("Lock", "Nobody deploys there until it is taken away or runs out."),
    ("Hotfix", "A deployment that mends what another one broke, outside the usual order."),
)

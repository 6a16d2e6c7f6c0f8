"""`metrics/teams/` and `metrics/flags/`: the same rows, added up by team and by flag. Nothing is ranked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.linking.model import LinkedChange, LinkedDeployment
from deploybook.pages import beside, five
from deploybook.pages.beside import Beside, figure_words
from deploybook.pages.book import Book
from deploybook.pages.deployments import Item, standing
from deploybook.pages.five import Line, Scope
from deploybook.pages.flagstate import FlagState, flag_states
from deploybook.pages.page import Page
from deploybook.pages.readings import WEEKS
from deploybook.pages.recent import Recent, deployment_name, duration_or_dash, freshness, middle, part
from deploybook.pages.telling import Teller, number
from deploybook.periods import period_of
from deploybook.text import slug


@dataclass(frozen=True)
class FailedRow:
    """A failed deployment of the scope."""

    name: Item
    when: Markup
    because: str
    recovery: str


@dataclass(frozen=True)
class ChangeRow:
    """A change of the scope."""

    words: str
    href: Markup
    small: str
    when: Markup
    lead: str


@dataclass(frozen=True)
class DeploymentRow:
    """A deployment of the scope."""

    name: Item
    when: Markup
    kind: str
    state: str
    changes: str


@dataclass(frozen=True)
class Rows:
    """The rows that the scope's figures are made from, newest first."""

    failed: tuple[FailedRow, ...]
    deployments: tuple[DeploymentRow, ...]
    more_deployments: int
    changes: tuple[ChangeRow, ...]
    more_changes: int


@dataclass(frozen=True)
class CodebaseLine:
    """A codebase of a team, by name."""

    name: Item
    deployments: str
    lead: str
    failed: str
    recovery: str


@dataclass(frozen=True)
class Switch:
    """A flag that changed its state."""

    when: Markup
    environment: str
    state: str
    by: str


@dataclass(frozen=True)
class ScopePage:
    """The model of a team's or a flag's page."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    zone: str
    asof: tuple[Markup | str, ...]
    lines: tuple[Line, ...]
    codebases: tuple[CodebaseLine, ...]
    facts: tuple[tuple[str, str], ...]
    switches: tuple[Switch, ...]
    rows: Rows
    beside: tuple[Beside, ...]
    is_flag: bool


@dataclass(frozen=True)
class ListPage:
    """The model of a list of teams or flags."""

    kicker: str
    sentence: str
    simulated: bool
    zone: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Item | str, ...], ...]
    empty: str


SHOWN = 60


def pages(book: Book, tell: Teller) -> Iterator[Page]:
    """A page for each team and flag, and the two lists."""
    recent = Recent(book)
    teams = sorted({*book.config.teams, *(c.team for c in book.config.codebases.values() if c.team)})
    for team in teams:
        yield Page(
            f"metrics/teams/{slug(team)}",
            "scope.md.jinja",
            _team_name(book, team),
            team_page(book, tell, recent, team),
            toc=True,
        )
    for flag in sorted(book.config.flags):
        yield Page(
            f"metrics/flags/{slug(flag)}",
            "scope.md.jinja",
            flag,
            flag_page(book, tell, recent, flag),
            toc=True,
        )
    yield Page("metrics/teams", "scopes.md.jinja", "Teams’ codebases", _teams(book, teams))
    yield Page("metrics/flags", "scopes.md.jinja", "Flags", _flags(book))


def _team_name(book: Book, team: str) -> str:
    known = book.config.teams.get(team)
    return (known.name if known else None) or team


def _teams(book: Book, teams: list[str]) -> ListPage:
    rows = []
    for team in teams:
        own = sorted(name for name, c in book.config.codebases.items() if c.team == team)
        rows.append(
            (Item(_team_name(book, team), Markup(f"~/metrics/teams/{slug(team)}/")), ", ".join(own) or "none")
        )
    return ListPage(
        kicker="Teams",
        sentence=f"{words.count(len(teams), 'team', start=True)} {'owns' if len(teams) == 1 else 'own'}"
        " what is deployed here."
        if teams
        else "No team is named yet.",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        columns=("Team", "Codebases"),
        rows=tuple(rows),
        empty="Name teams under teams, and say under each codebase which team owns it.",
    )


def _flags(book: Book) -> ListPage:
    states = flag_states(book)
    rows = []
    for flag in sorted(book.config.flags):
        behind = sum(flag in c.flags for c in book.delivered)
        rows.append((
            Item(flag, Markup(f"~/metrics/flags/{slug(flag)}/")),
            _state(states.get(flag)),
            words.number(behind),
        ))  # fmt: skip
    on = sum(flag in states and states[flag].on for flag in book.config.flags)
    return ListPage(
        kicker="Flags",
        sentence=f"{words.count(len(rows), 'flag', start=True)}, {words.spelled(on) if on else 'none'} on for"
        " everyone."
        if rows
        else "No flag is named yet.",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        columns=("Flag", "State", "Changes delivered behind it"),
        rows=tuple(rows),
        empty="Name flags under flags in deploybook.yml, with the label of their changes, and record each"
        " switch as a flag_change.",
    )


def _state(state: FlagState | None) -> str:
    return state.says if state is not None else "no switch recorded"


def state_words(state: str) -> str:
    """What a flag was switched to, in words."""
    if state in ("on", "off"):
        return state
    try:
        return f"on for {words.percent(float(state))}"
    except ValueError:
        return state


def team_page(book: Book, tell: Teller, recent: Recent, team: str) -> ScopePage:
    """The model of a team's page."""
    scope = five.team_scope(recent, team)
    own = sorted(name for name, c in book.config.codebases.items() if c.team == team)
    count = words.count(len(scope.deployments), "deployment", start=True)
    codebases = words.joined(own) if own else "no codebase"
    said = (
        f"{count} of {codebases} brought users {words.count(len(scope.changes), 'change')} in {WEEKS} weeks."
    )
    return ScopePage(
        kicker=f"{_team_name(book, team)}, the team’s codebases together",
        sentence=said if scope.deployments else f"Nothing of {codebases} reached users in {WEEKS} weeks.",
        lead="Numbers of a team are those of its codebases. They are for the team; no page compares teams.",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        asof=tuple(freshness(book)),
        lines=tuple(five.five(book, scope, Markup(f"~/metrics/teams/{slug(team)}/"))),
        codebases=tuple(_codebase(recent, name) for name in own),
        facts=(),
        switches=(),
        beside=tuple(beside.companions(book, "team", team)),
        is_flag=False,
        rows=_rows(book, tell, scope),
    )


def flag_page(book: Book, tell: Teller, recent: Recent, flag: str) -> ScopePage:
    """The model of a flag's page."""
    scope = five.flag_scope(recent, flag)
    behind = [c for c in book.delivered if flag in c.flags and c.state != "undone"]
    state = flag_states(book).get(flag)
    owner = book.person(book.config.flags[flag].owner) if flag in book.config.flags else None
    told = words.count(len(recent.once(behind)), "change", start=True)
    asof = [*freshness(book), _state(state)]
    now = f"it is {state.says}" if state is not None else "no switch of it is recorded"
    if owner and not book.config.site.public:
        asof.append(f"owner {owner}")
    return ScopePage(
        kicker=f"Flag {flag}",
        sentence=f"{told if behind else 'Nothing yet'} reached users behind {flag}; {now}.",
        lead="Deployed is not released: what is behind a flag reaches people when it is switched on.",
        simulated=book.config.site.simulated,
        zone=book.config.site.timezone,
        asof=tuple(asof),
        lines=tuple(five.five(book, scope, Markup(f"~/metrics/flags/{slug(flag)}/"))),
        codebases=(),
        facts=tuple(_flag_facts(book, flag)),
        switches=tuple(_switches(book, flag)),
        beside=tuple(beside.companions(book, "flag", flag)),
        is_flag=True,
        rows=_rows(book, tell, scope),
    )


def _flag_facts(book: Book, flag: str) -> Iterator[tuple[str, str]]:
    """What is counted of a flag: sums of all its quarters, medians of the newest that is known."""
    for label, metric in (
        ("Switch-ons that needed intervention", "flag_switch_fail_rate"),
        ("Change fail rate of deployments that carried it", "change_fail_rate"),
        ("Of the same codebases’ deployments that did not", "change_fail_rate_without"),
    ):
        series = book.figures.series("flag", flag, "quarter", metric)
        numerator = int(sum(f.numerator or 0 for f in series))
        denominator = int(sum(f.denominator or 0 for f in series))
        yield label, f"{part(numerator, denominator)}" if denominator else "– (none yet)"
    for label, metric in (
        ("From delivered to switched on", "flag_time_to_on_p50"),
        ("Recovery by switching off", "flag_recovery_time_p50"),
    ):
        series = [f for f in book.figures.series("flag", flag, "quarter", metric) if f.value is not None]
        waiting = sum(f.missing for f in book.figures.series("flag", flag, "quarter", metric))
        if series:
            says, small = figure_words(metric, series[-1])
            quarter = period_of("quarter", book.as_of, book.zone)
            when = (
                "this quarter"
                if series[-1].start == quarter.start
                else f"quarter from {words.day(series[-1].start)}"
            )
            yield label, f"{says}, {when} ({small})"
        else:
            yield (
                label,
                f"– ({words.count(waiting, 'change')} not switched on yet)" if waiting else "– (none yet)",
            )


def _switches(book: Book, flag: str) -> Iterator[Switch]:
    table = book.history["flag_changes"]
    columns = ("flag", "environment", "changed_at", "state", "by")
    rows = [row for row in table.select(list(columns)).to_pylist() if row["flag"] == flag]
    for row in sorted(rows, key=lambda row: (row["changed_at"], row["environment"]), reverse=True):
        if row["changed_at"] <= book.as_of:
            by = book.person(row["by"]) if not book.config.site.public else None
            yield Switch(
                words.moment(row["changed_at"], book.zone, "long"),
                row["environment"],
                state_words(row["state"]),
                by or "",
            )


def _codebase(recent: Recent, name: str) -> CodebaseLine:
    scope = five.codebase_scope(recent, name)
    reached = [d for d in scope.deployments if d.reached]
    failed = sum(d.needed_intervention for d in reached)
    return CodebaseLine(
        name=Item(name, Markup(f"~/metrics/{slug(name)}/")),
        deployments=words.number(len(scope.deployments)),
        lead=duration_or_dash(middle(c.lead_time_seconds for c in scope.changes)),
        failed=part(failed, len(reached)),
        recovery=duration_or_dash(middle(d.recovery_seconds for d in scope.failed)),
    )


def _rows(book: Book, tell: Teller, scope: Scope) -> Rows:
    deployed = list(reversed(scope.deployments))
    newest = list(reversed(scope.changes))
    return Rows(
        failed=tuple(
            FailedRow(
                Item(deployment_name(d), book.deployment_href(d)),
                words.moment(d.at, book.zone, "short"),
                " ".join(d.because),
                duration_or_dash(d.recovery_seconds) if d.recovered_at else "not over",
            )
            for d in deployed
            if d.reached and d.needed_intervention
        ),
        deployments=tuple(_deployment(book, d) for d in deployed[:SHOWN]),
        more_deployments=max(0, len(deployed) - SHOWN),
        changes=tuple(_change(book, tell, change) for change in newest[:SHOWN]),
        more_changes=max(0, len(newest) - SHOWN),
    )


def _deployment(book: Book, deployment: LinkedDeployment) -> DeploymentRow:
    state, word = standing(deployment)
    return DeploymentRow(
        Item(deployment_name(deployment), book.deployment_href(deployment)),
        words.moment(deployment.at, book.zone, "short"),
        word,
        state,
        words.count(len(deployment.delivered), "change"),
    )


def _change(book: Book, tell: Teller, change: LinkedChange) -> ChangeRow:
    told = tell(change)
    return ChangeRow(
        told.words,
        told.href,
        f"{change.codebase} {number(change)}",
        words.moment(change.deployed_at or change.merged_at, book.zone, "short"),
        duration_or_dash(change.lead_time_seconds),
    )

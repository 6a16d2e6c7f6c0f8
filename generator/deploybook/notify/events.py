"""What happened since an instant, as events: small functions, one a kind; see also `around`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from deploybook.linking.model import LinkedChange, LinkedDeployment, shortened
from deploybook.notify.around import flaky, lock, shift, source
from deploybook.notify.following import followers, of_changes, of_codebase, week_of
from deploybook.notify.known import Known, called
from deploybook.notify.model import Event
from deploybook.notify.words import plain, span
from deploybook.pages.branches import Branch
from deploybook.periods import Week
from deploybook.records import Verdict
from deploybook.words import NBSP, clock, count

_SHOWN = 3


def happened(known: Known) -> list[Event]:
    """Every event since, in the order of time."""
    found = [event for find in KINDS for event in find(known)]
    return sorted(found, key=lambda event: (event.at, event.key))


def _changes_of(known: Known, deployment: LinkedDeployment) -> list[LinkedChange]:
    ids = set(deployment.delivered)
    return [each for each in known.changes if each.codebase == deployment.codebase and each.id in ids]


def _listed(known: Known, changes: list[LinkedChange]) -> str:
    """The first words of changes that readers hear of; empty where there are none."""
    words = [plain(known.told(change).words) for change in changes if not known.told(change).silent]
    return "; ".join(words[:_SHOWN]) + (f"; and {len(words) - _SHOWN} more" if len(words) > _SHOWN else "")


def _called(deployment: LinkedDeployment) -> str:
    """As `shop v12`, or by its number where it has no version."""
    return f"{deployment.codebase} {plain(shortened(deployment.version or f'deployment {deployment.id}'))}"


def _way(kind: str) -> str:
    """How it came, where that was not as planned."""
    return "" if kind == "planned" else f" as a {kind}"


def _href(deployment: LinkedDeployment, known: Known) -> str:
    year = deployment.at.astimezone(known.config.zone).year
    place = f"{deployment.environment}-{deployment.id}"
    return f"deployments/{deployment.codebase}/{year}/#{place}"


def deployed(known: Known) -> Iterator[Event]:
    """A deployment to users is done: for the team, with what was in it, and for each author."""
    for each in known.deployments:
        if not (each.counted and each.outcome == "success" and known.new(each.at)):
            continue
        changes = _changes_of(known, each)
        what = _listed(known, changes)
        name = f"{each.codebase} {plain(each.version or (each.revision or '')[:10])}".strip()
        key = f"{each.codebase}|{each.environment}|{each.id}"
        yield Event(
            "deployed", f"deployed|{key}", f"deployed {each.codebase}", each.at,
            f"{name} is live{_way(each.kind)}: {what or 'no change that users would see'}",
            _href(each, known), teams=of_codebase(known, each.codebase, "teams") | known.team(each.codebase),
            people=of_codebase(known, each.codebase, "people"),
        )  # fmt: skip
        for follower, theirs, some in of_changes(known, each.codebase, changes):
            if brought := _listed(known, some):
                yield Event(
                    "deployed", f"deployed|{key}|{theirs}", f"deployed {each.codebase}", each.at,
                    f"{plain(theirs)}: {brought}. It came with {name}.", _href(each, known),
                    *follower.told(f"follows {theirs}"),
                )  # fmt: skip
        for change in changes:
            for person, because in known.authors([change]).items():
                yield Event(
                    "live", f"live|{change.codebase}|{change.id}|{each.id}",
                    f"live {change.codebase}|{change.id}", each.at,
                    f"{called(change)} in {each.codebase} is live: {plain(known.told(change).words)}",
                    _href(each, known), people={person: because},
                )  # fmt: skip


def failed(known: Known) -> Iterator[Event]:
    """A deployment failed or needed intervention."""
    for each in known.deployments:
        bad = each.needed_intervention or each.outcome in ("failure", "error")
        at = each.recovered_at or each.at
        if not (each.live and bad and (known.new(at) or known.new(each.at))):
            continue
        because = plain(each.because[0]) if each.because else f"it ended with {each.outcome}"
        now = " It is over." if each.recovered_at is not None and each.recovered_at <= known.as_of else ""
        yield Event(
            "failed", f"failed|{each.codebase}|{each.environment}|{each.id}",
            f"failed {each.codebase}|{each.id}", at,
            f"{_called(each)} in {each.environment} needed intervention: {because.rstrip('.')}.{now}",
            _href(each, known), teams=of_codebase(known, each.codebase, "teams") | known.team(each.codebase),
            people=of_codebase(known, each.codebase, "people") | known.decider()
            | known.authors(_changes_of(known, each)), urgent=True,
        )  # fmt: skip


def stopped(known: Known) -> Iterator[Event]:
    """A promotion was stopped before users: the gate said no, or its pipeline went red.

    That a person decided to go on is told too.
    """
    said: dict[tuple[str | None, str, str], tuple[datetime, str]] = {}
    for codebase, environment, revision, at in known.stopped:
        what = f"{codebase} {plain(revision)[:10]} was stopped on its way to {environment}"
        said[codebase, revision, ""] = at, f"{what}: its pipeline went red"
    for verdict in sorted(known.verdicts, key=lambda each: each.judged_at):
        if verdict.verdict != "pass":
            over = verdict.override
            key = verdict.codebase, verdict.revision, "goes on" if over else ""
            said[key] = verdict.judged_at, _refused(known, verdict)
    for (name, revision, state), (at, says) in said.items():
        if known.new(at):
            waiting = [
                each for each in known.changes
                if each.codebase == name and each.state == "waiting" and each.merged_at <= at
            ]  # fmt: skip
            words = _listed(known, waiting)
            yield Event(
                "stopped", f"stopped|{name}|{revision}{'|override' if state else ''}",
                f"stopped {name}|{revision}", at,
                f"{says}. Not live yet: {words}" if words and not state else says,
                "metrics/release-branch/#stopped", teams=known.team(name),
                people=known.decider() | known.authors(waiting), urgent=True, state=state,
            )  # fmt: skip


def _refused(known: Known, verdict: Verdict) -> str:
    """What the gate did not let through, and why; or who promotes it all the same."""
    no = [each.says for each in verdict.reasons or () if each.answer != "pass"]
    reasons = "; ".join(plain(each) for each in no[:_SHOWN]) or "the gate did not pass it"
    what = f"{verdict.codebase or 'a codebase'} {plain(verdict.revision)[:10]}"
    to = known.config.step_of(verdict.environment)
    if verdict.override is None:
        return f"{what} was stopped on its way to {to}: {reasons}"
    by, because = known.name(verdict.override.by), plain(verdict.override.because).rstrip(".")
    return f"{by} promotes {what} to {to} although the gate stopped it: {because}. The gate said: {reasons}"


def branch(known: Known) -> Iterator[Event]:
    """The release branch went red, is still red, or is green again after it was told as red."""
    limit = known.config.notices.still_red_after
    for each in known.branches:
        teams, people = known.team(each.codebase), known.decider()
        start = f"branch|{each.codebase}|"
        path = "metrics/release-branch/"
        if each.green:
            reds = sorted(key for key in known.red_told if key.startswith(f"{start}red|"))
            if reds and reds[-1] < f"{start}red|{each.since.isoformat()}":
                yield Event(
                    "branch", f"{start}green|{reds[-1].rpartition('|')[2]}", f"branch green {each.codebase}",
                    each.since, f"{each.codebase}: {each.branch} is green again", path, teams, people,
                    state="green",
                )  # fmt: skip
            continue
        red = ", ".join(plain(name) for name in each.red)
        since = each.since.isoformat()
        if known.new(each.since):
            yield Event(
                "branch", f"{start}red|{since}", f"branch red {each.codebase}", each.since,
                f"{each.codebase}: {each.branch} is red: {red}", path, teams,
                people | known.authors(_broke(known, each)), state="red",
            )  # fmt: skip
        first = known.new(each.since) and f"{start}red|{since}" not in known.red_told
        if limit is not None and not first and known.as_of - each.since >= limit:
            yield Event(
                "branch", f"{start}still|{since}", f"branch still {each.codebase}", known.as_of,
                f"{each.codebase}: {each.branch} is still red after {span(limit)}: {red}", path,
                teams, people, state="still",
            )  # fmt: skip


def _broke(known: Known, branch: Branch) -> list[LinkedChange]:
    """The changes whose merge the run that went red was of: who wrote them can tell most about it."""
    return [
        each for each in known.changes
        if each.codebase == branch.codebase and branch.revision and each.merge_revision == branch.revision
    ]  # fmt: skip


def withdrawn(known: Known) -> Iterator[Event]:
    """A change was taken out of where users are: for its author."""
    for each in known.changes:
        if known.new(each.withdrawn_at) and each.withdrawn_at is not None and each.original is None:
            week = Week.of(each.withdrawn_at, known.config.zone)
            yield Event(
                "withdrawn", f"withdrawn|{each.codebase}|{each.id}|{each.withdrawn_at.isoformat()}",
                f"withdrawn {each.codebase}|{each.id}", each.withdrawn_at,
                f"{called(each)} in {each.codebase} was taken out again: {plain(known.told(each).words)}",
                f"shipped/{week.id}/#withdrawn", people=known.authors([each]),
            )  # fmt: skip


def cut_off(known: Known) -> Iterator[Event]:
    """The cut-off is near: how much goes with it, and which changes still have no words."""
    near = known.config.notices.cut_off_near
    coming = known.config.calendar.next_cut_offs(known.as_of, 1)
    if near is None or not coming or coming[0] - known.as_of > near:
        return
    at, when = coming[0] - near, clock(coming[0], known.config.zone)
    by: dict[str, list[LinkedChange]] = {}
    for each in known.changes:
        if each.state == "waiting" and each.original is None:
            by.setdefault(each.codebase, []).append(each)
    for codebase, changes in by.items():
        waiting = count(len(changes), "change").replace(NBSP, " ")
        yield Event(
            "cut-off", f"cut-off|{codebase}|{coming[0].isoformat()}", f"cut-off {codebase}", at,
            f"{codebase}: cut-off at {when}; {waiting} merged and not yet live", "shipped/waiting/",
            teams=known.team(codebase),
        )  # fmt: skip
        for change in changes:
            if not change.bot and not known.told(change).described:
                yield Event(
                    "words", f"words|{codebase}|{change.id}|{coming[0].isoformat()}",
                    f"words {codebase}|{change.id}", at,
                    f"{called(change)} in {codebase} has no words for readers, and the cut-off is at {when}: "
                    f"{plain(change.title)}",
                    "shipped/waiting/", people=known.authors([change]),
                )  # fmt: skip


def incident(known: Known) -> Iterator[Event]:
    """An incident is tied to a deployment: for its team and for those whose changes were in it."""
    by_id = {(each.codebase, each.environment, each.id): each for each in known.deployments}
    for each in known.incidents:
        if each.deployment is None or each.codebase is None or not known.new(each.started_at):
            continue
        found = by_id.get((each.codebase, each.deployment_environment or "", each.deployment))
        people = known.authors(_changes_of(known, found)) if found else {}
        if found is not None and (key := known.person(found.by)) is not None:
            people.setdefault(key, "deployed it")
        yield Event(
            "incident", f"incident|{each.id}|{each.codebase}|{each.deployment}", f"incident {each.id}",
            each.started_at,
            f"{each.codebase}: {plain(each.title or each.id)} (tied to deployment {plain(each.deployment)})",
            "incidents/", teams=known.team(each.codebase), people=people, urgent=True,
        )  # fmt: skip


def digest(known: Known) -> Iterator[Event]:
    """A week is over: what it brought, for every team to which it brought something, and who follows some."""
    zone = known.config.zone
    week = Week.of(known.as_of - timedelta(days=7), zone)
    start, end = week.bounds(zone)
    if not known.new(end):
        return
    for team in known.config.teams:
        own = {name for name, codebase in known.config.codebases.items() if codebase.team == team}
        live = [
            each for each in known.changes
            if each.codebase in own and each.deployed_at is not None and start <= each.deployed_at < end
        ]  # fmt: skip
        went = [each for each in known.deployments if each.counted and each.codebase in own]
        went = [each for each in went if each.reached and start <= each.at < end]
        if live or went:
            yield Event(
                "digest", f"digest|{week.id}", f"digest {team}", end, _week(week, live, went),
                f"shipped/{week.id}/", teams={team: "its week"},
            )  # fmt: skip
    for follower in followers(known):
        live, went = week_of(known, follower, start, end)
        if live or went:
            names = ", ".join(follower.follows)
            yield Event(
                "digest", f"digest|{week.id}|follows", f"digest of {names}", end,
                f"{plain(names)}: {_week(week, live, went)}", f"shipped/{week.id}/",
                *follower.told(f"follows {names}"),
            )  # fmt: skip


def _week(week: Week, live: Sequence[LinkedChange], went: Sequence[LinkedDeployment]) -> str:
    bad = sum(each.needed_intervention for each in went)
    says = f"Week {week.id}: {count(len(live), 'change')} live in {count(len(went), 'deployment')}"
    return f"{says}, {bad or 'none'} needed intervention".replace(NBSP, " ")


KINDS: tuple[Callable[[Known], Iterator[Event]], ...] = (
    deployed, failed, stopped, branch, withdrawn, cut_off, lock, shift, incident, flaky, source, digest,
)  # fmt: skip

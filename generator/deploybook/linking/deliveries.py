"""Which change is in which deployment: every environment of a codebase moved through its deployments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from deploybook.linking.changes import Ledger, News
from deploybook.linking.contents import Contents, Ways
from deploybook.linking.deployments import Moves, Run, tell_kind
from deploybook.linking.model import Delivery, State


@dataclass(slots=True)
class Fate:
    """What became of a change where users are."""

    state: State = "waiting"
    first: Run | None = None
    """The deployment that first made it live; none for what the baseline held."""
    withdrawn_at: datetime | None = None
    withdrawn_by: Run | None = None
    live_again_at: datetime | None = None
    in_: int = 0
    """In how many live environments it is."""
    was_live: bool = False
    baseline: bool = False


@dataclass(frozen=True)
class Delivered:
    """What `deliver` found: the fate of each change, and each coming and going in order."""

    fates: list[Fate]
    rows: list[Delivery]


def deliver(
    ledger: Ledger,
    runs: Iterable[Run],
    together: Mapping[int, list[int]],
    *,
    environments: frozenset[str],
    live: tuple[str, ...],
    is_hotfix: Callable[[News], bool],
) -> Delivered:
    """Move every environment through its deployments, in the order of their finish, and fill in the runs.

    Sets of each run: `previous`, `kind`, `baseline`, `move`, `delivered`, `again`, `removed`. Environments
    that the process does not name (previews) are judged by what ran before, and deliver nothing.
    """
    ways = Ways(ledger, together)
    contents: dict[str, Contents] = {}
    moves: dict[str, Moves] = {}
    based: set[str] = set()
    found = Delivered([Fate() for _ in ledger.news], [])
    for run in runs:
        place = moves.get(run.environment)
        if place is None:
            place = moves[run.environment] = Moves(ledger.graph)
        place.place(run)
        if not run.delivers or run.environment not in environments:
            continue
        inside = contents.get(run.environment)
        if inside is None:
            inside = contents[run.environment] = Contents(ways)
        run.baseline = run.tip is not None and run.environment not in based
        first_of_all = not any(environment in based for environment in live)
        if run.baseline:
            based.add(run.environment)
        named = [ledger.by_id[name] for name in run.record.changes or () if name in ledger.by_id]
        known = [place for place in named if ledger.news[place].known]
        run.move = inside.move(run.key, run.tip, known, stays=run.stays)
        _tell(ledger, run, inside, found, first_of_all=first_of_all)
        if not run.baseline:
            tell_kind(
                run,
                reverts=[ledger.news[each].takes_back for each in run.move.entered],
                hotfix=any(is_hotfix(ledger.news[each]) for each in _carried(run, ledger)),
            )
    on_branch = set(ledger.branch)
    for place_, change in enumerate(ledger.news):
        fate = found.fates[place_]
        if not change.known:
            fate.state = "unmatched"
        elif fate.state == "waiting" and not change.by_pull_request and change.merge not in on_branch:
            # Tried on the way to users and taken away again, and never merged: it waits for nothing.
            was_somewhere = any(inside.ever[place_] for inside in contents.values())
            if was_somewhere and not any(inside.has(place_) for inside in contents.values()):
                fate.state = "undone"
    return found


def _carried(run: Run, ledger: Ledger) -> list[int]:
    """What it brought that is news: a copy counts, as it may be the hotfix that carried the original."""
    copies = [each for each in run.move.arrived if ledger.news[each].original is not None]
    return run.move.entered + copies


def _tell(
    ledger: Ledger,
    run: Run,
    inside: Contents,
    found: Delivered,
    *,
    first_of_all: bool,
) -> None:
    """Write down a move: what is in the environment for the first time, again, or no longer."""
    fates = found.fates
    for change in run.move.entered:
        fate = fates[change]
        again = bool(inside.ever[change])
        inside.ever[change] = 1
        # What the first deployment of all holds was there before history began. In a region that was added
        # later, what no other had by then is news.
        base = run.baseline and (first_of_all or not run.live or fate.was_live)
        if run.live:
            _arrive(fate, run, base=base and not fate.was_live)
            if fate.first is run:
                run.delivered.append(change)
        elif not again and not base:
            run.delivered.append(change)
        if again:
            run.again.append(change)
        if not base or (run.live and not fate.baseline):
            found.rows.append(_row(ledger, change, run, "again" if again else "delivered"))
    for change in run.move.left:
        if run.live:
            _leave(fates[change], run)
        found.rows.append(_row(ledger, change, run, "withdrawn"))
    if run.live:
        for change in run.move.undone:
            if fates[change].state == "waiting":
                fates[change].state = "undone"


def _arrive(fate: Fate, run: Run, *, base: bool) -> None:
    fate.in_ += 1
    if not fate.was_live:
        fate.was_live = True
        if base:
            fate.baseline = True
        else:
            fate.first = run
    elif fate.in_ == 1:
        fate.live_again_at = run.at
        fate.withdrawn_by = None
    fate.state = "baseline" if fate.baseline else "live"


def _leave(fate: Fate, run: Run) -> None:
    fate.in_ -= 1
    if fate.in_ == 0:
        fate.state = "withdrawn"
        fate.withdrawn_at = run.at
        fate.withdrawn_by = run


def _row(ledger: Ledger, change: int, run: Run, event: str) -> Delivery:
    return Delivery(
        codebase=ledger.codebase,
        change=ledger.news[change].record.id,
        environment=run.environment,
        deployment=run.id,
        at=run.at,
        event=event,  # type: ignore[arg-type]
    )

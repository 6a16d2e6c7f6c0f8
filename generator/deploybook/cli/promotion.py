"""Commands on the way to users: locks, the gate, and who hears of it."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploybook.cli.options import AsJson, AsOf, ConfigFile, Quiet, Verbose, config_of, instant
from deploybook.errors import EXIT_DONE, EXIT_NO, EXIT_STALE

if TYPE_CHECKING:
    from deploybook.locks import Desk, Reply

EnvironmentName = Annotated[str, typer.Argument(help="An environment, a group of them, or all.")]
Codebases = Annotated[
    list[str] | None,
    typer.Option("--codebase", metavar="NAME", help="Which codebase, repeatable; default: all."),
]
Claim = Annotated[
    str | None, typer.Option("--claim", help="The claim that lock printed; default: found by the CI run.")
]
Force = Annotated[
    bool, typer.Option("--force", help="Against others' locks and freezes, with a --reason, on record.")
]


def lock(
    environment: EnvironmentName,
    config: ConfigFile = None,
    codebase: Codebases = None,
    reason: Annotated[str | None, typer.Option(help="Why; needed with --force.")] = None,
    expires: Annotated[
        str, typer.Option(help="How long it holds, as 30m, 4h, 2d; renew it meanwhile.")
    ] = "4h",
    sticky: Annotated[bool, typer.Option("--sticky", help="Hold it until it is released.")] = False,
    exempt: Annotated[
        list[str] | None,
        typer.Option("--except", metavar="CHANGE", help="A change or revision that the gate lets through."),
    ] = None,
    claim: Claim = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Take nothing: is it still ours, with time left for the last step?"),
    ] = False,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001
) -> None:
    """Take a deployment lock, or renew it; exit code 1 where another holds it."""
    from deploybook.locks import Request

    request = Request(
        environment, codebase or (), os.environ, expires=None if sticky else expires, reason=reason,
        exempt=tuple(exempt or ()), claim=claim, because=_because(force, reason),
    )  # fmt: skip
    desk = _desk(config)
    _answer(desk.check(request) if check else desk.lock(request), as_json, quiet)


def unlock(
    environment: EnvironmentName,
    config: ConfigFile = None,
    codebase: Codebases = None,
    reason: Annotated[str | None, typer.Option(help="Why; needed with --force.")] = None,
    claim: Claim = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001
) -> None:
    """Release a deployment lock; exit code 1 where another holds it."""
    from deploybook.locks import Request

    request = Request(environment, codebase or (), os.environ, claim=claim, because=_because(force, reason))
    _answer(_desk(config).unlock(request), as_json, quiet)


def locks(
    environment: Annotated[str, typer.Argument(help="Only what is in the way of this environment.")] = "",
    config: ConfigFile = None,
    codebase: Codebases = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001
) -> None:
    """List the deployment locks that stand, and the freeze of the calendar."""
    from deploybook.locks import Request

    _answer(_desk(config).locks(Request(environment, codebase or (), os.environ)), as_json, quiet)


def gate(
    environment: EnvironmentName,
    revision: Annotated[
        str, typer.Option("--revision", help="The revision to be promoted, in full or short.")
    ],
    config: ConfigFile = None,
    codebase: Annotated[
        str | None, typer.Option("--codebase", help="Which codebase; needed where there are several.")
    ] = None,
    claim: Claim = None,
    save: Annotated[bool, typer.Option("--save", help="Put the verdict into the history.")] = False,
    override_by: Annotated[
        str | None, typer.Option("--override-by", help="Who promotes against the verdict; with --because.")
    ] = None,
    because: Annotated[str | None, typer.Option("--because", help="Why; it is on record.")] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001
) -> None:
    """May this revision be promoted: pass, fail or no proof, and why; exit code 0 only for pass."""
    from deploybook.build.promotion import Promotion, ask_gate
    from deploybook.records import dump

    asked = Promotion(
        environment, revision, instant(as_of), os.environ, codebase=codebase, claim=claim,
        override_by=override_by, because=because, save=save,
    )  # fmt: skip
    judgement, verdict = ask_gate(_desk(config), asked)
    asks = f"{verdict.codebase} {verdict.revision[:10]} to {environment.lower()}"
    if as_json or not (quiet and judgement.opens):
        print(dump(verdict).decode() if as_json else "\n".join([asks, *judgement.lines()]))
    raise typer.Exit(EXIT_DONE if judgement.opens else EXIT_NO)


def notify(
    config: ConfigFile = None,
    as_of: AsOf = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print who would get what, and why.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001
) -> None:
    """Send what changed since the last notice: once each, to the right team and person."""
    import time

    from deploybook.build.notices import notify as send_notices
    from deploybook.notify import Apprise

    sent = send_notices(config_of(config), instant(as_of), send=Apprise(), sleep=time.sleep, dry=dry_run)
    for line in sent.refused:
        print(line, file=sys.stderr)
    if not quiet:
        print("\n".join(sent.lines(dry=dry_run)))
    raise typer.Exit(EXIT_STALE if sent.refused else EXIT_DONE)


def _desk(config: Path | None) -> Desk:
    """Where locks are asked for, with this machine's clock and what it has seen so far."""
    import time

    from deploybook.locks import Clock, Desk, Sightings, state_folder, this_clock

    read = config_of(config)
    clock = Clock(now=lambda: datetime.now(UTC), sleep=time.sleep)
    return Desk(read, clock, Sightings(state_folder(os.environ), this_clock(), read.locks.clocks_within))


def _because(force: bool, reason: str | None) -> str | None:
    return (reason or "") if force else None


def _answer(reply: Reply, as_json: bool, quiet: bool) -> None:
    """Print an answer and end with it: 0 for yes, 1 for no, which is told in any case."""
    import json

    if as_json:
        print(json.dumps(reply.facts, indent=1))
    elif not (quiet and reply.yes):
        print("\n".join(reply.lines), file=sys.stdout if reply.yes else sys.stderr)
    raise typer.Exit(EXIT_DONE if reply.yes else EXIT_NO)

"""The commands: one short function each. Prints, exits, reads the clock and hands it down."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from deploybook import __version__, helping
from deploybook.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_NO,
    EXIT_STALE,
    EXIT_USAGE,
    ConfigError,
    DeploybookError,
    UsageError,
    hide,
)

if TYPE_CHECKING:
    from deploybook.config import Config
    from deploybook.locks import Desk, Reply

app = typer.Typer(
    name="deploybook",
    help="The book of your deploys: a static site of what shipped, how it went, and how your team deploys.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="The configuration; default: deploybook.yml here or in a folder above."),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="The instant to count at, as 2026-11-20T16:00:00+01:00; default: now."),
]
MaxWait = Annotated[
    float,
    typer.Option(min=0, help="Seconds to wait at most where a source asks to; then it is left for now."),
]
Believe = Annotated[
    list[str] | None,
    typer.Option(
        "--believe", metavar="NAME", help="Sources whose name has this in it may say much less than before."
    ),
]
OnlyTeam = Annotated[
    str | None,
    typer.Option("--only", help="One team's site, in its own folder, with links to the rest."),
]


def _speak(wanted: bool) -> bool:
    """Let git and the network say what they are asked, on standard error, with no secret in it."""
    if wanted:
        import logging

        class Hidden(logging.Formatter):
            def format(self, record: logging.LogRecord) -> str:
                return hide(super().format(record))

        told = logging.StreamHandler()
        told.setFormatter(Hidden("  %(message)s"))
        log = logging.getLogger("deploybook")
        log.handlers = [told]
        log.setLevel(logging.INFO)
        log.propagate = False
    return wanted


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only problems.")]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", callback=_speak, help="Print each step, git's and the network's too."),
]
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
AsJson = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


def _instant(text: str | None) -> datetime:
    """`--as-of` as UTC; the clock where it is not given."""
    if text is None:
        return datetime.now(UTC)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no instant", where="--as-of", next_step="write it like 2026-11-20T16:00:00+01:00"
        ) from error
    if instant.tzinfo is None:
        raise UsageError(
            f"{text!r} has no offset", where="--as-of", next_step="add Z or an offset such as +01:00"
        )
    return instant.astimezone(UTC)


def _config(file: Path | None, team: str | None = None) -> Config:
    """The configuration that is named or found; without one, that of the git checkout we are in."""
    from deploybook.config import detect, find, load

    found = file or find(Path.cwd())
    whole = load(found) if found is not None else detect(Path.cwd())
    return whole if team is None else whole.only(team)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path(),
    schedule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHERE",
            help="What builds it every hour: github, gitlab, systemd or kubernetes; repeatable.",
        ),
    ] = None,
    repository: Annotated[
        str | None,
        typer.Option(
            help="Whose deploys it tells of: an address, or a path to a clone; default: the folder's."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001
) -> None:
    """Write a site repository: configuration, pages to write by hand, a schedule. Changes no file."""
    from deploybook.config.init import ELSEWHERE, describe
    from deploybook.config.init import init as write_files
    from deploybook.config.suggest import suggest

    here = not set(schedule or ()) & ELSEWHERE
    found = suggest(folder, repository, here=here)
    if found.repository is None and not yes:
        asked = "Whose deploys does it tell of? An address, or a path to a clone; empty: say so later"
        if repository := typer.prompt(asked, default="", show_default=False).strip():
            found = suggest(folder, repository, here=here)
    if not quiet:
        print("\n".join(describe(found)))
    if not yes and not typer.confirm(f"Write a site repository from it into {folder.absolute()}?"):
        raise typer.Exit(EXIT_NO)
    done = write_files(folder, found, schedules=schedule or [])
    if quiet:
        return
    for path in done.written:
        print(f"written     {path}")
    for path in done.left_alone:
        print(f"left alone  {path}: it was there before")
    if done.unignored:
        print(f"to add      {' '.join(done.unignored)} to .gitignore: a build writes them")
    if done.docs != "docs":
        print(f"pages       to write by hand are in {done.docs}/, since docs/ is the codebase's own")
    print("Next: look through deploybook.yml, then run deploybook check, then deploybook build")


@app.command()
def build(
    config: ConfigFile = None,
    as_of: AsOf = None,
    only: OnlyTeam = None,
    since: Annotated[str | None, typer.Option(help="Read history again from this day on.")] = None,
    believe: Believe = None,
    max_wait: MaxWait = 300.0,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Sync, render and build the site: the main job. Publishes whole or not at all."""
    from deploybook.build.builder import Builder

    with closing(Builder()) as builder:  # it loads beside what a build loads
        found = _config(config, only)
        from deploybook.build.ahead import begun

        with begun(found) as tools:  # and so do these
            from deploybook.build.compose import Reading
            from deploybook.build.compose import build as build_site
            from deploybook.build.progress import Progress

            reading = Reading(since=_day(since), believe=believe or (), max_wait=max_wait)
            with Progress(quiet=quiet, verbose=verbose) as progress:
                outcome = build_site(
                    found, _instant(as_of), reading, progress=progress, builder=builder, tools=tools
                )
    for line in outcome.problems:
        print(line, file=sys.stderr)
    if not quiet:
        print(outcome.says)
    raise typer.Exit(outcome.exit_code)


@app.command()
def sync(
    config: ConfigFile = None,
    as_of: AsOf = None,
    since: Annotated[str | None, typer.Option(help="Read history again from this day on.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only sources whose name has this in it.")
    ] = None,
    shard: Annotated[
        str, typer.Option(help="Only this part of the sources, as 3/8, where several schedules share them.")
    ] = "1/1",
    believe: Believe = None,
    max_wait: MaxWait = 300.0,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Pull new history from every source into the store."""
    from deploybook.build.compose import Reading
    from deploybook.build.compose import sync as sync_history
    from deploybook.build.progress import Progress

    reading = Reading(
        since=_day(since), only=only or (), believe=believe or (), max_wait=max_wait, shard=_shard(shard)
    )
    with Progress(quiet=quiet, verbose=verbose) as progress:
        outcome = sync_history(_config(config), _instant(as_of), reading, progress=progress)
    for line in outcome.problems:
        print(line, file=sys.stderr)
    if not quiet:
        print(outcome.says)
    raise typer.Exit(outcome.exit_code)


@app.command()
def render(
    config: ConfigFile = None,
    as_of: AsOf = None,
    only: OnlyTeam = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write Markdown, charts, feeds and data files from the store; no network, no MkDocs."""
    from deploybook.build.compose import render as render_pages
    from deploybook.build.progress import Progress

    with Progress(quiet=quiet, verbose=verbose) as progress:
        outcome = render_pages(_config(config, only), _instant(as_of), progress=progress)
    if not quiet:
        print(outcome.says)


@app.command()
def check(
    config: ConfigFile = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List what is wrong or missing, and where words and facts disagree; exit 1 where there is an error."""
    import json
    from dataclasses import asdict

    from deploybook.build.check import check as findings_of
    from deploybook.build.progress import Progress

    with Progress(quiet=not verbose, verbose=verbose) as progress:
        found = findings_of(_config(config), _instant(as_of), progress)
    errors = sum(finding.level == "error" for finding in found)
    if as_json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        for finding in found:
            if finding.level == "error" or not quiet:
                print(finding)
        if not found and not quiet:
            print("nothing is wrong, nothing is missing, and words and facts agree")
    raise typer.Exit(EXIT_NO if errors else EXIT_DONE)


@app.command()
def export(
    config: ConfigFile = None,
    as_of: AsOf = None,
    week: Annotated[str | None, typer.Option(help="One week's news, as 2026-W47, printed.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder for the whole history.")] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="Of a week: markdown or html. Of the history: jsonl, csv or parquet."),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write the history as files, or print one week's news for a release, a chat or an e-mail."""
    from deploybook.build.export import HISTORY_FORMATS, WEEK_FORMATS, export_history, export_week
    from deploybook.build.progress import Progress

    if (week is None) == (out is None):
        raise UsageError("say what to export", next_step="use --week 2026-W47, or --out DIR")
    if week is not None:
        kind = _one_of(form or "markdown", WEEK_FORMATS)
        with Progress(quiet=not verbose, verbose=verbose) as progress:
            print(export_week(_config(config), _instant(as_of), week, kind, progress))
    elif out is not None:
        files = export_history(_config(config), out, _one_of(form or "jsonl", HISTORY_FORMATS))
        if not quiet:
            print(f"{len(files)} files in {out}")


Word = TypeVar("Word", bound=str)


def _one_of(word: str, words: tuple[Word, ...]) -> Word:
    """The option's word, where it is one of those that there are."""
    found = next((known for known in words if known == word), None)
    if found is None:
        raise UsageError(f"unknown format {word!r}", where="--format", next_step=f"use {' or '.join(words)}")
    return found


history_commands = typer.Typer(help="Upkeep of the history.", no_args_is_help=True)
app.add_typer(history_commands, name="history")


@history_commands.command()
def compact(
    config: ConfigFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001
) -> None:
    """Give back the room in the history's file that is no longer used."""
    from deploybook.build.compose import only_one
    from deploybook.history.upkeep import compact as compact_history

    found = _config(config)
    with only_one(found):
        done = compact_history(found.history_url, found.root)
    if not quiet:
        print(f"{done.before / 1e6:,.1f} MB before, {done.after / 1e6:,.1f} MB now")


@app.command()
def forget(
    person: Annotated[str, typer.Option("--person", help="A name of people:, or any spelling.")],
    config: ConfigFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001
) -> None:
    """Take a person out of the history, and keep them out of it and of the site."""
    from deploybook.build.forgetting import forget as forget_person

    lines = forget_person(_config(config), person)
    if not quiet:
        print("\n".join(lines))


@app.command()
def serve(
    config: ConfigFile = None,
    as_of: AsOf = None,
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 takes a free one.")] = 8000,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Build, serve on this machine, and build again when something changes."""
    from deploybook.build.progress import Progress
    from deploybook.build.serve import serve as serve_site

    with Progress(quiet=quiet, verbose=verbose) as progress:
        serve_site(lambda: _config(config), lambda: _instant(as_of), port=port, say=print, progress=progress)


@app.command()
def example(
    folder: Annotated[Path, typer.Argument(help="Where to make it.")] = Path("example"),
    seed: Annotated[int, typer.Option(help="Another seed, another history.")] = 7,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Its last day, as 2026-11-20.")
    ] = None,
    codebases: Annotated[int, typer.Option(min=1, help="How many codebases.")] = 8,
    years: Annotated[int, typer.Option(min=1, help="How many years of history.")] = 2,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make the example organisation: real git repositories and records, simulated and marked as such."""
    from deploybook.build.progress import Progress
    from deploybook.example import EXAMPLE_UNTIL, make_example

    last = until.date() if until else EXAMPLE_UNTIL
    with Progress(quiet=quiet, verbose=verbose) as progress:
        made = make_example(
            folder, seed=seed, until=last, codebases=codebases, years=years, progress=progress.count
        )
    if not quiet:
        print(f"The example organisation is made. Its site: deploybook build --config {made}")


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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
        environment, revision, _instant(as_of), os.environ, codebase=codebase, claim=claim,
        override_by=override_by, because=because, save=save,
    )  # fmt: skip
    judgement, verdict = ask_gate(_desk(config), asked)
    asks = f"{verdict.codebase} {verdict.revision[:10]} to {environment.lower()}"
    if as_json or not (quiet and judgement.opens):
        print(dump(verdict).decode() if as_json else "\n".join([asks, *judgement.lines()]))
    raise typer.Exit(EXIT_DONE if judgement.opens else EXIT_NO)


@app.command()
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

    sent = send_notices(_config(config), _instant(as_of), send=Apprise(), sleep=time.sleep, dry=dry_run)
    for line in sent.refused:
        print(line, file=sys.stderr)
    if not quiet:
        print("\n".join(sent.lines(dry=dry_run)))
    raise typer.Exit(EXIT_STALE if sent.refused else EXIT_DONE)


def _desk(config: Path | None) -> Desk:
    """Where locks are asked for, with this machine's clock and what it has seen so far."""
    import time

    from deploybook.locks import Clock, Desk, Sightings, state_folder, this_clock

    read = _config(config)
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


@app.command()
def schema(
    record: Annotated[str | None, typer.Option(help="A record type, as change or deployment.")] = None,
) -> None:
    """Print the JSON Schema of deploybook.yml, or of a record."""
    import json

    if record is None:
        from deploybook.config import json_schema

        print(json.dumps(json_schema(), indent=2))
        return
    from deploybook.records import KINDS
    from deploybook.records import json_schema as record_schema

    if record not in KINDS:
        raise UsageError(
            f"there is no record type {record!r}", where="--record", next_step=f"one of: {', '.join(KINDS)}"
        )
    print(json.dumps(record_schema(record), indent=2))


def _shard(text: str) -> tuple[int, int]:
    """Which part of how many."""
    part, slash, parts = text.partition("/")
    if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UsageError(
            f"{text!r} is no part", where="--shard", next_step="write 3/8 for the third of eight"
        )
    return int(part), int(parts)


def _day(text: str | None) -> datetime | None:
    """A day or an instant of an option as UTC."""
    if text is None:
        return None
    return _instant(text if "T" in text else f"{text}T00:00:00+00:00")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"deploybook {__version__}")
        raise typer.Exit(EXIT_DONE)


for _commands in (app, history_commands):
    helping.teach(_commands.registered_commands)


@app.callback(epilog=helping.START)
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The book of your deploys: a static site of what shipped, how it went, and how your team deploys."""


def _name(callback: Callable[..., object] | None) -> str:
    return callback.__name__.replace("_", "-") if callback else ""


def main() -> NoReturn:
    """Run a command; an expected failure is told in a few lines and decides the exit code.

    One that nobody foresaw is told with its traceback, and without any secret that may be in it.
    """
    try:
        code = run(sys.argv[1:])
    except Exception:
        from traceback import format_exc

        print(hide(format_exc()), file=sys.stderr)
        code = EXIT_FAILED
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    try:
        code = app(arguments, standalone_mode=False)
    except typer.Abort:  # what Click makes of Ctrl-C
        print("stopped; nothing is half done: run the same command again", file=sys.stderr)
        return EXIT_INTERRUPTED
    except typer.TyperException as error:
        command = next((word for word in arguments if not word.startswith("-")), "")
        known = command in {entry.name or _name(entry.callback) for entry in app.registered_commands}
        asked = f"deploybook {command} --help" if known else "deploybook --help"
        print(f"error: {error}\n  → {asked} says what there is", file=sys.stderr)
        return EXIT_USAGE
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_NO if arguments[:1] == ["check"] else error.exit_code
    except DeploybookError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        step = "free room on the disk" if full else "see that it is there and that this user may write it"
        print(f"error: {error.filename or 'a file'}: {error.strerror or error}\n  → {step}", file=sys.stderr)
        return EXIT_FAILED
    return code if isinstance(code, int) else EXIT_DONE

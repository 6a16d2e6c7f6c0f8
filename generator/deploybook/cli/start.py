"""Commands to begin with: a site repository, the example organisation, the schema of what is written."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from deploybook.cli.options import Quiet, Verbose
from deploybook.errors import EXIT_NO, UsageError


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

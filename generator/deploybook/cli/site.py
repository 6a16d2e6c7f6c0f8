"""Commands of a site: from reading sources to a site that is served."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Annotated

import typer

from deploybook.cli.options import (
    AsJson,
    AsOf,
    Believe,
    ConfigFile,
    MaxWait,
    OnlyTeam,
    Quiet,
    Verbose,
    config_of,
    day_of,
    instant,
)
from deploybook.errors import EXIT_DONE, EXIT_NO, UsageError


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
        found = config_of(config, only)
        from deploybook.build.ahead import begun

        with begun(found) as tools:  # and so do these
            from deploybook.build.compose import Reading
            from deploybook.build.compose import build as build_site
            from deploybook.build.progress import Progress

            reading = Reading(since=day_of(since), believe=believe or (), max_wait=max_wait)
            with Progress(quiet=quiet, verbose=verbose) as progress:
                outcome = build_site(
                    found, instant(as_of), reading, progress=progress, builder=builder, tools=tools
                )
    for line in outcome.problems:
        print(line, file=sys.stderr)
    if not quiet:
        print(outcome.says)
    raise typer.Exit(outcome.exit_code)


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
        since=day_of(since), only=only or (), believe=believe or (), max_wait=max_wait, shard=_shard(shard)
    )
    with Progress(quiet=quiet, verbose=verbose) as progress:
        outcome = sync_history(config_of(config), instant(as_of), reading, progress=progress)
    for line in outcome.problems:
        print(line, file=sys.stderr)
    if not quiet:
        print(outcome.says)
    raise typer.Exit(outcome.exit_code)


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
        outcome = render_pages(config_of(config, only), instant(as_of), progress=progress)
    if not quiet:
        print(outcome.says)


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
        found = findings_of(config_of(config), instant(as_of), progress)
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
        serve_site(lambda: config_of(config), lambda: instant(as_of), port=port, say=print, progress=progress)


def _shard(text: str) -> tuple[int, int]:
    """Which part of how many."""
    part, slash, parts = text.partition("/")
    if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UsageError(
            f"{text!r} is no part", where="--shard", next_step="write 3/8 for the third of eight"
        )
    return int(part), int(parts)

"""Commands of the history: given out, made smaller, and without a person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from deploybook.cli.options import AsOf, ConfigFile, Quiet, Verbose, config_of, instant
from deploybook.errors import UsageError

Word = TypeVar("Word", bound=str)


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
            print(export_week(config_of(config), instant(as_of), week, kind, progress))
    elif out is not None:
        files = export_history(config_of(config), out, _one_of(form or "jsonl", HISTORY_FORMATS))
        if not quiet:
            print(f"{len(files)} files in {out}")


def compact(
    config: ConfigFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001
) -> None:
    """Give back the room in the history's file that is no longer used."""
    from deploybook.build.compose import only_one
    from deploybook.history.upkeep import compact as compact_history

    found = config_of(config)
    with only_one(found):
        done = compact_history(found.history_url, found.root)
    if not quiet:
        print(f"{done.before / 1e6:,.1f} MB before, {done.after / 1e6:,.1f} MB now")


def forget(
    person: Annotated[str, typer.Option("--person", help="A name of people:, or any spelling.")],
    config: ConfigFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001
) -> None:
    """Take a person out of the history, and keep them out of it and of the site."""
    from deploybook.build.forgetting import forget as forget_person

    lines = forget_person(config_of(config), person)
    if not quiet:
        print("\n".join(lines))


def _one_of(word: str, words: tuple[Word, ...]) -> Word:
    """The option's word, where it is one of those that there are."""
    found = next((known for known in words if known == word), None)
    if found is None:
        raise UsageError(f"unknown format {word!r}", where="--format", next_step=f"use {' or '.join(words)}")
    return found

"""The commands: one short function each. Prints, exits, reads the clock and hands it down."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer

from deploybook import __version__, helping
from deploybook.cli import history, promotion, site, start
from deploybook.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_NO,
    EXIT_USAGE,
    ConfigError,
    DeploybookError,
    hide,
)

app = typer.Typer(
    name="deploybook",
    help="The book of your deploys: a static site of what shipped, how it went, and how your team deploys.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
history_commands = typer.Typer(help="Upkeep of the history.", no_args_is_help=True)

for _command in (
    *(start.init, site.build, site.sync, site.render, site.check, history.export, history.forget, site.serve),
    *(start.example, promotion.lock, promotion.unlock, promotion.locks, promotion.gate, promotion.notify),
    start.schema,
):
    app.command()(_command)
app.add_typer(history_commands, name="history")
history_commands.command()(history.compact)
for _commands in (app, history_commands):
    helping.teach(_commands.registered_commands)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"deploybook {__version__}")
        raise typer.Exit(EXIT_DONE)


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

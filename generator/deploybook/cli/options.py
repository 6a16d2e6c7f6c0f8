"""What several commands ask for, and what is made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploybook.errors import UsageError, hide

if TYPE_CHECKING:
    from deploybook.config import Config

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


def speak(wanted: bool) -> bool:
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
    typer.Option("--verbose", "-v", callback=speak, help="Print each step, git's and the network's too."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


def instant(text: str | None) -> datetime:
    """`--as-of` as UTC; the clock where it is not given."""
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no instant", where="--as-of", next_step="write it like 2026-11-20T16:00:00+01:00"
        ) from error
    if found.tzinfo is None:
        raise UsageError(
            f"{text!r} has no offset", where="--as-of", next_step="add Z or an offset such as +01:00"
        )
    return found.astimezone(UTC)


def config_of(file: Path | None, team: str | None = None) -> Config:
    """The configuration that is named or found; without one, that of the git checkout we are in."""
    from deploybook.config import detect, find, load

    found = file or find(Path.cwd())
    whole = load(found) if found is not None else detect(Path.cwd())
    return whole if team is None else whole.only(team)


def day_of(text: str | None) -> datetime | None:
    """A day or an instant of an option as UTC."""
    if text is None:
        return None
    return instant(text if "T" in text else f"{text}T00:00:00+00:00")

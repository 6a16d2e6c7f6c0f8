"""What `--help` adds to a command: a line for the list of commands, examples, what its exit codes mean."""

from __future__ import annotations

from collections.abc import Iterable

from typer.models import CommandInfo

CODES = """\b
Exit codes:
  0  done
  1  the answer is no: locked, refused, no proof; check found an error
  2  the command or the configuration is wrong; nothing was written
  3  built, but some source could not be read: its last good data is shown
  4  failed: the last good site stands"""

START = f"""\b
Start:
  deploybook build         in any git checkout: a site of it, in site/
  deploybook init deploys  a site repository, with what was found out
  deploybook example       an organisation to look at and try things on

{CODES}"""

_SHORT = {
    "init": "Write a site repository, with a schedule.",
    "build": "Sync, render and build the site: the main job.",
    "sync": "Pull new history from every source into the store.",
    "render": "Write pages and files from the store; no network.",
    "check": "List what is wrong or missing, each with the next step.",
    "export": "Write the history as files, or print one week's news.",
    "forget": "Take a person out of the history and the site, for good.",
    "serve": "Build, serve on this machine, build again on change.",
    "example": "Make the example organisation, which is simulated.",
    "lock": "Take a deployment lock, or renew it.",
    "unlock": "Release a deployment lock.",
    "locks": "List the deployment locks that stand.",
    "gate": "May this revision be promoted? A verdict, with reasons.",
    "notify": "Send what changed since the last notice, once each.",
    "schema": "Print the JSON Schema of deploybook.yml, or of a record.",
}

_EXAMPLES = {
    "init": (
        ("deploybook init", "in the checkout whose deploys you want to see"),
        ("deploybook init deploys --repository https://github.com/acme/shop-web --schedule github", ""),
    ),
    "build": (
        ("deploybook build", "then open site/index.html"),
        ("deploybook build --believe records", "a source that rightly says much less than before"),
        ("deploybook build --as-of 2026-11-20T16:00:00+01:00", "as it was then"),
    ),
    "sync": (
        ("deploybook sync --only git:shop-web", "one source"),
        ("deploybook sync --since 2026-01-01", "again, from that day on"),
    ),
    "render": (("deploybook render", "Markdown in build/docs"),),
    "check": (
        ("deploybook check", "in a pull request: exit code 1 where something is wrong"),
        ("deploybook check --json", "level, where, says, so, step and rows of each"),
    ),
    "export": (
        ("deploybook export --week 2026-W47", "for a release, a chat or an e-mail"),
        ("deploybook export --out history --format parquet", "everything"),
    ),
    "forget": (("deploybook forget --person zelda", "then commit forgotten.txt, and build"),),
    "compact": (("deploybook history compact", "after rows were dropped or forgotten"),),
    "serve": (("deploybook serve --port 8080", "then open http://127.0.0.1:8080/"),),
    "example": (("deploybook example acme", "then deploybook build --config acme/deploybook.yml"),),
    "lock": (
        ("deploybook lock production --reason 'Moving the database'", ""),
        ("deploybook lock production --codebase shop-web --expires 30m", "in a pipeline: renewed by its run"),
    ),
    "unlock": (
        ("deploybook unlock production", "ours"),
        ("deploybook unlock production --force --reason 'Ana is away'", "somebody else's, on record"),
    ),
    "locks": (("deploybook locks production", "what is in the way"),),
    "gate": (
        ("deploybook gate production --revision 4be1c2a --codebase shop-web", ""),
        ("deploybook gate production --revision 4be1c2a --override-by ana --because 'Hotfix'", ""),
    ),
    "notify": (("deploybook notify --dry-run", "who would get what, and why"),),
    "schema": (("deploybook schema --record deployment", "what a record may say"),),
}


def teach(commands: Iterable[CommandInfo]) -> None:
    """Give each command its line in the list and its examples."""
    for command in commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        command.short_help = _SHORT.get(name)
        if found := _EXAMPLES.get(name):
            lines = [f"  {line}" + (f"\n      {about}" if about else "") for line, about in found]
            command.epilog = "\n".join(("\b", "Examples:" if len(lines) > 1 else "Example:", *lines))

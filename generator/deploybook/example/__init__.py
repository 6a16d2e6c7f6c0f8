"""The example organisation: a simulated shop that goes from quarterly to weekly to daily deploys.

Everything is invented and drawn from a seed: real git repositories, and the records that a forge, a CI and a
deployment tool would have kept. The same seed and end give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import groupby
from pathlib import Path

from deploybook.errors import UsageError
from deploybook.example.book import RecordFiles
from deploybook.example.cast import specs
from deploybook.example.clock import EXAMPLE_AS_OF, EXAMPLE_UNTIL, Calendar, Story, last_instant
from deploybook.example.extras import Extras
from deploybook.example.repository import Repository
from deploybook.example.simulate import Simulation
from deploybook.example.site import configuration, corrected
from deploybook.example.week import Week

__all__ = ["EXAMPLE_AS_OF", "EXAMPLE_UNTIL", "make_example"]


def _silent(what: str, done: int, total: int | None) -> None:
    """Report progress to nobody."""


def make_example(
    folder: Path,
    *,
    seed: int = 7,
    until: date = EXAMPLE_UNTIL,
    codebases: int = 8,
    years: int = 2,
    progress: Callable[[str, int, int | None], None] = _silent,
) -> Path:
    """Make the example organisation in an empty or new folder.

    Args:
        folder: Gets `deploybook.yml`, `repositories/` and `history/`.
        seed: What all is drawn from.
        until: The last day; the story ends on the Friday at or before it, at 16:02 in Berlin.
        codebases: How many; beyond eight they are called `code-001` and so on.
        years: How many years the story takes.
        progress: Called with the repository at hand, how many are done, and of how many.

    Returns:
        The path of `deploybook.yml`.

    Raises:
        UsageError: The folder is not empty, or a number is below 1.
    """
    if codebases < 1 or years < 1:
        raise UsageError("the example needs at least one codebase and one year", next_step="give 1 or more")
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(
            "the folder is not empty", where=str(folder), next_step="name a new or an empty folder"
        )
    story = Story(last_instant(until), years)
    calendar = Calendar(story)
    chosen = specs(codebases)
    by_repository = [(name, list(group)) for name, group in groupby(chosen, key=lambda spec: spec.repository)]
    with RecordFiles(folder / "history") as out:
        corrections: list[str] = []
        extras = Extras(story, calendar, out)
        extras.flags()
        extras.locks()
        extras.issues()
        extras.outside()
        extras.rules(chosen)
        for done, (name, group) in enumerate(by_repository):
            progress(name, done, len(by_repository))
            with Repository(folder / "repositories" / f"{name}.git") as repository:
                simulation = Simulation(story, calendar, group, repository, out, seed=f"{seed}:{name}")
                Week(simulation).add()
                simulation.run()
            corrections.extend(corrected(simulation.doubted[-1:]))
            for spec in group:
                if spec.name != "warehouse":  # nobody watches it yet: the site has to say so
                    extras.monitor(spec, simulation.downs[spec.name], simulation.rng)
    progress("done", len(by_repository), len(by_repository))
    target = folder / "deploybook.yml"
    target.write_text(configuration(story, chosen, corrections[:2]), encoding="utf-8", newline="\n")
    return target

"""What pages are made with, begun before a build loads the rest of itself: what draws charts, and templates.

A first build has all charts to draw and all templates to compile. Both are kept between builds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploybook.charts.studio import Studio
from deploybook.config import Config
from deploybook.forks import meanwhile
from deploybook.render import environment

_CHARTS = 5
"""Charts of a codebase, roughly: so many workers are started for them before it is known."""


@dataclass(frozen=True)
class Tools:
    """What pages are made with, and what of it is kept between builds."""

    studio: Studio
    templates: Path


@contextmanager
def begun(config: Config) -> Iterator[Tools]:
    """Made ready beside what comes before pages, where nothing of them is kept yet."""
    cache = config.work_dir / "cache"
    templates = cache / "templates"
    with (
        compiled(templates),
        Studio(cache / "charts", beside=True, charts=_CHARTS * len(config.codebases)) as studio,
    ):
        yield Tools(studio, templates)


def compiled(templates: Path) -> AbstractContextManager[None]:
    """Let templates be compiled meanwhile, where none are kept yet; who asks before its turn compiles one.

    Args:
        templates: Where compiled templates are kept.
    """
    return nullcontext() if templates.is_dir() else meanwhile(partial(_compile, templates))


def _compile(templates: Path) -> None:
    jinja = environment(templates)
    for name in jinja.list_templates(filter_func=_is_for_pages):
        jinja.get_template(name)


def _is_for_pages(name: str) -> bool:
    """The scaffold's are for a new site repository, and have filters of their own."""
    return name.endswith(".jinja") and not name.startswith("scaffold/")

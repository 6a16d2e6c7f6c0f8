"""What a first build makes ready beside its reading of history: templates compiled.

They are kept between builds. One that is asked for before its turn is compiled by who asks.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from deploybook.forks import meanwhile
from deploybook.render import environment


def compiled(templates: Path) -> AbstractContextManager[None]:
    """Let templates be compiled meanwhile, where none are kept yet.

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

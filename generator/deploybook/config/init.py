"""`deploybook init`: write a site repository, and leave alone what is already there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploybook.config.schema import SCHEMA_COMMENT, SCHEMA_FILE, json_schema
from deploybook.config.suggest import Suggestion
from deploybook.errors import UsageError

MKDOCS_MARKER = "# Written by deploybook: a build reads this file. Without this line it does not."
"""The first line of a `mkdocs.yml` that `init` wrote: by it a build knows that it is not somebody else's."""

_FILES = {
    "deploybook.yml": "deploybook.yml.jinja",
    "mkdocs.yml": "mkdocs.yml.jinja",
    ".gitignore": "gitignore.jinja",
    "docs/process/how-we-deploy.md": "docs/process/how-we-deploy.md.jinja",
    "docs/process/when-it-goes-wrong.md": "docs/process/when-it-goes-wrong.md.jinja",
}


@dataclass(frozen=True)
class Scaffold:
    """What `init` did, paths inside the folder."""

    written: tuple[Path, ...]
    left_alone: tuple[Path, ...]
    """Files that were there before and were not touched."""


def init(folder: Path, found: Suggestion, *, templates: Path | None = None) -> Scaffold:
    """Write a site repository into a folder, from what was found out or said.

    Raises:
        UsageError: A file cannot be written.
    """
    loader = FileSystemLoader(templates or scaffold_folder())
    jinja = Environment(  # noqa: S701 - YAML and Markdown, not HTML; each value goes through `yaml`
        loader=loader,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    jinja.filters["yaml"] = _yaml
    texts = {
        path: jinja.get_template(template).render(
            found=found, schema_comment=SCHEMA_COMMENT, mkdocs_marker=MKDOCS_MARKER
        )
        for path, template in _FILES.items()
    }
    texts[SCHEMA_FILE] = json.dumps(json_schema(), indent=2) + "\n"
    written, left = [], []
    for name, text in texts.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            left.append(Path(name))
            continue
        except OSError as error:
            raise UsageError(
                f"this file cannot be written: {error.strerror or error}",
                where=str(path), next_step="name a folder that can be written to",
            ) from error  # fmt: skip
        written.append(Path(name))
    return Scaffold(tuple(written), tuple(left))


def scaffold_folder() -> Path:
    """Where the templates of `init` are: in the package once installed, at the top of a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "templates" / "scaffold"
    return installed if installed.is_dir() else package.parents[1] / "templates" / "scaffold"


def _yaml(text: str) -> str:
    """A text as a YAML scalar in double quotes: JSON's are YAML's."""
    return json.dumps("".join(letter for letter in text if letter.isprintable()), ensure_ascii=False)

"""`deploybook init`: write a site repository, and leave alone what is already there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploybook import __version__
from deploybook.config import tree
from deploybook.config.schema import SCHEMA_COMMENT, SCHEMA_FILE, json_schema
from deploybook.config.suggest import Suggestion
from deploybook.errors import UsageError

MKDOCS_MARKER = "# Written by deploybook: a build reads this file. Without this line it does not."
"""The first line of a `mkdocs.yml` that `init` wrote: by it a build knows that it is not somebody else's."""

_FILES = {
    "deploybook.yml": "deploybook.yml.jinja",
    "mkdocs.yml": "mkdocs.yml.jinja",
    ".gitignore": "gitignore.jinja",
}

_BY_HAND = ("how-we-deploy", "when-it-goes-wrong")
"""Pages that people write, in `process/` of their folder."""
_OWN_DOCS = "deploybook"
"""Their folder where `docs/` is there already: what is in it belongs to the codebase, not to the site."""

SCHEDULES = {
    "github": {".github/workflows/deploybook.yml": "schedule/github.yml.jinja"},
    "gitlab": {".gitlab-ci.yml": "schedule/gitlab.yml.jinja"},
    "systemd": {
        f"schedule/deploybook.{unit}": f"schedule/deploybook.{unit}.jinja"
        for unit in ("service", "timer", "path")
    },
    "kubernetes": {"schedule/kubernetes.yml": "schedule/kubernetes.yml.jinja"},
}
"""What runs the build every hour, by where: files to write and their templates."""

ELSEWHERE = frozenset({"github", "gitlab", "kubernetes"})
"""Schedules that build on another machine than the one `init` runs on."""


@dataclass(frozen=True)
class Scaffold:
    """What `init` did, paths inside the folder."""

    written: tuple[Path, ...]
    left_alone: tuple[Path, ...]
    """Files that were there before and were not touched."""
    unignored: tuple[str, ...]
    """What a build writes and the `.gitignore` that was there does not name."""
    docs: str
    """The folder of the pages that people write by hand."""


def init(
    folder: Path, found: Suggestion, *, schedules: Sequence[str] = (), templates: Path | None = None
) -> Scaffold:
    """Write a site repository into a folder, from what was found out or said.

    Args:
        folder: Made where it is not there.
        found: What is known of the codebase.
        schedules: Keys of `SCHEDULES`.
        templates: Where they are, unless with the program.

    Raises:
        UsageError: There is no such schedule, or a file cannot be written.
    """
    if unknown := [each for each in schedules if each not in SCHEDULES]:
        raise UsageError(
            f"there is no schedule {unknown[0]!r}", where="--schedule",
            next_step=f"one of: {', '.join(SCHEDULES)}",
        )  # fmt: skip
    loader = FileSystemLoader(templates or scaffold_folder())
    jinja = Environment(  # noqa: S701 - YAML and Markdown, not HTML; each value goes through `yaml`
        loader=loader,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    jinja.filters["yaml"] = _yaml
    jinja.filters["unit"] = _unit
    docs = _docs(folder)
    by_hand = {f"{docs}/process/{page}.md": f"docs/process/{page}.md.jinja" for page in _BY_HAND}
    scheduled = {path: file for each in schedules for path, file in SCHEDULES[each].items()}
    texts = {
        path: jinja.get_template(template).render(
            found=found,
            schema_comment=SCHEMA_COMMENT,
            mkdocs_marker=MKDOCS_MARKER,
            version=__version__,
            folder=folder.absolute(),
            docs=docs,
        )
        for path, template in (_FILES | by_hand | scheduled).items()
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
    return Scaffold(tuple(written), tuple(left), tuple(_unignored(folder, texts[".gitignore"])), docs)


def _docs(folder: Path) -> str:
    """Where pages are written by hand: as the file that is there says, else `docs`.

    Where there is a `docs/` before there is a file, it belongs to the codebase, and is not the site's.
    """
    file, docs = folder / "deploybook.yml", folder / "docs"
    if file.is_file():
        root, _ = tree.read(file.read_bytes(), file.name)
        said = root.get("site", "docs") if root else None
        return said.value if said and isinstance(said.value, str) and ".." not in said.value else "docs"
    return _OWN_DOCS if docs.is_dir() and any(docs.iterdir()) else "docs"


def _unignored(folder: Path, ours: str) -> Iterator[str]:
    """The lines of our `.gitignore` that the folder's own does not have."""
    there = {
        line.strip().strip("/") for line in (folder / ".gitignore").read_text("utf-8", "replace").splitlines()
    }
    yield from (line for line in ours.split() if line.strip("/") not in there)


def describe(found: Suggestion) -> list[str]:
    """What was found, a line each, for a person to agree with."""
    people = [person.name for person in found.people]
    facts = {
        "codebase": found.name,
        "repository": found.repository or "",
        "remote": found.remote or "",
        "release branch": found.release_branch or "",
        "owners": found.codeowners or "",
        "teams": ", ".join(found.teams),
        "pipelines": ", ".join(found.pipelines),
        "environments": " → ".join(found.environments),
        "people": ", ".join(people),
    }
    return [f"{name:<15} {_printable(says) or '–'}" for name, says in facts.items()]


def scaffold_folder() -> Path:
    """Where the templates of `init` are: in the package once installed, at the top of a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "templates" / "scaffold"
    return installed if installed.is_dir() else package.parents[1] / "templates" / "scaffold"


def _yaml(text: str) -> str:
    """A text as a YAML scalar in double quotes: JSON's are YAML's."""
    return json.dumps(_printable(text), ensure_ascii=False)


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())


def _unit(path: Path) -> str:
    """A path as a value of a systemd unit.

    Raises:
        UsageError: It holds what such a file cannot say.
    """
    text = str(path)
    if not text.isprintable() or any(letter in text for letter in "\"'\\"):
        raise UsageError(
            "systemd's files cannot name this folder", where=text,
            next_step="use a folder without quotes and backslashes in its name",
        )  # fmt: skip
    return text.replace("%", "%%")

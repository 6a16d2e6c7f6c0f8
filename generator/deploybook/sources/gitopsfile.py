"""Versions kept in files of a GitOps repository: each change of the value under a key is a deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from deploybook.feed import Rejected
from deploybook.sources import gitcmd
from deploybook.sources.gitlog import known_seconds
from deploybook.sources.moves import Move, Template
from deploybook.sources.repository import Repository

_LARGEST = 1 << 20
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def file_moves(
    repository: Repository, release: str, template: Template, key: str, apps: frozenset[str]
) -> Iterator[tuple[str, Move | Rejected]]:
    """The moves of each app, oldest first: commits of the release branch after which a value is another.

    A file that went away is no move; one that cannot be read is told and leaves the value as it was.
    """
    rows = list(_rows(repository, release, template, apps))
    contents = _contents(repository, sorted({blob for *_, blob in rows}))
    values: dict[str, str | None] = {}
    now: dict[str, str] = {}
    for revision, committed, author, path, blob in rows:
        found = template.read(path)
        if found is None:
            continue
        owners = [found.codebase] if template.names_codebase else sorted(apps)
        if blob not in values:
            values[blob] = value_of(contents[blob], key) if blob in contents else None
        value = values[blob]
        if value is None:
            reason = (
                f"{path} has no readable {key}" if blob in contents else f"the content of {path} is missing"
            )
            lost = Rejected(f"{repository.where}, revision {revision}", reason, path[:500])
            yield from ((app, lost) for app in owners)
            continue
        if now.get(path) == value:
            continue
        now[path] = value
        move = Move(revision, known_seconds(committed), author, found.environment, value)
        yield from ((app, move) for app in owners)


def value_of(content: bytes, key: str) -> str | None:
    """The word under a key of a YAML or JSON file, dots leading into it; `None` where there is none."""
    text = content.decode("utf-8", "replace")
    if "." not in key:
        simple = re.search(rf"^{re.escape(key)}:[ \t]+([\w.+/@:-]*[\w.+/@-])[ \t]*$", text, re.MULTILINE)
        if simple:
            return simple[1]
    try:
        found = yaml.load(text, Loader=_LOADER)  # noqa: S506 - the base loader makes nothing but words
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    for part in [key] if isinstance(found, dict) and key in found else key.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found.strip() or None if isinstance(found, str) else None


def _rows(
    repository: Repository, release: str, template: Template, apps: frozenset[str]
) -> Iterator[tuple[str, str, str, str, str]]:
    """Revision, time, author, path and blob of each file's change, oldest first."""
    blocks = gitcmd.stream(
        repository.folder, "log", "-z", "--reverse", "--first-parent", "--diff-merges=first-parent", "--raw",
        "--no-abbrev", "--no-renames", "--format=%x00%x00%H%x00%ct%x00%an <%ae>", "--no-color", "--no-notes",
        "--no-decorate", "--no-show-signature", release, "--", *_pathspecs(template, apps),
    )  # fmt: skip
    data = b"\0" + b"".join(blocks)
    for part in data.split(b"\0\0\0"):
        words = part.strip(b"\0").decode("utf-8", "replace").split("\0")
        if len(words) < 5:
            continue
        revision, committed, author, *changes = words
        pairs = iter(changes)
        for raw, path in zip(pairs, pairs, strict=False):
            _, kind, _, blob, *_ = raw.strip("\n:").split(" ")
            if kind.startswith("100"):
                yield revision, committed, author, path, blob


def _pathspecs(template: Template, apps: frozenset[str]) -> list[str]:
    """What git is asked for: the template with `*` for each hole but the codebase's."""

    def spec(app: str) -> str:
        text = re.sub(r"([*?\[\]\\])", r"\\\1", template.text.replace("{codebase}", "\0"))
        text = text.replace("{environment}", "*").replace("{version}", "*")
        return ":(top,glob)" + text.replace("\0", re.sub(r"([*?\[\]\\])", r"\\\1", app))

    return [spec(app) for app in sorted(apps)] if template.names_codebase else [spec("")]


def _contents(repository: Repository, blobs: list[str]) -> dict[str, bytes]:
    """The content of each blob that is there and of a sensible size, in one call."""
    if not blobs:
        return {}
    data = gitcmd.run(repository.folder, "cat-file", "--batch", lines=blobs)
    found, at = {}, 0
    while at < len(data):
        end = data.index(b"\n", at)
        words = data[at:end].split()
        at = end + 1
        if len(words) != 3:
            continue
        size = int(words[2])
        if words[1] == b"blob" and size <= _LARGEST:
            found[words[0].decode()] = data[at : at + size]
        at += size + 1
    return found

"""Which version a sync of Argo CD brought: by the images it was told, its chart, or what runs now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

Row = dict[str, Any]

_DEEPEST = 3
_LONGEST = 250


@dataclass(frozen=True, slots=True)
class Source:
    """Where a sync took something from: a repository at a revision, or a chart at its version."""

    repository: str
    revision: str | None
    chart: str | None
    content: Row


def sources_of(entry: Row) -> list[Source]:
    """The sources of a sync, one or several, each with its revision."""
    rows = entry.get("sources") or ([entry["source"]] if entry.get("source") else [])
    revisions = entry.get("revisions") or [entry.get("revision")]
    return [
        Source(str(row.get("repoURL")), revision, row.get("chart") or None, row)
        for row, revision in zip(rows, [*revisions, *[None] * len(rows)], strict=False)
    ]


def version_of(entry: Row, running: Iterable[str], is_own: Callable[[str], bool]) -> str | None:
    """The version of the codebase that a sync brought; `None` where nothing says it.

    In this order: the image of the codebase among those that the sync sets, a tag in the values of its chart,
    the image of the codebase among those that run, the chart's own version. An image is the codebase's where
    it is called so, or where it is the only one.

    Args:
        entry: The sync, as Argo CD has it.
        running: The images that run now, where they are this sync's.
        is_own: Whether a name is the codebase's.
    """
    sources = sources_of(entry)
    found = _of_images((image for source in sources for image in _set(source.content)), is_own)
    found = found or _tag(sources)
    found = found or _of_images(running, is_own)
    found = found or next((source.revision for source in sources if source.chart and source.revision), None)
    return found[:_LONGEST] if found else None


def _set(source: Row) -> Iterator[str]:
    """The images that Kustomize is told to use, as NAME=OTHER:TAG or NAME:TAG."""
    for image in (source.get("kustomize") or {}).get("images") or ():
        yield str(image).rpartition("=")[2]


def _of_images(images: Iterable[str], is_own: Callable[[str], bool]) -> str | None:
    parted = [part for part in map(_parted, images) if part[1]]
    own = [part for part in parted if is_own(part[0]) or is_own(part[0].rpartition("/")[2])]
    one = own or (parted if len(dict.fromkeys(parted)) == 1 else [])
    return one[0][1] if one else None


def _parted(image: str) -> tuple[str, str]:
    """Name and tag of an image; a digest is no version."""
    plain = image.partition("@")[0]
    name, colon, tag = plain.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (plain, "")


def _tag(sources: Iterable[Source]) -> str | None:
    """The tag among the parameters and values of charts: the image's own, else the only one of a part."""
    found = [each for source in sources for each in _tags(source.content.get("helm") or {})]
    own = [tag for depth, tag in found if depth == 0]
    parts = {tag for _, tag in found}
    return own[0] if own else parts.pop() if len(parts) == 1 else None


def _tags(helm: Row) -> Iterator[tuple[int, str]]:
    """Tags of images, each with how deep within the chart it is: of a part of it, 1 or more."""
    for parameter in helm.get("parameters") or ():
        name = f".{parameter.get('name')}"
        if name.endswith(".image.tag"):
            yield name.count(".") - 2, str(parameter.get("value"))
        elif name in {".imageTag", ".image_tag", ".tag"}:
            yield 0, str(parameter.get("value"))
    yield from _within(helm.get("valuesObject") or _loaded(helm.get("values")), 0)


def _within(values: Any, depth: int) -> Iterator[tuple[int, str]]:
    if not isinstance(values, dict) or depth > _DEEPEST:
        return
    image = values.get("image")
    if isinstance(image, dict) and isinstance(image.get("tag"), (str, int, float)):
        yield depth, str(image["tag"])
    for value in values.values():
        yield from _within(value, depth + 1)


def _loaded(text: Any) -> Any:
    try:
        return yaml.safe_load(text) if isinstance(text, str) else None
    except (yaml.YAMLError, RecursionError):
        return None

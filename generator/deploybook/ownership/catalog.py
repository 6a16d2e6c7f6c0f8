"""`catalog-info.yaml` as Backstage reads it: who owns a component, and where more is said."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploybook.config.tree import Node, read

MOST_DOCUMENTS = 50


@dataclass(frozen=True)
class Entry:
    """A component, system or API of the catalogue."""

    name: str
    kind: str
    owner: str | None
    """As it stands there, without `group:default/` or `user:default/`."""
    title: str | None = None
    description: str | None = None
    lifecycle: str | None = None
    links: tuple[tuple[str, str], ...] = ()
    """Title and address of each."""


def entries(data: bytes, file: str = "catalog-info.yaml") -> tuple[Entry, ...]:
    """The entries that name an owner or more of a part of the software; what is no YAML gives none."""
    found = []
    for document in re.split(rb"^---[ \t]*(?:#.*)?\r?$", data, flags=re.MULTILINE)[: MOST_DOCUMENTS + 1]:
        if not document.strip():
            continue
        root, _ = read(document, file)
        if root is not None and (entry := _entry(root)):
            found.append(entry)
    return tuple(found)


def _entry(root: Node) -> Entry | None:
    kind, name = _text(root, "kind"), _text(root, "metadata", "name")
    if not name or kind not in ("Component", "System", "API", "Resource"):
        return None
    links = root.get("metadata", "links")
    pairs = [(_text(item, "title"), _text(item, "url")) for item in (links.items if links else [])]
    return Entry(
        name=name,
        kind=kind,
        owner=_reference(_text(root, "spec", "owner")),
        title=_text(root, "metadata", "title"),
        description=_text(root, "metadata", "description"),
        lifecycle=_text(root, "spec", "lifecycle"),
        links=tuple((title or url, url) for title, url in pairs if url),
    )


def _text(node: Node, *keys: str) -> str | None:
    found = node.get(*keys)
    return found.value.strip() or None if found and isinstance(found.value, str) else None


def _reference(owner: str | None) -> str | None:
    """An entity reference `[kind:][namespace/]name`, its namespace left out where it is the default one."""
    if owner is None:
        return None
    rest = owner.partition(":")[2] or owner
    return rest.removeprefix("default/") or None

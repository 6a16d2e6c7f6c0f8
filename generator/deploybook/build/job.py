"""What the process that renders pages is told, and what it tells."""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class Part(NamedTuple):
    """Some of the pages, rendered by one process.

    Attributes:
        site: The folder that they are put into.
        leave: Pages that are not to be rendered, by their file in the docs folder.
        only: The only pages to be rendered, and no other file; none named: all but those to be left.
    """

    site: str
    leave: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


class Job(NamedTuple):
    """What is to be done.

    Attributes:
        config: MkDocs' settings.
        templates: Where compiled templates are kept.
        parts: Each is done by a process of its own.
    """

    config: str
    templates: str
    parts: tuple[Part, ...]

    def line(self) -> str:
        """As the process that does it reads it."""
        return msgspec.json.encode(self).decode() + "\n"

    @classmethod
    def of(cls, line: str) -> Job:
        """Of such a line."""
        return msgspec.json.decode(line, type=cls)


class Place(NamedTuple):
    """A page: its file in the docs folder, its file in the site, and its address."""

    source: str
    file: str
    url: str

"""What a process that renders a share of the pages is told, and what it tells."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Job:
    """What is to be done.

    Attributes:
        config: MkDocs' settings.
        site: The folder that this share is put into.
        templates: Where compiled templates are kept.
        leave: Pages that are not to be rendered, by their file in the docs folder.
        only: The only pages to be rendered, and no other file; none named: all but those to be left.
    """

    config: str
    site: str
    templates: str
    leave: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    def line(self) -> str:
        """As the process that does it reads it."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def of(cls, line: str) -> Job:
        """Of such a line."""
        read = json.loads(line)
        return cls(**(read | {name: tuple(read[name]) for name in ("leave", "only")}))


class Place(NamedTuple):
    """A page: its file in the docs folder, its file in the site, and its address."""

    source: str
    file: str
    url: str

"""Which pages stand in the docs folder, and from what they were made.

A page is made from its view-model, by a template and by our own code, and from nothing else. So one that
would be made from the same again, by the same, is the one that stands there. Where templates or code are
others, nothing is remembered.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from deploybook.pages.page import Page
from deploybook.render.files import mark_of
from deploybook.render.templates import templates_folder

_PACKAGE = Path(__file__).parents[1]

Mark = tuple[str, int, int, int]
"""What a page was made from, and the inode, size and time of its file: one written since is another."""


class Remembered:
    """Pages of the last rendering, as far as they were made by what would make them now.

    Args:
        file: Where it is kept.
        edition: Names all that makes pages: `edition()`.
    """

    def __init__(self, file: Path, edition: str) -> None:
        self.file = file
        self._edition = edition
        self._before = self._read()
        self._now: dict[str, Mark] = {}

    def stands(self, target: Path, print_: str) -> bool:
        """Whether the page at `target` was made from the same, and was not written since."""
        known = self._before.get(str(target))
        if known is None or known != _mark(target, print_):
            return False
        self._now[str(target)] = known
        return True

    def keep(self, target: Path, print_: str) -> None:
        """Remember a page that was just written."""
        if (mark := _mark(target, print_)) is not None:
            self._now[str(target)] = mark

    @property
    def marks(self) -> dict[str, Mark]:
        """The pages that stand or were kept, so far."""
        return self._now

    def took(self, marks: Mapping[str, Mark]) -> None:
        """Remember what another process, which shares the rendering, has found to stand or written."""
        self._now.update(marks)

    def content(self) -> bytes:
        """What is to be kept of this rendering."""
        return json.dumps({"edition": self._edition, "pages": self._now}).encode()

    def _read(self) -> dict[str, Mark]:
        try:
            found = json.loads(self.file.read_bytes())
            if found["edition"] != self._edition:
                return {}
            return {
                target: (one, node, size, time) for target, (one, node, size, time) in found["pages"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}


def _mark(target: Path, print_: str) -> Mark | None:
    mark = mark_of(target)
    return None if mark is None else (print_, *mark)


def print_of(page: Page) -> str:
    """Names all that a page is made from; a text from outside is another than the same as markup of ours."""
    return hashlib.blake2b(pickle.dumps(page, 5), digest_size=16).hexdigest()


def edition(templates: Path | None = None, package: Path = _PACKAGE) -> str:
    """Names what makes pages: the templates, our code, and what runs them."""
    runs = (platform.python_version(), version("jinja2"), version("markupsafe"))
    digest = hashlib.sha256("\0".join(runs).encode())
    for folder, pattern in ((templates or templates_folder(), "*.jinja"), (package, "*.py")):
        for path in sorted(folder.rglob(pattern)):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:32]

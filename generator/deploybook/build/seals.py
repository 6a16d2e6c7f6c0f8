"""Which pages of a built site are, before their policy is written into them, what they were in the last one.

Such a page is taken from the last site as it was sealed, instead of being read again from end to end. It has
to be the very file that was published then: one that was written to since is no sealed page.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from deploybook.render import FileMark, mark_of, write_if_changed


class Seal(NamedTuple):
    """What a page was before, the hashes of its inline scripts, and its file's inode, size and time."""

    raw: str
    hashes: tuple[str, ...]
    file: FileMark


class Made(NamedTuple):
    """What a page was before it was sealed, and the hashes of its inline scripts."""

    raw: str
    hashes: tuple[str, ...]


class Seals:
    """The seals of the last site.

    Args:
        kept: The file that they are kept in.
        site: The last site.
    """

    def __init__(self, kept: Path, site: Path) -> None:
        self._kept = kept
        self._site = site
        self._before: dict[str, Seal] = {}
        self._now: dict[str, Made] = {}
        self._edition = ""

    def open(self, edition: Iterable[bytes]) -> None:
        """Read what is known of pages that were sealed in the same way; `edition` names the way."""
        digest = hashlib.sha256()
        for part in edition:
            digest.update(len(part).to_bytes(8, "big") + part)
        self._edition = digest.hexdigest()
        try:
            found = json.loads(self._kept.read_bytes())
            if found["edition"] == self._edition:
                self._before = {
                    page: Seal(raw, tuple(hashes), (node, size, time))
                    for page, (raw, hashes, (node, size, time)) in found["pages"].items()
                }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._before = {}

    def put(self, fresh: Path, page: str) -> tuple[str, ...] | None:
        """Put the sealed page of the last site where a fresh one was not made, since it would be the same.

        Returns:
            The hashes of its inline scripts; `None` where it is not known as sealed in this way.
        """
        known = self._before.get(page)
        if known is None or known.file != mark_of(self._site / page):
            return None
        fresh.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self._site / page, fresh)
        except OSError:  # a file system without hard links
            shutil.copy2(self._site / page, fresh)
        self._now[page] = Made(known.raw, known.hashes)
        return known.hashes

    def take(self, fresh: Path, page: str, content: bytes) -> Made | None:
        """Put the sealed page of the last site in the place of a fresh one that is what that one was.

        Returns:
            What it was; `None` where the page has to be sealed.
        """
        known = self._before.get(page)
        if known is None or known.raw != _digest(content) or known.file != mark_of(self._site / page):
            return None
        unfinished = fresh.with_name(f".{fresh.name}.sealed")
        try:
            os.link(self._site / page, unfinished)
        except OSError:
            return None
        unfinished.replace(fresh)
        return Made(known.raw, known.hashes)

    @staticmethod
    def sealed(content: bytes, hashes: Iterable[str]) -> Made:
        """What a page was that has just been sealed, with these hashes of its scripts."""
        return Made(_digest(content), tuple(sorted(hashes)))

    def note(self, page: str, made: Made) -> None:
        """Remember of a page of the new site what it was."""
        self._now[page] = made

    def keep(self) -> None:
        """Keep the seals of the site that was just published."""
        pages = {
            page: (*seal, file) for page, seal in self._now.items() if (file := mark_of(self._site / page))
        }
        write_if_changed(self._kept, json.dumps({"edition": self._edition, "pages": pages}).encode())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()

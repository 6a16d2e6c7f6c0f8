"""Pages that people write by hand in `docs/`: what they say of themselves, and when they were reviewed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from markupsafe import Markup

from deploybook.config.tree import Node, read

REVIEW_DAYS = 180
"""A page is due for a review after so many days."""
_LARGEST = 400_000


@dataclass(frozen=True)
class WrittenPage:
    """A page of `docs/`."""

    file: str
    """Below `docs/`: `process/how-we-deploy.md`."""
    href: Markup
    title: str
    text: str
    """Its Markdown, without the front matter."""
    reviewed_on: date | None
    reviewed_by: str | None

    @property
    def due(self) -> date | None:
        """When it should be reviewed again."""
        return self.reviewed_on + timedelta(days=REVIEW_DAYS) if self.reviewed_on else None


def written(docs: Path, below: str = "process") -> list[WrittenPage]:
    """The hand-written pages of a folder of `docs/`, by title; none where there is no such folder."""
    folder = docs / below
    if not folder.is_dir():
        return []
    return sorted(_pages(docs, folder), key=lambda page: (page.title.casefold(), page.file))


def _pages(docs: Path, folder: Path) -> Iterator[WrittenPage]:
    for path in sorted(folder.rglob("*.md")):
        if not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        file = path.relative_to(docs).as_posix()
        text = path.read_text("utf-8", "replace")
        meta, body = _front_matter(text, file)
        on, by = _word(meta, "reviewed", "on"), _word(meta, "reviewed", "by")
        address = file.removesuffix("index.md") if file.endswith("/index.md") else f"{file[:-3]}/"
        yield WrittenPage(
            file=file,
            href=Markup("~/{}").format(address),
            title=_word(meta, "title") or _heading(body) or path.stem.replace("-", " ").capitalize(),
            text=body,
            reviewed_on=_day(on),
            reviewed_by=by,
        )


def _front_matter(text: str, file: str) -> tuple[Node | None, str]:
    found = re.match(r"---[ \t]*\r?\n(.*?)\n---[ \t]*\r?\n", text, re.DOTALL)
    if not found:
        return None, text
    root, _ = read(found[1].encode(), file)
    return root, text[found.end() :]


def _word(meta: Node | None, *keys: str) -> str | None:
    node = meta.get(*keys) if meta else None
    return str(node.value).strip() or None if node and isinstance(node.value, str | int) else None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _heading(text: str) -> str | None:
    found = re.search(r"^#[ \t]+(.+?)[ \t]*#*$", text, re.MULTILINE)
    return found[1] if found else None

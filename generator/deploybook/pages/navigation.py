"""The navigation: three groups of our own, then what people wrote by hand. Archives are not in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup

from deploybook.pages.book import Book
from deploybook.text import html

_GROUPS: dict[str, list[tuple[str, str]]] = {
    "Shipped": [
        ("This week", ""),
        ("All weeks", "shipped"),
        ("Initiatives", "shipped/initiatives"),
        ("Waiting", "shipped/waiting"),
        ("Where is my change?", "changes"),
    ],
    "Measured": [
        ("Metrics", "metrics"),
        ("Outliers", "metrics/outliers"),
        ("Release branch", "metrics/release-branch"),
        ("Flaky tests", "metrics/flaky-tests"),
        ("Incidents", "incidents"),
        ("Uptime", "uptime"),
        ("How we count", "metrics/how-we-count"),
    ],
    "How we work": [
        ("Process", "process"),
        ("Environments", "environments"),
        ("Practices", "practices"),
        ("Owners", "owners"),
        ("Data", "data"),
    ],
}


def nav(docs: Path, book: Book) -> list[Any]:
    """MkDocs' `nav` of what is in the folder `docs`: labels to Markdown files."""
    groups: dict[str, list[dict[str, str]]] = {}
    listed: set[str] = set()
    for group, pages in _GROUPS.items():
        found: list[dict[str, str]] = []
        for label, path in pages:
            file = f"{path}/index.md" if path else "index.md"
            if (docs / file).is_file():
                found.append({label: file})
                listed.add(file)
            if path == "" and book.weeks and (docs / "shipped" / book.weeks[-1].id / "index.md").is_file():
                week = book.weeks[-1]
                found.append({f"Week {week.number}": f"shipped/{week.id}/index.md"})
        groups[group] = found
    for group, file, title in _by_hand(docs, book, listed):
        groups.setdefault(group, []).append({title: file})
    whole = book.config.whole
    rest = [{str(html(f"All of {whole.site.name}")): whole.site.url}] if whole else []
    return [*rest, *({str(html(group)): found} for group, found in groups.items() if found)]


def _by_hand(docs: Path, book: Book, listed: set[str]) -> Iterator[tuple[str, str, str]]:
    """Hand-written pages: their group, their file and their title.

    Those of `process/` are reached from its page, those of a folder with an `index.md` from that.
    """
    folder = book.config.by_hand
    if book.config.file is None or not folder.is_dir():
        return
    for path in sorted(folder.rglob("*.md")):
        file = path.relative_to(folder).as_posix()
        top = file.partition("/")[0]
        led_to = top == "process" or ((folder / top / "index.md").is_file() and file != f"{top}/index.md")
        if file in listed or led_to or not (docs / file).is_file():
            continue
        yield "More", file, _title(path)


def _label(name: str) -> str:
    return name.removesuffix(".md").replace("-", " ").replace("_", " ").capitalize()


def _title(path: Path) -> str:
    """A hand-written page's own title: front matter, first heading, else its file's name."""
    text = path.read_text("utf-8", "replace")
    if text.startswith("---\n"):
        head, _, text = text[4:].partition("\n---")
        try:
            meta = yaml.safe_load(head)
        except yaml.YAMLError:
            meta = None
        if isinstance(meta, dict) and meta.get("title"):
            return str(html(str(meta["title"])))
    heading = next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), None)
    return str(Markup.escape(heading) if heading else html(_label(path.stem)))

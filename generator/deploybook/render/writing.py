"""Files of the docs folder: written only where they changed, removed where they are gone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment

from deploybook.charts.studio import Studio
from deploybook.pages.page import File, Page
from deploybook.render.remembered import Remembered, print_of
from deploybook.render.templates import page_markdown, relative, source_path


@dataclass(frozen=True)
class Written:
    """What a rendering did to the folder."""

    pages: int
    changed: int
    removed: int


def write(
    jinja: Environment,
    parts: Iterable[Page | File],
    by_hand: Path | None,
    out: Path,
    *,
    studio: Studio | None = None,
    remembered: Remembered | None = None,
) -> Written:
    """Write all pages and files, with the hand-written ones of `by_hand`, into `out`.

    Pages whose charts are still being drawn by the `studio` are written last. A page that is `remembered`
    to stand there, made from what it would be made from now, is not made again.

    A file whose content is what it was is not touched; what is no longer made is removed. Where a
    hand-written page has the address of a generated one, the generated one stands.
    """
    wanted: set[Path] = set()
    pages = changed = 0
    waiting: list[tuple[Page, str]] = []

    def put(path: str, content: bytes) -> None:
        nonlocal changed
        target = out / path
        wanted.add(target)
        changed += write_if_changed(target, content)

    for part in parts:
        if isinstance(part, File):
            put(part.path, part.content)
        else:
            pages += 1
            target = out / source_path(part)
            print_ = print_of(part) if remembered is not None else ""
            if remembered is not None and remembered.stands(target, print_):
                wanted.add(target)
                continue
            text_ = page_markdown(jinja, part)
            if studio is not None and studio.waits(text_):
                waiting.append((part, text_))
                continue
            put(source_path(part), text_.encode("utf-8", "replace"))
            if remembered is not None:
                remembered.keep(target, print_)
    for page, text_ in waiting:
        assert studio is not None
        put(source_path(page), relative(page, studio.fill(text_)).encode("utf-8", "replace"))
    for path, content in _hand_written(by_hand).items():
        if out / path not in wanted:
            put(path, content)
    removed = _remove_others(out, wanted)
    if remembered is not None:
        write_if_changed(remembered.file, remembered.content())
    return Written(pages=pages, changed=changed, removed=removed)


def write_if_changed(target: Path, content: bytes) -> bool:
    """Write a file whole or not at all, and only where its content differs; tells whether it did."""
    try:
        if target.stat().st_size == len(content) and target.read_bytes() == content:
            return False
    except (FileNotFoundError, NotADirectoryError):
        pass
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.new")
    unfinished.write_bytes(content)
    unfinished.replace(target)
    return True


def _hand_written(folder: Path | None) -> Mapping[str, bytes]:
    if folder is None or not folder.is_dir():
        return {}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _remove_others(out: Path, wanted: set[Path]) -> int:
    removed = 0
    for folder, _, names in os.walk(out, topdown=False):
        here = Path(folder)
        for name in names:
            if here / name not in wanted:
                (here / name).unlink()
                removed += 1
        if here != out and not any(here.iterdir()):
            here.rmdir()
    return removed

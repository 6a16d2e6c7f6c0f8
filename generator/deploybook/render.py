"""View-models to Markdown: writes only what changed, removes what is gone.

Links within the site are written `~/shipped/2026-W47/` in templates and view-models; each page turns them
into relative ones, so that the site works from any path. Every other value passes `text.escape`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

from deploybook import text, words
from deploybook.charts.studio import Studio
from deploybook.pages.page import File, Page

_CHECKOUT = Path(__file__).parents[2] / "templates"
_INSTALLED = Path(__file__).parent / "templates"


def templates_folder() -> Path:
    """Where the templates are: in the package once installed, at the top of a checkout."""
    return _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT


def environment(cache: Path | None = None) -> Environment:
    """The Jinja environment of every template; what it compiles is kept in the folder `cache`."""
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    jinja = Environment(
        loader=FileSystemLoader(templates_folder()),
        bytecode_cache=FileSystemBytecodeCache(str(cache)) if cache is not None else None,
        autoescape=True,
        finalize=text.escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    jinja.globals.update(words=words)
    return jinja


def page_markdown(jinja: Environment, page: Page) -> str:
    """One page as Markdown with its front matter."""
    meta: dict[str, object] = {"title": page.title}
    if not page.search:
        meta["search"] = {"exclude": True}
    if not page.toc:
        meta["hide"] = ["toc"]
    body = jinja.get_template(page.template).render(page=page.model)
    return str(text.front_matter(meta)) + _relative(page, body)


def _relative(page: Page, body: str) -> str:
    """The text with links from the site's top made relative to the page."""
    depth = page.path.count("/") + 1 if page.path else 0
    return body.replace('="~/', f'="{"../" * depth or "./"}')


@dataclass(frozen=True)
class Written:
    """What a rendering did to the folder."""

    pages: int
    changed: int
    removed: int


def source_path(page: Page) -> str:
    """The Markdown file of a page."""
    return f"{page.path}/index.md" if page.path else "index.md"


def write(
    jinja: Environment,
    parts: Iterable[Page | File],
    by_hand: Path | None,
    out: Path,
    studio: Studio | None = None,
) -> Written:
    """Write all pages and files, with the hand-written ones of `by_hand`, into `out`.

    Pages whose charts are still being drawn by the `studio` are written last.

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
            text_ = page_markdown(jinja, part)
            if studio is not None and studio.waits(text_):
                waiting.append((part, text_))
            else:
                put(source_path(part), text_.encode("utf-8", "replace"))
    for page, text_ in waiting:
        assert studio is not None
        put(source_path(page), _relative(page, studio.fill(text_)).encode("utf-8", "replace"))
    for path, content in _hand_written(by_hand).items():
        if out / path not in wanted:
            put(path, content)
    return Written(pages=pages, changed=changed, removed=_remove_others(out, wanted))


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

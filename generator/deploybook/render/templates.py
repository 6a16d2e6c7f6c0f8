"""Templates, and what they make of a view-model: Markdown with HTML in it.

Links within the site are written `~/shipped/2026-W47/` in templates and view-models; each page turns them
into relative ones, so that the site works from any path. Every other value passes `text.escape`.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

from deploybook import text, words
from deploybook.pages.page import Page

_CHECKOUT = Path(__file__).parents[3] / "templates"
_INSTALLED = Path(__file__).parents[1] / "templates"


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
    return str(text.front_matter(meta)) + relative(page.path, body)


def relative(path: str, body: str) -> str:
    """The text with links from the site's top made relative to the page of this address."""
    depth = path.count("/") + 1 if path else 0
    return body.replace('="~/', f'="{"../" * depth or "./"}')


def source_path(path: str) -> str:
    """The Markdown file of the page of this address."""
    return f"{path}/index.md" if path else "index.md"

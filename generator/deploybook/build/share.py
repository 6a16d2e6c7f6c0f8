"""MkDocs, which renders the pages of its share and leaves the others.

A process of its own, which is started while there is still something else to do, brings in what MkDocs needs,
and waits for its job: one line of JSON. For each part of it but one it forks a process, which has all that in
memory. It is MkDocs' own "dirty" build, with which of its files are to be rendered decided by us, and not by
the times of files in the last site.
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import os
import sys
import threading
from collections.abc import Iterable
from contextlib import redirect_stdout
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache
from markdown import Markdown
from mkdocs.commands import build as mkdocs
from mkdocs.config import load_config
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import MkDocsException
from mkdocs.plugins import BasePlugin
from mkdocs.structure import pages
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from deploybook.build.blocks import Blocks
from deploybook.build.job import Job, Part, Place
from deploybook.forks import Tell, shared

_NEEDED = (
    "material.plugins.search.plugin",
    "pymdownx.superfences",
    "pymdownx.highlight",
    "markdown.extensions.toc",
)
"""What MkDocs brings in only when it has read its settings."""


class _Left(File):
    """A file that is not of this share."""

    def is_modified(self) -> bool:
        return False


class _NoSettings(Config):  # type: ignore[no-untyped-call]
    """There is nothing to be set."""


class _Share(BasePlugin[_NoSettings]):  # type: ignore[no-untyped-call]  # MkDocs' own are not typed
    """Leaves what is not of this share, and takes note of where every page is."""

    def __init__(self, part: Part, templates: str) -> None:
        self._part = part
        self._templates = templates
        self._blocks = Blocks()
        self.places: list[Place] = []

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Have the blocks of pages put aside."""
        config.markdown_extensions.append(self._blocks)
        return config

    def on_files(self, files: Files, **_: object) -> Files:
        """Sort files into those to be made and those to be left."""
        only, leave = frozenset(self._part.only), frozenset(self._part.leave)
        for file in files:
            if file.src_uri in leave or (only and file.src_uri not in only):
                file.__class__ = _Left
            if file.is_documentation_page() and file.inclusion.is_included():  # type: ignore[no-untyped-call]
                self.places.append(Place(file.src_uri, file.dest_uri, "" if file.url == "./" else file.url))
        return files

    def on_page_content(self, html: str, page: Page, **_: object) -> str:
        """Tell MkDocs of the ids in blocks, which links may lead to."""
        page.present_anchor_ids = (page.present_anchor_ids or set()) | self._blocks.ids
        return html

    def on_env(self, env: Environment, **_: object) -> Environment:
        """Let templates be compiled once, and not by every share of every build."""
        env.bytecode_cache = FileSystemBytecodeCache(self._templates)
        return env


class _SetUpOnce:
    """Stands for Python-Markdown where MkDocs renders a page, and would set all of it up for each.

    One instance for many documents, reset between them, is its own way. What MkDocs adds for a page takes the
    place of what it added for the one before.
    """

    def __init__(self) -> None:
        self._settings: dict[str, Any] | None = None
        self._kept: Markdown | None = None

    def Markdown(self, **settings: Any) -> Markdown:
        if self._kept is None or settings != self._settings:
            self._settings, self._kept = settings, Markdown(**settings)
        return self._kept.reset()


class Failed(Exception):
    """MkDocs could not build; carries what it said."""


def do(job: Job) -> list[Place]:
    """Do all parts of a job; gives all pages of the site, in MkDocs' order.

    Raises:
        Failed: MkDocs could not build one of them.
    """

    def work(numbers: Iterable[int], _: Tell) -> list[Place]:
        return [place for number in numbers for place in make(job, job.parts[number])]

    made = shared(len(job.parts), work, lambda _: None, len(job.parts))
    return list(dict.fromkeys(place for places in made for place in places))


def make(job: Job, part: Part) -> list[Place]:
    """Build a part; gives all pages of the site, in MkDocs' order.

    Raises:
        Failed: MkDocs could not build it.
    """
    pages.markdown = _SetUpOnce()  # type: ignore[attr-defined]  # it uses nothing else of that module
    try:
        config = load_config(config_file=job.config, site_dir=part.site)
        share = _Share(part, job.templates)
        config.plugins["deploybook/share"] = share
        config.plugins.on_startup(command="build", dirty=True)
        try:
            mkdocs.build(config, dirty=True)
        finally:
            config.plugins.on_shutdown()
    except MkDocsException as error:  # which is not made to be passed to another process
        raise Failed(str(error)) from error
    return share.places


def _listen() -> None:
    """Let everything that MkDocs says go to the standard error, as its command does."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)-7s -  %(message)s")
    logging.captureWarnings(True)
    # What is left is no matter of chance here: its warning is none, and no reason for `strict` to fail.
    logging.getLogger("mkdocs.commands.build").addFilter(
        lambda record: "A 'dirty' build" not in str(record.msg)
    )


def _end_with_the_build() -> None:
    """Where the build was killed, nobody writes into what the next one puts together."""
    sys.stdin.read()
    os._exit(1)


def main() -> int:
    """Get ready, wait for a job, do it, and print where pages are; without a job, leave."""
    for name in _NEEDED:
        importlib.import_module(name)
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)  # pages are kept to the end: looking for garbage among them finds none
    line = sys.stdin.readline()
    if not line:
        return 0
    threading.Thread(target=_end_with_the_build, daemon=True).start()
    _listen()
    try:
        with redirect_stdout(sys.stderr):
            places = do(Job.of(line))
    except Failed as error:
        sys.stderr.write(f"ERROR   -  {error}\n")
        return 1
    json.dump(places, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())

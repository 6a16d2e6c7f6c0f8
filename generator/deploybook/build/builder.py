"""MkDocs, as one process or as several beside each other, of which each renders a share of the pages.

The first is started before there is anything to render, since bringing in MkDocs takes a second; it forks the
others. Pages that stand in the last site as they would be made again are not rendered at all (`standing`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploybook.build.job import Job, Part, Place
from deploybook.errors import PublishError
from deploybook.forks import processors

INDEX = "search/search_index.json"
_SHARE = 700_000
"""Bytes of Markdown that are worth a process more: it takes a quarter of a second until its first page."""
MOST = 8
"""More processes than this read the whole site's files for less and less of it each."""
_PAGE = 2_000
"""What a page costs beside its text, in bytes of text."""
_LAST_LINES = 15


class Builder:
    """Markdown to HTML; brought in beside what comes before it, and to be closed."""

    def __init__(self) -> None:
        self._process: _Process | None = _Process()

    def build(
        self, config: Path, docs: Path, site: Path, stands: Collection[str] = (), last: Path | None = None,
        *, most: int = MOST,
    ) -> list[Place]:  # fmt: skip
        """Render all pages but those that stand, into the empty folder `site`.

        Args:
            config: MkDocs' settings, in the folder for what is kept between builds and for what MkDocs said.
            docs: The docs folder that they name.
            site: Where the site is put together.
            stands: Pages, by their file in the docs folder, that are left.
            last: The last site, whose search finds the pages that stand.
            most: So many processes at most.

        Returns:
            All pages of the site, in MkDocs' order.

        Raises:
            PublishError: MkDocs failed; carries the end of what it said.
        """
        templates = config.parent / "cache" / "theme"
        templates.mkdir(parents=True, exist_ok=True)
        others = shared(_weights(docs, frozenset(stands)), processors(most))[1:]
        folders = [site.with_name(f"{site.name}.{number}") for number in range(1, len(others) + 1)]
        leave = tuple(sorted({*stands, *(page for share in others for page in share)}))
        made = [Part(str(site), leave=leave)]
        for folder, share in zip(folders, others, strict=True):
            shutil.rmtree(folder, ignore_errors=True)  # of a build that was killed
            made.append(Part(str(folder), only=share))
        try:
            places = self._do(Job(str(config), str(templates), tuple(made)))
            where = {place.source: place for place in places}
            left = frozenset(leave)
            parts: list[tuple[Path, Sequence[str]]] = [(site, [page for page in where if page not in left])]
            parts += zip(folders, others, strict=True)
            found = [(folder / INDEX, [where[page].url for page in pages]) for folder, pages in parts]
            for folder, pages in parts[1:]:
                for page in pages:
                    _move(folder / where[page].file, site / where[page].file)
            if stands and last is not None:
                found.append((last / INDEX, [where[page].url for page in stands]))
            if len(found) > 1:
                _merge(site / INDEX, found, places)
        finally:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
        return places

    def close(self) -> None:
        """End what still waits for a job."""
        if self._process is not None:
            self._process.close()
        self._process = None

    def _do(self, job: Job) -> list[Place]:
        """Have a job done; gives all pages of the site."""
        process = self._process = self._process or _Process()
        try:
            process.begin(job)
            well, said, printed = process.ended_well(), process.said(), process.printed()
        finally:
            self.close()
        log = Path(job.config).with_name("mkdocs.log")
        log.write_text(said, "utf-8")
        if not well:
            lines = said.strip().splitlines()[-_LAST_LINES:]
            raise PublishError(
                "MkDocs could not build the site:\n" + "\n".join(lines),
                where=job.config,
                next_step=f"read the whole of it in {log}; the last site stands",
            )
        return [Place(*each) for each in json.loads(printed)]


class _Process:
    """A MkDocs that waits for its job, and does one."""

    def __init__(self) -> None:
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploybook.build.share"],
            stdin=subprocess.PIPE, stdout=self._out, stderr=self._err, text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "NO_MKDOCS_2_WARNING": "1",
                "DISABLE_MKDOCS_2_WARNING": "true",
                "SOURCE_DATE_EPOCH": "0",  # the same input must give the same bytes
            },
        )  # fmt: skip

    def begin(self, job: Job) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended already, and has said why
            self._process.stdin.write(job.line())
            self._process.stdin.flush()

    def ended_well(self) -> bool:
        return self._process.wait() == 0

    def said(self) -> str:
        return _read(self._err)

    def printed(self) -> str:
        return _read(self._out)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._out.close()
        self._err.close()


def _read(file: Any) -> str:
    file.seek(0)
    text: bytes = file.read()
    return text.decode("utf-8", "replace")


def _weights(docs: Path, stands: frozenset[str]) -> dict[str, int]:
    """What the pages that are to be rendered cost, in bytes of text."""
    found = {}
    for path in docs.rglob("*.md"):
        name = path.relative_to(docs).as_posix()
        if name not in stands:
            found[name] = path.stat().st_size + _PAGE
    return found


def shared(weights: Mapping[str, int], processors: int) -> list[tuple[str, ...]]:
    """Share pages among as many processes as are worth it, each with about as much to do.

    Args:
        weights: What each page costs, in bytes of text.
        processors: How many may run at the same time.

    Returns:
        Pages by name, of each share; at least one share.
    """
    number = max(1, min(processors, sum(weights.values()) // _SHARE))
    shares: list[list[str]] = [[] for _ in range(number)]
    filled = [0] * number
    for name, weight in sorted(weights.items(), key=lambda each: (-each[1], each[0])):
        least = filled.index(min(filled))
        shares[least].append(name)
        filled[least] += weight
    return [tuple(sorted(share)) for share in shares]


def _move(page: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    page.replace(to)


def _merge(index: Path, found: Iterable[tuple[Path, Iterable[str]]], places: Iterable[Place]) -> None:
    """Let a search find what others find, in the order of pages.

    Args:
        index: What was written for the pages of the first share; becomes that of all.
        found: Indexes, and the addresses of the pages for which each is asked.
        places: All pages there are.
    """
    by_page = {}
    for file, pages in found:
        entries = defaultdict(list)
        for entry in json.loads(file.read_text("utf-8"))["docs"]:
            entries[entry["location"].partition("#")[0]].append(entry)
        by_page.update({page: entries[page] for page in pages if page in entries})
    whole = json.loads(index.read_text("utf-8"))
    whole["docs"] = [entry for place in places for entry in by_page.get(place.url, ())]
    index.write_text(json.dumps(whole, separators=(",", ":")), "utf-8")

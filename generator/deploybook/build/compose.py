"""The main job, in its order: sync → link → count → pages → files → MkDocs → published whole."""

from __future__ import annotations

import fcntl
import gc
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from deploybook.build import forgetting, kept, portion, publish, publishing, site
from deploybook.build.ahead import Tools, begun
from deploybook.build.builder import Builder
from deploybook.build.progress import Progress
from deploybook.config import Config
from deploybook.errors import EXIT_DONE, EXIT_STALE, PublishError, SourceError
from deploybook.feed import OUR_OWN, Ask, Feed
from deploybook.forks import processors
from deploybook.history import History, SyncReport, upkeep
from deploybook.pages import answered
from deploybook.pages.book import Book
from deploybook.pages.page import File, Page, Share
from deploybook.pages.revisions import revised
from deploybook.render import (
    Remembered,
    Written,
    edition,
    environment,
    write,
)


@dataclass(frozen=True)
class Reading:
    """How sources are read.

    Attributes:
        since: Read history again from then on.
        only: Parts of names of sources; none: all.
        believe: Parts of names of sources that may say much less than before.
        max_wait: Seconds: a source that asks to wait longer is left, and says until when.
        shard: Which part of how many, from 1: each source is in one of them.
    """

    since: datetime | None = None
    only: Sequence[str] = ()
    believe: Sequence[str] = ()
    max_wait: float = 300.0
    shard: tuple[int, int] = (1, 1)

    def wants(self, name: str) -> bool:
        """Whether a source is to be read."""
        named = not self.only or any(word in name for word in self.only)
        return named and shard_of(name, self.shard[1]) == self.shard[0]

    @property
    def everything(self) -> bool:
        """Whether all sources are read, so that what no source says any more can be told."""
        return not self.only and self.shard == (1, 1)


def shard_of(name: str, shards: int) -> int:
    """Which part a source is in, from 1: the same on every machine, and of one codebase all sources together.

    Args:
        name: As `git:shop-web`.
        shards: How many parts there are.
    """
    about = name.partition(":")[2] or name
    return int.from_bytes(sha256(about.encode()).digest()[:8]) % shards + 1


@dataclass(frozen=True)
class Outcome:
    """What a run did, for its last line and its exit code."""

    says: str
    problems: list[str] = field(default_factory=list)
    exit_code: int = EXIT_DONE


@contextmanager
def few_collections() -> Iterator[None]:
    """Look for garbage seldom: a build makes rows by the million, keeps them to its end, and then ends.

    Looking through them again and again costs an eighth of the time, and finds next to nothing.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(500_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def only_one(config: Config) -> Iterator[None]:
    """Let one run at a time write to the working folder.

    Raises:
        PublishError: Another run is under way.
        UsageError: The configuration names somebody who is to be forgotten.
    """
    forgetting.refuse(config)
    config.build_dir.mkdir(parents=True, exist_ok=True)
    with (config.build_dir / "lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PublishError(
                "another run is under way here, so this one leaves",
                where=str(config.build_dir),
                next_step="wait for it to end",
            ) from error
        yield


def sync(config: Config, as_of: datetime, reading: Reading | None = None, *, progress: Progress) -> Outcome:
    """Pull new history from every source into the store."""
    with only_one(config), few_collections(), _history(config) as history:
        return _sync(config, history, as_of, reading or Reading(), progress)


def _sync(config: Config, history: History, as_of: datetime, reading: Reading, progress: Progress) -> Outcome:
    """Read sources; for a team's part as the whole names them, so that the history is the same."""
    from deploybook.build.reading import beside, bring, guarded
    from deploybook.sources import feeds
    from deploybook.sources.local import repositories

    rows = rejected = 0
    problems: list[str] = []
    asked = [
        guarded(feed)
        for feed in feeds(config.whole or config, config.build_dir)
        if portion.asks(feed.name, config)
    ]
    if forgotten := forgetting.read(config):
        asked = [forgetting.without(feed, forgotten) for feed in asked]
    if reading.everything and config.whole is None:
        _forget_others(history, {feed.name for feed in asked})
    wanted = [feed for feed in asked if reading.wants(feed.name)]
    cursors = {} if reading.since else {each.name: each.cursor for each in history.sources()}
    with beside(wanted, cursors) as turns:
        for feed in turns:
            progress.step(f"reading {feed.name}")
            try:
                report = _pull(history, feed, as_of, reading, progress)
            except SourceError as error:
                problems.append(f"{feed.name}: {error}")
                continue
            finally:
                if cost := feed.said():
                    progress.note(f"{feed.name}: {cost}")
            if report.busy:
                progress.note(f"{feed.name}: another run is reading it, so it is left to that one")
            if report.error:
                problems.append(f"{feed.name}: {report.error}")
            rows += report.rows
            rejected += report.rejected
    if reading.everything:
        progress.step("reading owners and pipelines")
        problems += bring(repositories(config, config.build_dir), config)
    dropped = upkeep.drop_older(history, config.retention, as_of)
    if dropped:
        progress.note(f"{dropped:,} rows are older than retention: keeps them, and dropped")
    aside = f", {rejected:,} set aside" if rejected else ""
    return Outcome(
        says=f"{rows:,} records read{aside}",
        problems=problems,
        exit_code=EXIT_STALE if problems else EXIT_DONE,
    )


def _pull(history: History, feed: Feed, as_of: datetime, reading: Reading, progress: Progress) -> SyncReport:
    """Read one feed from where it stands, unless another run is reading it."""
    with history.claim(feed.name):
        cursor = history.cursor(feed.name)
        ask = Ask(
            as_of=as_of, cursor=cursor if not reading.since and feed.goes_on(cursor) else None,
            since=reading.since, progress=progress.count, max_wait=reading.max_wait,
        )  # fmt: skip
        return history.sync(feed, ask, believe=any(word in feed.name for word in reading.believe))


def _forget_others(history: History, asked: set[str]) -> None:
    """What came from a source that the configuration no longer names is not told any more.

    What the gate, the locks and the notices said is our own, and stays.
    """
    for source in history.sources():
        if source.name not in {*asked, *OUR_OWN}:
            history.forget(source.name)


def render(config: Config, as_of: datetime, *, progress: Progress) -> Outcome:
    """Store to Markdown, charts, feeds, calendar and data files; no network."""
    with only_one(config), few_collections(), begun(config) as tools, _history(config) as history:
        _, written = _render(config, history, as_of, tools, progress)
    return Outcome(says=_wrote(written, docs_folder(config)))


def _wrote(written: Written, where: Path) -> str:
    return (
        f"{written.pages:,} pages in {where}, {written.changed:,} files changed, {written.removed:,} removed"
    )


def docs_folder(config: Config) -> Path:
    """Where Markdown and files are written for the site's builder."""
    return config.work_dir / "docs"


def _history(config: Config) -> History:
    return History.open(config.history_url, root=config.root)


def _render(
    config: Config,
    history: History,
    as_of: datetime,
    tools: Tools,
    progress: Progress,
    last: Path | None = None,
) -> tuple[Book, Written]:
    """Write Markdown and files; `last` is the site that readers have now."""
    from deploybook.build.book import begin_book
    from deploybook.pages import catalogue

    book, count = begin_book(config, history, as_of, progress, tools.studio)
    jinja, processes = environment(tools.templates), processors()
    if processes > 1:
        catalogue.ready(book)
    by_hand = config.by_hand if config.file is not None else None
    docs, remembered = docs_folder(config), Remembered(config.work_dir / "cache" / "pages.json", edition())
    counted, told = (
        [partial(_revised, share, last or docs, as_of) for share in part] for part in catalogue.parts(book)
    )

    def between() -> None:
        count()
        _ = book.kept.restatements  # of which several parts ask
        progress.step("writing pages")

    written = write(
        jinja, counted, by_hand, docs, studio=tools.studio, remembered=remembered, processes=processes,
        early=told, between=between,
    )  # fmt: skip
    tools.studio.prune()
    return book, written


def _revised(share: Share, last: Path, as_of: datetime) -> Iterator[Page | File]:
    """Its parts, calendars with the events numbered that are others than in the last ones."""
    for part in share():
        if not (isinstance(part, File) and part.path.endswith(".ics")):
            yield part
            continue
        before = last / part.path
        yield File(part.path, revised(part.content, before.read_bytes() if before.is_file() else None, as_of))


def build(
    config: Config, as_of: datetime, reading: Reading | None = None, *, progress: Progress,
    builder: Builder | None = None, tools: Tools | None = None,
) -> Outcome:  # fmt: skip
    """Sync, render and build the site, and put it in the place of the last one.

    Args:
        config: That of the site.
        as_of: The clock.
        reading: How sources are read.
        progress: Is told.
        builder: One that is started already; it is closed.
        tools: Those that are begun already; whoever began them ends them.

    Raises:
        PublishError: MkDocs failed or the place is not ours; the last good site stands.
    """
    own = site.read_settings(config.root / "mkdocs.yml") if config.file is not None else {}
    target = site.site_folder(config.root, own, "-".join(config.teams) if config.whole else None)
    publish.check_place(target)
    with only_one(config), few_collections(), closing(builder or Builder()) as mkdocs:
        with nullcontext(tools) if tools else begun(config) as made, _history(config) as history:
            if config.whole is None:
                kept.read_back(history, target)
            synced = _sync(config, history, as_of, reading or Reading(), progress)
            book, _ = _render(config, history, as_of, made, progress, target)
        says = publishing.publish(config, book, own, docs_folder(config), target, mkdocs, progress)
        if config.whole is None:
            with _history(config) as history:
                history.keep("published", book.kept.new)
                history.keep("answers", _answered(history, docs_folder(config), as_of))
                kept.write(history, target, public=config.site.public)
    return Outcome(f"{synced.says}; {says}", synced.problems, synced.exit_code)


def _answered(history: History, docs: Path, as_of: datetime) -> pa.Table:
    """The answers of practices that are others than when the site was last published."""
    kept_ = history.read_kept("answers")
    return answered.changed(kept_, pq.read_table(docs / "data" / "practices.parquet"), as_of)

"""From the pages as they were written to the site as it is read: MkDocs, policy, scan, and its place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from deploybook import __version__
from deploybook.build import kept, policy, scan, site
from deploybook.build import publish as place
from deploybook.build.builder import MOST, Builder
from deploybook.build.job import Place
from deploybook.build.progress import Progress
from deploybook.build.seals import Seals
from deploybook.build.standing import Standing
from deploybook.config import Config
from deploybook.pages import navigation
from deploybook.pages.behind import behind
from deploybook.pages.book import Book
from deploybook.pages.feeds import discovery
from deploybook.render import templates_folder, write_if_changed


def publish(
    config: Config, book: Book, own: dict[str, object], docs: Path, target: Path, builder: Builder,
    progress: Progress,
) -> str:  # fmt: skip
    """Build the site of what was written, unless it is the one that stands, and put it in its place.

    Args:
        config: That of the site.
        book: What the pages were made from.
        own: The settings of the site repository's own `mkdocs.yml`.
        docs: Where pages were written.
        target: The place of the site.
        builder: Renders pages.
        progress: Is told.

    Returns:
        What was done, in a few words.

    Raises:
        PublishError: MkDocs failed, or what it built is not known to be safe; the last good site stands.
    """
    theme = templates_folder() / "theme"
    next_site = place.staging(target)
    settings = site.mkdocs_config(
        theme, own, name=config.site.name, url=config.site.url, docs=docs, site=next_site,
        nav=navigation.nav(docs, book),
        extra={
            "simulated": config.site.simulated, "feeds": discovery(book), "behind": behind(book),
            "whole": config.whole and {"name": config.whole.site.name, "url": config.whole.site.url},
        },
    )  # fmt: skip
    print_ = site.fingerprint([docs, theme], settings, *policy.RULES)
    facts = _facts(book, print_)
    if _built_from(target) == print_:
        write_if_changed(target / place.MARK, facts)
        return f"{target} is as it was: nothing new"
    write_if_changed(config.work_dir / "mkdocs.yml", settings.encode())
    progress.step("building the site")
    cache = config.work_dir / "cache"
    seals = Seals(cache / "seals.json", target)
    shared = site.fingerprint([theme], settings, *site.versions())
    standing = Standing(cache / "standing.json", docs, target, shared, config.by_hand)
    whole = site.checks_anchors(own)
    made = partial(_made, config, docs, next_site, target, builder, seals, whole=whole)
    try:
        pages, sealed = made({} if whole else standing.pages())
    except policy.Unsealed:
        pages, sealed = made({})
    write_if_changed(next_site / place.MARK, facts)
    kept.carry(target, next_site)
    changed = place.carry_over(next_site, target)
    known = scan.Known(sealed.scripts, (*site.theme_folders(theme), config.by_hand), config.site.url)
    scan.check(next_site, changed, known)
    for name, snippet in policy.servers(sealed.policy).items():
        write_if_changed(config.work_dir / "headers" / name, snippet.encode())
    place.publish(next_site, target)
    seals.keep()
    standing.keep(pages)
    return f"{target}: {len(changed):,} files are new"


def _made(
    config: Config, docs: Path, next_site: Path, last: Path, builder: Builder, seals: Seals,
    stands: Mapping[str, str], *, whole: bool,
) -> tuple[list[Place], policy.Sealed]:  # fmt: skip
    """Build the site but for pages that stand, and seal it; `whole`: let one process see all pages."""
    shutil.rmtree(next_site, ignore_errors=True)
    next_site.mkdir(parents=True)  # fails here, with a plain word, where we may not write
    pages = builder.build(
        config.work_dir / "mkdocs.yml", docs, next_site, stands, last, most=1 if whole else MOST
    )
    return pages, policy.seal(next_site, seals, stands.values())


def _built_from(target: Path) -> str | None:
    try:
        found = json.loads((target / place.MARK).read_text("utf-8")).get("fingerprint")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def _facts(book: Book, fingerprint: str) -> bytes:
    """`data/build.json`: what the site was made from, and when."""
    sources = [
        {
            "name": source.name,
            "last_read": source.last_read.isoformat() if source.last_read else None,
            "rows": source.rows,
            "rejected": source.rejected,
            "error": source.error,
        }
        for source in book.sources
    ]
    stale_after = book.config.site.stale_after
    facts = {
        "deploybook": __version__,
        "as_of": book.as_of.isoformat(),
        "timezone": book.config.site.timezone,
        "fingerprint": fingerprint,
        "simulated": book.config.site.simulated,
        "stale_after_seconds": stale_after.total_seconds() if stale_after else None,
        "sources": sources,
    }
    return (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode()

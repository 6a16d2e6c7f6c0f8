"""Tags as deployments: what a version's tag names went to an environment when it was tagged."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from deploybook.feed import GIT, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.records import Deployment
from deploybook.sources import web
from deploybook.sources.gitlog import instant, known_seconds
from deploybook.sources.repository import Ref, Repository
from deploybook.sources.web import Web

_TAGS = "refs/tags/"
_LONGEST = 250
_VERSION = re.compile(
    r"""
    (?: (?:[a-z@][\w.@/-]*[-_/@])?                    # a name before it: shop-web-, release/, @scope/package@
        (?: (?:v|ver|go)?\d+(?:\.\d+)+ | \d{4}-\d\d-\d\d )  # 1.2, v1.2.3, go1.22, 2026.11.1, 2026-11-01
      | [a-z][\w.@/-]*[-_/@] \d+(?:_\d+)+ [a-z]?      # curl-8_17_0, REL_17_2, OpenSSL_1_1_1w
      | (?:[a-z@][\w.@/-]*[-_/@])? (?:v|(?:release|prod|production|deploy)[-_/]?) \d+  # v7, release-123
    )
    (?: [-._]?(?:post|final|ga|release|lts|hotfix|patch|p(?=\d))[-._]?\d* )?
    (?: \+[0-9a-z.-]+ )?                              # build metadata
    """,
    re.VERBOSE | re.IGNORECASE,
)

_UNRELEASED = re.compile(
    r"(?:^|[-_/@.])(?:alpha|archive|backup|beta|canary|eap|nightly|preview|rc|snapshot)[-_/@.]", re.IGNORECASE
)
"""What stands before a version that is none yet, or no more: `rc/1.2`, `nightly-2026-01-01`."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tags of a codebase are deployments, and to where.

    Attributes:
        codebase: Its name.
        environment: Where a tag goes.
        pattern: A shell pattern as `v*`; `None` for tags like a version, without pre-releases.
    """

    codebase: str
    environment: str
    pattern: str | None = None


def is_version(tag: str) -> bool:
    """Whether a tag is like a released version: `v1.2.3`, `24.0`, `release-123`, `web-1.2`; not `1.2rc1`."""
    return len(tag) <= _LONGEST and _VERSION.fullmatch(tag) is not None and _UNRELEASED.search(tag) is None


def feed(wanted: Wanted, repository: Callable[[], Repository]) -> Feed:
    """The feed of a codebase's tags: each pull tells all of them, and a tag that is gone is forgotten."""

    def pull(ask: Ask) -> Iterator[Item]:
        place = repository()
        tags = [ref for ref in place.tags if _is_wanted(ref, wanted)]
        pages = web.of(place)
        digest = hashlib.sha256(repr((wanted, tags, pages)).encode()).hexdigest()
        if ask.cursor == digest:
            yield Unchanged()
            return
        for tag in tags:
            yield _deployment(tag, wanted, place, pages)
        yield Cursor(digest)

    return Feed(f"tags:{wanted.codebase}", GIT, pull, snapshot=True)


def _is_wanted(ref: Ref, wanted: Wanted) -> bool:
    name = ref.name.removeprefix(_TAGS)
    return is_version(name) if wanted.pattern is None else fnmatchcase(name, wanted.pattern)


def _deployment(tag: Ref, wanted: Wanted, place: Repository, pages: Web | None) -> Deployment | Rejected:
    name = tag.name.removeprefix(_TAGS)
    when = instant(known_seconds(tag.seconds))
    if when is None:
        return Rejected(f"{place.where}, tag {name[:200]}", "it has no usable time", name[:500])
    return Deployment(
        codebase=wanted.codebase,
        id=name,
        environment=wanted.environment,
        revision=tag.revision,
        version=name,
        finished_at=when,
        outcome="success",
        time_from="tag",
        url=pages.tag(name) if pages else None,
    )

"""What other systems call a codebase or an environment, and what is said of a name that matches nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from deploybook.config import Config
from deploybook.feed import Ask, Cursor, Feed, Item, Rejected

_DIGEST = re.compile(r"(?:sha\d+:)?[0-9a-f]{32,}", re.IGNORECASE)
_REVISION = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)


LABELS = ("codebase", "service", "app", "job")
"""Labels of an alert that may say whose it is, the surest first."""


class Names:
    """Matches the names of one source; what it cannot match it counts, to be told at the end.

    Args:
        config: Whose codebases and environments they are.
        where: The source, for the list of what matched nothing.
    """

    def __init__(self, config: Config, where: str) -> None:
        self._config = config
        self._where = where
        self._strange: Counter[tuple[str, str]] = Counter()

    def codebase(self, *names: str | None) -> str | None:
        """The codebase that any of these names is, the first that fits; else the first name is counted."""
        for name in names:
            for spelling in spellings(name):
                if (known := self._config.codebase_of(spelling)) is not None:
                    return known
        called = next((name for name in names if name), None)
        if called is not None:
            self._strange["codebase", spellings(called)[-1]] += 1
        return None

    def codebases(self, names: Iterable[str]) -> tuple[str, ...]:
        """The codebases that these names are; each that is none is counted."""
        found = (self.codebase(name) for name in names)
        return tuple(dict.fromkeys(name for name in found if name is not None))

    def labelled(self, labels: Mapping[str, str]) -> str | None:
        """The codebase that the labels of an alert speak of."""
        called = [labels[label] for label in LABELS if labels.get(label)]
        return self.codebase(*called) if called else None

    def environment(self, name: str) -> str:
        """The environment in lower case; one that is not of `process.environments` is counted."""
        lower = name.strip().lower()
        if lower not in self._environments:
            self._strange["environment", lower] += 1
        return lower

    @cached_property
    def _environments(self) -> frozenset[str]:
        return frozenset(name for stage in self._config.environments for name in stage)

    def strange(self) -> Iterator[Rejected]:
        """Each name that matched nothing, once, with the line of configuration that would mend it."""
        for (kind, name), count in sorted(self._strange.items()):
            word = json.dumps(name[:200], ensure_ascii=False)
            times = "once" if count == 1 else f"{count:,} times"
            mend = (
                f"under `codebases:`, give the codebase that it is `also_known_as: [{word}]`"
                if kind == "codebase"
                else f"if deployments there should count, add {word} to `process.environments`"
            )
            yield Rejected(f"{self._where}: {name[:200]}", f"no {kind} is called so, {times}: {mend}", "")


def again_where_named(feed: Feed, config: Config) -> Feed:
    """The feed, read from its beginning where names match otherwise than when its cursor was saved.

    So a line of configuration that mends what matched nothing mends the past as well.
    """
    naming = config.naming

    def pull(ask: Ask) -> Iterator[Item]:
        head, _, text = (ask.cursor or "").partition(" ")
        for item in feed.pull(replace(ask, cursor=text if head == naming else None)):
            yield Cursor(f"{naming} {item.text}") if isinstance(item, Cursor) else item

    return replace(feed, pull=pull, naming=naming)


def spellings(name: str | None) -> list[str]:
    """What a name may be known by: itself; a package URL also without version and qualifiers."""
    if not name or not name.strip():
        return []
    name = name.strip()
    if name.startswith("pkg:"):
        plain = re.split(r"[@?#]", name, maxsplit=1)[0]
        return [name, plain.rpartition("/")[2], plain]
    return [name]


def package_version(name: str) -> str | None:
    """The version in a package URL; `None` where there is none, or where it is a digest."""
    version = re.split(r"[?#]", name.rpartition("@")[2])[0].replace("%3A", ":").replace("%3a", ":")
    if not name.startswith("pkg:") or "@" not in name or _DIGEST.fullmatch(version):
        return None
    return version


def as_revision(text: str | None) -> str | None:
    """A text that is a full or short revision; `None` for anything else."""
    return text.lower() if text and _REVISION.fullmatch(text) else None

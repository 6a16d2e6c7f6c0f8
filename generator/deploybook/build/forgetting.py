"""An erasure request: a person goes from the history, and stays away however often the sources tell of them.

What is forgotten is kept as salted digests in `forgotten.txt` beside the configuration, so that the list
itself names nobody. Every text that a source tells of people, or that people wrote, is held against it before
it is saved. A word that may be any word (a first name) is taken out where it stands alone or behind an `@`;
names of several words, addresses and logins wherever they stand.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from deploybook.config import Config
from deploybook.errors import UsageError
from deploybook.feed import Ask, Feed, Item, Rejected
from deploybook.history import History, upkeep
from deploybook.history.upkeep import TOLD, Clean, cleaned
from deploybook.records import Record
from deploybook.render import write_if_changed

FILE = "forgotten.txt"
SOMEBODY = "somebody"
"""What stands where the person stood."""
_WORD = re.compile(r"@?[\w.+'’-]+(?:@[\w.-]+)?")
_PART = re.compile(r"@?[\w.+'’-]+")
"""The same, where an address is two: some have a name of several words before their `@`."""
_SURE = re.compile(r"[@\s\d._-]")
"""What a spelling has that no common word has."""


@dataclass(frozen=True)
class Forgotten:
    """The list: salted digests of spellings, by how many words they have."""

    salt: str
    digests: frozenset[str]
    lengths: frozenset[int]

    def holds(self, text: str) -> bool:
        """Whether a text is a spelling of somebody who is forgotten."""
        return _digest(self.salt, text) in self.digests

    def clean(self, text: str) -> str:
        """The text with `somebody` in the place of each spelling."""
        if self.holds(text):
            return SOMEBODY
        for length in sorted(self.lengths, reverse=True):
            for kind in (_WORD, _PART) if length > 1 else (_WORD,):
                text = self._without(text, length, kind)
        return text

    def _without(self, text: str, length: int, kind: re.Pattern[str]) -> str:
        words = list(kind.finditer(text))
        out, done, place = [], 0, 0
        while place + length <= len(words):
            begin, end = words[place].start(), words[place + length - 1].end()
            found = text[begin:end].rstrip(".'’-")
            sure = found.startswith("@") or bool(_SURE.search(found))
            if sure and self.holds(found.removeprefix("@")):
                out += [text[done:begin], _instead(found)]
                done = begin + len(found)
                place += length
            else:
                place += 1
        return "".join(out) + text[done:]


def _instead(found: str) -> str:
    """What stands in the place of a spelling: of its kind, so that what reads it still can."""
    if found.startswith("@"):
        return f"@{SOMEBODY}"
    return f"{SOMEBODY}@example.invalid" if "@" in found else SOMEBODY


def _digest(salt: str, text: str) -> str:
    words = " ".join(text.casefold().split())
    return hashlib.sha256(f"{salt}\n{words}".encode("utf-8", "surrogateescape")).hexdigest()


def read(config: Config) -> Forgotten | None:
    """The list beside the configuration; `None` where there is none.

    Raises:
        UsageError: It cannot be read as one.
    """
    file = config.root / FILE
    if not file.is_file():
        return None
    salt, *lines = [line for line in file.read_text("utf-8").splitlines() if line and line[0] != "#"] or [""]
    pairs = [line.split() for line in lines]
    if not re.fullmatch(r"[0-9a-f]{32}", salt) or not all(
        len(pair) == 2 and pair[0].isdigit() for pair in pairs
    ):
        raise UsageError(
            "this is no list of who is forgotten", where=str(file), next_step="take it from an earlier commit"
        )
    return Forgotten(salt, frozenset(pair[1] for pair in pairs), frozenset(int(pair[0]) for pair in pairs))


def refuse(config: Config) -> None:
    """Stop where the configuration still names somebody who is to be forgotten.

    Raises:
        UsageError: It does.
    """
    forgotten = read(config)
    if forgotten is None:
        return
    named = [name for name in config.people if any(map(forgotten.holds, _spelled(config, name)))]
    if named:
        raise UsageError(
            f"people.{named[0]} is to be forgotten, and the configuration still names them",
            where=str(config.file or FILE),
            next_step="take the entry out, and the name out of members, owners, contacts and rotations",
        )


def without(feed: Feed, forgotten: Forgotten) -> Feed:
    """The same feed, telling nothing of who is forgotten."""
    clean = lru_cache(maxsize=50_000)(forgotten.clean)

    def pull(ask: Ask) -> Iterator[Item]:
        for item in feed.pull(ask):
            yield _clean_item(item, clean)

    return replace(feed, pull=pull)


def _clean_item(item: Item, clean: Clean) -> Item:
    if isinstance(item, Rejected):
        return Rejected(clean(item.where), clean(item.reason), clean(item.text))
    if not isinstance(item, Record):
        return item
    told: dict[str, Any] = msgspec.to_builtins(item)
    new = {key: cleaned(value, clean) if key in TOLD else value for key, value in told.items()}
    return item if new == told else msgspec.convert(new, type(item), strict=False)


def clean_files(files: Mapping[str, bytes], config: Config) -> Mapping[str, bytes]:
    """Files of a repository that say who owns what, without who is forgotten."""
    forgotten = read(config)
    if forgotten is None:
        return files
    return {
        path: forgotten.clean(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        for path, content in files.items()
    }


def forget(config: Config, name: str) -> list[str]:
    """Put a person on the list, and take them out of the history and of what was worked out of it.

    Args:
        config: Its `people` say how else the person is spelled.
        name: A key of `people`, or any spelling.

    Returns:
        What was done, and what is left to do, a line each.

    Raises:
        StoreError: The history cannot be written.
    """
    key = name if name in config.people else config.person_of(name)
    spellings = {name, *(_spelled(config, key) if key else ())}
    forgotten = _listed(config.root / FILE, read(config), spellings)
    with History.open(config.history_url, root=config.root) as history:
        cells = upkeep.rewrite(history, forgotten.clean)
    if config.history_url.startswith("duckdb:"):
        upkeep.compact(config.history_url, config.root)
    for derived in ("docs", "cache", "teams"):
        shutil.rmtree(config.build_dir / derived, ignore_errors=True)
    lines = [f"{len(spellings)} spellings are on the list ({FILE}), {cells:,} texts of the history changed"]
    if key:
        lines.append(f"take people.{key} out of the configuration, and the name out of what refers to it")
    lines.append(
        f"commit {FILE}, then run deploybook build: the site stands as it was until then. "
        "What git repositories and other systems hold is for their owners to change"
    )
    return lines


def _spelled(config: Config, key: str) -> set[str]:
    person = config.people[key]
    return {each for each in (key, person.name, person.github, person.email, *person.also_known_as) if each}


def _listed(file: Path, known: Forgotten | None, spellings: set[str]) -> Forgotten:
    salt = known.salt if known else secrets.token_hex(16)
    old = file.read_text("utf-8") if known else f"# Who is forgotten, as salted digests.\n{salt}\n"
    new = {
        digest: len(_WORD.findall(spelling))
        for spelling in sorted(spellings)
        if (digest := _digest(salt, spelling)) not in (known.digests if known else ())
    }
    lines = "".join(f"{words} {digest}\n" for digest, words in sorted(new.items()))
    write_if_changed(file, (old + lines).encode())
    before = known or Forgotten(salt, frozenset(), frozenset())
    return Forgotten(salt, before.digests | new.keys(), before.lengths | set(new.values()))

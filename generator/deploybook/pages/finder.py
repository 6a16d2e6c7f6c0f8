"""The index behind `changes/`: small JSON files, of which a query loads few, served as they are.

A *term* is what somebody may type: a number (`n`), a revision (`r`), a word of a title or a name (`w`).
Terms of a kind are laid into files by their first letters; a file that grows beyond `LEAF` is split by the
next letter: a small site has a handful of files, a large one thousands of small ones, and one more change
rewrites a few of them. A term leads to ordinals, newest first; what is told of each stands in chunks of
`CHUNK`, oldest first, so that the chunks of the past stay as they are. The reader of all of it is
`templates/theme/assets/deploybook/changes.js`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

CHUNK = 64
"""Changes told in one file."""
LEAF = 64_000
"""Bytes of a file of terms, above which it is split."""
CAP = 5000
"""Ordinals kept for a term, newest first; how many there are in all is said beside them."""
LONGEST = 24
"""Letters of a word that are looked at."""
REVISION = 12
"""Letters of a revision that are looked at."""

Kind = Literal["n", "r", "w"]

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Entry:
    """A change as it is found: what may be typed for it, and what is told."""

    numbers: tuple[str, ...]
    revisions: tuple[str, ...]
    texts: tuple[str, ...]
    """The title, the words, the author: their words are its terms."""
    told: object
    """Anything that JSON knows."""


@dataclass
class Index:
    """What `changes.js` must know before it looks anything up, and the files by their name."""

    files: dict[str, bytes] = field(default_factory=dict)
    leaves: dict[Kind, list[str]] = field(default_factory=dict)


def terms(text: str) -> list[str]:
    """The words of a text as they are looked up: lower-case, without accents, cut to `LONGEST`; each once.

    The browser does the same to what is typed.
    """
    folded = text if text.isascii() else _unaccented(text)
    return list(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(folded.lower())))


def _unaccented(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c)[0] != "M")


def build(entries: Iterable[Entry]) -> Index:
    """The index of changes, which come oldest first."""
    postings: dict[Kind, dict[str, list[int]]] = {
        "n": defaultdict(list),
        "r": defaultdict(list),
        "w": defaultdict(list),
    }
    index = Index()
    chunk: list[object] = []
    ordinal = -1
    for ordinal, entry in enumerate(entries):
        for number in entry.numbers:
            postings["n"][number[:LONGEST]].append(ordinal)
        for revision in {revision[:REVISION].lower() for revision in entry.revisions}:
            postings["r"][revision].append(ordinal)
        for word in dict.fromkeys(word for text in entry.texts for word in terms(text)):
            if len(word) > 1 or not word.isascii():
                postings["w"][word].append(ordinal)
        chunk.append(entry.told)
        if len(chunk) == CHUNK:
            index.files[f"c-{ordinal // CHUNK}.json"] = _json(chunk)
            chunk = []
    if chunk:
        index.files[f"c-{ordinal // CHUNK}.json"] = _json(chunk)
    for kind, found in postings.items():
        index.leaves[kind] = []
        for prefix, content in _leaves({term: _packed(places) for term, places in found.items()}):
            index.leaves[kind].append(prefix)
            index.files[f"{kind}-{_file_name(prefix)}.json"] = content
    return index


def _packed(ordinals: list[int]) -> bytes:
    """How many there are, the newest, and from each to the next older how far; at most `CAP`."""
    kept = ordinals[-1 : -CAP - 1 : -1]
    steps = [newer - older for newer, older in pairwise(kept)]
    return f"[{','.join(map(str, (len(ordinals), kept[0], *steps)))}]".encode()


def _leaves(found: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Prefixes with the file of their terms, in order."""
    terms_ = sorted(found)
    sizes = [len(term.encode()) + len(found[term]) + 4 for term in terms_]

    def file(first: int, last: int) -> bytes:
        lines = [_json(term) + b":" + found[term] for term in terms_[first:last]]
        return b"{" + b",".join(lines) + b"}"

    def split(prefix: str, first: int, last: int) -> Iterator[tuple[str, bytes]]:
        if first == last:
            return
        if sum(sizes[first:last]) <= LEAF or (last - first == 1):
            yield prefix, file(first, last)
            return
        depth = len(prefix)
        if len(terms_[first]) == depth:  # The term that is the prefix itself has its own file.
            yield prefix, file(first, first + 1)
            first += 1
        while first < last:
            letter = terms_[first][depth]
            end = first
            while end < last and terms_[end][depth] == letter:
                end += 1
            yield from split(prefix + letter, first, end)
            first = end

    yield from split("", 0, len(terms_))


def _file_name(prefix: str) -> str:
    """A prefix as part of a file's name: ASCII letters and digits as they are, others by their number."""
    return "".join(c if c.isascii() and c.isalnum() else f"-{ord(c):x}" for c in prefix)


def _json(value: object) -> bytes:
    return _ENCODER.encode(value).encode("utf-8", "replace")

"""The index of `changes/`: whatever is typed leads to its changes; a growing history rewrites little."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploybook.pages import finder
from deploybook.pages.finder import Entry, build, terms

NAMES = ("Ana", "Bo Örtegård", "Σοφία", "李雷")
TITLES = (
    "Pay with one tap",
    "Find a parcel, whoever carries it",
    "Crème brûlée in the café",
    "x",
    "Straße 2026",
)


def entry(number: int, title: str, author: str = "Ana", revision: str | None = None) -> Entry:
    return Entry(
        (str(number),), (revision or f"{number * 2654435761 % 16**12:012x}",), (title, author), number
    )


def find(files: dict[str, bytes], leaves: dict[str, list[str]], kind: str, term: str) -> list[int]:
    """What the browser does, said again: the longest leaf that the term starts with, then its list."""
    own = max((leaf for leaf in leaves[kind] if term.startswith(leaf)), key=len, default=None)
    if own is None:
        return []
    name = "".join(c if c.isascii() and c.isalnum() else f"-{ord(c):x}" for c in own)
    found: list[Any] = json.loads(files[f"{kind}-{name}.json"]).get(term, [0])
    ordinals: list[int] = []
    for step in found[1:]:
        ordinals.append(ordinals[-1] - step if ordinals else step)
    return ordinals


@settings(max_examples=40, deadline=None)
@given(
    made=st.lists(
        st.builds(entry, st.integers(1, 500), st.sampled_from(TITLES), st.sampled_from(NAMES)), max_size=200
    ),
    leaf=st.sampled_from([40, 300, 64_000]),
)
def test_every_number_revision_and_word_leads_to_all_its_changes_newest_first(
    made: list[Entry], leaf: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finder, "LEAF", leaf)
        index = build(made)
    leaves: dict[str, list[str]] = {str(kind): prefixes for kind, prefixes in index.leaves.items()}
    for ordinal, one in enumerate(made):
        told = json.loads(index.files[f"c-{ordinal // finder.CHUNK}.json"])[ordinal % finder.CHUNK]
        assert told == one.told
        wanted = [("n", one.numbers[0]), ("r", one.revisions[0])]
        wanted += [("w", word) for text in one.texts for word in terms(text) if len(word) > 1]
        for kind, term in wanted:
            found = find(index.files, leaves, kind, term)
            assert ordinal in found
            assert found == sorted(found, reverse=True)


def test_words_lose_case_and_accents_and_what_is_too_long() -> None:
    assert terms("Crème BRÛLÉE, crème!") == ["creme", "brulee"]
    assert terms("a" * 40) == ["a" * 24]
    assert terms("shop-web#12 it's") == ["shop", "web", "12", "it", "s"]


def test_a_file_is_split_by_the_next_letter_only_where_it_is_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finder, "LEAF", 40)
    index = build([entry(1, "pa pay payer paying"), entry(2, "zoo")])
    # "ana" and "zoo" fit; "pa", "pay", "payer" and "paying" do not, so each longer prefix stands alone.
    assert index.leaves["w"] == ["a", "pa", "pay", "paye", "payi", "z"]


def test_a_word_in_very_many_changes_keeps_the_newest_and_says_how_many_there_are() -> None:
    index = build(entry(number, "same") for number in range(finder.CAP + 5))
    total, newest, *steps = json.loads(index.files["w-.json"])["same"]
    assert total == finder.CAP + 5
    assert newest == finder.CAP + 4
    assert steps == [1] * (finder.CAP - 1)


def test_one_more_change_rewrites_few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "LEAF", 2_000)
    many = [entry(n, f"{TITLES[n % 5]} {n}", NAMES[n % 4]) for n in range(3_000)]
    before, after = build(many).files, build([*many, entry(9_999, "Pay with one tap")]).files
    changed = {name for name in after if after[name] != before.get(name)}
    assert len(after) > 100
    # Its chunk, its number, its revision, and "pay", "with", "one", "tap", "ana".
    assert len(changed) <= 8
    assert {name for name in changed if name.startswith("c-")} == {f"c-{3_000 // finder.CHUNK}.json"}


def test_names_of_files_are_ascii_letters_digits_and_hyphens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "LEAF", 10)
    index = build([entry(1, "Σοφία 李雷 ../../etc/passwd"), entry(2, "Σοφός 李四 con")])
    assert all(
        set(name.removesuffix(".json")) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        for name in index.files
    )

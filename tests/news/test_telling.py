"""The words of a change come from the best place there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploybook.news import KINDS, header, release_note, tell
from deploybook.news.telling import clean

BODY = "Talk among us.\n\n```release-note\nPay with one tap\n```\n"


def test_an_override_comes_before_everything() -> None:
    body = f"BEGIN_COMMIT_OVERRIDE\nfeat: Pay by watch\nEND_COMMIT_OVERRIDE\n{BODY}"
    news = tell("chore: wip", body=body, note="A note", issue_titles=["An issue"])
    assert (news.words, news.origin) == ("Pay by watch", "override")


def test_a_block_comes_before_a_note_of_the_site() -> None:
    news = tell("feat: one-tap (#12)", body=BODY, note="A note")
    assert (news.words, news.origin, news.kind) == ("Pay with one tap", "block", "new")


def test_a_release_notes_section_ends_at_the_next_heading() -> None:
    news = tell("x", body="## Release notes\n\nSizes in your own system.\n\n## Testing\nBy hand.\n")
    assert (news.words, news.origin) == ("Sizes in your own system.", "section")


def test_a_note_of_the_site_comes_before_the_issue() -> None:
    assert tell("x", note="Sorted by aisle", issue_titles=["Sort it"]).words == "Sorted by aisle"


def test_the_issue_comes_before_the_title() -> None:
    news = tell("ABC-12 do it", issue_titles=[None, "Sort pick lists by aisle"])
    assert (news.words, news.origin, news.described) == ("Sort pick lists by aisle", "issue", True)


def test_a_title_alone_is_not_described() -> None:
    news = tell("fix(search): results are ordered (#9)")
    assert (news.words, news.origin, news.kind, news.described) == (
        "Results are ordered", "title", "fixed", False,
    )  # fmt: skip


@pytest.mark.parametrize("none", ["NONE", "n/a", "NA"])
def test_none_is_silent_and_counts(none: str) -> None:
    news = tell("Rebuild the index", body=f"```release-note\n{none}\n```")
    assert news.silent
    assert news.words == "Rebuild the index"


def test_a_forgotten_block_excludes_nothing() -> None:
    assert not tell("x", body="```release-note\n\n```").silent


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("feat(cart)!: keep the basket", "Keep the basket"),
        ("[SHOP-12] keep the basket", "Keep the basket"),
        ("SHOP-12: keep the basket (#31)", "Keep the basket"),
        ("Keep the basket (SHOP-12) (#31)", "Keep the basket"),
        ("WIP: keep the basket.", "Keep the basket"),
        ('Revert "feat: keep the basket (#31)"', "Taken back: Keep the basket"),
        ('Revert "feat: keep the basket (#31)" (#32)', "Taken back: Keep the basket"),
        ('Revert "Revert "feat: keep the basket (#31)" (#32)" (#33)', "Brought back: Keep the basket"),
        ('Reapply "feat: keep the basket (#31)"', "Brought back: Keep the basket"),
        ('Revert "Reapply "keep the basket""', "Taken back: Keep the basket"),
        ('Revert "Revert "Revert "keep the basket"""', "Taken back: Keep the basket"),
        ("Note: the basket is kept", "Note: the basket is kept"),
        ("t0001: plug a gap", "t0001: plug a gap"),
        ("feat: iOS keeps the basket", "iOS keeps the basket"),
        ("setup.py: drop a line", "setup.py: drop a line"),
        ("ldap: keep the basket", "ldap: keep the basket"),
        ("keep the basket...", "Keep the basket..."),
        ("", ""),
    ],
)
def test_titles_lose_what_only_tools_read(title: str, words: str) -> None:
    assert clean(title) == words


@pytest.mark.parametrize(
    ("labels", "title", "kind"),
    [
        (["kind/bug"], "feat: x", "fixed"),
        (["type: enhancement"], "x", "improved"),
        (["area/feature"], "x", "changed"),
        (["dependencies"], "x", "dependency"),
        ([], "chore(deps): bump a from 1 to 2", "dependency"),
        ([], "Remove the old checkout", "removed"),
        ([], "Sizes, again", "changed"),
        ([], "", "changed"),
    ],
)
def test_kind_is_by_label_then_type_then_first_word(labels: list[str], title: str, kind: str) -> None:
    assert tell(title, labels=labels).kind == kind


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("fix: keep the spaces", "fixed"),
        ("feat(cart): tips", "new"),
        ("perf: answer at once", "improved"),
        ("revert: tips", "changed"),
        ("fix(deps): keep the spaces", "dependency"),
        ("fix(deps-dev): keep the spaces", "dependency"),
        ("fix: bump left-pad", "dependency"),
        ("fix: update dependency left-pad", "dependency"),
        ("fix: Update left-pad to v2", "dependency"),
        ("chore: tidy", "dependency"),
        ("Add tips", "dependency"),
        ("", "dependency"),
    ],
)
def test_a_bot_is_a_dependency_unless_the_type_of_its_title_says_otherwise(title: str, kind: str) -> None:
    assert tell(title, bot=True).kind == kind


def test_a_label_for_dependencies_stands_above_the_type_of_a_bot() -> None:
    assert tell("fix: keep the spaces", labels=["dependencies"], bot=True).kind == "dependency"


@given(st.text(), st.text(), st.lists(st.text()))
def test_anything_can_be_told(title: str, body: str, labels: list[str]) -> None:
    news = tell(title, body=body, labels=labels)
    assert news.words.strip()
    assert news.kind in KINDS
    header(title)
    release_note(body)


def test_hostile_lengths_are_quick() -> None:
    tell("a" * 100_000)
    tell("[" * 100_000, body="```release-note\n" * 10_000 + "<!--" * 10_000)

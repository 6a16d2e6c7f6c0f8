from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploybook import messages

CASES = Path(__file__).parents[2] / "shared" / "conformance" / "commits" / "merge_squash_revert.json"
A, B = "a" * 40, "b" * 40


@pytest.mark.skipif(not CASES.is_file(), reason="the conformance cases are not beside this checkout")
def test_agrees_with_every_undisputed_case_of_other_tools() -> None:
    for case in json.loads(CASES.read_text()):
        said = messages.parse(case["message"])
        found = {
            "kind": said.kind,
            "number": said.number,
            "title": said.title,
            "source_ref": said.source_ref,
            "reverts_sha": said.reverts[0] if said.reverts else None,
            "picked_from": said.picked_from[-1] if said.picked_from else None,
        }
        if not case.get("disputed"):
            assert {key: found[key] for key in case["expect"]} == case["expect"], case["id"]


def test_a_merge_has_the_first_line_of_its_body_as_title() -> None:
    said = messages.parse("Merge pull request #12 from ana/fix\n\nFix the cart\n\nIt was broken.")
    assert (said.kind, said.number, said.title, said.source_ref) == ("merge", 12, "Fix the cart", "ana/fix")


def test_a_merge_without_words_has_no_title() -> None:
    assert messages.parse("Merge pull request #12 from acme/dependabot/npm/x-2").title is None


def test_a_number_counts_only_at_the_end_of_the_subject() -> None:
    assert messages.parse("Fix the cart (#12)").number == 12
    assert messages.parse("Fix (#12) the cart").number is None
    assert messages.parse("Fix the cart\n\nSee (#12)").number is None


def test_gitlab_names_its_request_in_the_last_line() -> None:
    said = messages.parse("Merge branch 'fix' into 'main'\n\nFix the cart\n\nSee merge request acme/shop!34")
    assert (said.kind, said.number, said.title, said.source_ref) == ("merge", 34, "Fix the cart", "fix")


@pytest.mark.parametrize(
    ("body", "shas", "number"),
    [
        (f"This reverts commit {A}.", (A,), None),
        (f"This reverts commit {A}, reversing\nchanges made to {B}.", (A,), None),
        (f"This reverts commits {A} and {B}.", (A, B), None),
        ("Reverts acme/shop#12", (), 12),
        ("This reverts merge request !12", (), 12),
        (f"We do not say: this reverts commit {A}.", (), None),
    ],
)
def test_what_is_reverted_is_read_from_the_body(body: str, shas: tuple[str, ...], number: int | None) -> None:
    said = messages.parse(f'Revert "Fix the cart"\n\n{body}')
    assert (said.kind, said.reverts, said.reverts_number) == ("revert", shas, number)


def test_a_merged_revert_knows_the_number_by_its_branch() -> None:
    said = messages.parse('Merge pull request #13 from acme/revert-12-fix\n\nRevert "Fix the cart"')
    assert (said.number, said.reverts_number) == (13, 12)


def test_a_pick_of_a_pick_names_the_nearest_original_last() -> None:
    body = f"(cherry picked from commit {A})\n(cherry picked from commit {B})"
    assert messages.parse(f"Fix\n\n{body}").picked_from == (A, B)


def test_authors_are_taken_apart() -> None:
    bot = "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>"
    assert messages.author_name("Ana B <ana@acme.test>") == "Ana B"
    assert messages.author_email("Ana B <ana@acme.test>") == "ana@acme.test"
    assert messages.author_email("Ana B") is None
    assert (messages.is_bot(bot), messages.is_bot("Ana <a@b>"), messages.is_bot(None)) == (True, False, False)


@given(st.text(max_size=300))
@settings(max_examples=100)
def test_any_text_can_be_read(text: str) -> None:
    said = messages.parse(text)
    assert said.kind in {"merge", "squash", "revert", "cherry-pick", "commit"}


@given(st.text(alphabet="Merge pulrqst#(1)\n'!", max_size=80))
@settings(max_examples=100)
def test_the_quick_look_passes_over_no_pull_request(text: str) -> None:
    stripped = text.lstrip()
    assert messages.may_be_pull_request(stripped) or not messages.parse(stripped).is_pull_request

"""Peers' own cases of conventional messages and release-note blocks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploybook.news import header, release_note

CASES = Path(__file__).parents[3] / "shared/conformance/commits"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="the conformance data is not here")


def undisputed(name: str) -> list[dict[str, Any]]:
    return [case for case in json.loads((CASES / name).read_text("utf-8")) if "disputed" not in case]


@needs_cases
def test_every_undisputed_conventional_message_is_read_right() -> None:
    wrong = []
    for case in undisputed("conventional.json"):
        found = header(case["message"])
        got = {
            "conventional": found is not None,
            "type": found.type if found else None,
            "scope": found.scope if found else None,
            "subject": found.subject if found else None,
            "breaking": bool(found and found.breaking),
            "breaking_notes": list(found.breaking_notes) if found else [],
            "closes": list(found.closes) if found else [],
        }
        if got != case["expect"]:
            wrong.append((case["id"], got, case["expect"]))
    assert wrong == []


@needs_cases
def test_every_undisputed_release_note_block_is_read_right() -> None:
    wrong = []
    for case in undisputed("release_note_blocks.json"):
        note = release_note(case["body"])
        expect = case["expect"]
        got = (note.text, note.excluded, note.action_required)
        if got != (expect["note"], expect["excluded"], expect.get("action_required", False)):
            wrong.append((case["id"], got, expect))
        if expect["error"] == "no block":
            assert note.found is None
        if expect["error"] == "empty":
            assert note.found == "block"
    assert wrong == []

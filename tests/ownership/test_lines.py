"""Lines of a CODEOWNERS file: they end where the forge ends them, so that a rule's number leads to it."""

from __future__ import annotations

import pytest

from deploybook.ownership import github, gitlab


@pytest.mark.parametrize("read", [github.read, gitlab.read])
@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_only_a_line_feed_ends_a_line(read: object, end: str) -> None:
    assert callable(read)
    found = read(f"# ours{end}/a @nobody\r\n/src @ana\r\n\n/web @bo")
    assert [(rule.pattern, rule.owners, rule.line) for rule in found.rules] == [
        ("/src", ("@ana",), 2), ("/web", ("@bo",), 4),
    ]  # fmt: skip

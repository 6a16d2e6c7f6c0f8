"""Which file of a repository a test case is in, as its report names its class or suite."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PARTS = re.compile(r"[./\\:]+")
_INNER = 2
"""How many words at the end of a suite may be classes within the file: `tests.test_pay.TestCard`."""


class Files:
    """The files of a repository, found by what reports call their test cases' suites."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._named: dict[str, list[str]] = {}
        for path in paths:
            self._named.setdefault(_stem(path).rpartition("/")[2], []).append(path)

    def of(self, suite: str | None) -> str | None:
        """The one file that a suite's name fits; `None` where none does, or several do.

        `tests.test_pay.TestCard` is in `tests/test_pay.py`, `com.acme.PayTest` in
        `src/test/java/com/acme/PayTest.java`, and `src/pay.test.ts` is a path.
        """
        if not suite:
            return None
        if suite in self._named.get(_stem(suite).rpartition("/")[2], ()):
            return suite
        words = [word for word in _PARTS.split(suite) if word]
        for end in range(len(words), max(0, len(words) - 1 - _INNER), -1):
            tail = "/" + "/".join(words[:end])
            fits = [path for path in self._named.get(words[end - 1], ()) if _stem(path).endswith(tail)]
            if fits:
                return fits[0] if len(fits) == 1 else None
        return None


def _stem(path: str) -> str:
    """A path without the ending of its name, with a `/` before it."""
    folder, _, name = path.rpartition("/")
    return f"/{folder}/{name.partition('.')[0]}" if folder else f"/{name.partition('.')[0]}"

"""What the sources of other systems have in common: token, client, an answer that is not as expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deploybook.config import secret
from deploybook.errors import SourceError, UsageError
from deploybook.feed import Ask, Rejected
from deploybook.sources.http import Client, session

UNEXPECTED = (KeyError, TypeError, ValueError, AttributeError)
"""What a row raises that lacks what it should have, or has something else in its place."""


class Vendor:
    """One system that is read over HTTP: its client, made anew for each pull.

    Args:
        name: The system, as "PagerDuty": for messages.
        url: Where its API is.
        advice: What to do about a refused token, and which rights it needs.
    """

    def __init__(self, name: str, url: str, advice: str) -> None:
        self.name, self.url, self.advice = name, url.rstrip("/"), advice
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """Of the pull that is under way."""
        assert self._client is not None
        return self._client

    def open(self, ask: Ask, headers: Mapping[str, str], **tokens: str | None) -> None:
        """Make the client of a pull.

        Args:
            ask: What is asked.
            headers: Sent each time; `{name}` in a value stands for the token of that name.
            tokens: As `env:NAME`; a header with one that is `None` is left out.

        Raises:
            SourceError: The variable of a token is empty.
        """
        held = {name: self._secret(reference) for name, reference in tokens.items() if reference is not None}
        sent = {}
        for key, value in headers.items():
            wanted = next((name for name in tokens if "{" + name + "}" in value), None)
            if wanted is None:
                sent[key] = value
            elif wanted in held:
                sent[key] = value.replace("{" + wanted + "}", held[wanted])
        self._client = Client(
            self.name, session(sent), base=self.url, advice=self.advice, max_wait=ask.max_wait, wait=ask.wait
        )

    def said(self) -> str:
        """What the last pull cost; empty where there was none."""
        return self._client.budget.take() if self._client else ""

    def stranger(self, step: str = "Check `url:`.") -> SourceError:
        """What answers is another system."""
        return SourceError(f"its answer is not {self.name}'s", where=self.url, next_step=step)

    def rows(self, content: Any, key: str) -> list[dict[str, Any]]:
        """The list under a key of an answer.

        Raises:
            SourceError: There is none.
        """
        found = content.get(key) if isinstance(content, dict) else None
        if not isinstance(found, list):
            raise self.stranger()
        return [row for row in found if isinstance(row, dict)]

    def unexpected(self, where: str, error: Exception, row: Any) -> Rejected:
        """A row that cannot be read, set aside."""
        reason = f"{self.name}'s answer is not as expected: {type(error).__name__} {error}"
        return Rejected(where, reason[:300], json.dumps(row)[:500])

    def _secret(self, reference: str) -> str:
        try:
            return secret(reference)
        except UsageError as error:
            raise SourceError(error.what, where=self.name.lower(), next_step=error.next_step) from error

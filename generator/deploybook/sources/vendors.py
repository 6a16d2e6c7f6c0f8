"""What the readers of other systems have in common: token, client, an answer that is not as expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deploybook.config import secret
from deploybook.errors import SourceError, UsageError
from deploybook.feed import Ask, Rejected
from deploybook.sources.http import Client, session

UNEXPECTED = (LookupError, TypeError, ValueError, AttributeError)
"""What a row raises that lacks what it should have, or has something else in its place."""

Held = tuple[str, str | None]
"""A form as "Bearer {}" and the `env:NAME` that fills it; nothing is sent where that is `None`."""


class Vendor:
    """One system that is read over HTTP; its client is made anew for each pull.

    Args:
        name: The system, as "PagerDuty": for messages.
        url: Where its API is.
        advice: What to do about a refused token, and which rights it needs.
        headers: Sent each time.
        auth: User and `env:NAME`, in place of a header.
    """

    def __init__(
        self, name: str, url: str, advice: str, headers: Mapping[str, str | Held],
        auth: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.name, self.url, self.advice = name, url.rstrip("/"), advice
        self._headers, self._auth = headers, auth
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """Of the pull that is under way."""
        assert self._client is not None
        return self._client

    def open(self, ask: Ask) -> Client:
        """Make the client of a pull.

        Raises:
            SourceError: The variable of a token is empty.
        """
        sent = {}
        for key, value in self._headers.items():
            form, reference = value if isinstance(value, tuple) else (value, "")
            if reference is not None:
                sent[key] = form.format(self._secret(reference)) if reference else form
        auth = (self._auth[0], self._secret(self._auth[1])) if self._auth else None
        self._client = Client(
            self.name, session(sent, auth), base=self.url, advice=self.advice, max_wait=ask.max_wait,
            wait=ask.wait,
        )  # fmt: skip
        return self._client

    def said(self) -> str:
        """What the last pull cost; empty where there was none."""
        return self._client.budget.take() if self._client else ""

    def stranger(self, step: str = "Check `url:`.") -> SourceError:
        """What answers is another system."""
        return SourceError(f"its answer is not {self.name}'s", where=self.url, next_step=step)

    def rows(self, content: Any, key: str | None = None, step: str = "Check `url:`.") -> list[dict[str, Any]]:
        """The list that an answer is, or that is under a key of it; what is no object is an empty one.

        Raises:
            SourceError: There is none.
        """
        found = content if key is None else content.get(key) if isinstance(content, dict) else None
        if not isinstance(found, list):
            raise self.stranger(step)
        return [row if isinstance(row, dict) else {} for row in found]

    def unexpected(self, where: str, error: Exception, row: Any) -> Rejected:
        """A row that cannot be read, set aside."""
        reason = f"{self.name}'s answer is not as expected: {type(error).__name__} {error}"
        return Rejected(where, reason[:300], json.dumps(row)[:500])

    def _secret(self, reference: str) -> str:
        try:
            return secret(reference)
        except UsageError as error:
            where = self.name.lower().replace(" ", "")
            raise SourceError(error.what, where=where, next_step=error.next_step) from error

"""The way in: the token, and which project a codebase is."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from deploybook.config import secret
from deploybook.config.resolved import repository_address
from deploybook.config.sources import GitlabOptions
from deploybook.errors import SourceError, UsageError
from deploybook.feed import Ask
from deploybook.sources.http import Client, session
from deploybook.sources.newer import Row

_NEEDS = "Check the variable that `token:` names. The token needs the scope read_api, and the role Reporter."


@dataclass(frozen=True, slots=True)
class Place:
    """A codebase's project; `project` is its path, as `acme/web/shop`."""

    codebase: str
    project: str

    @property
    def rest(self) -> str:
        """Where its addresses begin."""
        return f"/projects/{quote(self.project, safe='')}"


class Door:
    """GitLab, spoken to for one run; the token is read when it is first asked.

    Args:
        options: Of the configuration.
    """

    def __init__(self, options: GitlabOptions) -> None:
        self._options = options
        self._client: Client | None = None
        self.host = urlsplit(options.url).netloc.casefold()

    def project(self, location: str | None) -> str | None:
        """The project's path, where a `repository:` is one of this GitLab's."""
        address = repository_address(location or "")
        root = self.host + urlsplit(self._options.url).path.rstrip("/").casefold()
        host = address.partition("/")[0]
        if address.startswith(f"{root}/"):
            return address.removeprefix(f"{root}/") or None
        return address.partition("/")[2] or None if host == self.host.partition(":")[0] else None

    def said(self) -> str:
        """What was asked since this was last called, in one line."""
        return self._client.budget.take() if self._client else ""

    def client(self, ask: Ask) -> Client:
        """GitLab's REST interface.

        Raises:
            SourceError: The token's variable is not set.
        """
        if self._client is None:
            try:
                token = secret(self._options.token)
            except UsageError as error:
                raise SourceError(error.what, where="gitlab", next_step=error.next_step) from error
            base = f"{self._options.url.rstrip('/')}/api/v4"
            send = session({"PRIVATE-TOKEN": token})
            self._client = Client(f"GitLab at {self.host}", send, base=base, advice=_NEEDS)
        self._client.max_wait, self._client.wait = ask.max_wait, ask.wait
        return self._client

    def all(self, ask: Ask, path: str) -> list[Row]:
        """A list to its last page."""
        found: list[Row] = []
        following: str | None = f"{path}{'&' if '?' in path else '?'}per_page=100"
        while following:
            answer = self.client(ask).get(following)
            found += answer.content if isinstance(answer.content, list) else []
            following = answer.next_page
        return found

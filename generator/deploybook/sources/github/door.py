"""The way in: who we are, which repository a codebase is, and how GitHub is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deploybook.config import secret
from deploybook.config.resolved import repository_address
from deploybook.config.sources import GithubOptions
from deploybook.errors import SourceError, UsageError
from deploybook.feed import Ask
from deploybook.sources.download import download
from deploybook.sources.http import Absent, Client, Headers, Refused, Unwell

if TYPE_CHECKING:
    from github.Requester import Requester

SECONDS = 60
"""For one answer: a page of pull requests takes GitHub up to ten seconds."""
SMALLEST_PAGE = 5

_NEEDS = (
    "Check the variable that `token:` names. A fine-grained token or App needs to read: Metadata, Contents, "
    "Pull requests, Actions, Checks, Deployments, Issues; a classic one: repo."
)


@dataclass(frozen=True, slots=True)
class Place:
    """A codebase's repository on GitHub.

    Attributes:
        codebase: Its name.
        owner: Of the repository.
        name: Of the repository.
        path: The folder that it lives in, in a monorepo.
    """

    codebase: str
    owner: str
    name: str
    path: str | None = None

    @property
    def rest(self) -> str:
        """Where its REST addresses begin."""
        return f"/repos/{self.owner}/{self.name}"


class Door:
    """GitHub, spoken to for one run; who we are is read from the environment when it is first asked.

    Args:
        options: Of the configuration.
    """

    def __init__(self, options: GithubOptions) -> None:
        self._options = options
        self._client: Client | None = None
        self._graphql = "/graphql"
        self.host = urlsplit(options.url).netloc.casefold()

    def repository(self, location: str | None) -> tuple[str, str] | None:
        """Owner and name, where a `repository:` is one of this GitHub's."""
        host, _, rest = repository_address(location or "").partition("/")
        mine = {self.host, self.host.removeprefix("api."), self.host.partition(":")[0]}
        # The address is folded to lower case: GitHub takes names in any case.
        parts = rest.split("/")
        return (parts[0], parts[1]) if host in mine and len(parts) == 2 and all(parts) else None

    def said(self) -> str:
        """What was asked since this was last called, in one line."""
        return self._client.budget.take() if self._client else ""

    def client(self, ask: Ask) -> Client:
        """GitHub's REST interface.

        Raises:
            SourceError: The token's variable is not set, or the App is refused.
        """
        if self._client is None:
            self._client = self._open()
        self._client.max_wait, self._client.wait = ask.max_wait, ask.wait
        return self._client

    def query(self, ask: Ask, text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Ask by GraphQL; the `data` of the answer.

        Raises:
            TooMuch: GitHub could not answer in its time: ask for less.
            OldServer: It does not know a field.
            SourceError: It refuses, or there is no such repository.
        """
        client = self.client(ask)
        try:
            answer = client.post(self._graphql, {"query": text, "variables": dict(variables)}, tries=3)
        except Unwell as error:
            raise TooMuch(error.what, where=error.where, next_step=error.next_step) from error
        content = answer.content if isinstance(answer.content, dict) else {}
        data, errors = content.get("data"), content.get("errors") or []
        if isinstance(data, dict) and (not errors or _usable(data, errors)):
            return data
        raise _told(errors, client.name, data)

    def file(self, ask: Ask, path: str, most: int) -> bytes | None:
        """A file that GitHub keeps elsewhere; `None` where it has more bytes than `most`.

        Raises:
            Absent: It is gone.
            SourceError: It could not be had.
        """
        plain = urlsplit(self._options.url).scheme == "http"
        return download(lambda: self.client(ask).redirect(path), most, ask.wait, plain=plain)

    def _open(self) -> Client:
        requester = _requester(self._options)
        path = re.sub(r"/v3/?$", "", urlsplit(self._options.url).path.rstrip("/"))
        self._graphql = f"{path}/graphql" if path else "/graphql"

        def send(method: str, address: str, headers: dict[str, str], body: Any) -> tuple[int, Headers, str]:
            import github  # noqa: PLC0415 - slow, and only those who have GitHub need it

            try:
                # What begins with a slash gets the prefix; GraphQL stands beside it.
                whole = address if not address.startswith(self._graphql) else requester.graphql_url
                return requester.requestJson(method, whole, headers=headers, input=body)
            except github.GithubException as error:
                # It was the App's login: where GitHub is unwell, or asks to wait, that is tried again too.
                headers = {key.lower(): value for key, value in (error.headers or {}).items()}
                if error.status >= 500 or error.status == 429 or "retry-after" in headers:
                    return error.status, headers, json.dumps(error.data)
                raise Refused(
                    "GitHub refuses the App", where=self.host,
                    next_step="Check `app:` (id, installation) and the variable that its `key:` names.",
                ) from error  # fmt: skip
            except RuntimeError as error:
                raise SourceError(
                    "GitHub redirects to another host", where=self.host, next_step="Check `url:`."
                ) from error

        return Client(f"GitHub at {self.host}", send, advice=_NEEDS)


class TooMuch(SourceError):
    """GitHub could not answer in its time: ask for less at once."""


class OldServer(SourceError):
    """The server does not know a field, as older ones do not.

    Attributes:
        field: Its name.
    """

    field = ""


def _requester(options: GithubOptions) -> Requester:
    import github  # noqa: PLC0415 - as above
    import jwt  # noqa: PLC0415 - as above; PyGithub signs with it

    try:
        if options.app is None:
            auth: Any = github.Auth.Token(secret(options.token or ""))
        else:
            app = github.Auth.AppAuth(options.app.id, secret(options.app.key))
            app.create_jwt()  # a key that is none shows here, and not within a request
            auth = app.get_installation_auth(options.app.installation)
    except UsageError as error:
        raise SourceError(error.what, where="github", next_step=error.next_step) from error
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise SourceError(
            "the key of the GitHub App is no private key", where="github",
            next_step="Put the whole PEM file, lines and all, into the variable that its `key:` names.",
        ) from error  # fmt: skip
    return github.Github(
        auth=auth, base_url=options.url.rstrip("/"), retry=0, timeout=SECONDS, per_page=100,
        seconds_between_requests=None, seconds_between_writes=None, user_agent="deploybook",
    ).requester  # fmt: skip


def _usable(data: dict[str, Any], errors: Any) -> bool:
    """Whether only parts are missing, as an issue of another organisation is: these stay unknown."""
    if not all(isinstance(error, dict) and error.get("path") for error in errors):
        return False
    if "nodes" in data:
        return any(data["nodes"] or ())
    repository = data.get("repository")
    return isinstance(repository, dict) and all(repository.values())


def _told(errors: Any, name: str, data: Any) -> SourceError:
    first = next((error for error in errors if isinstance(error, dict)), {})
    said = " ".join(str(first.get("message", "it gave no data")).split())[:200]
    kind = first.get("type") or (first.get("extensions") or {}).get("code")
    if kind == "undefinedField":
        old = OldServer(f"{name} is an older server: {said}")
        old.field = str((first.get("extensions") or {}).get("fieldName") or "")
        return old
    if kind == "NOT_FOUND":
        return Absent(f"{name}: {said}", next_step=f"Check `repository:`. {_NEEDS}")
    if kind in {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return Refused(f"{name}: {said}", next_step=_NEEDS)
    if data is None or "something went wrong" in said.lower() or "timeout" in said.lower():
        return TooMuch(f"{name}: {said}", next_step="What was read so far is kept; run again later.")
    return SourceError(f"{name}: {said}", next_step=_NEEDS)

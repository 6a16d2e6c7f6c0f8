"""Where a forge shows what a repository holds, as far as the repository's address tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from deploybook.sources.repository import Repository

_ADDRESS = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^/@\s]+@)?|[\w.-]+@)(github\.com|gitlab\.com)(?::\d+(?=/))?[:/]/*"
    r"([\w.-]+(?:/[\w.-]+)+)",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True)
class Web:
    """The pages of a repository on GitHub or GitLab; others have theirs elsewhere, so theirs are not guessed.

    Attributes:
        forge: `github.com` or `gitlab.com`.
        path: Owner, groups and name, as `pypa/pip`.
    """

    forge: str
    path: str

    def pull(self, number: int) -> str:
        """The page of a pull or merge request."""
        kind = "pull" if self.forge == "github.com" else "-/merge_requests"
        return f"https://{self.forge}/{self.path}/{kind}/{number}"

    def tag(self, name: str) -> str:
        """The page of a tag, with what was written for its release where there is such a text."""
        kind = "releases/tag" if self.forge == "github.com" else "-/tags"
        return f"https://{self.forge}/{self.path}/{kind}/{quote(name, safe='')}"


def web_of(address: str) -> Web | None:
    """The pages of a repository by its address; `None` for an address that is no public forge's."""
    found = _ADDRESS.fullmatch(address.strip().rstrip("/").removesuffix(".git"))
    return Web(found[1].lower(), found[2]) if found else None


def of(repository: Repository) -> Web | None:
    """The pages of a repository: a mirror's by its URL, a clone's by its remote, `upstream` before `origin`.

    What a fork has was mostly merged where it came from.
    """
    if (own := web_of(repository.where)) is not None:
        return own
    addresses = (repository.remotes.get(name, "") for name in ("upstream", "origin"))
    return next((web for address in addresses if (web := web_of(address))), None)

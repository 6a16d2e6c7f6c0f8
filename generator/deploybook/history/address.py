"""An address of PostgreSQL as we write it, as libpq reads it, and as it may be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

from deploybook.errors import StoreError


@dataclass(frozen=True)
class Address:
    """`postgres://user:password@host:port/database/schema?sslmode=…`, each part of which may be left out.

    What is left out, libpq takes from its own variables and files: `PGHOST`, `PGPASSWORD`, `~/.pgpass`.
    """

    libpq: str = field(repr=False)
    """What the driver is given."""
    shown: str
    """Without the password."""
    schema: str | None
    _secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """Take an address apart.

        Raises:
            StoreError: It is none; it is not repeated, since it may hold a password.
        """
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 — raises where it is no number
        except ValueError as error:
            raise _wrong() from error
        path = parts.path.strip("/").split("/")
        if parts.scheme not in ("postgres", "postgresql") or len(path) > 2 or "@" in parts.path:
            raise _wrong()
        if "password=" in parts.query:
            raise _wrong()
        whole = parts._replace(scheme="postgresql", path=f"/{path[0]}")
        raw = parts.password or ""
        return cls(
            libpq=whole.geturl(),
            shown=_without_password(parts),
            schema=unquote(path[1]) if len(path) == 2 else None,
            _secrets=tuple(filter(None, {raw, unquote(raw)})),
        )

    def hide(self, text: str) -> str:
        """The text with the password, should it be in it, made unreadable."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _without_password(parts: SplitResult) -> str:
    user, at, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=user.partition(":")[0] + at + place).geturl()


def _wrong() -> StoreError:
    return StoreError(
        "this is no address of PostgreSQL",
        where="history:",
        next_step="write postgres://user@host:5432/database, or …/database/schema; in a password write "
        "%40 for @, %2F for / and %3A for :",
    )

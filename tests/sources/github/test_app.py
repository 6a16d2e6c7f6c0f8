"""A GitHub App logs in as GitHub asks: a signed word for a token, which is renewed when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.sources.github.support import Book
from tests.support.github_server import Hub, pull
from tests.support.loopback import Asked, Loopback, Reply

from deploybook.records import Change

APP, INSTALLATION = 1234, 567890


@dataclass
class Issuer:
    """What GitHub does for an App: checks its signature, gives tokens, and takes only the last of them."""

    public: rsa.RSAPublicKey
    hub: Hub
    lasts: timedelta = timedelta(hours=1)
    given: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    """What stood in the `Authorization` of each request that was no login."""

    def answer(self, asked: Asked) -> Reply:
        word, _, proof = asked.headers.get("Authorization", "").partition(" ")
        if asked.path.endswith(f"/app/installations/{INSTALLATION}/access_tokens"):
            try:
                claims = jwt.decode(proof, self.public, algorithms=["RS256"])
            except jwt.InvalidTokenError:
                return Reply({"message": "A JSON web token could not be decoded"}, 401)
            if word != "Bearer" or str(claims["iss"]) != str(APP) or claims["exp"] - claims["iat"] > 660:
                return Reply({"message": "Bad credentials"}, 401)
            self.given.append(f"installation-token-{len(self.given) + 1}")
            until = datetime.now(UTC) + self.lasts
            return Reply({"token": self.given[-1], "expires_at": until.strftime("%Y-%m-%dT%H:%M:%SZ")}, 201)
        if "/access_tokens" in asked.path:
            return Reply({"message": "Not Found"}, 404)
        self.seen.append(proof)
        if not self.given or proof != self.given[-1]:
            return Reply({"message": "Bad credentials"}, 401)
        return self.hub.answer(asked)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture
def issuer(key: rsa.RSAPrivateKey) -> Issuer:
    return Issuer(key.public_key(), Hub(pulls=[pull(n, n * 90) for n in range(1, 4)]))


@pytest.fixture
def book(
    issuer: Issuer, key: rsa.RSAPrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Book]:
    monkeypatch.setenv("GITHUB_APP_KEY", pem(key))
    with Loopback(issuer.answer) as server:
        yield Book(server, tmp_path, options=app())


def app(**more: Any) -> dict[str, Any]:
    return {
        "token": None,
        "app": {"id": APP, "installation": INSTALLATION, "key": "env:GITHUB_APP_KEY", **more},
    }


def test_a_token_is_asked_for_once_and_used_for_everything(book: Book, issuer: Issuer) -> None:
    assert set(book.sync().values()) == {None}
    assert sorted(row["id"] for row in book.rows(Change)) == ["1", "2", "3"]
    assert issuer.given == ["installation-token-1"]
    assert set(issuer.seen) == {"installation-token-1"}


def test_a_token_that_is_over_is_renewed_in_the_middle_of_a_sync(book: Book, issuer: Issuer) -> None:
    issuer.lasts = timedelta(seconds=1)  # less than the margin before its end: each is over at once
    assert set(book.sync().values()) == {None}
    assert len(issuer.given) > 1
    assert len(book.rows(Change)) == 3


def test_enterprise_servers_give_tokens_below_their_own_path(book: Book, issuer: Issuer) -> None:
    book.url = f"{book.server.url}/api/v3"
    assert set(book.sync().values()) == {None}
    logins = [each.path for each in book.server.asked if "access_tokens" in each.path]
    assert logins == [f"/api/v3/app/installations/{INSTALLATION}/access_tokens"]


def test_a_login_that_fails_once_is_tried_again(book: Book, issuer: Issuer) -> None:
    book.server.fault = lambda number, asked: Reply({"message": "Server Error"}, 502) if number == 1 else None
    assert set(book.sync().values()) == {None}
    assert len(book.waits) == 1


@pytest.mark.parametrize("wrong", ["key", "installation", "id", "text"])
def test_what_is_wrong_with_an_app_is_told_without_its_key(
    book: Book, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    other = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    if wrong == "key":
        monkeypatch.setenv("GITHUB_APP_KEY", other)
    if wrong == "text":
        monkeypatch.setenv("GITHUB_APP_KEY", "hush, not a key")
    book.options = app(**{wrong: 99} if wrong in {"installation", "id"} else {})
    for error in book.sync().values():
        said = f"{error} {error.next_step}" if error else ""
        assert "GitHub refuses the App" in said or "is no private key" in said
        assert "`key:`" in said
        assert "PRIVATE KEY-----" not in said
        assert "hush" not in said

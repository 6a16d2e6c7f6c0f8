"""What each system may answer wrongly, alike for all: told with the next step, and never with a secret."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from tests.sources.github.support import NOW
from tests.support.loopback import Loopback, Reply

from deploybook.build.reading import guarded
from deploybook.config import Config
from deploybook.config.sources import SOURCE_OPTIONS
from deploybook.errors import SourceError
from deploybook.feed import Ask, Feed, Rejected
from deploybook.sources import feeds

CANARY = "canary-of-the-test-51de"
FILES = {"records", "cdevents", "junit", "coverage", "upptime", "ics"}
"""Kinds that read files or repositories, not a system by its address."""
MORE: dict[str, dict[str, Any]] = {
    "jenkins": {"user": "book", "jobs": {"shop/main": "shop"}},
    "jira": {"projects": ["SHOP"], "user": "ana@acme.test"},
    "circleci": {"projects": {"gh/acme/shop": "shop"}},
    "prometheus": {"availability": [{"codebase": "shop", "query": "up"}], "alerts": "ALERTS"},
    "pagerduty": {"schedules": {"on-call": "PI7DH85"}},
    "opsgenie": {"schedules": {"on-call": "d875"}, "alerts": "priority: P1"},
    "statuspage": {"page": "kct"},
    "datadog": {"availability": [{"codebase": "shop", "slo": "abc"}]},
}
"""What a kind needs besides an address and a token."""
TOKENS = {"datadog": ("api_key", "app_key")}
"""Where tokens stand, if not under `token`."""
KINDS = sorted(SOURCE_OPTIONS.keys() - FILES)


def asked(kind: str, url: str, root: Path, **more: Any) -> list[Feed]:
    """The feeds of a configuration with this source alone."""
    host = url.partition("//")[2]
    shop: dict[str, Any] = {"repository": f"http://{host}/acme/shop"} if kind in {"github", "gitlab"} else {}
    if shop:
        shop |= {"deployments": {"from": kind}, "incidents": {"from": kind}}
    tokens = dict.fromkeys(TOKENS.get(kind, ("token",)), "env:CANARY_TEST")
    options = {"url": url} | tokens | MORE.get(kind, {}) | more
    config = Config.of(
        {"codebases": {"shop": shop}, "rotations": {"on-call": {}}, "sources": [{kind: options}]}, root=root
    )
    found = [guarded(feed) for feed in feeds(config, root / "build")]
    return [feed for feed in found if feed.name.partition(":")[0] == kind]


def errors(kind: str, server: Loopback, root: Path, max_wait: float = 300) -> list[tuple[str, SourceError]]:
    """What each feed of a kind fails with, by the feed's name."""
    found = []
    for feed in asked(kind, server.url, root):
        try:
            for item in feed.pull(Ask(NOW, max_wait=max_wait, wait=lambda _: None)):
                assert CANARY not in repr(item)
        except SourceError as error:
            found.append((feed.name, error))
        assert CANARY not in feed.said()
    return found


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_TEST", CANARY)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply({"message": f"what is {CANARY}?"}, 401), "does not know the token"),
        (Reply({"message": f"not with {CANARY}"}, 403), "the token may not read this"),
        (Reply({}, 429, {"Retry-After": "4000"}), "asks to wait 67 min"),
        (Reply({}, 500), "6 times: it answered 500"),
        (Reply({"a": [1, 2, 3]}, cut=True), "cut off"),
        (Reply(text="<html>Log in</html>"), "no JSON"),
        (Reply({}, 302, {"Location": "https://login.test/?back=x"}), "leads to https://login.test/"),
    ],
    ids=["401", "403", "429", "500", "cut off", "a page", "elsewhere"],
)  # fmt: skip
def test_every_feed_says_what_went_wrong_and_the_next_step(
    kind: str, reply: Reply, says: str, tmp_path: Path
) -> None:
    with Loopback(lambda _: reply) as server:
        found = errors(kind, server, tmp_path)
    assert found
    for name, error in found:
        assert says in error.what or (kind == "github" and reply.status == 302), (name, error.what)
        assert error.next_step, name
        assert CANARY not in f"{error} {error.what} {error.where} {error.next_step}", name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [[], None, "words", 7, {"data": 7}, [[]], {"items": {}}, {"errors": 1}])
def test_an_answer_that_nobody_foresaw_is_an_error_of_that_source_alone(
    kind: str, content: Any, tmp_path: Path
) -> None:
    with Loopback(lambda _: Reply(content)) as server:
        for _, error in errors(kind, server, tmp_path):
            assert error.next_step


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_is_not_there_and_a_variable_that_is_empty_are_named(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback(lambda _: Reply({})) as server:
        gone = server
    found = errors(kind, gone, tmp_path)
    assert found
    assert all("the connection failed" in error.what for _, error in found)
    monkeypatch.delenv("CANARY_TEST")
    found = errors(kind, gone, tmp_path)
    assert found
    assert all("CANARY_TEST" in f"{error.what} {error.next_step}" for _, error in found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_has_no_address_is_said_to_be_none(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for feed in asked(kind, "http://no-such-host.invalid", tmp_path):
        with pytest.raises(SourceError, match="there is no such host"):
            list(feed.pull(Ask(NOW, wait=lambda _: None)))


def test_what_is_set_aside_repeats_no_secret(tmp_path: Path) -> None:
    strange = {"id": 1, "created_at": CANARY, "status": "resolved"}
    with Loopback(lambda _: Reply({"incidents": [strange]})) as server:
        (feed, _) = asked("pagerduty", server.url, tmp_path)
        said = [item for item in feed.pull(Ask(NOW)) if isinstance(item, Rejected)]
    assert said
    assert CANARY not in repr(said)

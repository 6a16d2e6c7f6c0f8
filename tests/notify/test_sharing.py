"""A history in PostgreSQL that machines share: nothing is sent by two of them, and no verdict is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.notify.support import NOW, Inbox, change, config, deployment
from tests.support import postgres

from deploybook.build.notices import notify
from deploybook.errors import StoreError
from deploybook.feed import GATE, RECORDS, Ask, Feed
from deploybook.gate import save
from deploybook.history import History
from deploybook.records import Verdict


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres.server() as server:
        yield server.url()


def test_while_one_machine_sends_another_leaves_it_to_it_and_finds_nothing_to_do_later(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CHECKOUT", "ANA", "BO"):
        monkeypatch.setenv(f"{name}_CHAT", f"chat://{name.lower()}")
    shared = config(tmp_path, history=url)
    with History.open(shared.history_url, root=tmp_path) as history:
        records = [change(11), deployment(0, [9], ago=9000), deployment(1, [11])]
        history.sync(Feed("records", RECORDS, lambda _ask: iter(records)), Ask(as_of=NOW))
    refused: list[str] = []
    other = Inbox()

    class Slow(Inbox):
        """While it sends, another machine begins."""

        def __call__(self, address: str, title: str, body: str) -> bool:
            with pytest.raises(StoreError) as caught:
                notify(shared, NOW, send=other, sleep=lambda _seconds: None)
            refused.append(caught.value.what)
            return super().__call__(address, title, body)

    first = Slow()
    notify(shared, NOW, send=first, sleep=lambda _seconds: None)
    assert len(first.got) == 2
    assert refused == ["another program is sending notices just now"] * 2
    notify(shared, NOW, send=other, sleep=lambda _seconds: None)
    assert other.got == []


def test_a_verdict_waits_until_another_gate_has_saved_its_own(tmp_path: Path, url: str) -> None:
    verdict = Verdict(
        environment="production", revision="a" * 40, verdict="fail", judged_at=NOW, codebase="shop"
    )
    with (
        History.open(url, root=tmp_path) as mine,
        History.open(url, root=tmp_path) as another,
        ExitStack() as held,
    ):
        assert held.enter_context(another.claim(GATE))
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                held.close()

        save(mine, verdict, sleep)
        assert len(waits) == 3
        assert mine.read("verdicts").column("revision").to_pylist() == ["a" * 40]


def test_a_verdict_that_cannot_be_saved_is_an_error_not_silence(tmp_path: Path, url: str) -> None:
    verdict = Verdict(
        environment="production", revision="b" * 40, verdict="fail", judged_at=NOW, codebase="shop"
    )
    with History.open(url, root=tmp_path) as mine, History.open(url, root=tmp_path) as another:
        with another.claim(GATE), pytest.raises(StoreError):
            save(mine, verdict, lambda _seconds: None)
        assert "b" * 40 not in mine.read("verdicts").column("revision").to_pylist()

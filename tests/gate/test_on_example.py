"""Locks, the gate and notices on the example organisation, the Monday after its story ends."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploybook.build.book import open_book
from deploybook.build.compose import sync
from deploybook.build.notices import notify
from deploybook.build.progress import Progress
from deploybook.build.promotion import Promotion, ask_gate
from deploybook.config import load
from deploybook.example import make_example
from deploybook.history import History
from deploybook.locks import Clock, Desk, Sightings
from deploybook.pages.catalogue import shares
from deploybook.pages.page import Page
from deploybook.records import Deployment, PipelineRun, Record, dump
from deploybook.render import environment, page_markdown
from deploybook.words import spelled

MONDAY = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
"""11:30 in Berlin: inside the window."""


class Story:
    """The example organisation, a clock, and everyone's chat."""

    def __init__(self, folder: Path) -> None:
        self.config = load(make_example(folder / "acme"))
        self.now = MONDAY
        self.chat: list[tuple[str, str, str]] = []
        self.desk = Desk(self.config, Clock(lambda: self.now, lambda _s: None), Sightings(folder / "seen"))
        repository = self.config.codebases["accounts"].repository
        assert repository is not None
        listed = subprocess.run(
            ["git", "-C", str(self.config.root / repository), "rev-parse", "main"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        self.tip = listed.stdout.strip()

    def say(self, *records: Record) -> None:
        with (self.config.root / "history" / "monday.jsonl").open("ab") as file:
            file.writelines(dump(record) + b"\n" for record in records)
        with Progress(quiet=True, verbose=False) as progress:
            sync(self.config, self.now, progress=progress)

    def run(self, id_: str, pipeline: str, outcome: str, ago: int) -> PipelineRun:
        return PipelineRun(codebase="accounts", id=id_, pipeline=pipeline, outcome=outcome, revision=self.tip,
                           branch="main", finished_at=self.now - timedelta(minutes=ago))  # fmt: skip

    def gate(self) -> tuple[str, dict[str, tuple[str, str]]]:
        asked = Promotion("production", self.tip, self.now, {"USER": "ana"}, codebase="accounts", save=True)
        judged, _ = ask_gate(self.desk, asked)
        return judged.verdict, {each.check: (each.answer, each.says) for each in judged.reasons}

    def hear(self) -> list[tuple[str, str]]:
        self.chat.clear()
        notify(self.config, self.now, send=self, sleep=lambda _seconds: None)
        return sorted((address, title) for address, title, _ in self.chat)

    def __call__(self, address: str, title: str, body: str) -> bool:
        self.chat.append((address, title, body))
        return True

    def pages(self) -> dict[str, str]:
        jinja = environment()
        with (
            Progress(quiet=True, verbose=False) as progress,
            History.open(self.config.history_url, root=self.config.root) as history,
        ):
            return {
                part.path: page_markdown(jinja, part)
                for share in shares(open_book(self.config, history, self.now, progress))
                for part in share()
                if isinstance(part, Page) and part.path in ("", "shipped/2026-W48", "deployments", "metrics")
            }


def stopped(metrics: str) -> int:
    """How many promotions the change fail rate says were stopped beside it."""
    (word,) = re.findall(r">([\w-]+) stopped before users<", metrics)
    return next(number for number in range(1000) if spelled(number) == word)


def fail_rate(metrics: str) -> str:
    """What the page says of the change fail rate: how many failed, of how many."""
    (says,) = re.findall(r'#failed">([^<]+)</a>; <a href="[^"]*#stopped-before-users', metrics)
    return str(says)


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CHECKOUT", "ACCOUNTS", "DISCOVERY", "ANA", "BO", "ELI", "FEMI", "NOOR"):
            patch.setenv(f"{name}_CHAT", name.lower())
        yield Story(tmp_path_factory.mktemp("story"))


def test_a_red_smoke_test_stops_the_promotion_is_heard_once_and_shown_and_its_mend_opens_the_gate(
    acme: Story,
) -> None:
    acme.say()
    acme.hear()  # what happened until now
    before = acme.pages()["metrics"]
    staged = Deployment(codebase="accounts", id="900", environment="staging", revision=acme.tip,
                        finished_at=MONDAY - timedelta(hours=2), outcome="success")  # fmt: skip
    acme.say(staged, acme.run("m1", "ci", "success", 130), acme.run("m2", "smoke", "failure", 100))

    verdict, said = acme.gate()
    assert verdict == "fail"
    assert {check for check, (answer, _) in said.items() if answer == "fail"} == {"smoke"}
    assert said["smoke"] == ("fail", "smoke failed on this revision")

    assert acme.hear() == [(who, "A promotion was stopped") for who in ("accounts", "eli")]
    (words,) = {body.split("\n")[0] for _, _, body in acme.chat}
    says = f"accounts {acme.tip[:10]} was stopped on its way to production: smoke failed on this revision."
    assert words.startswith(f"{says} Not live yet: ")
    assert acme.hear() == []

    shown = acme.pages()
    for path in ("", "shipped/2026-W48", "deployments"):
        assert "accounts to production" in shown[path], path
        assert f"stopped at {acme.tip[:10]}. Smoke failed on this revision." in shown[path], path
    assert stopped(shown["metrics"]) == stopped(before) + 1
    assert fail_rate(shown["metrics"]) == fail_rate(before)

    acme.now += timedelta(minutes=45)
    acme.say(acme.run("m3", "smoke", "success", 5))
    verdict, said = acme.gate()
    assert {check: says for check, (answer, says) in said.items() if answer != "pass"} == {}
    assert verdict == "pass"

"""Locks, the gate and notices on one small organisation: a red smoke test, who hears of it, and its mend."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.gitrepo import GitRepo

from deploybook.build.book import open_book
from deploybook.build.compose import sync
from deploybook.build.notices import notify
from deploybook.build.progress import Progress
from deploybook.build.promotion import Promotion, ask_gate
from deploybook.config import Config
from deploybook.history import History
from deploybook.locks import Clock, Desk, Request, Sightings
from deploybook.pages.home import home_page
from deploybook.pages.telling import Teller
from deploybook.records import Change, Deployment, PipelineRun, Record, dump


class Organisation:
    """A repository, records in a file, a site, a clock, and a chat."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = GitRepo(folder / "shop")
        self.now: datetime = self.repo.at(8)
        self.chat: list[str] = []
        content: dict[str, Any] = {
            "codebases": {
                "shop": {"repository": "shop", "release_branch": "main", "team": "checkout",
                         "required": ["ci"], "deployments": {"from": "records"}},
            },
            "teams": {"checkout": {"notify": ["env:CHECKOUT_CHAT"]}},
            "people": {"ana": {"name": "Ana", "notify": ["env:ANA_CHAT"]},
                       "bo": {"name": "Bo", "notify": ["env:BO_CHAT"]}},
            "process": {"environments": ["staging", "production"]},
            "sources": [{"records": "history.jsonl"}],
        }  # fmt: skip
        self.config = Config.of(content, root=folder)
        self.desk = Desk(self.config, Clock(lambda: self.now, lambda _s: None), Sightings(folder / "seen"))

    def say(self, *records: Record) -> None:
        with (self.folder / "history.jsonl").open("ab") as file:
            file.writelines(dump(record) + b"\n" for record in records)
        with Progress(quiet=True, verbose=False) as progress:
            sync(self.config, self.now, progress=progress)

    def gate(self, revision: str) -> dict[str, str]:
        asked = Promotion("production", revision, self.now, {"USER": "ana"}, save=True)
        judgement, _ = ask_gate(self.desk, asked)
        return {"verdict": judgement.verdict} | {each.check: each.says for each in judgement.reasons}

    def hear(self) -> list[str]:
        self.chat.clear()
        notify(self.config, self.now, send=self, sleep=lambda _seconds: None)
        return sorted(self.chat)

    def __call__(self, address: str, title: str, body: str) -> bool:
        self.chat.append(f"{address}: {title}")
        return True

    def home(self) -> list[str]:
        with (
            Progress(quiet=True, verbose=False) as progress,
            History.open(self.config.history_url, root=self.folder, read_only=True) as history,
        ):
            book = open_book(self.config, history, self.now, progress)
            parts = home_page(book, Teller(book)).parts
        return [str(line) for part in parts for line in part.lines]


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Organisation:
    for name in ("CHECKOUT", "ANA", "BO"):
        monkeypatch.setenv(f"{name}_CHAT", name.lower())
    return Organisation(tmp_path)


def test_a_red_smoke_test_stops_the_promotion_is_told_once_is_shown_and_its_mend_opens_the_gate(
    acme: Organisation,
) -> None:
    old = acme.repo.commit("Begin")
    new = acme.repo.commit("Pay by card (#11)", author="Ana")
    at = acme.repo.at

    def run(id_: str, pipeline: str, outcome: str, hours: int) -> PipelineRun:
        return PipelineRun(codebase="shop", id=id_, pipeline=pipeline, outcome=outcome, revision=new,
                           branch="main", finished_at=at(hours))  # fmt: skip

    def deployed(id_: str, environment: str, revision: str, hours: int) -> Deployment:
        return Deployment(codebase="shop", id=id_, environment=environment, revision=revision,
                          finished_at=at(hours), outcome="success")  # fmt: skip

    acme.say(
        Change(codebase="shop", id="11", title="Pay by card", author="Ana", merged_at=at(1),
               merge_revision=new, approvals=1, approved_at=at(1)),
        deployed("1", "production", old, 2), deployed("2", "staging", new, 4),
        run("7", "ci", "success", 3), run("8", "smoke", "failure", 6),
    )  # fmt: skip
    said = acme.gate(new)
    assert said["verdict"] == "fail"
    assert said["smoke"] == "smoke failed on this revision"
    acme.say()
    assert acme.hear() == [
        "ana: A promotion was stopped",
        "checkout: A promotion was stopped",
        "checkout: Live",
    ]
    assert acme.hear() == []
    assert any("Smoke failed on this revision" in line for line in acme.home())

    acme.now += timedelta(hours=1)
    acme.say(run("9", "smoke", "success", 8))
    assert acme.gate(new)["verdict"] == "pass"
    held = acme.desk.lock(Request("production", ("shop",), {"USER": "bo"}, expires="4h"))
    assert held.yes
    blocked = acme.gate(new)
    assert blocked["verdict"] == "fail"
    assert "locked by bo" in blocked["unlocked"]

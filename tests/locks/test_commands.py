from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.gitrepo import GitRepo
from tests.support.gitserver import bare_repository

from deploybook.config import Config
from deploybook.errors import SourceError, UsageError
from deploybook.locks import Clock, Desk, Request, Sightings, holder_of, run_of

NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
PROCESS = {
    "environments": ["staging", {"production": ["prod-eu", "prod-us"]}],
    "freezes": [{"from": "2026-12-21", "to": "2027-01-03", "because": "year's end"}],
}


def desk(folder: Path, now: datetime = NOON, **more: Any) -> Desk:
    for name in ("web", "api"):
        if not (folder / f"{name}.git").exists():
            bare_repository(folder / f"{name}.git")
    content = {
        "site": {"timezone": "Europe/Berlin"},
        "codebases": {"web": {"repository": "web.git"}, "api": {"repository": "api.git"}},
        "process": PROCESS,
    }
    config = Config.of(content | more, root=folder)
    return Desk(config, Clock(lambda: now, lambda _seconds: None), Sightings(folder / "seen"))


def by(name: str, environment: str = "production", *codebases: str, **more: Any) -> Request:
    variables = {"GITHUB_REPOSITORY": "acme/deploys", "GITHUB_RUN_ID": name, "GITHUB_ACTOR": name}
    return Request(environment, codebases, variables, **{"expires": "4h"} | more)


def test_a_group_of_environments_is_locked_in_each_of_them(tmp_path: Path) -> None:
    reply = desk(tmp_path).lock(by("ana", "production", "web", reason="release 12"))
    assert reply.yes
    assert reply.lines[:2] == [
        "locked prod-eu, web until 2026-11-19 17:00 CET",
        "locked prod-us, web until 2026-11-19 17:00 CET",
    ]
    assert reply.lines[2] == f"claim {reply.facts['claim']}"
    other = desk(tmp_path).lock(by("bo", "prod-us", "web"))
    assert not other.yes
    assert other.lines == [
        "prod-us, web is locked by ana in run github:acme/deploys/ana since 2026-11-19 13:00 CET "
        "until 2026-11-19 17:00 CET: release 12; if it is still the same at 2026-11-19 17:00 CET, "
        "this machine may take it over"
    ]
    assert "claim" not in other.facts["in_the_way"][0]


def test_of_all_codebases_in_several_repositories_all_or_none_are_locked(tmp_path: Path) -> None:
    assert desk(tmp_path).lock(by("ana", "staging", "web")).yes
    assert not desk(tmp_path).lock(by("bo", "staging")).yes
    assert desk(tmp_path).locks(Request("", ("api",), {})).lines == ["nothing is locked"]
    assert desk(tmp_path).unlock(by("ana", "staging")).lines == ["released staging, web"]
    assert desk(tmp_path).lock(by("bo", "staging")).yes
    assert len(desk(tmp_path).locks(Request("", (), {})).facts["locks"]) == 2
    assert desk(tmp_path).check(by("bo", "staging", "api")).yes
    assert not desk(tmp_path).check(by("ana", "staging", "api")).yes


def test_where_one_repository_cannot_be_reached_nothing_stays_locked_in_the_others(tmp_path: Path) -> None:
    work = desk(tmp_path)
    hook = tmp_path / "web.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(SourceError):
        work.lock(by("ana", "staging"))
    assert work.locks(Request("", (), {})).lines == ["nothing is locked"]


def test_what_a_run_held_before_it_keeps_where_it_gets_no_more(tmp_path: Path) -> None:
    assert desk(tmp_path).lock(by("ana", "staging", "api")).yes
    assert desk(tmp_path).lock(by("bo", "staging", "web")).yes
    assert not desk(tmp_path).lock(by("ana", "staging", "api", "web")).yes
    assert desk(tmp_path).check(by("ana", "staging", "api")).yes


def test_a_freeze_locks_where_users_are_and_nothing_else(tmp_path: Path) -> None:
    frozen = desk(tmp_path, NOON + timedelta(days=40))
    reply = frozen.lock(by("ana"))
    assert (reply.yes, reply.lines) == (
        False,
        ["production is frozen until 2027-01-04 00:00 CET: year's end"],
    )
    assert frozen.locks(Request("", (), {})).facts["freeze"]["because"] == "year's end"
    assert frozen.lock(by("ana", "staging")).yes
    forced = frozen.lock(by("ana", because="users cannot pay"))
    assert forced.yes
    assert forced.facts["locks"][0]["forced"] == {"by": "ana", "because": "users cannot pay"}
    assert frozen.check(by("ana")).yes


def test_force_without_a_reason_is_a_mistake_and_with_one_is_on_record(tmp_path: Path) -> None:
    desk(tmp_path).lock(by("ana", "staging", "web"))
    with pytest.raises(UsageError):
        desk(tmp_path).unlock(by("bo", "staging", because="  "))
    reply = desk(tmp_path).unlock(by("bo", "staging", because="ana is on a train"))
    assert reply.facts["locks"][0]["forced"] == {"by": "bo", "because": "ana is on a train"}


def test_a_clone_locks_where_it_was_cloned_from(tmp_path: Path) -> None:
    work = desk(tmp_path)
    clone = GitRepo(tmp_path / "clone")
    clone.git("remote", "add", "origin", "../web.git")
    cloned = desk(tmp_path, codebases={"web": {"repository": "clone"}})
    assert cloned.lock(by("ana", "staging")).yes
    assert [lock["holder"] for lock in work.locks(Request("", ("web",), {})).facts["locks"]] == ["ana"]


@pytest.mark.parametrize(
    ("request_", "step"),
    [
        (by("ana", "stagin"), "did you mean staging?"),
        (by("ana", "staging", "wep"), "did you mean web?"),
        (by("ana", "staging", expires="soon"), "write it like 30m, 4h or 2d, at least 1m"),
        (by("ana", "staging", expires="5s"), "write it like 30m, 4h or 2d, at least 1m"),
    ],
)
def test_a_mistake_is_told_with_the_next_step(tmp_path: Path, request_: Request, step: str) -> None:
    with pytest.raises(UsageError) as caught:
        desk(tmp_path).lock(request_)
    assert caught.value.next_step == step


def test_text_of_others_moves_no_cursor(tmp_path: Path) -> None:
    desk(tmp_path).lock(by("ana", "staging", "web", reason="a\x1b[2Jb\nc\u202ed"))
    (line,) = desk(tmp_path).lock(by("bo", "staging", "web")).lines
    assert "a [2Jb c d" in line


@pytest.mark.parametrize(
    ("variables", "run", "holder"),
    [
        ({"GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7", "GITHUB_ACTOR": "ana"}, "github:a/b/7", "ana"),
        ({"CI_PROJECT_PATH": "a/b", "CI_PIPELINE_ID": "7", "GITLAB_USER_LOGIN": "bo"}, "gitlab:a/b/7", "bo"),
        ({"JENKINS_URL": "https://ci/", "BUILD_TAG": "jenkins-a-7"}, "jenkins:https://ci//jenkins-a-7", None),
        ({"USER": "ana"}, None, "ana"),
        ({"GITHUB_RUN_ID": "7"}, None, None),
    ],
)
def test_the_run_and_the_person_are_known_by_what_ci_sets(
    variables: Mapping[str, str], run: str | None, holder: str | None
) -> None:
    assert (run_of(variables), holder_of(variables)) == (run, holder)

"""The pages of the guide that pipelines are copied from, by running what they say as the CI system does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.gate.test_action import step
from tests.support.gitserver import bare_repository

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
SITE = """
codebases:
  shop-web: {{repository: shop-web.git, deployments: {{from: records}}}}
process: {{environments: [staging, production]}}
gate: {{release_branch: false, required: false, earlier: false, staging_for: false, smoke_younger_than: false,
       whole: false, reviewed: {reviewed}}}
"""
"""Where reviews are asked for, a revision that git does not have is no proof; else all is well."""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    bare_repository(tmp_path / "shop-web.git")
    deploy = tmp_path / "deploy"
    deploy.write_text('#!/bin/sh\necho "$1" >> deployed\n')
    deploy.chmod(0o755)
    return tmp_path


def block(page: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (GUIDE / page).read_text(), re.DOTALL)
    assert found is not None, page
    return found[1]


def site(work: Path, *, passes: bool) -> None:
    (work / "deploybook.yml").write_text(SITE.format(reviewed=str(not passes).lower()))


def deployed(work: Path) -> list[str]:
    return (work / "deployed").read_text().split() if (work / "deployed").exists() else []


def standing(work: Path) -> str:
    return bash(work, "deploybook locks", {}).stdout.strip()


def bash(work: Path, script: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_"))}
    known |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "XDG_STATE_HOME": str(work / "s"),
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=work, env=known | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip


def on_github(work: Path) -> tuple[bool, list[str]]:
    """Run the page's job: whether it went well, and which steps ran."""
    (job,) = yaml.safe_load(block("gate-github.md", "yaml"))["jobs"].values()
    good, ran = True, []
    for each in job["steps"]:
        if not good and each.get("if") != "always()":
            continue
        name = each.get("uses", "run").partition("@")[0]
        given = {key: str(value).replace("${{ github.sha }}", "c" * 40)
                 for key, value in each.get("with", {}).items()}  # fmt: skip
        ran.append(given.get("do", name))
        if name == "acme/deploybook":
            good = step(work, "7", **given).returncode == 0 and good
        elif name == "run":
            good = bash(work, each["run"], {}).returncode == 0 and good
    return good, ran


def test_the_github_page_deploys_where_the_gate_opens(work: Path) -> None:
    site(work, passes=True)
    good, ran = on_github(work)
    assert good
    assert ran == [
        "actions/checkout", "actions/cache/restore", "lock", "gate", "check", "run", "unlock",
        "actions/cache/save",
    ]  # fmt: skip
    assert (deployed(work), standing(work)) == (["production"], "nothing is locked")


def test_the_github_page_stops_gives_its_lock_back_and_keeps_the_verdict_where_it_does_not(
    work: Path,
) -> None:
    site(work, passes=False)
    good, ran = on_github(work)
    assert not good
    assert ran[-3:] == ["gate", "unlock", "actions/cache/save"]
    assert (deployed(work), standing(work)) == ([], "nothing is locked")


@pytest.mark.parametrize("passes", [True, False])
def test_the_gitlab_page_deploys_only_where_the_gate_opens_and_gives_its_lock_back(
    work: Path, passes: bool
) -> None:
    site(work, passes=passes)
    job: dict[str, Any] = yaml.safe_load(block("gate-gitlab.md", "yaml"))["promote"]
    variables = {
        "CI_PROJECT_PATH": "acme/deploys", "CI_PIPELINE_ID": "7", "CI_COMMIT_TITLE": "Pay; rm -rf /",
        "CI_COMMIT_SHA": "c" * 40, "CI_PROJECT_DIR": str(work),
    }  # fmt: skip
    variables["XDG_STATE_HOME"] = job["variables"]["XDG_STATE_HOME"].replace("$CI_PROJECT_DIR", str(work))
    before = [line for line in job["before_script"] if not line.startswith("pip ")]
    done = bash(work, "\n".join([*before, *job["script"]]), variables)
    assert (done.returncode == 0) is passes, done.stderr
    assert bash(work, "\n".join(job["after_script"]), variables).returncode == 0
    assert (deployed(work), standing(work)) == (["production"] if passes else [], "nothing is locked")
    assert all(cache["when"] == "always" for cache in job["cache"])


@pytest.mark.parametrize("passes", [True, False])
def test_the_jenkins_page_deploys_only_where_the_gate_opens_and_gives_its_lock_back(
    work: Path, passes: bool
) -> None:
    site(work, passes=passes)
    (script,) = re.findall(r"sh '''(.*?)'''", block("gate-jenkins.md", "groovy"), re.DOTALL)
    (after,) = re.findall(r"sh '([^'].*?)'", block("gate-jenkins.md", "groovy"))
    variables = {"JENKINS_URL": "https://ci.acme.test/", "BUILD_TAG": "jenkins-7", "GIT_COMMIT": "c" * 40}
    done = bash(work, script, variables)
    assert (done.returncode == 0) is passes, done.stderr
    assert bash(work, after, variables).returncode == 0
    assert (deployed(work), standing(work)) == (["production"] if passes else [], "nothing is locked")


def test_the_action_hands_on_what_a_runner_saw_also_where_it_was_refused() -> None:
    action = yaml.safe_load((GUIDE.parents[1] / "action.yml").read_text())
    take, keep = (each for each in action["runs"]["steps"] if "uses" in each)
    assert "always()" in keep["if"]
    assert take["with"]["path"] == keep["with"]["path"] == "~/.local/state/deploybook"
    assert keep["with"]["key"].startswith(take["with"]["restore-keys"])

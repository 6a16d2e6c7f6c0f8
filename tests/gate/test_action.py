"""The GitHub action, by running its steps as GitHub does: `bash` with `-eo pipefail`, inputs as variables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from tests.support.gitserver import bare_repository

ACTION = Path(__file__).parents[2] / "action.yml"
SITE = """
codebases:
  shop: {repository: shop.git, deployments: {from: records}}
process: {environments: [staging, production]}
"""


def step(folder: Path, run: str, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action once, in one CI run, with these inputs."""
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text())
    known = {name: each.get("default", "") for name, each in action["inputs"].items()} | inputs
    given = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_"))}
    given |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GITHUB_ACTION_PATH": str(ACTION.parent),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_RUN_ID": run,
        "GITHUB_ACTOR": "ana",
        "XDG_STATE_HOME": str(folder / "state"),
    }
    for each in action["runs"]["steps"]:
        if "uses" in each:  # the cache of GitHub's own runners
            continue
        variables = {}
        for name, value in each.get("env", {}).items():
            variables[name] = known[value.removeprefix("${{ inputs.").removesuffix(" }}")]
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", each["run"]],
            cwd=folder, env=given | variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            return done
    return done


def test_the_action_locks_asks_the_gate_and_unlocks_in_one_run_and_another_run_waits(tmp_path: Path) -> None:
    bare_repository(tmp_path / "shop.git")
    (tmp_path / "deploybook.yml").write_text(SITE)
    locked = step(tmp_path, "7", do="lock", environment="production", reason="release 12; rm -rf /")
    assert locked.returncode == 0, locked.stderr
    other = step(tmp_path, "8", do="lock", environment="production")
    assert other.returncode == 1
    assert "locked by ana in run github:acme/shop/7" in other.stderr
    assert "release 12; rm -rf /" in other.stderr
    assert step(tmp_path, "7", do="check", environment="production").returncode == 0
    gate = step(tmp_path, "7", do="gate", environment="production", revision="a" * 40)
    assert gate.returncode == 1
    summary = (tmp_path / "summary").read_text()
    assert "pass      unlocked: no lock is in the way" in summary
    assert "no proof  smoke: no smoke test of this revision is known" in summary
    assert summary.startswith("```\nshop aaaaaaaaaa to production\npass ")
    assert summary.endswith("verdict: no proof\n```\n")
    assert step(tmp_path, "7", do="unlock", environment="production").returncode == 0
    assert step(tmp_path, "8", do="lock", environment="production").returncode == 0

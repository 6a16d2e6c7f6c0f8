"""`deploybook notify` as a person runs it: what it prints, and what it never does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.notify.support import NOW, change, deployment, fill

SITE = """
site: {url: https://deploys.acme.test/}
codebases: {shop: {team: checkout, deployments: {from: records}}}
teams: {checkout: {notify: [env:CHECKOUT_CHAT]}}
people: {ana: {github: ana-acme, notify: [env:ANA_CHAT]}}
process: {environments: [staging, production]}
"""
ADDRESS = "json://ana:s3cr3t-w0rd@127.0.0.1:9/t0k3n"
"""Where nobody listens."""


def deploybook(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "deploybook"
    variables = {**os.environ, "CHECKOUT_CHAT": ADDRESS, "ANA_CHAT": "no address at all"}
    return subprocess.run(
        [program, *arguments, "--as-of", NOW.isoformat()],
        cwd=folder, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_who_would_get_what_is_printed_with_the_reason_and_what_none_takes_without_its_address(
    tmp_path: Path,
) -> None:
    (tmp_path / "deploybook.yml").write_text(SITE)
    fill(tmp_path, [change(11), deployment(0, [9], ago=9000), deployment(1, [11])])

    dry = deploybook(tmp_path, "notify", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "team:checkout by env:CHECKOUT_CHAT, because: it owns shop" in dry.stdout
    assert "person:ana by env:ANA_CHAT, because: wrote #11" in dry.stdout
    assert dry.stdout.endswith("2 messages would be sent, 0 lines wait\n")

    sent = deploybook(tmp_path, "notify")
    assert sent.returncode == 3
    assert sorted(sent.stderr.splitlines()) == [
        "person:ana: env:ANA_CHAT took no message after 3 tries",
        "team:checkout: env:CHECKOUT_CHAT took no message after 3 tries",
    ]
    assert sent.stdout == "0 messages were accepted, 2 lines wait\n"

    said = dry.stdout + dry.stderr + sent.stdout + sent.stderr
    kept = b"".join(path.read_bytes() for path in (tmp_path / "build").rglob("*") if path.is_file())
    for secret in ("s3cr3t-w0rd", "t0k3n", "no address at all"):
        assert secret not in said
        assert secret.encode() not in kept

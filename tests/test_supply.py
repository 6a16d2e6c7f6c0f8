"""What is locked is pinned by its hashes, and the bill of materials says what an installation holds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_locked_package_has_hashes_and_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    packages = re.split(r"\n(?=\S)", text.strip())
    assert len(packages) > 80
    assert [each for each in packages if not re.match(r"[\w.-]+==\S+", each)] == []
    assert [each.split("==")[0] for each in packages if "--hash=sha256:" not in each] == []
    assert "://" not in text


def test_the_bill_of_materials_names_what_an_installation_holds(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts/sbom.py")]
    for name in ("one.json", "other.json"):
        subprocess.run([*command, str(tmp_path / name)], check=True, capture_output=True)
    one = (tmp_path / "one.json").read_bytes()
    assert one == (tmp_path / "other.json").read_bytes()
    bill = json.loads(one)
    found = {each["name"]: each["version"] for each in bill["components"]}
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {"mkdocs", "duckdb", "certifi", "numpy"} <= found.keys()
    assert not {"pytest", "mypy", "hypothesis", "zensical"} & found.keys()
    locked = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    assert set(found.items()) <= set(locked)


def test_an_audit_without_its_data_says_so_and_stops_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text(f"jinja2==3.1.2 --hash=sha256:{'0' * 64}\n")
    nowhere = {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/audit.py"), str(lock)],
        env=nowhere, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "SKIPPED" in done.stdout) == (0, True)

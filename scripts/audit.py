"""Hold what is locked against the advisories known to PyPI, where they can be reached.

    scripts/audit.py [LOCK]

Ends with 1 where a locked package has a known hole. Where the advisories are not at hand (no internet, a
mirror that has none) it says that it was skipped, and ends with 0: what cannot be known stops nobody's tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

SECONDS = 120
NOT_HERE = "pip-audit: SKIPPED, its data is not at hand here"


def audited(lock: str) -> list[dict[str, Any]] | str:
    """What pip-audit says of each package; in words, why it says nothing."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--disable-pip", "--format", "json",
               "--progress-spinner", "off", "--timeout", "5"]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} seconds"
    except (ValueError, KeyError):
        return (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:200]
    return found


def main(lock: str) -> int:
    """Print what was found; the exit code."""
    found = audited(lock)
    if isinstance(found, str):
        print(f"{NOT_HERE}: {found}")
        return 0
    unknown = [each["name"] for each in found if "skip_reason" in each]
    if len(unknown) == len(found):
        print(f"{NOT_HERE}: none of {len(found)} packages is known there")
        return 0
    holes = [(each, hole) for each in found for hole in each.get("vulns", ())]
    for each, hole in holes:
        mended = ", ".join(hole["fix_versions"]) or "no version"
        print(f"{each['name']} {each['version']}: {hole['id']}, mended in {mended}")
    not_known = f"; not known there: {', '.join(unknown)}" if unknown else ""
    print(f"pip-audit: {len(found) - len(unknown)} packages, {len(holes)} known holes{not_known}")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or ["requirements.lock"])))

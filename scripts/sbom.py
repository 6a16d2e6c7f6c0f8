"""Write a release's bill of materials, CycloneDX 1.6: scripts/sbom.py [FILE].

It names what an installation holds, in the versions of this environment (those of `requirements.lock`), and
nothing of what only tests need. The same lock gives the same bytes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def needed(name: str, extras: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """What a distribution needs on this platform, with the extras that it asks for."""
    for text in requires(name) or ():
        need = Requirement(text)
        wanted = ({"extra": extra} for extra in ("", *extras))
        if need.marker is None or any(need.marker.evaluate(each) for each in wanted):
            yield canonicalize_name(need.name), frozenset(need.extras)


def installed(name: str) -> dict[str, str]:
    """Name and version of all that a distribution comes with."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(name, frozenset[str]())]
    while waiting:
        for need in needed(*waiting.pop()):
            if need in seen:
                continue
            seen.add(need)
            try:
                found[need[0]] = version(need[0])
            except PackageNotFoundError:
                continue  # for another Python
            waiting.append(need)
    return found


def main(out: str = "dist/deploybook.cdx.json") -> None:
    """Write the file."""
    target = Path(out).absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder, "requirements.txt")
        pins = sorted(installed("deploybook").items())
        pinned.write_text("".join(f"{name}=={number}\n" for name, number in pins))
        command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements",
                   "--output-reproducible", "--spec-version", "1.6",
                   "--pyproject", str(ROOT / "pyproject.toml"),
                   "--output-file", str(target), str(pinned)]  # fmt: skip
        subprocess.run(command, check=True)
    print(f"{target}: {len(pins)} packages")


if __name__ == "__main__":
    main(*sys.argv[1:])

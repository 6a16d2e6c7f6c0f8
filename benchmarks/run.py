"""All benchmarks with their defaults, one after the other: what `make bench` runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
RUNS: list[list[str]] = [
    ["history_read.py", str(HERE.parent)],
    ["build_floor.py"],
    ["metrics.py", "--scale", "0.01"],
]
"""Scripts with their arguments; each explains itself at its top and takes other inputs."""


def main() -> int:
    """Run each; the exit code is that of the worst."""
    worst = 0
    for script, *arguments in RUNS:
        print(f"\n# {script} {' '.join(arguments)}", flush=True)
        module = f"benchmarks.{script.removesuffix('.py')}"
        done = subprocess.run([sys.executable, "-m", module, *arguments], check=False, cwd=HERE.parent)
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())

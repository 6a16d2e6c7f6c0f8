"""Everything but MkDocs, as a ratio to `mkdocs build` of the same pages; and peak memory.

    python benchmarks/build_floor.py                          the example organisation, made on the spot
    python benchmarks/build_floor.py DIR/deploybook.yml       a site repository
    python benchmarks/build_floor.py CHECKOUT                 a git checkout without configuration

The first build starts from an empty store, the second finds nothing new; each in a process of its own.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

GOAL = 0.5


def measure(config_path: str, as_of: str | None) -> dict[str, float]:
    """One build in this process: seconds of ours and of MkDocs', and this process' peak memory in MB."""
    from deploybook.build import compose, site
    from deploybook.build.progress import Progress
    from deploybook.config import detect, load

    mkdocs = 0.0
    run = site.run_mkdocs

    def timed(config: Path, log: Path) -> None:
        nonlocal mkdocs
        before = time.perf_counter()
        run(config, log)
        mkdocs += time.perf_counter() - before

    site.run_mkdocs = timed
    started = time.perf_counter()
    path = Path(config_path)
    config = load(path) if path.is_file() else detect(path)
    instant = datetime.fromisoformat(as_of) if as_of else datetime.now(UTC)
    compose.build(config, instant, progress=Progress(quiet=True, verbose=False))
    whole = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"ours": whole - mkdocs, "mkdocs": mkdocs, "peak": peak}


def report(name: str, found: dict[str, float]) -> None:
    """Print one line."""
    ratio = f"{found['ours'] / found['mkdocs']:.2f} (goal {GOAL})" if found["mkdocs"] else "MkDocs not needed"
    print(
        f"{name:28} ours {found['ours']:6.1f} s   mkdocs {found['mkdocs']:6.1f} s   "
        f"ratio {ratio}   peak {found['peak']:.0f} MB",
        flush=True,
    )


def in_own_process(config: str, as_of: str | None) -> dict[str, float]:
    """The same, started anew, so that memory and imports are its own."""
    command = [sys.executable, __file__, "--measure", config, as_of or ""]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure what the command line names."""
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], sys.argv[3] or None)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        as_of = None
        if sys.argv[1:]:
            config = sys.argv[1]
            root = Path(config).parent if Path(config).is_file() else Path(config)
        else:
            from deploybook.example import EXAMPLE_AS_OF, make_example

            root = Path(scratch) / "example"
            config, as_of = str(make_example(root)), EXAMPLE_AS_OF.isoformat()
        shutil.rmtree(root / "build", ignore_errors=True)
        report("first build", in_own_process(config, as_of))
        report("again, nothing new", in_own_process(config, as_of))


if __name__ == "__main__":
    main()

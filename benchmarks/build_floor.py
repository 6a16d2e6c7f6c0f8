"""What a build takes beside a bare `mkdocs build` of the same pages, as a ratio to it; and peak memory.

    python benchmarks/build_floor.py                          the example organisation, made on the spot
    python benchmarks/build_floor.py CHECKOUT                 a clone, made on the spot, without configuration
    python benchmarks/build_floor.py DIR/deploybook.yml       a site repository, in its own place

Three builds, each in a process of its own: the first starts from an empty store; the second finds nothing
new; the third is an hour later, and finds a few new pull requests in each repository (in a site repository,
which is not ours to write to, it finds nothing). After the first and the third MkDocs' own command builds the
same pages into another folder: what a build takes beyond that is the rest. A build that renders only pages
that have changed may take less than MkDocs alone. All of it runs three times, and the shortest of each is
told, which other work on the machine disturbed least. Times are of the clock, and beside them what the
processors had to do.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

GOAL = 0.5
_NEWS = 3
_ROUNDS = 3


@dataclass(frozen=True)
class Took:
    """Seconds of the clock and of the processors, and the peak of memory in MB."""

    clock: float
    processors: float
    peak: float = 0.0


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(config_path: str, as_of: str) -> Took:
    """One build in this process, from its first import on."""
    started = time.perf_counter() - time.process_time()  # as good as when the interpreter started
    from deploybook.build.builder import Builder

    path = Path(config_path)
    with closing(Builder()) as builder:  # in the order of the command
        from deploybook.config import detect, load

        config = load(path) if path.is_file() else detect(path)
        from deploybook.build.ahead import begun

        with begun(config) as tools:
            from deploybook.build import compose
            from deploybook.build.progress import Progress

            quiet, now = Progress(quiet=True, verbose=False), datetime.fromisoformat(as_of)
            compose.build(config, now, progress=quiet, builder=builder, tools=tools)
    whole, cpu = time.perf_counter() - started, time.process_time() + _children()
    return Took(whole, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def bare(root: Path) -> Took:
    """MkDocs' own command, for the pages of the last build."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file"]
        started, before = time.perf_counter(), _children()
        subprocess.run(
            [*command, str(root / "build" / "mkdocs.yml"), "--site-dir", scratch],
            check=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        )  # fmt: skip
        return Took(time.perf_counter() - started, _children() - before)


def least(rounds: Iterable[Took]) -> Took:
    """The least of each, and the most memory."""
    clock, processors, peak = zip(*((each.clock, each.processors, each.peak) for each in rounds), strict=True)
    return Took(min(clock), min(processors), max(peak))


def report(name: str, found: Took, floor: Took) -> None:
    """Print one line: the ratio of what a build takes beside MkDocs to what MkDocs takes for these pages."""
    clock, processors = found.clock - floor.clock, found.processors - floor.processors
    print(
        f"{name:24} whole {found.clock:5.1f} s (cpu {found.processors:5.1f})   "
        f"bare mkdocs {floor.clock:5.1f} s (cpu {floor.processors:5.1f})   "
        f"beside it, ratio {clock / floor.clock:5.2f} "
        f"(cpu {processors / floor.processors:5.2f}, goal {GOAL})   "
        f"peak {found.peak:.0f} MB",
        flush=True,
    )


def in_own_process(config: str, as_of: datetime) -> Took:
    """The same, started anew, so that memory and imports are its own."""
    command = [sys.executable, __file__, "--measure", config, as_of.isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Took(**json.loads(done.stdout.splitlines()[-1]))


def add_news(config_path: str) -> None:
    """Let a few pull requests arrive on the release branch of each repository."""
    from deploybook.config import detect, load
    from deploybook.sources.local import repositories

    path = Path(config_path)
    config = load(path) if path.is_file() else detect(path)
    who = ["-c", "user.name=Bench", "-c", "user.email=bench@example.test"]
    for name, repository in repositories(config, config.build_dir).items():
        ref = repository.release_ref(config.codebases[name].release_branch)
        for number in range(_NEWS if ref else 0):
            says = f"Improve what nobody sees (#{900_000 + number})"
            git = ["git", "-C", str(repository.folder), *who]
            commit = [*git, "commit-tree", f"{ref}^{{tree}}", "-p", str(ref), "-m", says]
            new = subprocess.run(commit, capture_output=True, text=True, check=True).stdout.strip()
            subprocess.run([*git, "update-ref", str(ref), new], check=True)


def main() -> None:
    """Measure what the command line names."""
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(asdict(measure(sys.argv[2], sys.argv[3]))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        as_of, root, ours = datetime.now(UTC), Path(scratch, "measured"), True
        if not sys.argv[1:]:
            from deploybook.example import EXAMPLE_AS_OF, make_example

            config, as_of = str(make_example(root)), EXAMPLE_AS_OF
        elif Path(sys.argv[1]).is_dir():
            subprocess.run(["git", "clone", "--quiet", sys.argv[1], str(root)], check=True)
            config = str(root)
        else:
            config, root, ours = sys.argv[1], Path(sys.argv[1]).parent, False
        found: dict[str, list[tuple[Took, Took]]] = {}
        for _ in range(_ROUNDS):
            for name in ("build", "site") if ours else ("build",):
                shutil.rmtree(root / name, ignore_errors=True)
            first, floor = in_own_process(config, as_of), bare(root)
            found.setdefault("first build", []).append((first, floor))
            found.setdefault("again, nothing new", []).append((in_own_process(config, as_of), floor))
            if ours:
                add_news(config)
            later = in_own_process(config, as_of + timedelta(hours=1))
            found.setdefault("an hour later" + ", some news" * ours, []).append((later, bare(root)))
        for name, rounds in found.items():
            report(name, *(least(times) for times in zip(*rounds, strict=True)))


if __name__ == "__main__":
    main()

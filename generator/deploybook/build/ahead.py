"""Compiles templates in a process beside a first build, which needs them only after a second or more."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploybook.render import environment


@contextmanager
def templates(cache: Path) -> Iterator[Path]:
    """Where compiled templates are kept; where nothing is kept yet, all are compiled meanwhile.

    A template that is asked for before its turn is compiled by who asks.
    """
    if cache.is_dir():
        yield cache
        return
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(cache)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    try:
        yield cache
    finally:
        process.terminate()
        process.wait()


def compile_all(cache: Path) -> None:
    """Compile every page's template."""
    jinja = environment(cache)
    for name in jinja.list_templates(extensions=["jinja"]):
        jinja.get_template(name)


if __name__ == "__main__":
    compile_all(Path(sys.argv[1]))

"""Write the files of SQL that is compiled ahead. To be run after a change to `metrics`, `history` or records.

Usage: python -m scripts.ready
"""

from __future__ import annotations

import msgspec

from deploybook.history import merging
from deploybook.history import ready as history
from deploybook.metrics import expressions
from deploybook.metrics import ready as metrics
from deploybook.prepared import Prepared

MADE = {history.FILE: merging.compiled, metrics.FILE: expressions.compiled}


def text(made: Prepared) -> bytes:
    """The file's text: a line a statement."""
    return msgspec.json.format(msgspec.json.encode(made, order="sorted"), indent=1) + b"\n"


if __name__ == "__main__":
    for file, compiled in MADE.items():
        file.write_bytes(text(compiled()))

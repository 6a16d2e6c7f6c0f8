"""What is not loaded because nothing here asks for it."""

from __future__ import annotations

import sys

import pyarrow as pa


class _NoPandas:
    """Says that pandas is not there."""

    def find_spec(self, name: str, *_where: object) -> None:
        """As importers are asked."""
        if name == "pandas":
            raise ModuleNotFoundError(name, name=name)


def without_pandas() -> None:
    """Let Arrow look for pandas now, and not find it: that takes a quarter of a second where it does.

    It looks at the first array made of Python's values, to see whether they are pandas's; ours never are. Who
    asks for pandas later, Arrow too, is given it.
    """
    if "pandas" in sys.modules:
        return
    nothing = _NoPandas()
    sys.meta_path.insert(0, nothing)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(nothing)

"""What is not loaded because nothing here asks for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Absent:
    """Says of some modules that they are not there."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def find_spec(self, name: str, *_where: object) -> None:
        """As importers are asked."""
        if name in self._names:
            raise ModuleNotFoundError(name, name=name)


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """Let what is imported meanwhile do without these modules.

    It has to be able to: it only looks whether they are there. Who asks for them later is given them. One
    that is loaded already is there.
    """
    nothing = _Absent(names)
    sys.meta_path.insert(0, nothing)
    try:
        yield
    finally:
        sys.meta_path.remove(nothing)


def without_pandas() -> None:
    """Let Arrow look for pandas now, and not find it: that takes a quarter of a second where it does.

    It looks at the first array made of Python's values, to see whether they are pandas's; ours never are. Who
    asks for pandas later, Arrow too, is given it.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa  # noqa: PLC0415 — not for who only asks for `absent`

    with absent("pandas"):
        pa.array([0])

"""Counting on an engine that Ibis has a name for, by its address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import ibis
import pyarrow as pa

from deploybook.errors import DeploybookError, EngineError
from deploybook.history import History
from deploybook.metrics import INPUTS, Runs
from deploybook.metrics.elsewhere import IbisEngine


@contextmanager
def counting(url: str, history: History, linked: Mapping[str, pa.Table], names: list[str]) -> Iterator[Runs]:
    """An engine at an address, with the linked rows and the tables of the history brought there.

    Args:
        url: As Ibis reads it: `trino://user@host/catalog/schema`.
        history: Whose tables.
        linked: Rows in memory.
        names: Tables of the history.

    Raises:
        EngineError: There is no such engine, what talks to it is not installed, or an expression fails there.
        StoreError: The history cannot be read.
    """
    scheme = url.partition("://")[0]
    stored = {name: history.table(name).select(*INPUTS[name]).to_pyarrow() for name in names}
    try:
        with closing(IbisEngine({**linked, **stored}, ibis.connect(url))) as engine:
            yield engine
    except DeploybookError:
        raise
    except Exception as error:  # each engine has errors of its own, and the address may hold a password
        raise EngineError(
            f"the engine cannot count: {type(error).__name__}",
            where=f"{scheme}://…",
            next_step=f"see that Ibis opens it (pip install 'ibis-framework[{scheme}]') and may make "
            "tables there, or leave `engine:` out",
        ) from error

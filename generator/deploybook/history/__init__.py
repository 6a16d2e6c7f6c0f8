"""The history: what all sources said, kept in one store and merged.

`History` is the door: `sync` saves what a feed yields; `table` and `read` give it back, merged.
"""

from __future__ import annotations

from deploybook import lean
from deploybook.history.store import History, SourceState, SyncReport

lean.without_pandas()

__all__ = ["History", "SourceState", "SyncReport"]
